//! A process of Lictor: started, followed as it writes its log, and killed at the latest when dropped.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::programs::run;

/// How long a process may take to be ready, or to end: a busy machine, and a recovery after a kill.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running process.
pub struct Process {
    /// As the system knows it.
    pub child: Child,
    /// What it writes to standard error, line by line.
    lines: Mutex<Receiver<String>>,
    /// All of that, once it has ended.
    log: Option<JoinHandle<String>>,
}

impl Process {
    /// Starts what the command says, and follows its standard error.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn start(command: &mut Command) -> Result<Self> {
        let child = command.stderr(Stdio::piped()).spawn();
        let child = child.with_context(|| command.get_program().display().to_string())?;
        let (sender, lines) = channel();
        // From here on, an early return kills the child.
        let mut process = Self {
            child,
            lines: Mutex::new(lines),
            log: None,
        };
        let stderr = process.child.stderr.take().context("no standard error")?;
        process.log = Some(std::thread::spawn(move || follow(stderr, &sender)));
        Ok(process)
    }

    /// The same with the log in a file, which nobody follows.
    ///
    /// # Errors
    /// The program cannot be started.
    pub(crate) fn start_with_log(command: &mut Command, log: File) -> Result<Self> {
        let child = command.stderr(log).spawn();
        Ok(Self {
            child: child.with_context(|| command.get_program().display().to_string())?,
            lines: Mutex::new(channel().1),
            log: None,
        })
    }

    /// Waits for a line of its log that begins with `word`, and returns what follows.
    ///
    /// # Errors
    /// The process ended, or has not said it within a minute; with all that it said instead.
    pub fn wait_for(&self, word: &str) -> Result<String> {
        let mut said = Vec::new();
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        while let Ok(line) = lines.recv_timeout(PATIENCE) {
            if let Some(rest) = line.strip_prefix(word) {
                return Ok(rest.to_owned());
            }
            said.push(line);
        }
        bail!(
            "no line begins with {word:?}; it said:\n{}",
            said.join("\n")
        )
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, such as `TERM`.
    ///
    /// # Errors
    /// The process is gone.
    pub fn signal(&self, name: &str) -> Result<()> {
        // The shell has a `kill` of its own, which not every machine has as a program.
        let mut shell = Command::new("sh");
        shell.args(["-c", "kill -s \"$0\" \"$1\"", name]);
        run(shell.arg(self.id().to_string()))
    }

    /// Asks it to stop, as a service manager does, and waits until it has. Returns its log, and how it
    /// ended.
    ///
    /// # Errors
    /// It ended before, or has not ended within a minute.
    pub fn stop(mut self) -> Result<(String, ExitStatus)> {
        self.signal("TERM")?;
        let status = self.ended()?;
        Ok((self.log(), status))
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// It still runs after a minute.
    pub fn wait(mut self) -> Result<ExitStatus> {
        self.ended()
    }

    fn ended(&mut self) -> Result<ExitStatus> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        bail!("the process still runs after {} s", PATIENCE.as_secs())
    }

    /// SIGKILL, as a power cut is for a process.
    ///
    /// # Errors
    /// It ended by itself before.
    pub fn kill(mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the process ended by itself: {status}");
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// All that it wrote to standard error, once; waits for its end.
    pub(crate) fn log(&mut self) -> String {
        let log = self.log.take().map(JoinHandle::join);
        log.and_then(Result::ok).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it ended long ago.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Reads to the end whatever the process says, so that it never waits for a reader.
fn follow(stderr: ChildStderr, sender: &Sender<String>) -> String {
    let mut log = String::new();
    for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        log.push_str(&line);
        log.push('\n');
        // Nobody listens any more once the process is ready, or dropped.
        sender.send(line).ok();
    }
    log
}

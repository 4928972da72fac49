//! A process of Lictor: started, followed as it writes its log, and killed at the latest when dropped.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
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
    log: Arc<Log>,
    /// Reads the log.
    follower: Option<JoinHandle<()>>,
}

/// What a process writes to standard error, as it writes it.
#[derive(Default)]
struct Log {
    said: Mutex<LogText>,
    more: Condvar,
}

#[derive(Default)]
struct LogText {
    /// Whole lines.
    text: String,
    /// How many bytes of it were waited for.
    read: usize,
    /// Nothing follows.
    ended: bool,
}

impl Process {
    /// Starts what the command says, and follows its standard error.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn start(command: &mut Command) -> Result<Self> {
        let child = command.stderr(Stdio::piped()).spawn();
        let child = child.with_context(|| command.get_program().display().to_string())?;
        // From here on, an early return kills the child.
        let mut process = Self {
            child,
            log: Arc::default(),
            follower: None,
        };
        let stderr = process.child.stderr.take().context("no standard error")?;
        let log = Arc::clone(&process.log);
        process.follower = Some(std::thread::spawn(move || log.follow(stderr)));
        Ok(process)
    }

    /// The same with the log in a file, which nobody follows.
    ///
    /// # Errors
    /// The program cannot be started.
    pub(crate) fn start_with_log(command: &mut Command, log: File) -> Result<Self> {
        let child = command.stderr(log).spawn();
        let child = child.with_context(|| command.get_program().display().to_string())?;
        let log = Arc::<Log>::default();
        log.said().ended = true;
        Ok(Self {
            child,
            log,
            follower: None,
        })
    }

    /// Waits for a line of its log that begins with `word`, and returns what follows.
    ///
    /// # Errors
    /// The process ended, or has not said it within a minute; with all that it said instead.
    pub fn wait_for(&self, word: &str) -> Result<String> {
        let mut said = self.log.said();
        let begin = said.read;
        loop {
            let LogText { text, read, ended } = &mut *said;
            while let Some((line, _)) = text[*read..].split_once('\n') {
                *read += line.len() + 1;
                if let Some(rest) = line.strip_prefix(word) {
                    return Ok(rest.to_owned());
                }
            }
            if *ended {
                break;
            }
            let silent = |said: &mut LogText| !said.ended && said.read == said.text.len();
            let waited = self.log.more.wait_timeout_while(said, PATIENCE, silent);
            let (guard, waited) = waited.unwrap_or_else(PoisonError::into_inner);
            said = guard;
            if waited.timed_out() {
                break;
            }
        }
        bail!(
            "no line begins with {word:?}; it said:\n{}",
            &said.text[begin..]
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
        if let Some(follower) = self.follower.take() {
            // It does not panic.
            follower.join().ok();
        }
        let mut said = self.log.said();
        said.read = 0;
        std::mem::take(&mut said.text)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it ended long ago.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Log {
    fn said(&self) -> MutexGuard<'_, LogText> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads to the end whatever the process says, so that it never waits for a reader.
    fn follow(&self, stderr: ChildStderr) {
        for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
            let mut said = self.said();
            said.text.push_str(&String::from_utf8_lossy(&line));
            said.text.push('\n');
            self.more.notify_all();
        }
        self.said().ended = true;
        self.more.notify_all();
    }
}

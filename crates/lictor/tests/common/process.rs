//! The built binary as a process of its own: how it is started, waited for and ended, and its log.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a server may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// The built binary, without any settings from the environment of the tests.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lictor"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LICTOR_") {
            command.env_remove(name);
        }
    }
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// `lictor serve` on this data and a free port, unless told otherwise; not started yet.
pub(crate) fn serve(data: &Path) -> Command {
    let mut command = command();
    command.env("LICTOR_LISTEN", "127.0.0.1:0");
    command.args(["serve", "--data"]).arg(data);
    command
}

/// A running process. What it writes to standard error is kept, and told if the test fails.
pub(crate) struct Running {
    pub(crate) child: Child,
    lines: Receiver<String>,
    log: Option<JoinHandle<String>>,
}

impl Running {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("lictor starts");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let (sender, lines) = channel();
        // Read to the end whatever it says, or it would wait for a reader.
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            for line in stderr.split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                log.push_str(&line);
                log.push('\n');
                // Nobody listens once the process is dropped.
                let _ = sender.send(line);
            }
            log
        });
        Self {
            child,
            lines,
            log: Some(log),
        }
    }

    /// Waits for a line on standard error that begins with `word`, and returns what follows.
    pub(crate) fn wait_for(&self, word: &str) -> String {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            if let Some(rest) = line.strip_prefix(word) {
                return rest.to_owned();
            }
        }
        panic!("no line begins with {word:?}");
    }

    /// Waits until it serves, and returns the URL where it does.
    pub(crate) fn listening(&self) -> String {
        self.wait_for("listening on ")
    }

    /// All that it said on standard error, once; waits for its end.
    pub(crate) fn log(&mut self) -> String {
        let log = self.log.take().map(JoinHandle::join);
        log.and_then(Result::ok).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- what lictor said:\n{}---", self.log());
        }
    }
}

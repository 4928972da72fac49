//! A process of one test. A failure ends the test and prints the log.

#![expect(
    clippy::expect_used,
    reason = "what a test cannot go on without ends it"
)]

use std::io::{BufReader, Read as _};
use std::ops::{Deref, DerefMut};
use std::process::{ChildStdout, Command, ExitStatus, Stdio};

use crate::process::Process;

/// A running process, whose standard output waits to be read.
pub struct Running(Process);

impl Running {
    /// Starts it.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn start(command: &mut Command) -> Self {
        let process = Process::start(command.stdout(Stdio::piped()));
        Self(process.expect("lictor starts"))
    }

    /// Waits for a line on standard error that begins with `word`, and returns what follows.
    ///
    /// # Panics
    /// As [`Process::wait_for`] fails.
    #[track_caller]
    pub fn wait_for(&self, word: &str) -> String {
        let found = self.0.wait_for(word);
        found.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Waits until it serves, and returns the URL where it does.
    ///
    /// # Panics
    /// As [`Self::wait_for`].
    #[track_caller]
    pub fn listening(&self) -> String {
        self.wait_for("listening on ")
    }

    /// All that it wrote to standard error, once; waits for its end.
    pub fn log(&mut self) -> String {
        self.0.log()
    }

    /// Its standard output, to read from.
    ///
    /// # Panics
    /// It was taken before.
    pub fn stdout(&mut self) -> BufReader<ChildStdout> {
        BufReader::new(self.child.stdout.take().expect("taken once"))
    }

    /// All that it prints on standard output until its end.
    ///
    /// # Panics
    /// It is no text.
    pub fn printed(&mut self) -> String {
        let mut printed = String::new();
        self.stdout().read_to_string(&mut printed).expect("text");
        printed
    }

    /// Sends it a signal, such as `INT`.
    ///
    /// # Panics
    /// It is gone.
    pub fn signal(&self, name: &str) {
        self.0.signal(name).expect("it is there");
    }

    /// Waits for its end; how it ended, and all that it wrote to standard error.
    ///
    /// # Panics
    /// The system does not tell.
    pub fn end(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("ends");
        (status, self.log())
    }
}

impl Deref for Running {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.0
    }
}

impl DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.0
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

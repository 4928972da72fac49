//! Commands run as a user runs them: to their end, or until they are told to end.

use std::io::{BufReader, Read as _};
use std::process::{ChildStdout, Command, ExitStatus, Output};

use crate::process::{Running, command};

/// Runs a command to its end.
pub(crate) fn lictor(args: &[&str]) -> Output {
    command().args(args).output().expect("lictor runs")
}

/// What a command printed as its result, without the line end. It must have succeeded.
pub(crate) fn result(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {error}", output.status);
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    text.trim_end_matches('\n').to_owned()
}

/// What a command said when it ended with `code`.
pub(crate) fn refusal(output: &Output, code: i32) -> String {
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let result = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(code), "{error}{result}");
    error
}

impl Running {
    /// Its standard output, to read from.
    pub(crate) fn stdout(&mut self) -> BufReader<ChildStdout> {
        BufReader::new(self.child.stdout.take().expect("taken once"))
    }

    /// All that it prints on standard output until its end.
    pub(crate) fn printed(&mut self) -> String {
        let mut printed = String::new();
        self.stdout().read_to_string(&mut printed).expect("text");
        printed
    }

    /// Sends it a signal, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name])
            .arg(self.child.id().to_string())
            .status()
            .expect("a shell runs");
        assert!(sent.success());
    }

    /// Waits for its end; how it ended, and all that it said on standard error.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("ends");
        (status, self.log())
    }
}

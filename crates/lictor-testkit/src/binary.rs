//! The binary under test, as cargo built it beside the tests, and its commands run to their end.

#![expect(
    clippy::expect_used,
    reason = "what a test cannot go on without ends it"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The path of the binary, from cargo or else beside the folder of the tests.
///
/// # Panics
/// Nobody knows where this test is.
pub fn binary() -> PathBuf {
    if let Some(told) = std::env::var_os("CARGO_BIN_EXE_lictor") {
        return told.into();
    }
    let own = std::env::current_exe().expect("this test is a file");
    let profile = own.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    profile.join("lictor")
}

/// The built binary, without any settings from the environment of the tests.
pub fn command() -> Command {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LICTOR_") {
            command.env_remove(name);
        }
    }
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// `lictor serve` on this data and a free port, unless told otherwise; not started yet.
pub fn serve(data: &Path) -> Command {
    let mut command = command();
    command.env("LICTOR_LISTEN", "127.0.0.1:0");
    command.args(["serve", "--data"]).arg(data);
    command
}

/// Runs a command to its end.
///
/// # Panics
/// It cannot be started.
pub fn lictor(args: &[&str]) -> Output {
    command().args(args).output().expect("lictor runs")
}

/// What a command printed as its result, without the line end.
///
/// # Panics
/// It did not succeed.
#[track_caller]
pub fn result(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {error}", output.status);
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    text.trim_end_matches('\n').to_owned()
}

/// What a command said when it ended with `code`.
///
/// # Panics
/// It ended with another one.
#[track_caller]
pub fn refusal(output: &Output, code: i32) -> String {
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let result = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(code), "{error}{result}");
    error
}

//! How a command ends: the one error type of the binary, with its exit code.

use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

use lictor_authority::StartError;
use lictor_core::Error;
use lictor_core::secret::masked;
use lictor_store::OpenError;

use crate::commands::serve::Unprinted;
use crate::output;

/// Why a command did not do what it was asked. The text says what to do.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Refused, not valid or not found.
    Refused(String),
    /// The command line, the configuration or a file of it.
    Usage(String),
    /// The server does not answer.
    Unreachable(String),
    /// The server was asked, and no whole answer came: nobody knows what it did.
    Unanswered(String),
    /// The server wants another token.
    Unauthorized(String),
}

/// The result of a command.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Refused(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) | Self::Unanswered(_) => 3,
            Self::Unauthorized(_) => 4,
        }
    }

    /// The same, with more to say.
    pub(crate) fn and(mut self, more: &str) -> Self {
        match &mut self {
            Self::Refused(text)
            | Self::Usage(text)
            | Self::Unreachable(text)
            | Self::Unanswered(text)
            | Self::Unauthorized(text) => text.push_str(more),
        }
        self
    }

    /// The same as a fault of the configuration.
    pub(crate) fn into_usage(self) -> Self {
        match self {
            Self::Refused(text) | Self::Usage(text) => Self::Usage(text),
            other => other,
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Refused(text)
            | Self::Usage(text)
            | Self::Unreachable(text)
            | Self::Unanswered(text)
            | Self::Unauthorized(text) => text,
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let text = error.to_string();
        match error {
            OpenError::InUse { .. }
            | OpenError::File { .. }
            | OpenError::Link(_)
            | OpenError::Unreadable { .. }
            | OpenError::Exists(_)
            | OpenError::HalfRestored { .. }
            | OpenError::NotNew { .. }
            | OpenError::NotEmpty { .. }
            | OpenError::Foreign(_)
            | OpenError::NothingAside
            | OpenError::NewerSchema { .. } => Self::Usage(text),
            OpenError::Missing(_)
            | OpenError::Corrupt(_)
            | OpenError::Differs { .. }
            | OpenError::Stopped
            | OpenError::UnreadableAside { .. }
            | OpenError::Database { .. }
            | OpenError::Migration { .. } => Self::Refused(text),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let text = error.to_string();
        match error {
            StartError::Announce(cause)
                if cause
                    .get_ref()
                    .is_some_and(<dyn std::error::Error + Send + Sync>::is::<Unprinted>) =>
            {
                Self::Refused(text)
            }
            StartError::OtherPolicy { .. }
            | StartError::KeyRevoked(_)
            | StartError::UnfitSecret
            | StartError::DeadSecret
            | StartError::Announce(_) => Self::Usage(text),
            StartError::Store(cause) => {
                tracing::debug!(error = with_causes(&cause), "the start failed");
                Self::Refused(of_store(&cause))
            }
        }
    }
}

/// Why a start ends at what is stored.
fn of_store(error: &Error) -> String {
    match error {
        Error::StorageFull => "the disk is full; make room on it, and start again".to_owned(),
        Error::ReadOnly(_) => error.to_string(),
        _ => "the database could not be read; look at the disk, run `lictor check --data DIR`, \
              and restore a backup if it is damaged"
            .to_owned(),
    }
}

/// An error with everything that caused it, in one line: for the log.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}

/// A secret or an id that could not be drawn.
pub(crate) fn no_randomness(error: Error) -> Failure {
    tracing::debug!(error = with_causes(&error), "no randomness");
    let text = "the operating system provides no randomness; look at its log, and try again";
    Failure::Refused(text.to_owned())
}

/// Says on standard error what went wrong, in JSON where that is asked for, and returns the exit code.
pub(crate) fn code(outcome: Outcome, as_json: bool) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let (text, code) = (failure.text(), failure.code());
            output::note(&match as_json {
                true => in_json(text, code),
                false => format!("error: {text}"),
            });
            ExitCode::from(code)
        }
    }
}

/// In ASCII, of which nothing is escaped in the way of terminals, which is no JSON.
fn in_json(text: &str, code: u8) -> String {
    let json = serde_json::json!({ "error": masked(text), "exit_code": code });
    output::ascii_json(&json.to_string())
}

/// Prints what the parser has to say: the help that was asked for, or what is wrong.
pub(crate) fn of_parser(error: &clap::Error, as_json: bool) -> ExitCode {
    let said = error.render().to_string();
    if as_json && error.use_stderr() {
        let text = said.trim().strip_prefix("error: ").unwrap_or(said.trim());
        return code(Err(Failure::Usage(text.to_owned())), true);
    }
    let shown = output::lines(&masked(&said));
    let printed = match shown == said {
        // As it is, it has the terminal's colors.
        true => error.print(),
        false => write!(std::io::stderr(), "{shown}"),
    };
    match printed {
        // The help is what was asked for.
        Err(failed) if !error.use_stderr() && failed.kind() != ErrorKind::BrokenPipe => {
            code(Err(output::unwritten(&failed)), as_json)
        }
        _ => ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_fails_by_itself_blames_no_configuration() {
        let aside = OpenError::UnreadableAside {
            source: "half a value".into(),
        };
        assert_eq!(Failure::from(aside).code(), 1);
        assert_eq!(Failure::from(OpenError::NothingAside).code(), 2);
    }
}

//! What is logged: all that is Lictor's own from the level that was asked for, and of the libraries
//! errors alone, unless they are asked for by name.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::exit::{Failure, Outcome};

/// What the targets of everything that is Lictor's own begin with.
const OWN: &str = "lictor";

/// The filter that `--log` asks for.
///
/// # Errors
/// [`Failure::Usage`] if it cannot be read.
pub(super) fn of(wanted: &str) -> Outcome<EnvFilter> {
    EnvFilter::try_new(directives(wanted)).map_err(|_| {
        Failure::Usage(format!(
            "--log {wanted:?} is not a filter: write error, warn, info, debug, trace or off, or \
             such a level for a part, as in info,lictor_server::http=debug"
        ))
    })
}

/// A level that stands alone is meant for what is Lictor's own.
fn directives(wanted: &str) -> String {
    let mut libraries = LevelFilter::ERROR;
    let mut directives = Vec::new();
    for directive in wanted.split(',').map(str::trim) {
        match directive.parse::<LevelFilter>() {
            _ if directive.is_empty() => {}
            Ok(level) => {
                libraries = libraries.min(level);
                directives.push(format!("{OWN}={level}"));
            }
            Err(_) => directives.push(directive.to_owned()),
        }
    }
    directives.insert(0, libraries.to_string());
    directives.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_log_errors_alone_unless_they_are_named() {
        for (wanted, directives_of_it) in [
            ("info", "error,lictor=info"),
            ("trace", "error,lictor=trace"),
            ("debug,h2=debug", "error,lictor=debug,h2=debug"),
            (
                " WARN , lictor_server::http=debug,",
                "error,lictor=warn,lictor_server::http=debug",
            ),
            ("h2", "error,h2"),
            ("off", "off,lictor=off"),
            ("", "error"),
        ] {
            assert_eq!(directives(wanted), directives_of_it, "{wanted}");
            assert!(of(wanted).is_ok(), "{wanted}");
        }
        assert!(of("lictor=loud").is_err());
    }
}

//! `lictor serve`: the server, until it is told to stop.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, absolute};

use lictor_core::secret::masked;
use lictor_server::authority::start::check_secret;
use lictor_store::sqlite::DATABASE_FILE;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::config::{Given, LogFormat, ServeOptions};
use crate::exit::{Failure, Outcome};
use crate::token_file::TokenFile;
use crate::{files, output, server};

/// The environment variable with the operator token that must be valid.
const ADMIN_TOKEN: &str = "LICTOR_ADMIN_TOKEN";

/// The file of a node's folder that says which node it is.
const NODE_FILE: &str = "node.json";

/// Serves until SIGTERM or Ctrl-C.
pub(crate) async fn run(given: &Given<ServeOptions>, json: bool) -> Outcome {
    let mut options = given.with_file()?;
    options.admin_token_file = options
        .admin_token_file
        .filter(|file| !files::is_standard(file));
    log_to_stderr(options.log.as_deref(), options.log_format)?;
    allow_many_files();
    let shutdown = shutdown_signals(&[SignalKind::interrupt(), SignalKind::terminate()])?;
    let secret = admin_token()?;
    refuse_folder_of_node(&options)?;
    if secret.is_none() {
        try_token_file(&options)?;
    }
    let token_file = token_file(&options);
    let announce = |token: &str| announce(token_file.as_ref(), token, json);
    let prepared = server::prepare(options, None, secret, announce).await?;
    if let Some(file) = token_file {
        file.forget();
        if !file.path().exists() {
            output::note(&format!(
                "there is an operator token already, so none was written to {}; if it is lost, \
                 start with a new one in {ADMIN_TOKEN}",
                file.path().display()
            ));
        }
    }
    if let Some(url) = &prepared.public_url {
        output::note(&format!("clients reach it at {url}"));
    }
    output::note(&format!("listening on {}", prepared.url));
    prepared.serve(shutdown).await?;
    tracing::info!("stopped");
    Ok(())
}

/// The operator token of the environment, without blanks and line ends around it. A client has to be
/// able to send it in a header.
fn admin_token() -> Outcome<Option<String>> {
    let Some(value) = std::env::var_os(ADMIN_TOKEN).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let wrong = |why: &str| Failure::Usage(format!("{ADMIN_TOKEN} {why}"));
    let secret = value
        .into_string()
        .map_err(|_| wrong("is not text; use visible ASCII characters alone"))?;
    let secret = secret.trim();
    check_secret(secret)?;
    Ok(Some(secret.to_owned()))
}

/// `LICTOR_DATA` names the folder of either process. A folder with a database was a server's before.
fn refuse_folder_of_node(options: &ServeOptions) -> Outcome {
    match &options.data {
        Some(data) if data.join(NODE_FILE).exists() && !data.join(DATABASE_FILE).exists() => {
            Err(Failure::Usage(format!(
                "{} is a node's folder; give the server one of its own",
                data.display()
            )))
        }
        Some(_) | None => Ok(()),
    }
}

/// Before a first start, which is to write a token: once there is a database, it is too late to
/// refuse.
fn try_token_file(options: &ServeOptions) -> Outcome {
    let (Some(data), Some(file)) = (&options.data, &options.admin_token_file) else {
        return Ok(());
    };
    let within = |file: &Path| match (absolute(file), absolute(data)) {
        (Ok(file), Ok(data)) => file.starts_with(data),
        (Err(_), _) | (_, Err(_)) => false,
    };
    // A folder that is still to be made can be written to, and one with a database was started
    // before.
    if data.join(DATABASE_FILE).exists() || (!data.exists() && within(file)) {
        return Ok(());
    }
    TokenFile::new(file, data)
        .check()
        .map_err(|error| Failure::Usage(format!("--admin-token-file {}: {error}", file.display())))
}

/// The file that a first token goes to, if it is to be one.
fn token_file(options: &ServeOptions) -> Option<TokenFile> {
    let (file, data) = (options.admin_token_file.as_ref()?, options.data.as_ref()?);
    Some(TokenFile::new(file, data))
}

/// Lets the process have as many files open as it may: each connection is one, and the usual limit
/// is meant for programs that could not handle more.
pub(super) fn allow_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let maximum = getrlimit(Resource::Nofile).maximum;
    let most = Rlimit {
        current: maximum,
        maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, most) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

/// Ready at the first of these signals. They are caught from now on.
pub(crate) fn shutdown_signals(kinds: &[SignalKind]) -> Outcome<impl Future<Output = ()> + use<>> {
    let caught: std::io::Result<Vec<Signal>> = kinds.iter().map(|kind| signal(*kind)).collect();
    let mut signals =
        caught.map_err(|error| Failure::Usage(format!("cannot wait for signals: {error}")))?;
    Ok(std::future::poll_fn(move |context| {
        if signals
            .iter_mut()
            .any(|signal| signal.poll_recv(context).is_ready())
        {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    }))
}

fn announce(file: Option<&TokenFile>, token: &str, json: bool) -> std::io::Result<()> {
    if let Some(file) = file {
        return file.write(token);
    }
    output::note("This operator token is shown once; keep it, and set LICTOR_TOKEN to it:");
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{{\"operator_token\": \"{token}\"}}")?;
    } else {
        writeln!(out, "{token}")?;
    }
    out.flush()
}

/// Begins to log, an event a line.
pub(super) fn log_to_stderr(filter: Option<&str>, form: Option<LogFormat>) -> Outcome {
    let wanted = filter.unwrap_or("info");
    // Migrations are ours to speak of; what stands later in a filter goes before.
    let filter = EnvFilter::try_new(format!("refinery_core=warn,{wanted}"))
        .map_err(|error| Failure::Usage(format!("--log {wanted}: {error}")))?;
    let colors = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let form = match form.unwrap_or_default() {
        LogFormat::Text if colors => Line::Colored,
        LogFormat::Text => Line::Plain,
        LogFormat::Json => Line::Json,
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || OneLine(form, std::io::stderr()));
    let set = match form {
        Line::Json => log.json().try_init(),
        Line::Colored | Line::Plain => log.with_ansi(colors).try_init(),
    };
    set.map_err(|error| Failure::Usage(format!("cannot log: {error}")))
}

/// What the lines of a log are.
#[derive(Debug, Clone, Copy)]
enum Line {
    /// Text.
    Plain,
    /// Text with colors, the only escape sequences in it: those in values come escaped.
    Colored,
    /// JSON.
    Json,
}

/// Writes each event, which comes as a whole, as one line, without secrets and without what could
/// change how a terminal shows it.
struct OneLine<W>(Line, W);

impl<W: std::io::Write> std::io::Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        let event_text = String::from_utf8_lossy(event);
        let shown = masked(&event_text);
        let text = shown.strip_suffix('\n').unwrap_or(&shown);
        let text = text.replace(['\n', '\r'], " ");
        let mut line = match self.0 {
            Line::Plain => output::printable(&text),
            Line::Colored => {
                let parts: Vec<_> = text.split('\u{1b}').map(output::printable).collect();
                parts.join("\u{1b}")
            }
            Line::Json => output::inert_json(&text),
        };
        line.push('\n');
        self.1.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.1.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_it_says() {
        let mut log = OneLine(Line::Plain, Vec::new());
        log.write_all(b"INFO two\nlines\r\n").expect("writes");
        assert_eq!(log.1, b"INFO two lines \n");
        log.1.clear();
        let event = b"INFO no answer from https://me:word@example.com/\n";
        assert_eq!(log.write(event).expect("writes"), event.len());
        assert_eq!(log.1, b"INFO no answer from https://***@example.com/\n");
    }

    #[test]
    fn an_event_changes_nothing_about_how_a_terminal_shows_it() {
        let event = "\u{1b}[32mINFO\u{1b}[0m of \"a\u{202e}b\u{9b}c\u{200f}\"\n";
        for (form, shown) in [
            (
                Line::Plain,
                "\\u{1b}[32mINFO\\u{1b}[0m of \"a\\u{202e}b\\u{9b}c\\u{200f}\"\n",
            ),
            (
                Line::Colored,
                "\u{1b}[32mINFO\u{1b}[0m of \"a\\u{202e}b\\u{9b}c\\u{200f}\"\n",
            ),
            (
                Line::Json,
                "\\u001b[32mINFO\\u001b[0m of \"a\\u202eb\\u009bc\\u200f\"\n",
            ),
        ] {
            let mut log = OneLine(form, Vec::new());
            log.write_all(event.as_bytes()).expect("writes");
            assert_eq!(String::from_utf8_lossy(&log.1), shown);
        }
    }
}

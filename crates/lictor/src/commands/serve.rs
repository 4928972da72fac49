//! `lictor serve`: the server, until it is told to stop.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, ServeOptions};
use crate::exit::{Failure, Outcome};
use crate::{files, output, server};

/// The environment variable with the operator token that must be valid.
const ADMIN_TOKEN: &str = "LICTOR_ADMIN_TOKEN";

/// Serves until SIGTERM or Ctrl-C.
pub(crate) async fn run(options: ServeOptions, json: bool) -> Outcome {
    let options = options.with_file()?;
    log_to_stderr(&options)?;
    let shutdown = shutdown_signals(&[SignalKind::interrupt(), SignalKind::terminate()])?;
    let secret = std::env::var(ADMIN_TOKEN).ok();
    let token_file = options.admin_token_file.clone();
    let announce = |token: &str| announce(token_file, token, json);
    let prepared = server::prepare(options, None, secret, announce).await?;
    output::note(&format!("listening on {}", prepared.url));
    prepared.serve(shutdown).await?;
    tracing::info!("stopped");
    Ok(())
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

fn announce(file: Option<PathBuf>, token: &str, json: bool) -> std::io::Result<()> {
    if let Some(file) = file {
        return files::write_token(&file, token);
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

fn log_to_stderr(options: &ServeOptions) -> Outcome {
    let wanted = options.log.as_deref().unwrap_or("info");
    // Migrations are ours to speak of; what stands later in a filter goes before.
    let filter = EnvFilter::try_new(format!("refinery_core=warn,{wanted}"))
        .map_err(|error| Failure::Usage(format!("--log {wanted}: {error}")))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| OneLine(std::io::stderr()));
    let set = match options.log_format.unwrap_or_default() {
        LogFormat::Text => {
            let colors = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            log.with_ansi(colors).try_init()
        }
        LogFormat::Json => log.json().try_init(),
    };
    set.map_err(|error| Failure::Usage(format!("cannot log: {error}")))
}

/// Writes each event, which comes as a whole, as one line.
struct OneLine<W>(W);

impl<W: std::io::Write> std::io::Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        let text = event.strip_suffix(b"\n").unwrap_or(event);
        let plain = |byte: &u8| {
            if matches!(byte, b'\n' | b'\r') {
                b' '
            } else {
                *byte
            }
        };
        let mut line: Vec<u8> = text.iter().map(plain).collect();
        line.push(b'\n');
        self.0.write_all(&line)?;
        Ok(event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_it_says() {
        let mut log = OneLine(Vec::new());
        log.write_all(b"INFO two\nlines\r\n").expect("writes");
        assert_eq!(log.0, b"INFO two lines \n");
    }
}

//! `lictor node run`: a data plane, until it is told to stop.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use lictor_core::feed::EnrollmentToken;
use lictor_node::{CountDurability, Listen, LocalError, Node, Options, StartError, serve_local};
use tokio::signal::unix::SignalKind;

use super::serve::{self, shutdown_signals};
use crate::config::{LogFormat, span};
use crate::exit::{Failure, Outcome, with_causes};
use crate::{files, output, server};

/// Where a node answers, if nothing else is said.
pub(super) const DEFAULT_LISTEN: &str = "127.0.0.1:8002";

/// Examples of the command.
pub(super) const EXAMPLES: &str = "\
The first start joins with a token of `lictor node enroll`; later ones need
none. Requests are then checked, and counted, at 127.0.0.1:8002:

  curl -i 'http://127.0.0.1:8002/check?service=orders'

Every option is also an environment variable, --data being LICTOR_DATA.

Examples:
  lictor node run --control-plane https://licenses.example.com \\
    --enroll \"$TOKEN\" --data /var/lib/lictor-node
  lictor node run --control-plane https://licenses.example.com \\
    --data /var/lib/lictor-node --listen unix:/run/lictor-node.sock";

/// `lictor node run`
#[derive(Args, Debug)]
pub(crate) struct Run {
    /// Address of the control plane
    #[arg(
        long,
        value_name = "URL",
        env = "LICTOR_CONTROL_PLANE",
        hide_env = true
    )]
    control_plane: String,
    /// Folder of the node's state and counts; it is created if it is not there
    #[arg(long, value_name = "DIR", env = "LICTOR_DATA", hide_env = true)]
    data: PathBuf,
    /// The token to join with, at the first start; the environment hides it from other users of the
    /// machine
    #[arg(long, value_name = "TOKEN", env = "LICTOR_ENROLL", hide_env = true)]
    enroll: Option<String>,
    /// Where to answer: an address and port, or `unix:` and a path
    #[arg(
        long,
        value_name = "ADDR",
        env = "LICTOR_LISTEN",
        hide_env = true,
        default_value = DEFAULT_LISTEN
    )]
    listen: String,
    /// File with a token that callers must show; needed where others can reach the address
    #[arg(
        long,
        value_name = "FILE",
        env = "LICTOR_LOCAL_TOKEN_FILE",
        hide_env = true
    )]
    local_token_file: Option<PathBuf>,
    /// Vendor key to trust, instead of those that the control plane names; may be given again
    #[arg(
        long,
        value_name = "KEY.pub",
        env = "LICTOR_TRUST",
        hide_env = true,
        value_delimiter = ','
    )]
    trust: Vec<PathBuf>,
    /// The application that the node must serve [default: the one that it was enrolled for]
    #[arg(long, value_name = "KEY", env = "LICTOR_APPLICATION", hide_env = true)]
    application: Option<String>,
    /// When a count is on disk: `request` for before it is answered, or how long it may take
    #[arg(
        long,
        value_name = "TIME",
        env = "LICTOR_COUNT_DURABILITY",
        hide_env = true,
        default_value = "1s"
    )]
    count_durability: Durability,
    /// Certificates in PEM that the control plane's may be signed by, beside the system's
    #[arg(long, value_name = "FILE", env = "LICTOR_CA", hide_env = true)]
    ca: Option<PathBuf>,
    /// Certificate chain in PEM to show to the control plane
    #[arg(
        long,
        value_name = "FILE",
        env = "LICTOR_TLS_CERT",
        hide_env = true,
        requires = "tls_key"
    )]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate in PEM
    #[arg(
        long,
        value_name = "FILE",
        env = "LICTOR_TLS_KEY",
        hide_env = true,
        requires = "tls_cert"
    )]
    tls_key: Option<PathBuf>,
    /// Allow plain HTTP to a control plane that is not on this machine
    #[arg(long, env = "LICTOR_INSECURE_HTTP", hide_env = true)]
    insecure_http: bool,
    /// What to log, such as `debug` [default: info]
    #[arg(long, value_name = "FILTER", env = "LICTOR_LOG", hide_env = true)]
    log: Option<String>,
    /// Form of the log, on standard error [default: text]
    #[arg(
        long,
        value_name = "FORMAT",
        env = "LICTOR_LOG_FORMAT",
        hide_env = true
    )]
    log_format: Option<LogFormat>,
}

/// When a count is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    Request,
    Within(Duration),
}

impl FromStr for Durability {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "request" {
            return Ok(Self::Request);
        }
        let seconds = span(text).ok().and_then(|span| u64::try_from(span).ok());
        let seconds = seconds.filter(|seconds| (1..=3_600).contains(seconds));
        seconds
            .map(|seconds| Self::Within(Duration::from_secs(seconds)))
            .ok_or_else(|| format!("{text:?} is neither `request` nor a time from 1s to 1h"))
    }
}

/// Runs it until SIGTERM or Ctrl-C.
pub(super) async fn run(run: Run) -> Outcome {
    serve::log_to_stderr(run.log.as_deref(), run.log_format)?;
    let shutdown = shutdown_signals(&[SignalKind::interrupt(), SignalKind::terminate()])?;
    let listen = listen(&run.listen).await?;
    let token = run.local_token_file.as_deref().map(local_token);
    let token = token.transpose()?;
    let node = Node::start(run.options()?).await?;
    let local = serve_local(&node, listen, token.as_deref()).await?;
    let address = match local.address() {
        Listen::Tcp(address) => format!("http://{address}"),
        Listen::Unix(path) => format!("unix:{}", path.display()),
    };
    output::note(&format!("listening on {address}"));
    shutdown.await;
    local.stop().await;
    node.stop().await;
    tracing::info!("stopped");
    Ok(())
}

async fn listen(text: &str) -> Outcome<Listen> {
    match text.strip_prefix("unix:") {
        Some("") => Err(Failure::Usage(
            "--listen unix: name the socket's path after the colon".to_owned(),
        )),
        Some(path) => Ok(Listen::Unix(PathBuf::from(path))),
        None => server::resolve(text).await.map(Listen::Tcp),
    }
}

impl Run {
    fn options(&self) -> Outcome<Options> {
        let mut options = Options::new(&self.control_plane, &self.data);
        options.enroll = match self.enroll.as_deref().map(str::trim) {
            Some(token) => {
                let wrong = |why: &str| Failure::Usage(format!("--enroll: {why}"));
                Some(EnrollmentToken::from_str(token).map_err(wrong)?)
            }
            None => None,
        };
        let keys = self.trust.iter().map(|file| server::read_public_key(file));
        options.trust = keys.collect::<Outcome<_>>()?;
        options.ca = self.ca.as_deref().map(files::read_text).transpose()?;
        if let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) {
            let chain = files::read_text(certificate)?;
            options.identity = Some(format!("{chain}\n{}", files::read_secret(key)?));
        }
        options.insecure_http = self.insecure_http;
        options.application.clone_from(&self.application);
        match self.count_durability {
            Durability::Request => options.durability = CountDurability::Request,
            Durability::Within(interval) => options.pace.flush = interval,
        }
        options.host = lictor_server::authority::System::here().hostname;
        Ok(options)
    }
}

/// The token that callers must show.
fn local_token(file: &Path) -> Outcome<String> {
    let text = files::read_text(file)?;
    let token = text.trim();
    let visible = token.bytes().all(|byte| byte.is_ascii_graphic());
    if visible && token.len() >= 16 {
        return Ok(token.to_owned());
    }
    Err(Failure::Usage(format!(
        "{}: write a token of 16 or more visible ASCII characters into it",
        file.display()
    )))
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let text = with_causes(&error);
        match error {
            StartError::Unreachable { .. } => Self::Unreachable(text),
            StartError::WrongControlPlane(_) | StartError::Refused(_) | StartError::State(_) => {
                Self::Refused(text)
            }
            StartError::Folder { .. }
            | StartError::InUse(_)
            | StartError::Damaged(_)
            | StartError::NotJoined(_)
            | StartError::OtherControlPlane
            | StartError::OtherApplication { .. }
            | StartError::Address(_)
            | StartError::Insecure(_)
            | StartError::Certificates(_)
            | StartError::System(_) => Self::Usage(text),
        }
    }
}

impl From<LocalError> for Failure {
    fn from(error: LocalError) -> Self {
        Self::Usage(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_durable_with_the_request_or_within_a_time() {
        let within = |seconds| Ok(Durability::Within(Duration::from_secs(seconds)));
        assert_eq!("request".parse(), Ok(Durability::Request));
        assert_eq!("1s".parse(), within(1));
        assert_eq!("1h".parse(), within(3_600));
        for text in ["", "0s", "2h", "1", "requests", "Request", "-1s"] {
            assert!(text.parse::<Durability>().is_err(), "{text}");
        }
    }
}

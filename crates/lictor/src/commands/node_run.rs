//! `lictor node run`: runs a data plane until it is stopped.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use lictor_core::feed::EnrollmentToken;
use lictor_node::{
    CountDurability, Listen, Local, LocalError, LocalSocket, Node, Options, StartError, Status,
    back_off, serve_local, serve_waiting,
};

use super::serve;
use crate::config::{Configured, Durability, NodeOptions};
use crate::exit::{Failure, Outcome};
use crate::{address, files, log, output, server, signals};

/// Where a node answers, if nothing else is said.
pub(super) const DEFAULT_LISTEN: &str = "127.0.0.1:8002";

/// Examples of the command.
pub(super) const EXAMPLES: &str = "\
The first start joins with a token of `lictor node enroll`; later starts need
none. Give a pool's token at each start, because each may be another node, and
--leave-on-stop if the folder is removed with the node. The node then checks and
counts requests at 127.0.0.1:8002:

  curl -i 'http://127.0.0.1:8002/check?service=orders'

Every option is also an environment variable (--data is LICTOR_DATA), and a key
in the file of --config:

  control-plane = \"https://licenses.example.com\"
  data = \"/var/lib/lictor-node\"

Examples:
  LICTOR_ENROLL=\"$(cat token)\" lictor node run \\
    --control-plane https://licenses.example.com --data /var/lib/lictor-node
  lictor node run --control-plane https://licenses.example.com \\
    --data /var/lib/lictor-node --listen unix:/run/lictor-node.sock";

/// How long callers wait for an answer while a node starts. After that they are answered that it is waiting.
const QUIET: Duration = Duration::from_secs(2);
const NOT_ANSWERED: &str = "the node waits for its control plane to answer";

/// Runs it until it is stopped.
pub(super) async fn run(given: &Configured<NodeOptions>) -> Outcome {
    let options = given.with_file()?;
    log::begin(options.log.as_deref(), options.log_format)?;
    serve::allow_many_files();
    let shutdown = signals::to_stop()?;
    let listen = listen(options.listen.as_deref().unwrap_or(DEFAULT_LISTEN)).await?;
    let token = options.local_token_file.as_deref().map(local_token);
    let token = token.transpose()?;
    let options = of_node(&options)?;
    // What can be refused here is refused before a token is used.
    let socket = LocalSocket::bind(listen, token.as_deref()).await?;
    let mut shutdown = std::pin::pin!(shutdown);
    let begun = tokio::select! {
        begun = begin(options, socket) => begun,
        () = &mut shutdown => return Ok(()),
    };
    let (node, local) = begun?;
    output::note(&standing(&node.status()));
    shutdown.await;
    node.leave();
    local.stop().await;
    node.stop().await;
    tracing::info!("stopped");
    Ok(())
}

/// Starts the node, and answers beside it. One that joins by the token of a pool waits until there is a
/// place for it and a control plane that gives it one, and answers so meanwhile.
async fn begin(options: Options, socket: LocalSocket) -> Outcome<(Arc<Node>, Local)> {
    let of_pool = options
        .enroll
        .as_ref()
        .is_some_and(EnrollmentToken::is_of_pool);
    let mut socket = Some(socket);
    let (mut waiting, mut said, mut tries): (Option<Local>, _, _) = (None, String::new(), 0);
    loop {
        let mut starting = std::pin::pin!(Node::start(options.clone()));
        let started = match tokio::time::timeout(QUIET, &mut starting).await {
            Ok(started) => started,
            Err(_) => {
                if let Some(socket) = socket.take_if(|_| of_pool) {
                    waiting = Some(answer_meanwhile(socket, NOT_ANSWERED));
                }
                starting.await
            }
        };
        let why = match (started, socket.take()) {
            (Ok(node), Some(socket)) => {
                let local = serve_local(&node, socket);
                note_listening(&local);
                return Ok((node, local));
            }
            (Ok(node), None) => {
                let Some(local) = waiting.take() else {
                    return Err(Failure::Usage("the local API is gone".to_owned()));
                };
                local.open(&node);
                return Ok((node, local));
            }
            (Err(error), unused) => {
                let for_now = matches!(
                    error,
                    StartError::NoPlace(_) | StartError::Unreachable { .. }
                );
                if !of_pool || !for_now {
                    return Err(error.into());
                }
                let why = error.to_string();
                if let Some(socket) = unused {
                    waiting = Some(answer_meanwhile(socket, &why));
                }
                why
            }
        };
        if let Some(local) = &waiting {
            local.note_waiting(&why);
        }
        // What lasts is said once.
        if said != why {
            tracing::warn!(problem = %why, "waits to join, and denies all requests");
            said = why;
        }
        tokio::time::sleep(back_off(tries)).await;
        tries += 1;
    }
}

fn answer_meanwhile(socket: LocalSocket, why: &str) -> Local {
    let local = serve_waiting(socket);
    local.note_waiting(why);
    note_listening(&local);
    local
}

fn note_listening(local: &Local) {
    let address = match local.address() {
        Listen::Tcp(address) => format!("http://{address}"),
        Listen::Unix(path) => format!("unix:{}", path.display()),
    };
    output::note(&format!("listening on {address}"));
}

/// The status of a node at its start, in one line.
fn standing(status: &Status) -> String {
    let mode = status.mode;
    match status.denied {
        None => format!("{mode}: allows requests"),
        Some(reason) => format!("{mode}: denies all requests: {reason}"),
    }
}

async fn listen(text: &str) -> Outcome<Listen> {
    match text.trim().strip_prefix("unix:") {
        Some("") => Err(Failure::Usage(
            "--listen unix: name the socket's path after the colon".to_owned(),
        )),
        Some(path) => Ok(Listen::Unix(PathBuf::from(path))),
        None => server::resolve(text).await.map(Listen::Tcp),
    }
}

/// What the node is started with.
fn of_node(given: &NodeOptions) -> Outcome<Options> {
    let Some(control_plane) = &given.control_plane else {
        return Err(Failure::Usage(
            "name the control plane: `lictor node run --control-plane URL`".to_owned(),
        ));
    };
    let Some(data) = &given.data else {
        return Err(Failure::Usage(
            "say where the node's data is: `lictor node run --data DIR`".to_owned(),
        ));
    };
    if lictor_store::is_in(data) {
        return Err(Failure::Usage(format!(
            "{} is a server's folder; give the node one of its own",
            data.display()
        )));
    }
    let control_plane = address::of_server(control_plane)
        .map_err(|_| StartError::Address(address::shown(control_plane.trim()).into_owned()))?;
    let mut options = Options::new(control_plane.as_str().trim_end_matches('/'), data);
    options.enroll = match given.enroll.as_deref().map(str::trim) {
        Some(token) => {
            let wrong = |why: &str| Failure::Usage(format!("--enroll: {why}"));
            Some(EnrollmentToken::from_str(token).map_err(wrong)?)
        }
        None => None,
    };
    let keys = given.trust.iter().map(|file| server::read_public_key(file));
    options.trust = keys.collect::<Outcome<_>>()?;
    options.ca = given.ca.as_deref().map(files::read_text).transpose()?;
    options.identity = match (&given.tls_cert, &given.tls_key) {
        (Some(certificate), Some(key)) => {
            let chain = files::read_text(certificate)?;
            Some(format!("{chain}\n{}", files::read_secret(key)?))
        }
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            return Err(Failure::Usage(
                "--tls-cert and --tls-key go together; give both".to_owned(),
            ));
        }
    };
    options.leave_on_stop = given.leave_on_stop.unwrap_or_default();
    options.insecure_http = given.insecure_http.unwrap_or_default();
    options.no_proxy = given.no_proxy.unwrap_or_default();
    options.application = given
        .application
        .as_deref()
        .map(|key| key.trim().to_owned());
    match given.count_durability {
        Some(Durability::Request) => options.durability = CountDurability::Request,
        Some(Durability::Within(interval)) => options.pace.flush = interval,
        None => {}
    }
    options.more_metrics = Some(Arc::new(log::write_metrics));
    options.host = lictor_authority::System::here().hostname;
    Ok(options)
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
        let text = error.to_string();
        match error {
            StartError::Unreachable { .. } => Self::Unreachable(text),
            StartError::WrongControlPlane(_)
            | StartError::Refused(_)
            | StartError::NoPlace(_)
            | StartError::State(_) => Self::Refused(text),
            StartError::Folder { .. }
            | StartError::InUse(_)
            | StartError::Damaged(_)
            | StartError::NotJoined(_)
            | StartError::OtherControlPlane
            | StartError::Revoked(_)
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

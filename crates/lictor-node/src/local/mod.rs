//! The local API: what programs beside the node ask it over HTTP, on a loopback address or a Unix
//! socket.

mod answers;
mod check;
mod metrics;
mod patient;
mod query;
mod usage;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use lictor_core::change::Digest;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, JoinSet};

use self::answers::Answer;
use self::patient::Patient;
use crate::meter::Meter;
use crate::node::Node;
use crate::shared::Shared;

/// How many connections are held at once; further ones wait.
const MAX_CONNECTIONS: usize = 4_096;

/// How much of a request is held at once, its whole head included, in bytes.
const MAX_BUFFER: usize = 64 << 10;

/// How long a connection may have no request.
const IDLE: Duration = Duration::from_secs(75);

/// Where the local API listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A Unix socket, which its owner and group may use.
    Unix(PathBuf),
}

impl FromStr for Listen {
    type Err = String;

    /// Reads `127.0.0.1:8002`, or `unix:/run/lictor/node.sock`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("unix:") {
            Some("") => Err("name the socket, as in unix:/run/lictor/node.sock".to_owned()),
            Some(path) => Ok(Self::Unix(path.into())),
            None => text.parse().map(Self::Tcp).map_err(|_| {
                format!("{text:?} is no address; use one as 127.0.0.1:8002 or unix:/run/node.sock")
            }),
        }
    }
}

/// Why the local API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// Anybody could ask.
    #[error(
        "{0} is reached from other machines; listen on a loopback address or a Unix socket, or set \
         a local token"
    )]
    Open(SocketAddr),
    /// It cannot listen there.
    #[error("cannot listen on {place}: {error}; use another address")]
    Listen {
        /// Where.
        place: String,
        /// Why.
        error: io::Error,
    },
}

/// The local API as it is served, until it is dropped or stopped.
pub struct Local {
    address: Listen,
    task: JoinHandle<()>,
}

impl Local {
    /// Where it listens.
    pub fn address(&self) -> &Listen {
        &self.address
    }

    /// Ends it, connections and all.
    pub fn stop(&self) {
        self.task.abort();
        if let Listen::Unix(path) = &self.address {
            // It may be gone already.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What the answers are made from.
struct Service {
    shared: Arc<Shared>,
    meter: Meter,
    token: Option<Digest>,
}

/// Serves the local API of a node. With a token every request but that for `/healthz` must carry it
/// as bearer.
///
/// # Errors
/// It cannot listen there, or may not without a token.
pub async fn serve_local(
    node: &Node,
    listen: Listen,
    token: Option<&str>,
) -> Result<Local, LocalError> {
    let service = Arc::new(Service {
        shared: Arc::clone(&node.shared),
        meter: node.meter(None),
        token: token.map(|token| Digest::of(token.as_bytes())),
    });
    match listen {
        Listen::Tcp(address) => {
            if !address.ip().is_loopback() && token.is_none() {
                return Err(LocalError::Open(address));
            }
            let failed = |error| LocalError::Listen {
                place: address.to_string(),
                error,
            };
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            let address = Listen::Tcp(listener.local_addr().map_err(failed)?);
            let task = tokio::spawn(accept(service, async move || {
                let (stream, _) = listener.accept().await?;
                // Without it answers are late, not wrong.
                let _ = stream.set_nodelay(true);
                Ok(stream)
            }));
            Ok(Local { address, task })
        }
        Listen::Unix(path) => {
            let listener = bind(&path).await.map_err(|error| LocalError::Listen {
                place: path.display().to_string(),
                error,
            })?;
            let task = tokio::spawn(accept(service, async move || {
                Ok(listener.accept().await?.0)
            }));
            let address = Listen::Unix(path);
            Ok(Local { address, task })
        }
    }
}

/// Binds a Unix socket; one that nobody listens on any more is replaced.
async fn bind(path: &Path) -> io::Result<UnixListener> {
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let is_socket = std::fs::symlink_metadata(path)?.file_type().is_socket();
            let is_served = tokio::net::UnixStream::connect(path).await.is_ok();
            if is_served || !is_socket {
                return Err(error);
            }
            std::fs::remove_file(path)?;
            UnixListener::bind(path)?
        }
        bound => bound?,
    };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(listener)
}

async fn accept<S>(service: Arc<Service>, next: impl AsyncFn() -> io::Result<S>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        match next().await {
            Ok(stream) => {
                connections.spawn(hold(Arc::clone(&service), stream, place));
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept a local connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Holds one connection to its end.
async fn hold<S>(service: Arc<Service>, stream: S, _place: OwnedSemaphorePermit)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = Patient::new(TokioIo::new(stream));
    let answer = service_fn(move |request| {
        let service = Arc::clone(&service);
        async move { Ok::<_, Infallible>(service.answer(request).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(IDLE);
    builder.max_buf_size(MAX_BUFFER);
    if let Err(error) = builder.serve_connection(io, answer).await {
        tracing::debug!(%error, "a local connection ended");
    }
}

impl Service {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let path = request.uri().path();
        if path == "/healthz" {
            return answers::text("text/plain", "ok\n".to_owned());
        }
        if !self.is_known(&request) {
            return answers::failure(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "send the local token as `Authorization: Bearer TOKEN`",
            );
        }
        match (path, request.method()) {
            ("/check", _) => check::answer(self, request.uri().query()).await,
            ("/usage", &Method::POST) => usage::answer(self, request).await,
            ("/license", &Method::GET | &Method::HEAD) => answers::license(&self.shared),
            ("/status", &Method::GET | &Method::HEAD) => answers::status(&self.shared),
            ("/metrics", &Method::GET | &Method::HEAD) => metrics::answer(&self.shared),
            ("/usage", _) => answers::method_not_allowed("POST"),
            ("/license" | "/status" | "/metrics", _) => answers::method_not_allowed("GET, HEAD"),
            _ => answers::failure(
                StatusCode::NOT_FOUND,
                "no-route",
                "use /check, /usage, /license, /status, /metrics or /healthz",
            ),
        }
    }

    /// Whether the request carries the token, if there is one. Digests are compared, so that the
    /// time it takes tells nothing of the token.
    fn is_known(&self, request: &Request<Incoming>) -> bool {
        let Some(token) = self.token else {
            return true;
        };
        let given = request.headers().get(AUTHORIZATION);
        let given = given.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        given.is_some_and(|given| Digest::of(given) == token)
    }
}

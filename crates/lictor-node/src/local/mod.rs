//! The local API: programs on the same machine ask the node over HTTP, on a loopback address or a Unix
//! socket.

mod check;
mod listen;
mod metrics;
mod query;
mod responses;
mod timeouts;
mod usage;

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Poll;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use lictor_core::digest::Digest;
use lictor_core::url_path::merge_slashes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use self::listen::Listener;
pub use self::listen::{Listen, LocalError, LocalSocket};
use self::responses::LocalResponse;
use self::timeouts::TimeoutIo;
use crate::clock;
use crate::meter::Meter;
use crate::node::Node;
use crate::shared::Shared;

/// The most open connections. Further ones wait.
const MAX_CONNECTIONS: usize = 4_096;

/// How much of a request is buffered, in bytes. Its head must fit.
const MAX_BUFFER: usize = 64 << 10;

/// How long a connection may be idle.
const IDLE: Duration = Duration::from_secs(75);

/// How long open requests may take during a shutdown.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// The running local API. If it is dropped without [`Local::stop`], it ends at once.
pub struct Local {
    address: Listen,
    handler: Arc<Handler>,
    stopping: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Local {
    /// Answers for this node from now on.
    pub fn open(&self, node: &Node) {
        let service = Service {
            shared: Arc::clone(&node.shared),
            meter: node.meter(None),
        };
        // A socket serves one node.
        let _ = self.handler.service.set(service);
    }

    /// Why no node answers yet, in words for people.
    pub fn note_waiting(&self, reason: &str) {
        reason.clone_into(&mut self.handler.waiting());
    }

    /// Where it listens.
    pub fn address(&self) -> &Listen {
        &self.address
    }

    /// Accepts no more connections and gives open requests five seconds to be answered.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        if tokio::time::timeout(SHUTDOWN, &mut self.task)
            .await
            .is_err()
        {
            tracing::info!("local requests were cut off");
        }
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.task.abort();
        if let Listen::Unix(path) = &self.address {
            // It may already be gone.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Answers requests, before and after there is a node.
struct Handler {
    token: Option<Digest>,
    /// The node, once there is one.
    service: OnceLock<Service>,
    /// What to answer until then.
    waiting: Mutex<String>,
}

/// The node that answers.
struct Service {
    shared: Arc<Shared>,
    meter: Meter,
}

/// Serves the local API of a node.
pub fn serve_local(node: &Node, socket: LocalSocket) -> Local {
    let local = serve_waiting(socket);
    local.open(node);
    local
}

/// Serves the local API before there is a node. It denies all requests and says that it is waiting, until
/// [`Local::open`] is called.
pub fn serve_waiting(socket: LocalSocket) -> Local {
    let LocalSocket {
        address,
        listener,
        token,
    } = socket;
    let handler = Arc::new(Handler {
        token,
        service: OnceLock::new(),
        waiting: Mutex::default(),
    });
    let service = Arc::clone(&handler);
    let (stopping, stopped) = watch::channel(false);
    let task = match listener {
        Listener::Tcp(listener) => {
            let next = async move || {
                let (stream, _) = listener.accept().await?;
                // A failure makes answers slower, not wrong.
                let _ = stream.set_nodelay(true);
                Ok(stream)
            };
            tokio::spawn(accept(service, stopped, next))
        }
        Listener::Unix(listener) => {
            let next = async move || Ok(listener.accept().await?.0);
            tokio::spawn(accept(service, stopped, next))
        }
    };
    Local {
        address,
        handler,
        stopping,
        task,
    }
}

async fn accept<S>(
    service: Arc<Handler>,
    mut stopped: watch::Receiver<bool>,
    next: impl AsyncFn() -> io::Result<S>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    let watched = stopped.clone();
    let accepted = async || {
        let permit = Arc::clone(&room).acquire_owned().await;
        Ok((permit.map_err(io::Error::other)?, next().await?))
    };
    loop {
        while connections.try_join_next().is_some() {}
        let accepted: io::Result<_> = tokio::select! {
            _ = stopped.changed() => break,
            accepted = accepted() => accepted,
        };
        match accepted {
            Ok((permit, stream)) => {
                let service = Arc::clone(&service);
                connections.spawn(serve(service, stream, watched.clone(), permit));
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept a local connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    while connections.join_next().await.is_some() {}
}

/// Serves one connection until it ends.
async fn serve<S>(
    service: Arc<Handler>,
    stream: S,
    mut stopped: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    if !clock::can_be_told() {
        return refuse_undated(stream).await;
    }
    let io = TimeoutIo::new(TokioIo::new(stream));
    let answer = service_fn(move |request| {
        let service = Arc::clone(&service);
        async move { Ok::<_, Infallible>(service.answer(request).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(IDLE);
    builder.max_buf_size(MAX_BUFFER);
    let mut connection = pin!(builder.serve_connection(io, answer));
    let mut stop = pin!(stopped.wait_for(|stopped| *stopped));
    let mut is_stopping = false;
    let ended = poll_fn(|context| {
        // Otherwise hyper would panic.
        if !clock::can_be_told() {
            return Poll::Ready(Ok(()));
        }
        if !is_stopping && stop.as_mut().poll(context).is_ready() {
            is_stopping = true;
            connection.as_mut().graceful_shutdown();
        }
        connection.as_mut().poll(context)
    })
    .await;
    if let Err(error) = ended {
        tracing::debug!(%error, "a local connection ended");
    }
}

/// Refuses a connection while the clock is so wrong that its time cannot be written as a date. The answer
/// is sent once the client has asked something, because clients ignore an earlier one.
async fn refuse_undated(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let asked = tokio::time::timeout(TOLD_WITHIN, stream.read(&mut [0; 1024])).await;
    if matches!(asked, Ok(Err(_) | Ok(0))) {
        return;
    }
    let told = async {
        stream.write_all(UNDATED).await?;
        stream.shutdown().await?;
        // Closing a connection with unread bytes resets it, and the client may lose the answer.
        let mut asked = stream.take(TOLD_BYTES);
        tokio::io::copy(&mut asked, &mut tokio::io::sink()).await
    };
    // The peer may be gone.
    let _ = tokio::time::timeout(TOLD_WITHIN, told).await;
}

/// How much of a request is read then, in bytes, and for how long.
const TOLD_BYTES: u64 = 64 * 1024;
const TOLD_WITHIN: Duration = Duration::from_secs(1);

const UNDATED: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\n\
    connection: close\r\ncontent-length: 71\r\n\r\n\
    the clock of this machine is not within the years 1970 to 9999; set it\n";

impl Handler {
    async fn answer(&self, request: Request<Incoming>) -> LocalResponse {
        let given = request.uri().clone();
        let merged = merge_slashes(given.path());
        let path = merged.as_deref().unwrap_or(given.path());
        if path == "/healthz" {
            return responses::text("text/plain", "ok\n".to_owned());
        }
        if path != "/readyz" && !self.is_known(&request) {
            return responses::failure(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "send the local token as `Authorization: Bearer TOKEN`",
            );
        }
        match self.service.get() {
            Some(service) if path == "/readyz" => {
                responses::ready(service.shared.evaluator.decide())
            }
            Some(service) => service.answer(path, request).await,
            // Nothing is allowed while there is no node.
            None => responses::waiting(path == "/check", &self.waiting()),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, String> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the request has the token, if there is one. Digests are compared, so that the time this takes
    /// reveals nothing about the token.
    fn is_known(&self, request: &Request<Incoming>) -> bool {
        let Some(token) = self.token else {
            return true;
        };
        let given = request.headers().get(AUTHORIZATION);
        let given = given.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        given.is_some_and(|given| Digest::of(given) == token)
    }
}

impl Service {
    async fn answer(&self, path: &str, request: Request<Incoming>) -> LocalResponse {
        match (path, request.method()) {
            ("/check", _) => check::answer(self, request.uri().query(), request.headers()).await,
            ("/usage", &Method::POST) => usage::answer(self, request).await,
            ("/license", &Method::GET | &Method::HEAD) => responses::license(&self.shared),
            ("/status", &Method::GET | &Method::HEAD) => responses::status(&self.shared),
            ("/metrics", &Method::GET | &Method::HEAD) => {
                metrics::answer(&self.shared, request.headers())
            }
            ("/usage", _) => responses::method_not_allowed("POST"),
            ("/license" | "/status" | "/metrics", _) => responses::method_not_allowed("GET, HEAD"),
            _ => responses::failure(
                StatusCode::NOT_FOUND,
                "no-route",
                "use /check, /usage, /license, /status, /metrics, /readyz or /healthz",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;
    use tokio::time::{sleep, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_wrong_clock_is_told_to_a_client_once_it_has_asked() {
        for length in [1, 10_000] {
            let (mut client, served) = duplex(MAX_BUFFER);
            let telling = tokio::spawn(refuse_undated(served));
            sleep(TOLD_WITHIN / 2).await;
            let early = timeout(Duration::ZERO, client.read(&mut [0; 1])).await;
            assert!(early.is_err(), "it was told before it was asked");
            client.write_all(&vec![b' '; length]).await.expect("taken");
            client.shutdown().await.expect("open");
            let mut heard = Vec::new();
            client.read_to_end(&mut heard).await.expect("open");
            assert_eq!(heard, UNDATED);
            telling.await.expect("no panic");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_asks_is_let_go() {
        let (client, served) = duplex(MAX_BUFFER);
        let telling = tokio::spawn(refuse_undated(served));
        let ended = timeout(TOLD_WITHIN * 3, telling).await;
        ended.expect("in time").expect("no panic");
        drop(client);
    }
}

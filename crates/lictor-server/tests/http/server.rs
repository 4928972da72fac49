//! A server over real sockets with a small application, and how the tests read its answers.

use std::convert::Infallible;
use std::future::{pending, ready};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn};
use axum::routing::{get, post};
use axum::{Router, body::Body, http::Response};
use futures_util::{StreamExt as _, stream};
use lictor_server::http::accept::serve;
use lictor_server::http::body::BodyDeadline;
use lictor_server::http::limits::ConnectionLimits;
use lictor_server::http::peer::WhileListening;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) task: JoinHandle<std::io::Result<()>>,
    /// Told when `/wait` was entered.
    pub(crate) entered: Arc<Notify>,
    /// Lets `/wait` answer.
    pub(crate) release: Arc<Notify>,
}

impl Server {
    pub(crate) async fn start(limits: ConnectionLimits) -> Self {
        Self::start_with(limits, None).await
    }

    pub(crate) async fn start_with(
        limits: ConnectionLimits,
        tls: Option<Arc<rustls::ServerConfig>>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let app = app(Arc::clone(&entered), Arc::clone(&release));
        let task = tokio::spawn(async move {
            serve(listener, tls, app, limits, async move {
                let _ = stopped.await;
            })
            .await
        });
        Self {
            address,
            stop: Some(stop),
            task,
            entered,
            release,
        }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// The kernel takes next to nothing for this peer.
    pub(crate) async fn connect_narrowly(&self) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        socket.connect(self.address).await.unwrap()
    }

    /// Sends `bytes` on a connection of their own and reads what comes until the server closes it.
    pub(crate) async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // The server may answer and close before it took everything.
        let _ = stream.write_all(bytes).await;
        read_to_close(&mut stream).await
    }
}

pub(crate) fn app(entered: Arc<Notify>, release: Arc<Notify>) -> Router {
    let ending = Arc::clone(&release);
    let feed = move || async move { feed(ending) };
    let wait = move || async move {
        entered.notify_one();
        release.notified().await;
        "released"
    };
    let short = from_fn(|request, next: Next| {
        let short = BodyDeadline(Duration::from_millis(300));
        short.around(request, |request| next.run(request))
    });
    Router::new()
        .route("/", get(|| async { "fine" }))
        .route("/wait", get(wait))
        .route(
            "/panic",
            get(|| async { panic!("planted") as &'static str }),
        )
        .route("/never", get(pending::<&'static str>))
        .route("/feed", get(feed))
        .route("/large", get(|| async { vec![0_u8; 64 * 1024 * 1024] }))
        .route("/echo", post(|body: Bytes| async { body }))
        .route(
            "/short",
            post(|body: Bytes| async { body }).layer(short.clone()),
        )
        .route("/stubborn", post(ignore_the_end_of_the_body).layer(short))
        .layer(DefaultBodyLimit::disable())
}

/// An answer that is of use only while its peer listens, and ends when it is told to.
fn feed(ending: Arc<Notify>) -> Response<Body> {
    let first = stream::once(ready(Ok::<_, Infallible>("first")));
    let last = stream::once(async move {
        ending.notified().await;
        Ok("last")
    });
    let mut response = Response::new(Body::from_stream(first.chain(last)));
    response.extensions_mut().insert(WhileListening);
    response
}

/// A handler that makes a success of a body it could not read.
pub(crate) async fn ignore_the_end_of_the_body(request: Request) -> Body {
    let _ = axum::body::to_bytes(request.into_body(), usize::MAX).await;
    Body::from("fine")
}

pub(crate) async fn read_to_close(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut answer = Vec::new();
    timeout(PATIENCE, async {
        let mut part = [0; 4096];
        // A reset after an early answer ends the reading as well.
        while let Ok(read @ 1..) = stream.read(&mut part).await {
            answer.extend_from_slice(&part[..read]);
        }
    })
    .await
    .expect("the server closes the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

pub(crate) async fn read_until(stream: &mut (impl AsyncReadExt + Unpin), end: &str) -> String {
    let mut answer = Vec::new();
    timeout(PATIENCE, async {
        while !answer.ends_with(end.as_bytes()) {
            answer.push(stream.read_u8().await.expect("the connection is open"));
        }
    })
    .await
    .unwrap_or_else(|_| panic!("no {end:?} in {:?}", String::from_utf8_lossy(&answer)));
    String::from_utf8(answer).unwrap()
}

pub(crate) fn statuses(answers: &str) -> Vec<&str> {
    answers
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|answer| &answer[..3])
        .collect()
}

//! The accept loop: which connections are taken, how many are held, and how they end at shutdown; what is said on them is `connection`'s.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use super::addresses::{Addresses, Place};
pub use super::connection::Answers;
use super::connection::{self, Shared};
use super::limits::ConnectionLimits;
use super::peer::Peer;
use crate::clock;

/// How long the loop rests when the process or the system is out of files or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The first byte of a TLS handshake.
const TLS_HANDSHAKE: u8 = 0x16;

const PLAIN_ON_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n\
    connection: close\r\ncontent-length: 83\r\n\r\n\
    {\"message\":\"This port speaks TLS. Begin the URL with https:// instead of http://.\"}";

/// What is answered by a clock that is so wrong that its time has no name: hyper and rustls panic.
const UNDATED: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n\
    connection: close\r\ncontent-length: 85\r\n\r\n\
    {\"message\":\"The clock of this machine is not within the years 1970 to 9999; set it.\"}";

/// Serves `app` on `listener` until `shutdown` is ready; then takes no more connections, lets the
/// requests in flight end for at most [`ConnectionLimits::shutdown_grace`], and returns.
///
/// HTTP/1 and HTTP/2 are both spoken, with TLS when `tls` is given. A panic in `app` ends its
/// connection and nothing else.
///
/// # Errors
///
/// `InvalidInput` if a limit is out of its range. A failing accept is logged and tried again.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    app: impl Answers,
    limits: ConnectionLimits,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    check(&limits)?;
    let acceptor = tls.map(TlsAcceptor::from);
    let addresses = Addresses::new(limits.max_connections_per_address);
    let shared = Arc::new(Shared {
        app,
        builder: connection::builder(&limits),
        limits,
    });
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);

    loop {
        let room = connections.len() < shared.limits.max_connections;
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(ended) = connections.join_next() => {
                note_end(ended);
                continue;
            }
            accepted = listener.accept(), if room => accepted,
        };
        match accepted {
            Ok((tcp, peer)) => {
                let Some(place) = addresses.take(peer.ip()) else {
                    tracing::debug!(%peer, "closed: too many connections from this address");
                    continue;
                };
                // Spawned as it is: a future around it would hold it twice over.
                let (common, stopping) = (Arc::clone(&shared), stopping.clone());
                // Spawned as it is: a future around it would take its room a second time.
                connections.spawn(hold(tcp, acceptor.clone(), common, stopping, place));
                if connections.len() == shared.limits.max_connections {
                    tracing::warn!(held = connections.len(), "no room: new connections wait");
                }
            }
            Err(error) => recover(&error).await,
        }
    }

    drop(listener);
    // It fails when no connection is left, which is fine.
    let _ = stop.send(true);
    end_all(connections, shared.limits.shutdown_grace).await;
    Ok(())
}

fn check(limits: &ConnectionLimits) -> io::Result<()> {
    let fault = if limits.max_connections == 0 {
        "max_connections must be at least 1"
    } else if limits.max_header_bytes < 8192 {
        "max_header_bytes must be at least 8192"
    } else if limits.header_timeout.is_zero() || limits.idle_timeout.is_zero() {
        "header_timeout and idle_timeout must be longer than 0"
    } else {
        return Ok(());
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, fault))
}

/// Holds one connection to its end.
async fn hold(
    mut tcp: TcpStream,
    acceptor: Option<TlsAcceptor>,
    shared: Arc<Shared<impl Answers>>,
    stopping: watch::Receiver<bool>,
    _place: Place,
) {
    let first_byte_by = Instant::now() + shared.limits.first_byte_timeout;
    if !clock::can_be_told() {
        // The peer may be gone.
        let _ = tcp.write_all(UNDATED).await;
        let _ = tcp.shutdown().await;
        return;
    }
    let Ok(address) = tcp.peer_addr() else {
        return;
    };
    let mut peer = Peer {
        address: address.ip(),
        certified: false,
    };
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(peer = %address, %error, "could not set TCP_NODELAY");
    }
    let Some(acceptor) = acceptor else {
        connection::serve(tcp, peer, &shared, first_byte_by, stopping).await;
        return;
    };
    // Boxed, so that connections without TLS do not take the room of one with it.
    Box::pin(async {
        match timeout_at(first_byte_by, shake_hands(tcp, &acceptor)).await {
            Ok(Ok(tls)) => {
                // None is shown that was not verified.
                peer.certified = tls.get_ref().1.peer_certificates().is_some();
                connection::serve(tls, peer, &shared, first_byte_by, stopping).await;
            }
            Ok(Err(error)) => tracing::debug!(peer = %address, %error, "no TLS handshake"),
            Err(_) => tracing::debug!(peer = %address, "no TLS handshake in time"),
        }
    })
    .await;
}

async fn shake_hands(
    mut tcp: TcpStream,
    acceptor: &TlsAcceptor,
) -> io::Result<tokio_rustls::server::TlsStream<TcpStream>> {
    let mut first = [0];
    if tcp.peek(&mut first).await? == 1 && first[0] != TLS_HANDSHAKE {
        tcp.write_all(PLAIN_ON_TLS).await?;
        tcp.shutdown().await?;
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the peer does not speak TLS",
        ));
    }
    acceptor.accept(tcp).await
}

async fn recover(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    ) {
        // The peer was gone before its connection was taken.
        return;
    }
    tracing::error!(%error, "could not accept a connection; is the limit on open files too low?");
    sleep(ACCEPT_PAUSE).await;
}

fn note_end(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection ended by a panic");
    }
}

async fn end_all(mut connections: JoinSet<()>, grace: Duration) {
    let drained = timeout(grace, async {
        while let Some(ended) = connections.join_next().await {
            note_end(ended);
        }
    });
    if drained.await.is_err() {
        tracing::warn!(
            cut = connections.len(),
            "connections cut off at the end of the grace time"
        );
        connections.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a connection costs before it says a word; there may be 20 000 of them.
    #[tokio::test]
    async fn a_connection_is_held_in_4_kilobytes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await;
        let limits = ConnectionLimits::default();
        let shared = Arc::new(Shared {
            app: axum::Router::new(),
            builder: connection::builder(&limits),
            limits,
        });
        let address = listener.local_addr().unwrap().ip();
        let place = Addresses::new(None).take(address).unwrap();
        let (_stop, stopping) = watch::channel(false);
        let held = hold(tcp.unwrap(), None, shared, stopping, place);
        assert!(size_of_val(&held) <= 4096, "{}", size_of_val(&held));
    }

    #[test]
    fn the_hint_about_tls_has_the_length_it_claims() {
        let text = std::str::from_utf8(PLAIN_ON_TLS).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("content-length: {}", body.len())),
            "{}",
            body.len()
        );
    }
}

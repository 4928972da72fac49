//! The accept loop: which connections are taken, how many are held, and how they end at shutdown; what is said on them is `connection`'s.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use lictor_authority::clock;
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use super::addresses::{Addresses, Place};
use super::budget::Budgets;
pub use super::connection::Answers;
use super::connection::{self, Shared};
use super::connection_slots::ConnectionSlots;
use super::connection_state::ConnectionState;
use super::limits::ConnectionLimits;
use super::peer::Peer;
use super::traffic::Cut;

/// How long the loop rests when the process or the system is out of files or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long to wait between two looks at who could give way while memory is short.
const RELIEF_PAUSE: Duration = Duration::from_millis(100);

/// How long a peer has sent and taken nothing before it gives way: shorter than those wait who lack
/// memory, so that they have it in time.
const STILL: Duration = Duration::from_millis(500);

/// How much the kernel takes of an answer beyond what is under way to its peer, in bytes. It is little,
/// so that a peer that takes nothing is seen to.
const NOT_SENT_BYTES: u32 = 32 * 1024;

/// How much is read of a request whose answer is the same whatever it asks, in bytes, and for how long.
const TOLD_BYTES: u64 = 64 * 1024;
const TOLD_WITHIN: Duration = Duration::from_secs(1);

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
    let (budgets, mut next_relief) = (app.budgets(), Instant::now());
    let mut room = Room::new(app, tls, limits);
    let (stop, stopping) = watch::channel(false);
    let mut shutdown = std::pin::pin!(shutdown);
    // A connection that waits for a place. Others wait in the kernel's queue behind it.
    let mut waiting = None;

    loop {
        if let Some((tcp, place)) = waiting.take() {
            if room.slots.find() {
                room.hold(tcp, place, stopping.clone());
            } else {
                waiting = Some((tcp, place));
            }
        }
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(ended) = room.connections.join_next_with_id() => {
                room.note_end(ended);
                continue;
            }
            () = room.shared.stream_limits.anonymous.is_full() => {
                room.slots.disperse();
                // Those who come meanwhile are refused.
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
            () = is_short(budgets.as_ref(), next_relief) => {
                room.relieve(budgets.as_ref());
                next_relief = Instant::now() + RELIEF_PAUSE;
                continue;
            }
            () = sleep(ACCEPT_PAUSE), if waiting.is_some() => continue,
            accepted = listener.accept(), if waiting.is_none() => accepted,
        };
        match accepted {
            Ok((tcp, peer)) => waiting = room.place_for(peer.ip()).map(|place| (tcp, place)),
            Err(error) => recover(&error).await,
        }
    }

    drop((listener, waiting));
    // It fails when no connection is left, which is fine.
    let _ = stop.send(true);
    end_all(room.connections, room.shared.limits.shutdown_grace).await;
    Ok(())
}

/// Ready when somebody lacks memory, and it is time to look who could give way.
async fn is_short(budgets: Option<&Budgets>, next_relief: Instant) {
    let Some(budgets) = budgets else {
        return std::future::pending().await;
    };
    budgets.is_short().await;
    sleep_until(next_relief).await;
}

/// What the loop holds.
struct Room<A> {
    shared: Arc<Shared<A>>,
    acceptor: Option<TlsAcceptor>,
    addresses: Addresses,
    connections: JoinSet<()>,
    slots: ConnectionSlots,
    is_full: bool,
}

impl<A: Answers> Room<A> {
    fn new(app: A, tls: Option<Arc<rustls::ServerConfig>>, limits: ConnectionLimits) -> Self {
        Self {
            acceptor: tls.map(TlsAcceptor::from),
            addresses: Addresses::new(limits.max_connections_per_address),
            connections: JoinSet::new(),
            slots: ConnectionSlots::new(limits.max_connections, limits.sign_in_grace),
            is_full: false,
            shared: Arc::new(Shared::new(app, limits)),
        }
    }

    /// A place among those of its address, unless it has too many.
    fn place_for(&self, address: IpAddr) -> Option<Place> {
        let limits = &self.shared.limits;
        if limits.trusted_proxies.contains(address) {
            return Some(Place::uncounted());
        }
        let place = self.addresses.take(address);
        if place.is_none() {
            tracing::debug!(peer = %address, "closed: too many connections from this address");
            if let Some(traffic) = self.shared.app.traffic() {
                traffic.note_cut(Cut::Address);
            }
        }
        place
    }

    fn hold(&mut self, tcp: TcpStream, place: Place, stopping: watch::Receiver<bool>) {
        let state = Arc::new(ConnectionState::new(self.shared.app.traffic()));
        let (shared, acceptor) = (Arc::clone(&self.shared), self.acceptor.clone());
        // Spawned as it is: a future around it would take its room a second time.
        let held = hold(tcp, acceptor, shared, Arc::clone(&state), stopping, place);
        let task = self.connections.spawn(held);
        self.slots.add(state, task);
        let is_full = self.slots.len() >= self.shared.limits.max_connections;
        if is_full && !self.is_full {
            tracing::warn!(
                held = self.slots.len(),
                "no room: new connections wait, or replace an unauthenticated one"
            );
        }
        self.is_full = is_full;
    }

    fn relieve(&mut self, budgets: Option<&Budgets>) {
        if let Some(budgets) = budgets {
            self.slots.relieve(budgets.shortage(), STILL);
        }
    }

    fn note_end(&mut self, ended: Result<(Id, ()), JoinError>) {
        match ended {
            Ok((task, ())) => self.slots.remove(task),
            Err(error) => {
                self.slots.remove(error.id());
                note_panic(&error);
            }
        }
    }
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
    state: Arc<ConnectionState>,
    stopping: watch::Receiver<bool>,
    _place: Place,
) {
    let first_byte_by = Instant::now() + shared.limits.first_byte_timeout;
    if !clock::can_be_told() {
        // The peer may be gone.
        let _ = Box::pin(tell(&mut tcp, UNDATED)).await;
        return;
    }
    let Ok(address) = tcp.peer_addr() else {
        return;
    };
    let mut peer = Peer {
        address: address.ip(),
        certified: false,
    };
    let set = || -> io::Result<()> {
        tcp.set_nodelay(true)?;
        SockRef::from(&tcp).set_tcp_notsent_lowat(NOT_SENT_BYTES)
    };
    if let Err(error) = set() {
        tracing::debug!(peer = %address, %error, "could not set the options of TCP");
    }
    let Some(acceptor) = acceptor else {
        connection::serve(tcp, peer, &state, &shared, first_byte_by, stopping).await;
        return;
    };
    // Boxed, so that connections without TLS do not take the room of one with it.
    Box::pin(async {
        match timeout_at(first_byte_by, shake_hands(tcp, &acceptor)).await {
            Ok(Ok(tls)) => {
                // None is shown that was not verified.
                peer.certified = tls.get_ref().1.peer_certificates().is_some();
                connection::serve(tls, peer, &state, &shared, first_byte_by, stopping).await;
            }
            Ok(Err(error)) => tracing::debug!(peer = %address, %error, "no TLS handshake"),
            Err(_) => tracing::debug!(peer = %address, "no TLS handshake in time"),
        }
    })
    .await;
}

/// Says the same to whatever is asked, once something is: clients take no answer before. What comes
/// meanwhile is taken, up to a bound: a connection that is closed over bytes that nobody read is reset,
/// and what was said may be lost by that.
async fn tell(tcp: &mut TcpStream, answer: &[u8]) -> io::Result<()> {
    if let Ok(asked) = timeout(TOLD_WITHIN, tcp.peek(&mut [0])).await {
        asked?;
    }
    tcp.write_all(answer).await?;
    tcp.shutdown().await?;
    let mut asked = tcp.take(TOLD_BYTES);
    let taken = timeout(
        TOLD_WITHIN,
        tokio::io::copy(&mut asked, &mut tokio::io::sink()),
    )
    .await;
    taken.map_or(Ok(()), |taken| taken.map(drop))
}

async fn shake_hands(
    mut tcp: TcpStream,
    acceptor: &TlsAcceptor,
) -> io::Result<tokio_rustls::server::TlsStream<TcpStream>> {
    let mut first = [0];
    if tcp.peek(&mut first).await? == 1 && first[0] != TLS_HANDSHAKE {
        tell(&mut tcp, PLAIN_ON_TLS).await?;
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

fn note_panic(error: &JoinError) {
    if error.is_panic() {
        tracing::error!(%error, "a connection ended by a panic");
    }
}

async fn end_all(mut connections: JoinSet<()>, grace: Duration) {
    let drained = timeout(grace, async {
        while let Some(ended) = connections.join_next().await {
            if let Err(error) = ended {
                note_panic(&error);
            }
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
        let shared = Arc::new(Shared::new(axum::Router::new(), limits));
        let state = Arc::new(ConnectionState::new(None));
        let address = listener.local_addr().unwrap().ip();
        let place = Addresses::new(None).take(address).unwrap();
        let (_stop, stopping) = watch::channel(false);
        let held = hold(tcp.unwrap(), None, shared, state, stopping, place);
        assert!(size_of_val(&held) <= 4096, "{}", size_of_val(&held));
    }

    #[tokio::test]
    async fn what_is_told_to_whoever_asks_comes_once_they_have_asked() {
        use std::io::{ErrorKind, Read as _, Write as _};
        use std::task::Poll;

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.set_nonblocking(true).unwrap();
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut telling = Box::pin(tell(&mut tcp, UNDATED));
        let begun =
            std::future::poll_fn(|context| Poll::Ready(telling.as_mut().poll(context))).await;
        assert!(begun.is_pending());
        let early = client.read(&mut [0; 1]).unwrap_err();
        assert_eq!(early.kind(), ErrorKind::WouldBlock);
        client.write_all(&[b' '; 10_000]).unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        telling.await.unwrap();
        drop(tcp);
        client.set_nonblocking(false).unwrap();
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).unwrap();
        assert_eq!(heard, UNDATED);
    }

    #[test]
    fn answers_that_are_written_out_have_the_length_they_claim() {
        for answer in [PLAIN_ON_TLS, UNDATED] {
            let text = std::str::from_utf8(answer).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            let length = body.len();
            assert!(
                head.ends_with(&format!("content-length: {length}")),
                "{length}"
            );
        }
    }
}

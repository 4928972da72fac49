//! The figures that bound a connection and a request, but for the sizes of bodies, which are each dialect's; what happens when one is reached is decided in the files that take them.

use std::time::Duration;

/// How long a client may take to send one request body.
pub const BODY_READ_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a client may take to send a body that it signs in with.
pub const CREDENTIAL_READ_TIMEOUT: Duration = Duration::from_secs(10);

/// What one listener grants to its connections.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// Connections held at once, at least 1; 20 000 by default. Beyond it new connections wait in
    /// the kernel's accept queue until one ends, so that no work is done for them and none is lost.
    pub max_connections: usize,
    /// Connections held at once from one address, an IPv6 address being counted by its /64; no cap
    /// by default. Loopback is never counted, for that is where a TLS proxy stands. Beyond it a new
    /// connection is closed at once.
    pub max_connections_per_address: Option<usize>,
    /// From accept to the first byte of a request, the TLS handshake included; 10 s by default.
    /// Then the connection is closed.
    pub first_byte_timeout: Duration,
    /// From the first byte of a request's head to its last; 5 s by default. Then the connection is
    /// closed. It does not run while an earlier request of the same connection is being answered.
    pub header_timeout: Duration,
    /// How long a connection may have no request in flight; how long a peer may take nothing of what
    /// waits for it, and over which time it must take 1 kB a second, on a connection and on each
    /// stream of HTTP/2; 60 s by default. It is checked four times in that span, so that a
    /// connection is closed between one and one and a quarter times as long after its last request.
    pub idle_timeout: Duration,
    /// How long a request of HTTP/1 goes on whose peer has closed its side, before a byte of its
    /// answer is sent; 1 s by default. A peer may have said its last and still read.
    pub left_timeout: Duration,
    /// How long requests in flight may go on after the shutdown began; 10 s by default.
    pub shutdown_grace: Duration,
    /// Bytes of one request's head, 8 192 or more; 32 768 by default. Beyond it: 431.
    pub max_header_bytes: usize,
    /// Header fields of one HTTP/1 request; 100 by default. Beyond it: 431.
    pub max_headers: usize,
    /// Bytes of a request's path and query; 16 384 by default. Beyond it: 414.
    pub max_uri_bytes: usize,
    /// Streams open at once on one HTTP/2 connection; 128 by default.
    pub max_http2_streams: u32,
    /// Bytes of bodies that an HTTP/2 peer may send, on one stream and on all of its connection,
    /// before the server has read them, and that are buffered at once of an answer to it; 64 KiB by
    /// default, the least there is.
    pub http2_window: u32,
    /// How often an HTTP/2 peer is pinged, and how long its answer may take; 20 s by default.
    pub http2_ping_interval: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            max_connections: 20_000,
            max_connections_per_address: None,
            first_byte_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(60),
            left_timeout: Duration::from_secs(1),
            shutdown_grace: Duration::from_secs(10),
            max_header_bytes: 32 * 1024,
            max_headers: 100,
            max_uri_bytes: 16 * 1024,
            max_http2_streams: 128,
            http2_window: 64 * 1024,
            http2_ping_interval: Duration::from_secs(20),
        }
    }
}

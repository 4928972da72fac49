//! The figures that bound a connection and a request, but for the sizes of bodies, which are each dialect's; what happens when one is reached is decided in the files that take them.

use std::time::Duration;

use super::forwarded::Proxies;

/// How long a client may take to send one request body.
pub const BODY_READ_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a client may take to send a body that it signs in with.
pub const CREDENTIAL_READ_TIMEOUT: Duration = Duration::from_secs(10);

/// How long who asks too often waits to be told so.
pub const REFUSED_AFTER: Duration = Duration::from_millis(250);

/// What one listener grants to its connections.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// Connections held at once, at least 1; 20 000 by default. Beyond it those give up their places
    /// over which nobody has signed in, the longest idle first; if there are none, new connections
    /// wait in the kernel's accept queue until one ends.
    pub max_connections: usize,
    /// Connections held at once from one address, an IPv6 address being counted by its /64; a quarter
    /// of 20 000 by default. Loopback and trusted proxies are never counted. Beyond it a new
    /// connection is closed at once.
    pub max_connections_per_address: Option<usize>,
    /// Whose `Forwarded` and `X-Forwarded-For` are believed; nobody's by default.
    pub trusted_proxies: Proxies,
    /// How long a connection has to sign in before its place may be taken; 1 s by default.
    pub sign_in_grace: Duration,
    /// Streams of HTTP/2 of those who have not signed in, on all connections together: of each as
    /// many as there were at once, beyond 4; 2 048 by default. Beyond it a stream is refused, and the
    /// connections with the most go.
    pub max_anonymous_streams: usize,
    /// Streams of HTTP/2 of those who have signed in, on all connections together, from their heads to
    /// the last bytes that are taken of their answers, beyond 4 of each; 4 096 by default. Beyond it a
    /// stream is refused.
    pub max_signed_in_streams: usize,
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

/// Connections held at once, if there are files for as many.
const MAX_CONNECTIONS: usize = 20_000;

/// The part of all connections that one address may hold.
const ADDRESS_SHARE: usize = 4;

/// Files that the server needs beside its connections: the database, what reads it, a
/// backup, and the connections for the metrics.
const OTHER_FILES: usize = 192;

impl ConnectionLimits {
    /// The defaults for a process that may have so many files open, each connection being one.
    pub fn for_files(files: u64) -> Self {
        let files = usize::try_from(files).unwrap_or(usize::MAX);
        let max_connections = files
            .saturating_sub(OTHER_FILES)
            .max(files / 2)
            .clamp(1, MAX_CONNECTIONS);
        Self {
            max_connections,
            max_connections_per_address: Some((max_connections / ADDRESS_SHARE).max(1)),
            ..Self::default()
        }
    }
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            max_connections: MAX_CONNECTIONS,
            max_connections_per_address: Some(MAX_CONNECTIONS / ADDRESS_SHARE),
            trusted_proxies: Proxies::default(),
            sign_in_grace: Duration::from_secs(1),
            max_anonymous_streams: 2_048,
            max_signed_in_streams: 4_096,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_places_for_as_many_connections_as_files_can_be_open() {
        for (files, connections) in [
            (1_024, 832),
            (200, 100),
            (0, 1),
            (20_192, 20_000),
            (1 << 20, 20_000),
            (u64::MAX, 20_000),
        ] {
            let limits = ConnectionLimits::for_files(files);
            assert_eq!(limits.max_connections, connections, "{files}");
            let share = limits.max_connections_per_address;
            assert_eq!(share, Some((connections / 4).max(1)), "{files}");
        }
    }
}

//! Who is at the other end of a connection, as far as the connection tells.

use std::net::IpAddr;

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// Whether it showed a certificate that the operator's authority signed.
    pub certified: bool,
}

/// The extension of an answer that is of use only while its peer listens, such as a feed without an
/// end: it is over once the peer has closed its side of the connection, which does not end others.
#[derive(Debug, Clone, Copy)]
pub struct WhileListening;

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

//! Which addresses count as one where something is counted by address.

use std::net::{IpAddr, Ipv6Addr};

/// IPv6 hosts get whole /64 networks, so these are counted as one. Loopback is not counted.
pub fn counted_as(address: IpAddr) -> Option<IpAddr> {
    match address.to_canonical() {
        loopback if loopback.is_loopback() => None,
        IpAddr::V6(v6) => {
            let network = v6.to_bits() & !u128::from(u64::MAX);
            Some(IpAddr::V6(Ipv6Addr::from_bits(network)))
        }
        IpAddr::V4(v4) => Some(IpAddr::V4(v4)),
    }
}

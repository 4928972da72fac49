//! The options of `lictor serve` about connections and trusted proxies.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use lictor_server::http::forwarded::Proxies;
use lictor_server::http::limits::ConnectionLimits;
use serde::Deserialize;

use super::ServeOptions;
use crate::exit::{Failure, Outcome};

/// The addresses of proxies: one, or a network such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Network(IpNet);

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let one = |address: IpAddr| IpNet::from(address.to_canonical());
        let found = text.parse().map(one).or_else(|_| text.parse());
        let network: IpNet = found.map_err(|_| {
            format!("{text:?} is neither an address nor a network such as 10.0.0.0/8")
        })?;
        if network.prefix_len() == 0 {
            return Err(format!(
                "{text:?} is every address, so anyone could claim to be any client; give the \
                 proxies' own"
            ));
        }
        Ok(Self(network.trunc()))
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// What the options say, in a process that may have so many files open.
///
/// # Errors
/// [`Failure::Usage`] for an invalid number of connections.
pub(super) fn limits(options: &ServeOptions, files: u64) -> Outcome<ConnectionLimits> {
    let usual = ConnectionLimits::for_files(files);
    let per_address = match options.connections_per_address {
        Some(0) => {
            return Err(Failure::Usage(
                "--connections-per-address: use 1 or more".to_owned(),
            ));
        }
        Some(most) => Some(most),
        None => usual.max_connections_per_address,
    };
    let networks = options.trusted_proxy.iter().map(|network| network.0);
    Ok(ConnectionLimits {
        max_connections_per_address: per_address,
        trusted_proxies: Proxies::new(networks.collect()),
        ..usual
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_an_address_or_a_network_and_not_everybody() {
        for (text, network) in [
            ("10.0.0.1", "10.0.0.1/32"),
            (" 10.1.2.3/8 ", "10.0.0.0/8"),
            ("2001:db8::1", "2001:db8::1/128"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::ffff:10.0.0.1", "10.0.0.1/32"),
        ] {
            assert_eq!(
                text.parse(),
                Ok(Network(network.parse().unwrap())),
                "{text}"
            );
        }
        for text in [
            "",
            "proxy",
            "10.0.0.1:80",
            "10.0.0.0/33",
            "0.0.0.0/0",
            "::/0",
        ] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_has_a_quarter_of_the_places_unless_it_is_said_otherwise() {
        let per_address = |given| {
            let options = ServeOptions {
                connections_per_address: given,
                ..ServeOptions::default()
            };
            limits(&options, 1_024).map(|limits| limits.max_connections_per_address)
        };
        assert_eq!(per_address(None).ok(), Some(Some(208)));
        assert_eq!(per_address(Some(7)).ok(), Some(Some(7)));
        assert!(per_address(Some(0)).is_err());
    }
}

//! Which client a trusted proxy speaks for: the rightmost address in `Forwarded` or `X-Forwarded-For` that is no trusted proxy's.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::FORWARDED;
use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies whose word is believed.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Vec<IpNet>);

/// What a header says of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    /// What stands there is no address, or has no sense.
    Unclear,
    Client(IpAddr),
}

impl Proxies {
    /// Those with an address in one of these networks.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Whether it is the address of one.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client behind a peer: the peer, unless it is a trusted proxy that names one.
    ///
    /// Each proxy adds to one of the headers and may hand on the other as a client sent it. So where
    /// both are there and say different things, or what counts is no address, nobody but the proxy is
    /// known.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if self.0.is_empty() || !self.contains(peer) {
            return peer;
        }
        match (self.forwarded(headers), self.x_forwarded_for(headers)) {
            (Said::Client(client), Said::Nothing) | (Said::Nothing, Said::Client(client)) => client,
            (Said::Client(one), Said::Client(other)) if one == other => one,
            _ => peer,
        }
    }

    fn x_forwarded_for(&self, headers: &HeaderMap) -> Said {
        let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
        let hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        self.last(hops.map(|hop| node(std::str::from_utf8(hop).ok()?)))
    }

    fn forwarded(&self, headers: &HeaderMap) -> Said {
        let mut hops = Vec::new();
        for line in headers.get_all(FORWARDED) {
            match line.to_str().ok().and_then(elements) {
                Some(found) => hops.extend(found),
                // A quote that a client left open would swallow what the proxy added.
                None => return Said::Unclear,
            }
        }
        self.last(hops.into_iter().rev())
    }

    /// Of hops from the last to the first, the first that is no trusted proxy; if all are, the last.
    fn last(&self, hops: impl Iterator<Item = Option<IpAddr>>) -> Said {
        let mut said = Said::Nothing;
        for hop in hops {
            match hop {
                None => return Said::Unclear,
                Some(address) => said = Said::Client(address),
            }
            if hop.is_some_and(|address| !self.contains(address)) {
                break;
            }
        }
        said
    }
}

/// The address of a node, which may have a port.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches([' ', '\t']);
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse().ok();
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    address
        .or_else(with_port)
        .map(|address| address.to_canonical())
}

/// The nodes that one line of `Forwarded` was sent for (RFC 7239), none where an element names no
/// address; nothing if the line breaks the grammar.
fn elements(line: &str) -> Option<Vec<Option<IpAddr>>> {
    let mut found = Vec::new();
    let mut client = None;
    let mut rest = line;
    loop {
        rest = blank(rest);
        // Elements, and pairs, may be empty.
        if !rest.is_empty() && !rest.starts_with([';', ',']) {
            let (name, value) = rest.split_once('=')?;
            if !is_token(name) {
                return None;
            }
            let (value, following) = value_of(value)?;
            if name.eq_ignore_ascii_case("for") {
                client = Some(node(&value));
            }
            rest = blank(following);
        }
        match rest.bytes().next() {
            Some(b';') => {}
            Some(b',') => found.extend(client.take()),
            Some(_) => return None,
            None => {
                found.extend(client);
                return Some(found);
            }
        }
        rest = &rest[1..];
    }
}

fn blank(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

/// A value and what follows it.
fn value_of(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',', ' ', '\t']).unwrap_or(text.len());
        let (value, following) = text.split_at(end);
        return is_token(value).then(|| (value.to_owned(), following));
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(letters.next()?.1),
            _ => value.push(letter),
        }
    }
    None
}

/// A token of RFC 9110, or an address that somebody forgot to quote.
fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:[]".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "10.0.0.1";

    fn seen(peer: &str, lines: &[(&str, &str)]) -> String {
        let networks = ["10.0.0.0/8", "2001:db8:1::/48"];
        let networks = networks.map(|network| network.parse().unwrap());
        let proxies = Proxies::new(networks.to_vec());
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        let client = proxies.client(peer.parse().unwrap(), &headers);
        client.to_string()
    }

    #[test]
    fn the_client_is_the_rightmost_address_that_is_no_trusted_proxy() {
        for (value, client) in [
            ("203.0.113.7", "203.0.113.7"),
            ("6.6.6.6, 203.0.113.7", "203.0.113.7"),
            ("6.6.6.6,203.0.113.7 , 10.2.3.4,10.0.0.9", "203.0.113.7"),
            ("203.0.113.7:4711", "203.0.113.7"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:80, 2001:db8:1::9", "2001:db8::7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("10.3.3.3, 10.2.2.2", "10.3.3.3"),
            ("6.6.6.6, unknown", PROXY),
            ("6.6.6.6,", PROXY),
            ("", PROXY),
            ("6.6.6.6 203.0.113.7", PROXY),
            ("\u{fc}", PROXY),
        ] {
            let seen = seen(PROXY, &[("X-Forwarded-For", value)]);
            assert_eq!(seen, client, "{value}");
        }
    }

    #[test]
    fn forwarded_says_the_same_and_an_open_quote_hides_nothing() {
        for (value, client) in [
            ("for=203.0.113.7", "203.0.113.7"),
            (
                "For=6.6.6.6;proto=http, FOR=203.0.113.7; by=10.0.0.1",
                "203.0.113.7",
            ),
            ("for=\"203.0.113.7:4711\"", "203.0.113.7"),
            ("for=\"[2001:db8::7]:4711\";proto=https", "2001:db8::7"),
            ("for=\"[2001:db8::7]\", for=10.9.9.9", "2001:db8::7"),
            ("for=\"203.0.\\113.7\"", "203.0.113.7"),
            ("for=6.6.6.6, for=_hidden", PROXY),
            ("for=6.6.6.6, for=unknown", PROXY),
            ("for=\"6.6.6.6, for=203.0.113.7", PROXY),
            ("for=6.6.6.6;x=\", for=\"203.0.113.7\"", PROXY),
            ("for=6.6.6.6;x=\", for=203.0.113.7", PROXY),
            ("for=6.6.6.6 for=7.7.7.7", PROXY),
            ("6.6.6.6", PROXY),
            ("proto=https", PROXY),
        ] {
            let seen = seen(PROXY, &[("Forwarded", value)]);
            assert_eq!(seen, client, "{value}");
        }
    }

    #[test]
    fn lines_of_a_header_are_one_list() {
        for name in ["X-Forwarded-For", "Forwarded"] {
            let value = |address| match name {
                "Forwarded" => format!("for={address}"),
                _ => String::from(address),
            };
            let (first, second) = (value("6.6.6.6"), value("203.0.113.7"));
            let seen = seen(PROXY, &[(name, &first), (name, &second)]);
            assert_eq!(seen, "203.0.113.7", "{name}");
        }
    }

    #[test]
    fn a_header_that_the_proxy_handed_on_as_it_came_changes_nobody_into_another() {
        let own = ("X-Forwarded-For", "203.0.113.7");
        for (forged, client) in [
            ("for=6.6.6.6", PROXY),
            ("for=\"", PROXY),
            ("for=203.0.113.7", "203.0.113.7"),
        ] {
            assert_eq!(
                seen(PROXY, &[own, ("Forwarded", forged)]),
                client,
                "{forged}"
            );
        }
    }

    #[test]
    fn nobody_else_is_believed() {
        let said = [("X-Forwarded-For", "6.6.6.6"), ("Forwarded", "for=6.6.6.6")];
        assert_eq!(seen("203.0.113.9", &said), "203.0.113.9");
        let nobody = Proxies::default();
        let headers = HeaderMap::new();
        let peer: IpAddr = PROXY.parse().unwrap();
        assert_eq!(nobody.client(peer, &headers), peer);
        assert!(!nobody.contains(peer));
        assert_eq!(
            seen("::ffff:10.0.0.1", &said),
            "6.6.6.6",
            "an IPv4 peer of an IPv6 socket"
        );
    }
}

//! Addresses of servers as people write them.

use std::borrow::Cow;

use lictor_core::secret::masked;
use reqwest::Url;

/// The address of a server. Blanks around it are no part of it; without a scheme it is `http` on
/// this machine and `https` elsewhere, so that no token travels in plain text by a guess. A user and
/// a password are left out: the token says who asks.
///
/// # Errors
/// Why it is not a valid address.
pub(crate) fn of_server(text: &str) -> Result<Url, &'static str> {
    const WRONG: &str = "not the address of a server";
    let text = text.trim();
    let full = match text.contains("://") {
        true => Cow::Borrowed(text),
        false if is_host(text) => Cow::Owned(format!("http://{text}")),
        false => return Err(WRONG),
    };
    let mut url = Url::parse(&full).map_err(|_| WRONG)?;
    if !matches!(url.scheme(), "http" | "https") || url.cannot_be_a_base() {
        return Err(WRONG);
    }
    if !text.contains("://") && !is_loopback(&url) {
        url.set_scheme("https").map_err(|()| WRONG)?;
    }
    // Neither fails where there is a host.
    let _ = (url.set_username(""), url.set_password(None));
    Ok(url)
}

/// An address, or what was given for one, as it may be shown.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    match text.rsplit_once('@') {
        Some((_, host)) if !text.contains("://") => Cow::Owned(format!("***@{host}")),
        Some(_) | None => masked(text),
    }
}

/// Whether the server is on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    })
}

/// Whether a text without a scheme is a host, maybe with a port: one word could be anything.
fn is_host(text: &str) -> bool {
    let authority = text.split('/').next().unwrap_or_default();
    let port = authority.rsplit_once(':').map(|(_, port)| port);
    let has_port = port.is_some_and(|port| port.parse::<u16>().is_ok());
    let is_named = authority.contains('.') || matches!(authority, "localhost" | "[::1]");
    !authority.contains('@') && (has_port || is_named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_as_people_write_them() {
        for (text, url) in [
            ("http://127.0.0.1:8001", "http://127.0.0.1:8001/"),
            (" http://127.0.0.1:8001\r\n", "http://127.0.0.1:8001/"),
            ("127.0.0.1:8001", "http://127.0.0.1:8001/"),
            ("localhost:8001", "http://localhost:8001/"),
            ("localhost", "http://localhost/"),
            ("[::1]:8001", "http://[::1]:8001/"),
            ("licenses.example.com", "https://licenses.example.com/"),
            (
                "licenses.example.com:8443/x",
                "https://licenses.example.com:8443/x",
            ),
            (
                "http://licenses.example.com",
                "http://licenses.example.com/",
            ),
            ("https://me:word@example.com", "https://example.com/"),
        ] {
            assert_eq!(of_server(text).as_ref().map(Url::as_str), Ok(url), "{text}");
        }
        for text in [
            "",
            "nonsense",
            "me@home",
            "ftp://localhost",
            "http://",
            "http://host:99999",
            "localhost:",
            "localhost:many",
            "mailto:ada@example.com",
            "two words:80",
        ] {
            assert!(of_server(text).is_err(), "{text}");
        }
        assert_eq!(shown("me:word@host:none"), "***@host:none");
        assert_eq!(shown("ftp://me:word@host"), "ftp://***@host");
    }
}

//! Messages for failed connections: the root cause, and what helps.

use std::error::Error;
use std::io;

use hyper_util::client::proxy::matcher::Matcher;

use rustls::CertificateError;

/// Why a request failed, in a sentence for a user. It contains no address and no secret.
pub fn of_request(error: &reqwest::Error) -> String {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    let mut system = None;
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return of_tls(error).to_owned();
        }
        if let Some(why) = error.downcast_ref::<hyper::Error>().and_then(of_http) {
            return why.to_owned();
        }
        let text = error.to_string();
        if text == "tunnel error: proxy authorization required" {
            return of_status(407);
        }
        // Where the proxy itself is out of reach, the reason is below.
        if text.starts_with("tunnel error") && !text.contains("underlying connection") {
            return "the proxy does not let it through".to_owned();
        }
        let io = error.downcast_ref::<io::Error>();
        if let Some(io) = io {
            system = Some(of_system(io));
        }
        // What an error of the system holds is not its source.
        cause = match io.and_then(io::Error::get_ref) {
            Some(within) => Some(within),
            None => error.source(),
        };
    }
    match system {
        _ if error.is_timeout() => "it did not answer in time".to_owned(),
        Some(system) => system,
        None if error.is_connect() => "no connection could be made".to_owned(),
        None if error.is_body() || error.is_decode() => "the connection broke off".to_owned(),
        None => "the request could not be sent".to_owned(),
    }
}

/// The meaning of a status that comes from a gateway or proxy instead of the server.
pub fn of_status(status: u16) -> String {
    of_gateway(status)
        .unwrap_or_else(|| format!("what answers there is not Lictor: status {status}"))
}

/// The same, only for statuses that gateways and proxies send themselves. `None` for any other.
pub fn of_gateway(status: u16) -> Option<String> {
    let why = match status {
        401 | 403 => {
            "it wants a sign-in of its own, and lets nothing through without; have it pass on what is \
             for Lictor, with the header Authorization as it is, or name an address behind it"
        }
        407 => {
            let why = "a proxy in between requires a name and a password; write NAME:PASSWORD@ \
                       into its address";
            return Some(why.to_owned());
        }
        413 => "what is sent is too large for it; raise its limit for bodies",
        429 => "it lets no more through for now; try again later, or raise its limit",
        502..=504 => {
            "it cannot reach what is behind it; does that run, and what does the log of the proxy say?"
        }
        _ => return None,
    };
    Some(format!("a proxy between answers {status}: {why}"))
}

/// The proxy by which requests to this address go, as the environment says. `None` if they go straight.
/// Without the name and the password that it may have.
pub fn proxy_of(address: &str) -> Option<String> {
    let way = Matcher::from_env().intercept(&address.parse().ok()?)?;
    let proxy = way.uri();
    let host = proxy.host()?;
    Some(match proxy.port_u16() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// Why a request by that proxy brought nothing, with where it comes from.
pub fn by_proxy(proxy: Option<&str>, why: &str) -> String {
    match proxy {
        None => why.to_owned(),
        Some(proxy) => format!(
            "by the proxy {proxy}, which HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names (NO_PROXY or \
             --no-proxy leave it out): {why}"
        ),
    }
}

/// Whether a request failed for the certificate that was shown.
pub fn is_of_certificate(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return matches!(error, rustls::Error::InvalidCertificate(_));
        }
        let io = error.downcast_ref::<io::Error>();
        cause = match io.and_then(io::Error::get_ref) {
            Some(within) => Some(within),
            None => error.source(),
        };
    }
    false
}

fn of_system(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the connection was closed early".to_owned(),
        io::ErrorKind::ConnectionRefused => {
            "Connection refused: nothing listens there; does it run, and is the port right?"
                .to_owned()
        }
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            "the connection was reset".to_owned()
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            "there is no route to it; is the address right, and the network up?".to_owned()
        }
        // What looks names up has no code of its own.
        _ if error.to_string().contains("lookup address") => {
            "its name is unknown here; is it spelled right, and does DNS answer?".to_owned()
        }
        _ => error.to_string(),
    }
}

fn of_http(error: &hyper::Error) -> Option<&'static str> {
    if error.is_parse() {
        Some("what answers there does not speak HTTP; is its address https:// instead?")
    } else if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        Some("the connection was closed without an answer")
    } else {
        None
    }
}

/// What is wrong with a connection by TLS, or with the certificates or keys for it.
pub fn of_tls(error: &rustls::Error) -> &'static str {
    use CertificateError as Certificate;
    use rustls::Error as Tls;
    match error {
        Tls::InvalidMessage(_) => {
            "what answers there does not speak TLS; is its address http:// instead?"
        }
        Tls::PeerIncompatible(_) => {
            "it has no version or cipher of TLS in common with this program"
        }
        Tls::InvalidCertificate(certificate) => match certificate {
            Certificate::UnknownIssuer => {
                "its certificate is not signed by an authority that is trusted here"
            }
            Certificate::Expired | Certificate::ExpiredContext { .. } => {
                "its certificate has expired; is the clock right?"
            }
            Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => {
                "its certificate is not valid yet; is the clock right?"
            }
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
                "its certificate is for another name than that of the address"
            }
            Certificate::Revoked => "its certificate is revoked",
            Certificate::BadEncoding => "the certificate is damaged",
            _ => "the certificate cannot be used for this",
        },
        Tls::AlertReceived(_) => {
            "it broke the TLS connection off, as servers do that require another certificate"
        }
        Tls::InconsistentKeys(_) => "the key is not the certificate's",
        Tls::NoCertificatesPresented => "it showed no certificate",
        _ => "the TLS connection failed",
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Why a request to this scheme fails where such bytes are answered.
    async fn cause(scheme: &str, answer: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("{scheme}://{}", listener.local_addr().expect("an address"));
        let answering = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(answer).await;
        });
        let client = reqwest::Client::builder().tls_certs_only([]).no_proxy();
        let sent = client.build().expect("a client").get(url).send().await;
        answering.await.expect("ends");
        of_request(&sent.expect_err("no answer"))
    }

    #[tokio::test]
    async fn why_there_is_no_answer_is_said_in_our_words() {
        for (scheme, answer, said) in [
            (
                "https",
                &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
                "is its address http:// instead?",
            ),
            (
                "http",
                b"\x15\x03\x03\x00\x02\x02\x32",
                "is its address https:// instead?",
            ),
            ("http", b"", "closed without an answer"),
            ("https", b"", "closed"),
        ] {
            let why = cause(scheme, answer).await;
            assert!(why.contains(said), "{scheme} {answer:?}: {why}");
        }
    }
}

//! TLS, and HTTP/2 where it was agreed on.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use lictor_server::http::limits::ConnectionLimits;
use lictor_server::http::tls;
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;

use crate::limits::quick;
use crate::server::{Server, read_to_close, statuses};

/// A certificate for `localhost` in files, as the server reads them, and a client that trusts it.
pub(crate) struct Certificate {
    folder: tempfile::TempDir,
    der: rustls::pki_types::CertificateDer<'static>,
}

impl Certificate {
    pub(crate) fn make() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(
            folder.path().join("key.pem"),
            made.signing_key.serialize_pem(),
        )
        .unwrap();
        let certificate = Self {
            folder,
            der: made.cert.der().clone(),
        };
        certificate.set_mode(0o600);
        certificate
    }

    fn set_mode(&self, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.folder.path().join("key.pem"), mode).unwrap();
    }

    pub(crate) fn load(
        &self,
        certificate: &str,
        key: &str,
    ) -> Result<Arc<rustls::ServerConfig>, String> {
        let folder = self.folder.path();
        tls::load(&folder.join(certificate), &folder.join(key), None)
            .map_err(|error| error.to_string())
    }

    async fn connect(&self, server: &Server, protocol: &[u8]) -> TlsStream<TcpStream> {
        self.shake_hands(server.connect().await, protocol).await
    }

    pub(crate) async fn shake_hands(
        &self,
        stream: TcpStream,
        protocol: &[u8],
    ) -> TlsStream<TcpStream> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        tokio_rustls::TlsConnector::from(Arc::new(config))
            .connect(ServerName::try_from("localhost").unwrap(), stream)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn tls_works_and_plain_http_on_its_port_is_told_so() {
    let certificate = Certificate::make();
    let config = certificate.load("cert.pem", "key.pem").unwrap();
    let server = Server::start_with(quick(), Some(config)).await;

    let mut stream = certificate.connect(&server, b"http/1.1").await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(statuses(&read_to_close(&mut stream).await), ["200"]);

    let plain = server.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(
        plain.starts_with("HTTP/1.1 400") && plain.contains("https://"),
        "{plain}"
    );

    let begun = Instant::now();
    assert_eq!(
        server.exchange(b"").await,
        "",
        "a silent connection is closed"
    );
    assert_eq!(
        server.exchange(b"\x16\x03\x01").await,
        "",
        "so is half a handshake"
    );
    assert!(begun.elapsed() < Duration::from_millis(1800));
}

#[tokio::test]
async fn http2_is_spoken_when_it_was_agreed_on() {
    let certificate = Certificate::make();
    let config = certificate.load("cert.pem", "key.pem").unwrap();
    let server = Server::start_with(ConnectionLimits::default(), Some(config)).await;
    let stream = certificate.connect(&server, b"h2").await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));

    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io)
        .await
        .unwrap();
    tokio::spawn(connection);
    for (path, status) in [("/", 200), ("/", 200), ("/absent", 404)] {
        let request = Request::get(format!("https://localhost{path}"))
            .body(Body::empty())
            .unwrap();
        assert_eq!(
            sender.send_request(request).await.unwrap().status(),
            status,
            "{path}"
        );
    }
}

#[test]
fn unusable_certificates_and_keys_are_named_with_what_is_wrong() {
    let certificate = Certificate::make();
    let other = Certificate::make();
    let folder = certificate.folder.path();
    std::fs::copy(
        other.folder.path().join("key.pem"),
        folder.join("other.pem"),
    )
    .unwrap();
    std::fs::write(folder.join("cut.pem"), "-----BEGIN CERTIFICATE-----\nMIIB").unwrap();
    for (cert, key, said) in [
        ("absent.pem", "key.pem", "absent.pem: No such file"),
        ("cut.pem", "key.pem", "cut.pem is not valid PEM"),
        ("key.pem", "key.pem", "key.pem holds no certificate"),
        ("cert.pem", "other.pem", "cannot be used together"),
    ] {
        let error = certificate.load(cert, key).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
    certificate.set_mode(0o640);
    let error = certificate.load("cert.pem", "key.pem").unwrap_err();
    assert!(
        error.contains("chmod 600 ") && error.contains("key.pem"),
        "{error}"
    );
}

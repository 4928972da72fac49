//! Nodes with client certificates: who shows none, or one of another authority, gets no state.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lictor_testkit::{Folder, OPERATOR, Running, command, serve, text};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

use crate::node::new_credential;
use crate::planes::soon;

pub(crate) type Authority = CertifiedIssuer<'static, KeyPair>;

/// A certificate and its key.
pub(crate) type Pair = (rcgen::Certificate, KeyPair);

pub(crate) fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(params, key).expect("an authority")
}

pub(crate) fn signed_by(authority: &Authority, names: &[&str]) -> Pair {
    let key = KeyPair::generate().expect("a key");
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    let params = CertificateParams::new(names).expect("parameters");
    let certificate = params.signed_by(&key, authority);
    (certificate.expect("a certificate"), key)
}

/// A file in this folder that nobody else can read.
pub(crate) fn secret_file(folder: &Folder, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("a file");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&path, mode).expect("a mode");
    path
}

/// A server that speaks TLS and asks nodes for certificates of one authority.
struct Server {
    address: String,
    authority: Authority,
    _running: Running,
    folder: Folder,
}

impl Server {
    fn start() -> Self {
        let folder = Folder::new();
        let authority = authority();
        let (certificate, key) = signed_by(&authority, &["localhost"]);
        let file = |name: &str, text: &str| secret_file(&folder, name, text);
        let mut command = serve(&folder.path().join("data"));
        command.env("LICTOR_ADMIN_TOKEN", OPERATOR);
        command
            .arg("--tls-cert")
            .arg(file("server.pem", &certificate.pem()));
        command
            .arg("--tls-key")
            .arg(file("server.key", &key.serialize_pem()));
        command
            .arg("--node-ca")
            .arg(file("ca.pem", &authority.pem()));
        let running = Running::start(&mut command);
        let url = running.listening();
        Self {
            address: url.strip_prefix("https://").expect("TLS").to_owned(),
            authority,
            _running: running,
            folder,
        }
    }

    /// Creates the application and enrolls a node for it; its enrollment token.
    fn enroll(&self) -> String {
        let operator = |path: &str, body: &Value| {
            let asked = self.send(None, &bearer(&format!("POST {path}"), OPERATOR), body);
            let (status, answer) = asked.expect("a handshake");
            assert_eq!(status, 201, "{answer}");
            answer
        };
        operator("/v1/applications", &json!({ "key": "konnect" }));
        let enrolled = operator("/v1/nodes", &json!({ "name": "edge-1" }));
        text(&enrolled["enrollment_token"])
    }

    /// Whether the node is connected.
    fn connected(&self) -> bool {
        let request = bearer("GET /v1/nodes/edge-1", OPERATOR);
        let (status, node) = self.send(None, &request, &json!({})).expect("a handshake");
        assert_eq!(status, 200, "{node}");
        node["connected"] == true
    }

    /// Sends a request; the status and body, or nothing where there is no handshake.
    fn send(&self, shown: Option<&Pair>, request: &str, body: &Value) -> Option<(u16, Value)> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der().clone()).expect("a root");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        let config = match shown {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => {
                let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
                let chain = vec![certificate.der().clone()];
                config.with_client_auth_cert(chain, key).expect("a pair")
            }
        };
        let name = ServerName::try_from("localhost").expect("a name");
        let session = ClientConnection::new(Arc::new(config), name).expect("a session");
        let tcp = TcpStream::connect(&self.address).expect("the server listens");
        tcp.set_read_timeout(Some(Duration::from_secs(30)))
            .expect("a timeout");
        let mut tls = StreamOwned::new(session, tcp);
        let body = body.to_string();
        let length = body.len();
        let head = format!("{request}\r\nHost: localhost\r\nConnection: close\r\n");
        let request = format!("{head}Content-Length: {length}\r\n\r\n{body}");
        tls.write_all(request.as_bytes()).ok()?;
        let mut answer = Vec::new();
        // Without a handshake there is an alert in place of an answer.
        if tls.read_to_end(&mut answer).is_err() && answer.is_empty() {
            return None;
        }
        let answer = String::from_utf8(answer).expect("text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok());
        Some((
            status.expect("a status"),
            serde_json::from_str(body).unwrap_or_default(),
        ))
    }
}

fn bearer(start: &str, token: &str) -> String {
    format!("{start} HTTP/1.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json")
}

#[test]
fn nodes_need_a_certificate_of_the_authority_and_others_need_none() {
    let server = Server::start();
    let own = signed_by(&server.authority, &["edge-1"]);
    let (credential, token) = (new_credential(), server.enroll());
    let sha256 = lictor_core::digest::Digest::of(credential.as_bytes());
    let join = json!({ "credential_sha256": sha256 });
    let requests = [
        (bearer("POST /v1/feed/join", &token), join, 201),
        (bearer("GET /v1/feed", &credential), json!({}), 200),
        (
            bearer("POST /v1/feed/report", &credential),
            json!({ "host": "h", "version": "v", "mode": "fresh" }),
            200,
        ),
    ];
    let foreign = signed_by(&authority(), &["edge-1"]);
    for (request, body, status) in &requests {
        let (refused, answer) = server.send(None, request, body).expect("a handshake");
        assert_eq!(
            (refused, &answer["code"]),
            (403, &json!("certificate-required"))
        );
        assert!(text(&answer["message"]).contains("--tls-cert"), "{answer}");
        assert_eq!(server.send(Some(&foreign), request, body), None);
        let (taken, answer) = server.send(Some(&own), request, body).expect("a handshake");
        assert_eq!(taken, *status, "{answer}");
    }
    for path in ["/v1/licenses", "/licenses", "/v1/nodes", "/healthz"] {
        let request = bearer(&format!("GET {path}"), OPERATOR);
        for shown in [None, Some(&own)] {
            let (status, _) = server
                .send(shown, &request, &json!({}))
                .expect("a handshake");
            assert_eq!(status, 200, "{path}");
        }
    }
    // A certificate is no credential.
    let nobody = bearer("GET /v1/feed", "x");
    let (status, _) = server
        .send(Some(&own), &nobody, &json!({}))
        .expect("a handshake");
    assert_eq!(status, 401);
}

#[test]
fn a_node_over_tls_that_is_killed_is_gone_within_five_seconds() {
    let server = Server::start();
    let (certificate, key) = signed_by(&server.authority, &["edge-1"]);
    let file = |name: &str, text: &str| secret_file(&server.folder, name, text);
    let mut run = command();
    run.args(["node", "run", "--listen", "127.0.0.1:0"]);
    let port = server.address.rsplit(':').next().expect("a port");
    run.args(["--control-plane", &format!("https://localhost:{port}")]);
    run.args(["--enroll", &server.enroll(), "--data"]);
    run.arg(server.folder.path().join("edge-1")).arg("--ca");
    run.arg(file("ca.pem", &server.authority.pem()));
    run.arg("--tls-cert")
        .arg(file("node.pem", &certificate.pem()));
    run.arg("--tls-key")
        .arg(file("node.key", &key.serialize_pem()));
    let mut running = Running::start(&mut run);
    running.listening();
    assert!(soon(|| server.connected()));
    running.child.kill().expect("it is there");
    assert!(soon(|| !server.connected()));
}

#[test]
fn without_tls_there_are_no_certificates_to_ask_for() {
    let folder = Folder::new();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, authority().pem()).expect("a file");
    let data = folder.path().join("data");
    let output = serve(&data).arg("--node-ca").arg(&ca).output();
    let output = output.expect("lictor runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("--tls-cert"), "{said}");
    assert!(!data.exists());
}

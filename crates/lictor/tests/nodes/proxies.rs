//! Nodes behind a proxy: by it or straight, as the environment and `--no-proxy` say.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use lictor_testkit::{Folder, OPERATOR, Running, command, result, serve};

use crate::certificates::{authority, secret_file, signed_by};
use crate::harness::Server;
use crate::planes::soon;

/// A name that nobody finds but the proxy.
const NAME: &str = "licenses.example.invalid";

/// A proxy that leads each request to one server, whatever name it is for.
struct Proxy {
    url: String,
    /// The first line of each connection.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let (server, asked) = (server.to_owned(), Arc::default());
        let noted = Arc::clone(&asked);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (server, noted) = (server.clone(), Arc::clone(&noted));
                thread::spawn(move || lead(client, &server, &noted));
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

/// Passes all on, after the head of a `CONNECT`.
fn lead(mut client: TcpStream, server: &str, noted: &Mutex<Vec<String>>) -> Option<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let first = String::from_utf8_lossy(&head);
    let first = first.lines().next()?.to_owned();
    let is_tunnel = first.starts_with("CONNECT ");
    noted.lock().expect("no panic").push(first);
    let mut upstream = TcpStream::connect(server).ok()?;
    match is_tunnel {
        true => client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?,
        false => upstream.write_all(&head).ok()?,
    }
    let (mut from, mut to) = (client.try_clone().ok()?, upstream.try_clone().ok()?);
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    let _ = std::io::copy(&mut upstream, &mut client);
    let _ = client.shutdown(Shutdown::Both);
    Some(())
}

/// `lictor node run` for a control plane of that name, with a proxy for every address.
fn node(scheme: &str, token: &str, folder: &str, proxy: &Proxy) -> Command {
    let mut command = command();
    command.args(["node", "run", "--insecure-http", "--enroll", token]);
    command.args(["--control-plane", &format!("{scheme}://{NAME}")]);
    command.args(["--listen", "127.0.0.1:0", "--data", folder]);
    for name in ["no_proxy", "http_proxy", "https_proxy", "all_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    command.env("HTTP_PROXY", &proxy.url);
    command.env("HTTPS_PROXY", &proxy.url);
    command
}

#[test]
fn a_node_asks_by_the_proxy_that_the_environment_names() {
    let server = Server::licensed();
    let address = server.url.strip_prefix("http://").expect("plain");
    let proxy = Proxy::to(address);
    let token = server.enroll("edge-1");
    let mut command = node("http", token.as_str(), &server.file("node"), &proxy);
    let running = Running::start(&mut command);
    running.wait_for("fresh: allows requests");
    assert!(soon(|| server.shown("edge-1")["connected"] == true));
    let asked = proxy.asked();
    let own = format!("http://{NAME}/v1/feed");
    assert!(asked.iter().all(|line| line.contains(&own)), "{asked:?}");
    let joined = |line: &String| line.starts_with("POST ") && line.contains("/v1/feed/join");
    assert!(asked.iter().any(joined), "{asked:?}");
}

#[test]
fn a_node_asks_straight_where_it_is_told_to() {
    let server = Server::licensed();
    let address = server.url.strip_prefix("http://").expect("plain");
    let proxy = Proxy::to(address);
    let token = server.enroll("edge-1");
    let straight: [&dyn Fn(&mut Command); 4] = [
        &|command| {
            command.arg("--no-proxy");
        },
        &|command| {
            command.env("LICTOR_NO_PROXY", "1");
        },
        &|command| {
            command.env("NO_PROXY", NAME);
        },
        &|command| {
            command.env("no_proxy", "example.invalid");
        },
    ];
    for (number, tell) in straight.iter().enumerate() {
        let folder = server.file(&format!("straight-{number}"));
        let mut command = node("http", token.as_str(), &folder, &proxy);
        tell(&mut command);
        let ended = command.output().expect("it runs");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(3), "{number}: {said}");
        // Nobody else knows the name.
        assert!(said.contains("its name is unknown here"), "{said}");
        assert!(!said.contains("by the proxy"), "{number}: {said}");
    }
    assert_eq!(proxy.asked(), [""; 0]);
    // Told otherwise, the same token joins.
    let mut command = node("http", token.as_str(), &server.file("node"), &proxy);
    command
        .env("LICTOR_NO_PROXY", "0")
        .env("NO_PROXY", "other.invalid");
    Running::start(&mut command).wait_for("fresh: allows requests");
}

#[test]
fn a_node_reaches_its_control_plane_over_tls_through_a_tunnel_of_the_proxy() {
    let folder = Folder::new();
    let authority = authority();
    let (certificate, key) = signed_by(&authority, &["localhost", NAME]);
    let file = |name: &str, text: &str| secret_file(&folder, name, text);
    let mut command = serve(&folder.path().join("data"));
    command.env("LICTOR_ADMIN_TOKEN", OPERATOR);
    command
        .arg("--tls-cert")
        .arg(file("server.pem", &certificate.pem()));
    command
        .arg("--tls-key")
        .arg(file("server.key", &key.serialize_pem()));
    let running = Running::start(&mut command);
    let url = running.listening();
    let port = url.rsplit(':').next().expect("a port");
    let ca = file("ca.pem", &authority.pem());
    let operator = |args: &[&str]| {
        let mut command = lictor_testkit::command();
        command.env("LICTOR_URL", format!("https://localhost:{port}"));
        command
            .env("LICTOR_TOKEN", OPERATOR)
            .env("SSL_CERT_FILE", &ca);
        result(&command.args(args).output().expect("it runs"))
    };
    operator(&["application", "create", "konnect"]);
    let token = operator(&["node", "enroll", "--name", "edge-1"]);
    let proxy = Proxy::to(&format!("127.0.0.1:{port}"));
    let data = folder.path().join("node").display().to_string();
    let mut command = node("https", token.trim(), &data, &proxy);
    command.arg("--ca").arg(&ca);
    let node = Running::start(&mut command);
    node.listening();
    let connected = || operator(&["node", "list"]).contains("current");
    assert!(soon(connected), "{}", operator(&["node", "list"]));
    let asked = proxy.asked();
    let tunnel = format!("CONNECT {NAME}:443 HTTP/1.1");
    assert!(
        !asked.is_empty() && asked.iter().all(|line| *line == tunnel),
        "{asked:?}"
    );
    // One that fails is named, with what to do.
    drop(node);
    drop(running);
    let other = folder.path().join("other").display().to_string();
    let mut command = self::node("https", token.trim(), &other, &proxy);
    let ended = command.arg("--ca").arg(&ca).output().expect("it runs");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(3), "{said}");
    assert!(
        said.contains("by the proxy") && said.contains("--no-proxy"),
        "{said}"
    );
}

//! Passwords in addresses: they are masked wherever an address is shown.

use std::io::Read as _;
use std::net::TcpListener;

use lictor_testkit::{Folder, Running, command, lictor, refusal, result};

use super::server::Server;
use super::write;

#[test]
fn passwords_in_addresses_are_masked_wherever_they_are_shown() {
    let folder = Folder::new();
    let data = folder.path().join("data").display().to_string();
    let file = folder.path().join("node.toml").display().to_string();
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = closed.local_addr().expect("an address").port();
    drop(closed);
    let here = format!("http://me:open-sesame@127.0.0.1:{port}");
    write(
        &file,
        &format!("control-plane = \"{here}\"\ndata = {data:?}\nlisten = \"127.0.0.1:0\"\n"),
    );
    let enroll = format!("lictor_enroll_{}", "0f".repeat(64));
    let cases: &[(i32, &[&str])] = &[
        (3, &["license", "list", "--token", "x", "--url", &here]),
        (
            2,
            &["license", "list", "--url", "ftp://me:open-sesame@host"],
        ),
        (
            2,
            &[
                "license",
                "list",
                "--url",
                "http://me:open-sesame@host:99999",
            ],
        ),
        (
            2,
            &["license", "list", "--url", "http://me:open-sesame/@host"],
        ),
        (2, &["license", "list", "--url", "me:open-sesame@host:none"]),
        (
            2,
            &[
                "serve",
                "--data",
                &data,
                "--public-url",
                "https://me:open-sesame@host",
            ],
        ),
        (
            2,
            &[
                "serve",
                "--data",
                &data,
                "--listen",
                "http://me:open-sesame@host",
            ],
        ),
        (
            2,
            &["serve", "--data", &data, "--listen", "me:open-sesame@host"],
        ),
        (
            2,
            &[
                "serve",
                "--data",
                &data,
                "--log-format",
                "http://me:open-sesame@host",
            ],
        ),
        (
            2,
            &[
                "node",
                "run",
                "--data",
                &data,
                "--control-plane",
                "http://me:open-sesame@host:80",
            ],
        ),
        (
            3,
            &[
                "node",
                "run",
                "--data",
                &data,
                "--control-plane",
                &here,
                "--enroll",
                &enroll,
                "--listen",
                "127.0.0.1:0",
            ],
        ),
        (3, &["node", "run", "--config", &file, "--enroll", &enroll]),
    ];
    for (code, words) in cases {
        let output = lictor(words);
        let text = refusal(&output, *code);
        assert!(!text.contains("sesame"), "{words:?}: {text}");
    }
}

#[test]
fn a_password_in_the_address_of_the_control_plane_is_not_in_the_log_of_a_node() {
    let folder = Folder::new();
    let data = folder.path().join("node");
    let server = Server::start(&[]);
    result(&server.lictor(&["application", "create", "editor"]));
    let token = result(&server.lictor(&["node", "enroll", "--name", "edge"]));
    let address = server.url().replace("http://", "http://me:open-sesame@");
    let mut run = command();
    run.args(["node", "run", "--listen", "127.0.0.1:0", "--log", "debug"]);
    run.arg("--data")
        .arg(&data)
        .args(["--control-plane", &address]);
    let node = Running::start(run.env("LICTOR_ENROLL", token));
    let url = node.listening();
    let mut stream = std::net::TcpStream::connect(url.trim_start_matches("http://"));
    let stream = stream.as_mut().expect("a connection");
    let request = b"GET /status HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    std::io::Write::write_all(stream, request).expect("sends");
    let mut status = String::new();
    stream.read_to_string(&mut status).expect("answers");
    assert!(status.contains("control_plane"), "{status}");
    drop(server);
    node.signal("TERM");
    let (_, log) = node.end();
    for text in [status, log] {
        assert!(!text.contains("sesame"), "{text}");
    }
}

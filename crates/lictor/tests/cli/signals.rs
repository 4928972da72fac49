//! The signals that end a process that stays, in order.

use std::process::Command;

use super::process::{Running, serve};
use super::run::result;
use super::server::Server;
use super::{issue, vendor, write};

#[test]
fn every_signal_to_stop_is_obeyed_in_order() {
    for signal in ["TERM", "INT", "HUP"] {
        let folder = tempfile::TempDir::new().expect("a folder");
        let running = Running::start(&mut serve(&folder.path().join("data")));
        running.listening();
        running.signal(signal);
        let (status, log) = running.end();
        assert_eq!(status.code(), Some(0), "{signal}: {log}");
        assert!(log.contains("stopped"), "{signal}: {log}");
    }
}

#[test]
fn a_node_stops_in_order_when_its_terminal_is_gone() {
    let server = Server::start(&[]);
    let (key, public) = vendor(server.data().parent().expect("a folder"), "vendor");
    result(&server.lictor(&["trust", "add", &public]));
    let file = server.file("license.json");
    write(&file, &issue(&key, &[]));
    result(&server.lictor(&["license", "add", &file]));
    let token = result(&server.lictor(&["node", "enroll", "--name", "edge-1"]));
    let mut node = super::process::command();
    node.args([
        "node",
        "run",
        "--listen",
        "127.0.0.1:0",
        "--control-plane",
        server.url(),
    ])
    .args(["--data", &server.file("node")])
    .env("LICTOR_ENROLL", token);
    let running = Running::start(&mut node);
    running.listening();
    running.signal("HUP");
    let (status, log) = running.end();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("stopped"), "{log}");
}

#[test]
fn whoever_asks_for_it_with_nohup_goes_on_without_a_terminal() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let base = serve(&folder.path().join("data"));
    let mut nohup = Command::new("nohup");
    nohup.arg(base.get_program()).args(base.get_args());
    nohup.env("LICTOR_LISTEN", "127.0.0.1:0");
    let running = Running::start(&mut nohup);
    let url = running.listening();
    running.signal("HUP");
    let healthz = super::http::Request::new(&url, "GET", "/healthz");
    assert_eq!(healthz.send().status, 200);
    running.signal("TERM");
    let (status, log) = running.end();
    assert_eq!(status.code(), Some(0), "{log}");
}

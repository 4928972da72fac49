//! Nodes that joined the older server, run by today's binary from their old folders.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lictor_testkit::{Request, Running, command, text};
use serde_json::Value;

use crate::fixture::{Fixture, Server, private};

/// How long something may take that is to happen soon.
const SOON: Duration = Duration::from_secs(10);

/// A node of the older binary, run by this one.
struct Node {
    url: String,
    _running: Running,
}

/// A copy of a node's folder as it was left.
fn folder_of(fixture: &Fixture, name: &str) -> PathBuf {
    let left = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrade/8fa8079");
    let folder = fixture.path(name);
    std::fs::create_dir(&folder).expect("a folder");
    for file in std::fs::read_dir(left.join(name)).expect("a folder") {
        let file = file.expect("a file");
        let bytes = std::fs::read(file.path()).expect("bytes");
        private(&folder.join(file.file_name()), &bytes);
    }
    folder
}

impl Node {
    fn run(server: &Server, name: &str) -> Self {
        let mut command = command();
        command.args(["node", "run", "--listen", "127.0.0.1:0"]);
        command.args(["--control-plane", &server.url, "--data"]);
        command.arg(folder_of(server.fixture(), name));
        let running = Running::start(&mut command);
        Self {
            url: running.listening(),
            _running: running,
        }
    }

    fn status(&self) -> Value {
        let answer = Request::new(&self.url, "GET", "/status").send();
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    /// Asks whether a request is allowed: the status.
    fn check(&self) -> u16 {
        Request::new(&self.url, "GET", "/check?service=orders")
            .send()
            .status
    }
}

#[track_caller]
fn soon(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < SOON, "not soon: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Runs a node, which must come to apply what the server has for it, and be shown as current.
fn followed(organization: &str, name: &str) -> (Server, Node) {
    let server = Fixture::new().serve();
    let node = Node::run(&server, name);
    let shown = || {
        let call = server.call("GET", "/v1/nodes/edge-1");
        let answer = call.header("Lictor-Organization", organization).send();
        serde_json::from_slice::<Value>(&answer.body).expect("JSON")
    };
    soon("the node is current", || {
        let shown = shown();
        shown["status"] == "current" && shown["connected"] == true
    });
    assert_eq!(shown()["applied_revision"], shown()["state_revision"]);
    assert_eq!(node.status()["problems"].to_string(), "[]");
    (server, node)
}

#[test]
fn a_node_follows_and_its_counts_go_on() {
    let (server, node) = followed("default", "node-default");
    let counted = || {
        let usage = server.get("/v1/usage")["data"].clone();
        let rows = usage.as_array().expect("rows").clone();
        let own = rows
            .iter()
            .filter(|row| text(&row["source"]).starts_with("edge-1@"));
        own.map(|row| row["count"].as_u64().expect("a count"))
            .sum::<u64>()
    };
    assert_eq!(counted(), 4);
    assert_eq!(node.check(), 204);
    soon("the fifth request is counted", || counted() == 5);
    server.check();
}

#[test]
fn a_node_whose_license_an_ended_one_hid_allows_again() {
    let (_server, node) = followed("acme", "node-acme");
    soon("it allows", || node.check() == 204);
}

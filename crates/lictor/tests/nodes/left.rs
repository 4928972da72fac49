//! Nodes that left their pool: shown and revoked, removed with time, and counted once when they come back.

use std::time::{Duration, Instant};

use lictor_testkit::{result, text};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::harness::Server;
use crate::planes::{Plane, soon};

fn pool(server: &Server, forget_after: i64) -> String {
    let body = json!({
        "name": "edge", "application": "konnect", "limit": 9, "forget_after_seconds": forget_after,
    });
    text(&server.post("/v1/node-pools", &body)["enrollment_token"])
}

fn run(server: &Server, name: &str, token: &str) -> Plane {
    let options = [
        "--enroll",
        token,
        "--leave-on-stop",
        "--count-durability",
        "request",
    ];
    Plane::start(server, name, &options)
}

fn signal(plane: &Plane, signal: Signal) {
    kill_process(Pid::from_child(&plane.running.child), signal).expect("it runs");
}

fn count(plane: &Plane, requests: u64) {
    for _ in 0..requests {
        assert_eq!(plane.check(""), None);
    }
}

fn leave(mut plane: Plane) {
    signal(&plane, Signal::TERM);
    assert!(plane.running.child.wait().expect("it ends").success());
    let said = plane.running.log();
    assert!(said.contains("gave its place in the pool back"), "{said}");
}

/// The sources of the usage, with what they counted.
fn usage(server: &Server) -> Vec<(String, u64)> {
    let rows = server.get("/v1/usage");
    let rows = rows["data"].as_array().expect("rows").iter();
    rows.map(|row| {
        (
            text(&row["source"]),
            row["count"].as_u64().expect("a figure"),
        )
    })
    .collect()
}

/// Has those removed that left, as there is room for no usage of theirs, by the look at a start.
fn remove_left(server: Server) -> Server {
    let quotas = json!({ "limits": { "usage-series": 1 } });
    let call = server.call("PATCH", "/v1/organizations/default");
    call.json(&quotas).expect(200);
    let server = server.restart_at_its_address();
    let gone = || {
        usage(&server)
            .iter()
            .all(|(source, _)| source == "edge (left)")
    };
    assert!(soon(gone), "{:?}", usage(&server));
    let quotas = json!({ "limits": { "usage-series": null } });
    let call = server.call("PATCH", "/v1/organizations/default");
    call.json(&quotas).expect(200);
    server
}

#[test]
fn a_node_that_left_is_shown_as_such_and_its_revocation_says_what_it_did() {
    let server = Server::licensed();
    let token = pool(&server, 3_600);
    let plane = run(&server, "first", &token);
    let name = text(&plane.status()["node"]);
    leave(plane);
    let shown = server.shown(&name);
    assert_eq!(shown["status"], "left");
    assert!(text(&shown["detail"]).contains("may come back"), "{shown}");
    let list = result(&server.lictor(&["node", "list"]));
    assert!(!list.contains(&name), "it has no place: {list}");
    let said = server.lictor(&["node", "revoke", &name]);
    let told = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(
        said.status.success() && told.contains("had left its pool"),
        "{told}"
    );
    server
        .call("GET", &format!("/v1/nodes/{name}"))
        .send()
        .problem(404, "not-found");
    // It is told so, and allows nothing.
    let back = run(&server, "first", &token);
    assert!(
        soon(|| back.check("") == Some("restricted".to_owned())),
        "{}",
        back.status()
    );
    let ledger = server.get("/v1/ledger").to_string();
    assert!(ledger.contains("node_barred"), "{ledger}");
}

#[test]
fn a_folder_whose_node_was_removed_is_the_same_node_again_and_counts_from_then_on() {
    let server = Server::licensed();
    let token = pool(&server, 3_600);
    let plane = run(&server, "first", &token);
    let name = text(&plane.status()["node"]);
    count(&plane, 7);
    leave(plane);
    let server = remove_left(server);
    assert_eq!(usage(&server), [("edge (left)".to_owned(), 7)]);
    // Without a word of the control plane it counts on.
    let plane = run(&server, "first", &token);
    count(&plane, 3);
    let sum = || usage(&server).iter().map(|(_, count)| count).sum::<u64>();
    assert!(
        soon(|| sum() == 10),
        "{:?} {}",
        usage(&server),
        plane.status()
    );
    assert_eq!(text(&plane.status()["node"]), name);
    assert_eq!(plane.status()["problems"], json!([]));
    count(&plane, 2);
    leave(plane);
    assert_eq!(sum(), 12);
    let plane = run(&server, "first", &token);
    count(&plane, 1);
    leave(plane);
    assert_eq!(sum(), 13);
    let data = server.data().display().to_string();
    result(&server.lictor(&["check", "--data", &data]));
}

#[test]
fn a_node_that_slept_until_it_was_removed_goes_on_and_each_request_is_counted_once() {
    let server = Server::licensed();
    let token = pool(&server, 10);
    let plane = run(&server, "first", &token);
    count(&plane, 5);
    let sum = |server: &Server| usage(server).iter().map(|(_, count)| count).sum::<u64>();
    // A node that is stopped before it hears that its report is stored counts it twice, as docs/nodes.md says.
    assert!(
        soon(|| plane.status()["unsent"] == json!(0)),
        "{}",
        plane.status()
    );
    assert_eq!(sum(&server), 5);
    signal(&plane, Signal::STOP);
    // As far as this one knows its feed is not open.
    let server = server.restart_at_its_address();
    let left = |server: &Server| server.get("/v1/node-pools/edge")["used"] == json!(0);
    let until = Instant::now() + Duration::from_secs(30);
    while !left(&server) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
    }
    let server = remove_left(server);
    assert_eq!(usage(&server), [("edge (left)".to_owned(), 5)]);
    signal(&plane, Signal::CONT);
    count(&plane, 4);
    assert!(
        soon(|| sum(&server) == 9),
        "{:?} {}",
        usage(&server),
        plane.status()
    );
    assert_eq!(plane.status()["problems"], json!([]));
}

#[test]
fn a_goodbye_is_said_again_to_a_control_plane_that_comes_back_in_time() {
    let server = Server::licensed();
    let token = pool(&server, 3_600);
    let mut plane = run(&server, "first", &token);
    count(&plane, 4);
    let told = |plane: &Plane| plane.status()["unsent"] == json!(0);
    assert!(soon(|| told(&plane)), "{}", plane.status());
    let address = server.url.clone();
    let folder = server.kill();
    signal(&plane, Signal::TERM);
    let server = Server::at(&address, folder);
    assert!(plane.running.child.wait().expect("it ends").success());
    let said = plane.running.log();
    assert!(said.contains("gave its place in the pool back"), "{said}");
    assert_eq!(server.get("/v1/node-pools/edge")["used"], json!(0));
}

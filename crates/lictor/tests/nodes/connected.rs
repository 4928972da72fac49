//! Which nodes are connected: a node that stops, is killed, hangs or is cut off is not for long, and
//! whatever shows or counts the connected says the same.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::clocked::{Clock as _, clocked};
use crate::harness::{Joined as _, Server};
use crate::planes::{Plane, soon};

trait Connected {
    /// Whether the node is connected, as its own page, the list, the report and Kong's report say.
    fn connected(&self, name: &str) -> bool;

    fn said_connected(&self, name: &str) -> [bool; 4];
}

impl<R> Connected for Server<R> {
    #[track_caller]
    fn connected(&self, name: &str) -> bool {
        // It may change between two answers, but not all the time.
        let agreed = (0..5).find_map(|_| {
            let said = self.said_connected(name);
            said.iter().all(|it| *it == said[0]).then_some(said[0])
        });
        agreed.unwrap_or_else(|| panic!("they differ: {:?}", self.said_connected(name)))
    }

    fn said_connected(&self, name: &str) -> [bool; 4] {
        let kongs = self.get("/license/report?format=3.4")["deployment_info"].clone();
        let count = |it: &Value| it.as_u64().expect("a count") == 1;
        [
            self.shown(name)["connected"] == true,
            self.get("/v1/nodes")["data"][0]["connected"] == true,
            count(&kongs["connected_dp_count"]),
            count(&self.get("/v1/report")["connected_nodes"]),
        ]
    }
}

impl Plane {
    /// Sends the process a signal.
    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.running.child.id()).expect("a process id");
        let pid = Pid::from_raw(pid).expect("a process id");
        kill_process(pid, signal).expect("it is there");
    }
}

/// Signals a running node, which must be known to be gone in time.
#[track_caller]
fn gone_within(limit: Duration, server: &Server, plane: &Plane, signal: Signal) {
    assert!(soon(|| server.connected("edge-1")));
    let begun = Instant::now();
    plane.signal(signal);
    while server.connected("edge-1") {
        assert!(begun.elapsed() < limit, "connected for {limit:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_node_that_is_stopped_is_gone_within_a_second() {
    let server = Server::licensed();
    let plane = Plane::of(&server, "edge-1", &[]);
    gone_within(Duration::from_secs(1), &server, &plane, Signal::TERM);
}

#[test]
fn a_node_that_is_stopped_is_gone_at_once_whatever_it_has_to_answer_yet() {
    use std::io::Write as _;
    let server = Server::licensed();
    let plane = Plane::of(&server, "edge-1", &[]);
    let host = plane.url.strip_prefix("http://").expect("plain HTTP");
    let mut slow = std::net::TcpStream::connect(host).expect("it listens");
    slow.write_all(b"POST /usage HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
        .expect("writes");
    assert_eq!(plane.check(""), None);
    gone_within(Duration::from_secs(1), &server, &plane, Signal::TERM);
}

#[test]
fn a_node_that_is_killed_is_gone_within_five_seconds() {
    let server = Server::licensed();
    let plane = Plane::of(&server, "edge-1", &[]);
    gone_within(Duration::from_secs(5), &server, &plane, Signal::KILL);
}

#[test]
fn a_node_that_hangs_is_gone_within_90_seconds_and_there_again_when_it_goes_on() {
    let server = clocked();
    let plane = Plane::of(&server, "edge-1", &[]);
    assert!(soon(|| server.connected("edge-1")));
    plane.signal(Signal::STOP);
    server.pass(89);
    assert!(server.connected("edge-1"));
    server.pass(1);
    assert!(!server.connected("edge-1"));
    plane.signal(Signal::CONT);
    assert_eq!(plane.check(""), None);
    assert!(soon(|| server.connected("edge-1")));
}

#[test]
fn an_open_feed_alone_is_no_sign_of_life() {
    let server = clocked();
    let node = server.node("edge-1");
    let feed = node.feed();
    let state = feed.state();
    assert!(server.connected("edge-1"));
    server.pass(90);
    assert!(!server.connected("edge-1"));
    // Whatever it asks or says is one.
    node.poll();
    assert!(server.connected("edge-1"));
    server.pass(89);
    let reported = node.report(&node.report_of(&state));
    assert_eq!(reported.status, 200, "{reported:?}");
    server.pass(89);
    assert!(server.connected("edge-1"));
    server.pass(1);
    assert!(!server.connected("edge-1"));
    let again = node.feed();
    again.state();
    // Clocks that are set say nothing of how long that is.
    for step in [10_000, -20_000] {
        server.step(step);
        assert!(server.connected("edge-1"));
    }
}

#[test]
fn a_node_that_takes_its_leave_is_gone_though_its_feed_looks_open() {
    let server = Server::licensed();
    let node = server.node("edge-1");
    let feed = node.feed();
    let state = feed.state();
    assert!(server.connected("edge-1"));
    let mut last = node.report_of(&state);
    last["leaving"] = json!(true);
    assert_eq!(node.report(&last).status, 200);
    assert!(!server.connected("edge-1"));
    // It was not the last one after all.
    assert_eq!(node.report(&node.report_of(&state)).status, 200);
    assert!(server.connected("edge-1"));
    drop(feed);
}

#[test]
fn a_node_with_two_feeds_is_connected_until_both_are_closed() {
    let server = Server::licensed();
    let node = server.node("edge-1");
    let [first, second] = [node.feed(), node.feed()];
    drop(first);
    second.state();
    assert!(server.connected("edge-1"));
    drop(second);
    assert!(soon(|| !server.connected("edge-1")));
}

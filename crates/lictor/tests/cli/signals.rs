//! The signals that end a process that stays, in order.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use lictor_testkit::{Folder, Running, command, result, serve};
use rustix::process::{Pid, Signal, kill_process};

use super::server::Server;
use super::{issue, vendor, write};

#[test]
fn every_signal_to_stop_is_obeyed_in_order() {
    for signal in ["TERM", "INT", "HUP"] {
        let folder = Folder::new();
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
    let mut node = command();
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
    let folder = Folder::new();
    let base = serve(&folder.path().join("data"));
    let mut nohup = Command::new("nohup");
    nohup.arg(base.get_program()).args(base.get_args());
    nohup.env("LICTOR_LISTEN", "127.0.0.1:0");
    let running = Running::start(&mut nohup);
    let url = running.listening();
    running.signal("HUP");
    let healthz = lictor_testkit::Request::new(&url, "GET", "/healthz");
    assert_eq!(healthz.send().status, 200);
    running.signal("TERM");
    let (status, log) = running.end();
    assert_eq!(status.code(), Some(0), "{log}");
}

/// Interrupts it, at once and without a process of its own.
fn interrupt(running: &Running) {
    let id = running.child.id().cast_signed();
    kill_process(Pid::from_raw(id).expect("an id"), Signal::INT).expect("it runs");
}

/// Waits until the process catches Ctrl-C.
fn until_caught(running: &mut Running) {
    let file = format!("/proc/{}/status", running.child.id());
    let caught = || {
        let status = std::fs::read_to_string(&file).expect("it runs");
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let mask = u64::from_str_radix(mask.expect("Linux").trim(), 16).expect("a mask");
        mask & (1 << (Signal::INT.as_raw() - 1)) != 0
    };
    while !caught() {
        let ended = running.child.try_wait().expect("a process");
        assert!(ended.is_none(), "it ended without catching Ctrl-C");
    }
}

/// Makes a database in this folder that it takes seconds to read.
fn fill(data: &Path) {
    let database = rusqlite::Connection::open(data.join("lictor.db")).expect("opens");
    let rows = "CREATE TABLE many (text TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000)
         INSERT INTO many SELECT hex(randomblob(40)) FROM n;
         CREATE INDEX many_by_text ON many (text)";
    database.execute_batch(rows).expect("fills");
}

#[test]
fn a_restore_that_is_told_to_stop_says_what_is_left_and_leaves_nothing() {
    for signal in ["INT", "TERM"] {
        let folder = Folder::new();
        let data = folder.path().join("data");
        let mut restore = command();
        restore.args(["restore", "-", "--data"]).arg(&data);
        let mut running = Running::start(restore.stdin(Stdio::piped()));
        let mut stdin = running.child.stdin.take().expect("a pipe");
        // More than the pipe holds: what takes it is at work, and waits for more.
        stdin.write_all(&vec![0; 1 << 20]).expect("it takes it");
        running.signal(signal);
        let (status, log) = running.end();
        assert_eq!(status.code(), Some(1), "{signal}: {log}");
        let said = "told to stop; nothing was restored, and nothing is left of it";
        assert!(log.contains(said), "{signal}: {log}");
        let left = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 0, "{signal}");
    }
}

#[test]
fn a_check_that_is_told_to_stop_says_what_is_left() {
    let (_, _, folder) = Server::start(&[]).stop();
    let data = folder.path().join("data");
    fill(&data);
    let mut check = command();
    check.args(["check", "--data"]).arg(&data);
    let mut running = Running::start(&mut check);
    until_caught(&mut running);
    interrupt(&running);
    let (status, log) = running.end();
    assert_eq!(status.code(), Some(1), "{log}");
    let said = "told to stop; there is no result, and nothing was changed";
    assert!(log.contains(said), "{log}");
}

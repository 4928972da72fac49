//! Nodes of a pool: one token for many, places that come back, and nodes that do.

use std::net::TcpListener;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use lictor_testkit::{Request, Running, command, result, text};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::harness::Server;
use crate::node::{Node, join, new_credential};
use crate::planes::{Plane, soon};

/// Makes a pool for `konnect`, and gives its token.
fn pool(server: &Server, uses: u64, forget_after: i64) -> String {
    let body = json!({
        "name": "edge", "application": "konnect", "limit": uses, "forget_after_seconds": forget_after,
    });
    text(&server.post("/v1/node-pools", &body)["enrollment_token"])
}

fn taken(server: &Server) -> u64 {
    let pool = server.get("/v1/node-pools/edge");
    pool["used"].as_u64().expect("a figure")
}

/// What the control plane has of all nodes.
fn counted(server: &Server) -> u64 {
    let rows = server.get("/v1/usage");
    let counts = rows["data"].as_array().expect("rows").iter();
    counts
        .map(|row| row["count"].as_u64().expect("a figure"))
        .sum()
}

fn signal(plane: &Plane, signal: Signal) {
    let pid = Pid::from_child(&plane.running.child);
    kill_process(pid, signal).expect("it runs");
}

/// SIGTERM, and how it ended.
fn stop(plane: &mut Plane) -> ExitStatus {
    signal(plane, Signal::TERM);
    plane.running.child.wait().expect("it ends")
}

fn count(plane: &Plane, requests: u64) {
    for _ in 0..requests {
        assert_eq!(plane.check(""), None);
    }
}

fn run(server: &Server, name: &str, token: &str, more: &[&str]) -> Plane {
    let enroll = ["--enroll", token, "--count-durability", "request"];
    Plane::start(server, name, &[&enroll, more].concat())
}

#[test]
fn a_pool_is_shown_with_its_places_and_its_token_once() {
    let server = Server::licensed();
    let args = [
        "node", "enroll", "--pool", "edge", "--uses", "200", "--ttl", "30d",
    ];
    let token = result(&server.lictor(&args));
    assert!(token.starts_with("lictor_pool_"), "{token}");
    let joined = join(&server.url, &token, &new_credential())
        .expect(201)
        .value();
    let (name, node) = (text(&joined["name"]), text(&joined["node"]));
    assert_eq!(name, format!("edge-{}", &node[24..]));
    assert_eq!(joined["pool"], "edge");
    assert_eq!(server.shown(&name)["pool"], "edge");
    let shown = server.get("/v1/node-pools/edge");
    assert_eq!((&shown["limit"], &shown["used"]), (&json!(200), &json!(1)));
    assert_eq!(
        (&shown["forget_after_seconds"], &shown["token_expired"]),
        (&json!(3_600), &json!(false))
    );
    assert!(shown.get("enrollment_token").is_none());
    for list in [["node", "list"].as_slice(), &["node", "pool", "list"]] {
        let list = result(&server.lictor(list));
        assert!(list.contains("1 of 200 places taken"), "{list}");
        assert!(
            list.lines().all(|line| line.chars().count() <= 80),
            "{list}"
        );
    }
    let table = result(&server.lictor(&["node", "list"]));
    let ends = |has: &str, word: &str| {
        let line = table.lines().find(|line| line.starts_with(has));
        line.and_then(|line| line.find(word))
    };
    let column = ends("NAME ", "STATUS");
    assert!(column.is_some(), "{table}");
    assert_eq!(ends("edge ", "pool"), column, "{table}");
    let status = text(&server.shown(&name)["status"]);
    assert_eq!(ends(&name, &status), column, "one table: {table}");
    let again = server.lictor(&args);
    assert_eq!(again.status.code(), Some(1));
    let ledger = server.get("/v1/ledger").to_string();
    assert!(ledger.contains("node_pool_created"), "{ledger}");
    assert!(!ledger.contains("lictor_pool_"));
}

#[test]
fn a_revoked_pool_lets_nobody_join_and_its_nodes_go_on() {
    let server = Server::licensed();
    let token = pool(&server, 2, 3_600);
    let node = Node::join(&server.url, &token.parse().expect("a token"));
    result(&server.lictor(&["node", "pool", "revoke", "edge"]));
    let refused = join(&server.url, &token, &new_credential()).send();
    let said = refused.failure(401, "enrollment-refused");
    assert!(said.contains("lictor node enroll --pool"), "{said}");
    node.poll();
    server
        .call("GET", "/v1/node-pools/edge")
        .send()
        .problem(404, "not-found");
}

#[test]
fn a_node_that_leaves_has_told_all_its_counts_and_its_place_is_free_at_once() {
    let server = Server::licensed();
    let token = pool(&server, 1, 3_600);
    let mut plane = run(&server, "first", &token, &["--leave-on-stop"]);
    count(&plane, 7);
    assert!(stop(&mut plane).success());
    assert_eq!((counted(&server), taken(&server)), (7, 0));
    // With an empty volume it is another node.
    let mut second = run(&server, "second", &token, &["--leave-on-stop"]);
    count(&second, 5);
    assert_eq!(taken(&server), 1);
    assert!(stop(&mut second).success());
    assert_eq!((counted(&server), taken(&server)), (12, 0));
    // With its old one it is the one that it was.
    let mut first = run(&server, "first", &token, &["--leave-on-stop"]);
    count(&first, 2);
    assert!(soon(|| taken(&server) == 1), "{}", first.status());
    assert!(stop(&mut first).success());
    assert_eq!(counted(&server), 14);
    let usage = server.get("/v1/usage");
    let rows = usage["data"].as_array().expect("rows");
    assert_eq!(rows.len(), 2, "{usage}");
}

#[test]
fn a_node_without_its_control_plane_stops_in_time_and_says_that_its_place_comes_back_later() {
    let server = Server::licensed();
    let token = pool(&server, 1, 3_600);
    let mut plane = run(&server, "first", &token, &["--leave-on-stop"]);
    let address = server.url.clone();
    let folder = server.kill();
    count(&plane, 3);
    let begun = Instant::now();
    assert!(stop(&mut plane).success());
    assert!(begun.elapsed() < Duration::from_secs(15));
    let log = plane.running.log();
    assert!(log.contains("--forget-after"), "{log}");
    // What it did not tell waits in its folder.
    let server = Server::at(&address, folder);
    assert_eq!(taken(&server), 1);
    let plane = run(&server, "first", &token, &[]);
    assert!(soon(|| counted(&server) == 3), "{}", plane.status());
}

#[test]
fn who_finds_a_pool_full_waits_and_says_so_until_there_is_a_place() {
    let server = Server::licensed();
    let token = pool(&server, 1, 3_600);
    let mut first = run(&server, "first", &token, &["--leave-on-stop"]);
    let second = run(&server, "second", &token, &[]);
    let ready = second.ask("GET", "/readyz").send();
    assert_eq!(
        (ready.status, ready.header("lictor-reason")),
        (503, Some("restricted"))
    );
    let full = || second.ask("GET", "/readyz").send().value()["message"].to_string();
    assert!(
        soon(|| full().contains("all 1 places of the pool are taken")),
        "{}",
        full()
    );
    assert_eq!(second.check(""), Some("restricted".to_owned()));
    second.ask("GET", "/healthz").expect(200);
    assert!(stop(&mut first).success());
    second.until(None);
    second.ask("GET", "/readyz").expect(200);
}

#[test]
fn who_waits_for_a_control_plane_that_hangs_answers_meanwhile() {
    let server = Server::licensed();
    let token = pool(&server, 1, 3_600);
    let hung = TcpListener::bind("127.0.0.1:0").expect("binds");
    let control_plane = format!("http://{}", hung.local_addr().expect("bound"));
    let mut command = command();
    command.args(["node", "run", "--control-plane", &control_plane]);
    command.args(["--listen", "127.0.0.1:0", "--enroll", &token]);
    command.args(["--data", &server.file("hung")]);
    let begun = Instant::now();
    let running = Running::start(&mut command);
    let url = running.listening();
    Request::new(&url, "GET", "/healthz").expect(200);
    Request::new(&url, "GET", "/readyz").expect(503);
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_silent_node_is_forgotten_and_takes_a_place_again_with_what_it_counted() {
    let server = Server::licensed();
    let token = pool(&server, 1, 10);
    let mut plane = run(&server, "first", &token, &[]);
    count(&plane, 4);
    assert!(soon(|| counted(&server) == 4));
    // Stopped, it is still connected as far as anybody knows; killed, it is not.
    plane.running.child.kill().expect("it runs");
    plane.running.child.wait().expect("it ends");
    let until = Instant::now() + Duration::from_secs(20);
    while taken(&server) > 0 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(taken(&server), 0, "the place came back");
    assert_eq!(counted(&server), 4);
    let entries = server.get("/v1/ledger");
    let left = |entry: &Value| entry["change"].to_string().contains("silence");
    let mut entries = entries["data"].as_array().expect("entries").iter();
    assert!(entries.any(left));
    // Without the token it is told what to do, and goes on by what it has.
    let untold = Plane::start(&server, "first", &["--count-durability", "request"]);
    count(&untold, 3);
    let told = || untold.problems().contains("with the pool's token");
    assert!(soon(told), "{}", untold.problems());
    assert_eq!(taken(&server), 0);
    drop(untold);
    let again = run(&server, "first", &token, &[]);
    assert!(soon(|| counted(&server) == 7), "{}", again.status());
    assert_eq!(taken(&server), 1);
    again.until_status(|status| status["problems"] == json!([]));
}

/// The command lines of a node in the manifests and the unit of the documentation.
fn documented() -> Vec<Vec<String>> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/nodes.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let lines = page.lines().map(str::trim).filter_map(|line| {
        let args = line
            .strip_prefix("args: [")
            .and_then(|args| args.strip_suffix(']'));
        let unit = line.strip_prefix("ExecStart=/usr/bin/lictor ");
        let words: Vec<_> = match (args, unit) {
            (Some(args), _) => args.split(", ").collect(),
            (None, unit) => unit?.split(' ').collect(),
        };
        Some(
            words
                .into_iter()
                .map(|word| word.trim_matches('"').to_owned())
                .collect(),
        )
    });
    lines.collect()
}

#[test]
fn the_command_lines_of_the_documentation_run() {
    let server = Server::licensed();
    let token = pool(&server, 3, 3_600);
    let documented = documented();
    assert_eq!(documented.len(), 3, "{documented:?}");
    for (number, words) in documented.iter().enumerate() {
        let mut given = words.clone();
        for pair in 0..given.len() - 1 {
            let own = match given[pair].as_str() {
                "--control-plane" => server.url.clone(),
                "--data" => server.file(&format!("data-{number}")),
                "--listen" if given[pair + 1].starts_with("unix:") => {
                    format!("unix:{}", server.file(&format!("{number}.sock")))
                }
                "--listen" => "127.0.0.1:0".to_owned(),
                _ => continue,
            };
            given[pair + 1] = own;
        }
        let mut command = command();
        command.env("LICTOR_ENROLL", &token).args(&given);
        let mut running = Running::start(&mut command);
        running.listening();
        running.wait_for("fresh: allows requests");
        let pid = Pid::from_child(&running.child);
        kill_process(pid, Signal::TERM).expect("it runs");
        assert!(
            running.child.wait().expect("it ends").success(),
            "{given:?}"
        );
    }
    // One of them keeps its volume, and its place.
    assert_eq!(taken(&server), 1);
}

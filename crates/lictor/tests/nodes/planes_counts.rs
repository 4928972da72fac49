//! What data planes count, and who may ask them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use lictor_testkit::{Running, command, result};
use serde_json::{Value, json};

use crate::harness::Server;
use crate::planes::{Plane, denied, soon};

/// What the control plane knows of a service, over all sources.
fn counted(server: &Server, service: &str) -> u64 {
    let usage = server.get("/v1/usage");
    let rows = usage["data"].as_array().expect("rows").iter();
    let own = rows.filter(|row| row["service"] == service);
    own.map(|row| row["count"].as_u64().expect("a count")).sum()
}

#[test]
fn what_was_acknowledged_is_counted_whoever_is_killed() {
    let server = Server::licensed();
    let mut plane = Plane::of(&server, "edge-1", &["--count-durability", "request"]);
    for round in 1..=3 {
        for _ in 0..20 {
            assert_eq!(plane.check("?service=orders"), None);
        }
        let more = json!({ "counts": [{ "service": "orders", "count": 5 }] });
        plane.ask("POST", "/usage").json(&more).expect(204);
        // No time to send anything.
        plane = plane.restart();
        let expected = round * 25;
        assert!(soon(|| counted(&server, "orders") == expected), "{round}");
    }
    assert_eq!(
        plane.check("?service=orders&feature=none").as_deref(),
        Some("feature")
    );
    let server = server.restart_at_its_address();
    assert_eq!(plane.check(""), None);
    assert!(soon(|| counted(&server, "konnect") == 1));
    assert_eq!(
        counted(&server, "orders"),
        75,
        "a denied request is not counted"
    );
    let report = server.get("/license/report?format=3.4");
    assert_eq!(report["counters"]["total_requests"], 76);
    assert_eq!(report["services_count"], 2);
    assert_eq!(report["deployment_info"]["type"], "hybrid");
    assert!(soon(|| {
        let report = server.get("/license/report?format=3.4");
        report["deployment_info"]["connected_dp_count"] == 1
    }));
}

#[test]
fn a_node_that_meets_the_quota_loses_no_count_whoever_is_killed() {
    let mut server = Server::licensed();
    let quotas = json!({ "limits": { "usage-series": 2 } });
    let call = server.call("PATCH", "/v1/organizations/default");
    call.json(&quotas).expect(200);
    let mut plane = Plane::of(&server, "edge-1", &["--count-durability", "request"]);
    let services = ["a", "b", "c", "d", "e"];
    for round in 1..=4 {
        for service in services {
            let more = json!({ "counts": [{ "service": service, "count": 3 }] });
            plane.ask("POST", "/usage").json(&more).expect(204);
        }
        // In one round before anything is told, in the next behind some of it.
        if round % 2 == 0 {
            assert!(soon(|| counted(&server, "(other)") > 0));
            server = server.restart_at_its_address();
        }
        plane = plane.restart();
        let expected = round * 3 * services.len() as u64;
        let total = || server.get("/v1/usage")["total_requests"] == expected;
        assert!(soon(total), "{expected}: {}", server.get("/v1/usage"));
    }
    assert_eq!(counted(&server, "(other)"), 36);
    let known = server.get("/v1/usage");
    assert_eq!(known["data"].as_array().expect("rows").len(), 3, "{known}");
    let named = || plane.problems().contains("max-usage-series");
    assert!(soon(named), "{}", plane.problems());
    // Room again: what is told among the others stays there, and is not told twice.
    let quotas = json!({ "limits": { "usage-series": null } });
    let call = server.call("PATCH", "/v1/organizations/default");
    call.json(&quotas).expect(200);
    server = server.restart_at_its_address();
    plane = plane.restart();
    assert_eq!(plane.check("?service=f"), None);
    assert!(soon(|| counted(&server, "f") == 1));
    assert_eq!(server.get("/v1/usage")["total_requests"], 61);
}

#[test]
fn a_node_with_many_epochs_finds_room_where_the_earlier_ones_are_put_together() {
    let mut server = Server::licensed();
    let quotas = json!({ "limits": { "usage-series": 3 } });
    let call = server.call("PATCH", "/v1/organizations/default");
    call.json(&quotas).expect(200);
    let mut plane = Plane::of(&server, "edge-1", &["--count-durability", "request"]);
    for round in 1..=6 {
        // Only what was told can be put together.
        plane.until_status(|status| status["unsent"] == 0);
        let more = json!({ "counts": [{ "service": "orders", "count": 10 }] });
        plane.ask("POST", "/usage").json(&more).expect(204);
        let all = || counted(&server, "orders") == round * 10;
        assert!(soon(all), "{round}: {}", server.get("/v1/usage"));
        if round % 2 == 0 {
            server = server.restart_at_its_address();
        }
        plane = plane.restart_after(|folder| {
            let journal = folder.join("counters.log");
            let mut text = fs::read(&journal).expect("a journal");
            text.extend_from_slice(b"0123456789abcdef {}\n");
            fs::write(journal, text).expect("written");
        });
    }
    plane.until_status(|status| status["unsent"] == 0);
    let known = server.get("/v1/usage");
    assert_eq!(known["total_requests"], 60, "{known}");
    assert!(
        known["data"].as_array().expect("rows").len() <= 3,
        "{known}"
    );
    assert_eq!(counted(&server, "(other)"), 0);
}

#[test]
fn bad_requests_are_told_so() {
    let server = Server::licensed();
    let plane = Plane::of(&server, "edge-1", &[]);
    for path in [
        "/check?service=",
        "/check?service=a&service=b",
        "/check?nonsense=1",
        "/check?service=%zz",
        "/check?service=%00",
    ] {
        let answer = plane.ask("GET", path).expect(400);
        assert!(answer.value()["message"].is_string(), "{answer:?}");
    }
    for body in [
        json!([]),
        json!({}),
        json!({ "counts": [{ "service": "a" }] }),
        json!({ "counts": [{ "service": "a", "count": -1 }] }),
        json!({ "counts": [{ "service": "a", "count": 1u64 << 53 }] }),
        json!({ "counts": [{ "service": "", "count": 1 }] }),
        json!({ "counts": [], "more": 1 }),
    ] {
        let answer = plane.ask("POST", "/usage").json(&body).send();
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
    }
    plane.ask("GET", "/nothing").expect(404);
    plane.ask("POST", "/status").expect(405);
    let none = plane.status();
    assert_eq!(none["requests"], json!({}), "{none}");
}

#[test]
fn others_need_the_local_token() {
    let server = Server::licensed();
    let token = server.enroll("edge-1");
    let run = |options: &[&str]| {
        let mut command = command();
        command.args(["node", "run", "--control-plane", &server.url]);
        command.args(["--enroll", token.as_str(), "--data"]);
        command
            .arg(server.folder.path().join("edge-1"))
            .args(options);
        let output = command.output().expect("lictor runs");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (code, said) = run(&["--listen", "0.0.0.0:0"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("token"), "{said}");
    let file = server.file("local.token");
    fs::write(&file, "short\n").expect("a file");
    let (code, said) = run(&["--local-token-file", &file]);
    assert_eq!(code, Some(2), "{said}");
    // Nothing was made, and the enrollment token is still good.
    assert!(!server.folder.path().join("edge-1").exists());
    fs::write(&file, "a-token-of-the-tests-0123456789\n").expect("a file");
    let enroll = ["--enroll", token.as_str(), "--local-token-file", &file];
    let plane = Plane::start(&server, "edge-1", &enroll);
    plane.ask("GET", "/check").expect(401);
    plane.ask("GET", "/metrics").token("another").expect(401);
    plane.ask("GET", "/healthz").expect(200);
    let known = plane
        .ask("GET", "/check")
        .token("a-token-of-the-tests-0123456789");
    assert_eq!(denied(&known.send()), None);
}

#[test]
fn a_socket_serves_as_well() {
    let server = Server::licensed();
    let token = server.enroll("edge-1");
    let socket = server.file("node.sock");
    let mut command = command();
    command.args(["node", "run", "--control-plane", &server.url]);
    command.args(["--enroll", token.as_str()]);
    command.args(["--listen", &format!("unix:{socket}"), "--data"]);
    command.arg(server.folder.path().join("edge-1"));
    let running = Running::start(&mut command);
    assert_eq!(running.listening(), format!("unix:{socket}"));
    let mut stream = UnixStream::connect(&socket).expect("it listens");
    let request = b"GET /check HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    // The folder has one process.
    let (code, said) = second(&server);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("in use"), "{said}");
}

fn second(server: &Server) -> (Option<i32>, String) {
    let mut command = command();
    command.args(["node", "run", "--control-plane", &server.url]);
    command.args(["--listen", "127.0.0.1:0", "--data"]);
    command.arg(server.folder.path().join("edge-1"));
    let output = command.output().expect("lictor runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

#[test]
fn a_node_that_cannot_join_says_why() {
    let server = Server::licensed();
    let used = server.enroll("edge-1");
    let _plane = Plane::start(&server, "edge-1", &["--enroll", used.as_str()]);
    let other = Server::licensed();
    let elsewhere = other.enroll("edge-1");
    let url = server.url.as_str();
    for (url, token, code, word) in [
        (url, Some("nonsense"), 2, "not an enrollment token"),
        (url, None, 2, "lictor node enroll"),
        (url, Some(used.as_str()), 1, "used already"),
        (url, Some(elsewhere.as_str()), 1, "enroll"),
        (
            "http://127.0.0.1:1",
            Some(used.as_str()),
            3,
            "cannot be reached",
        ),
        ("http://192.0.2.1", Some(used.as_str()), 2, "https"),
        ("nonsense", Some(used.as_str()), 2, "address"),
    ] {
        let mut command = command();
        command.args(["node", "run", "--control-plane", url]);
        command.args(["--listen", "127.0.0.1:0", "--data"]);
        command.arg(server.folder.path().join("another"));
        if let Some(token) = token {
            command.args(["--enroll", token]);
        }
        let output = command.output().expect("lictor runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{url} {token:?}: {said}");
        assert!(said.contains(word), "{word}: {said}");
        for token in [&used, &elsewhere] {
            assert!(!said.contains(token.as_str()), "a token in: {said}");
        }
    }
    let listed: Value = server.get("/v1/nodes");
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1));
    result(&server.lictor(&["node", "list"]));
}

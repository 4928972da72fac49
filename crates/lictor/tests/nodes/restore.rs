//! A backup is restored: nodes go on, know better than the control plane, and are led back.

use lictor_core::digest::Digest;
use lictor_testkit::{Folder, claims, command, result, text};
use serde_json::{Value, json};

use crate::harness::{Joined as _, Server};
use crate::node::{Node, State};

/// A node that knows what was written behind a backup, and the server restored from that.
struct Restored {
    server: Server,
    node: Node,
    known: State,
    _old: Folder,
}

/// Restores `copy.db` of a server's folder into a new one.
fn restore(old: &Folder, with_key: bool) -> Folder {
    let (copy, new) = (old.path().join("copy.db"), Folder::new());
    let mut command = command();
    command
        .arg("restore")
        .arg(&copy)
        .arg("--data")
        .arg(new.path().join("data"));
    if with_key {
        let key = old.path().join("copy.db.key");
        command.arg("--control-plane-key").arg(key);
    }
    result(&command.output().expect("lictor runs"));
    new
}

impl Restored {
    fn new(with_key: bool) -> Self {
        let server = Server::licensed();
        let node = server.node("edge-1");
        let copy = server.file("copy.db");
        result(&server.lictor(&["backup", "--include-keys", &copy]));
        for _ in 0..5 {
            server.license(&claims("Konnect"));
        }
        let known = node.feed().state();
        let old = server.kill();
        let server = Server::on(restore(&old, with_key), &[]);
        Self {
            node: node.at(&server.url),
            server,
            known,
            _old: old,
        }
    }

    fn reports(&self, state: &State) -> Value {
        let answer = self.node.report(&self.node.report_of(state));
        assert_eq!(answer.status, 200, "{answer:?}");
        self.server.shown("edge-1")
    }

    fn adopt(&self) -> u64 {
        let call = self.server.call("POST", "/v1/node-adoptions");
        let adopted = call.expect(200).value();
        adopted["adopted"].as_u64().expect("a number")
    }

    fn adoptions(&self) -> usize {
        let ledger = self.server.get("/v1/ledger")["data"].clone();
        let entries = ledger.as_array().expect("rows").iter();
        let adopted = |entry: &&Value| entry["change"]["type"] == "nodes_adopted";
        entries.filter(adopted).count()
    }

    /// No difference between the ledger and the rows.
    fn check(&self) {
        let data = self.server.data().display().to_string();
        let checked = result(&self.server.lictor(&["check", "--data", &data]));
        assert!(checked.contains("differences     0"), "{checked}");
    }
}

#[test]
fn nodes_that_know_better_are_shown_and_led_back() {
    let restored = Restored::new(true);
    let (server, node) = (&restored.server, &restored.node);
    let feed = node.feed();
    let older = feed.state();
    assert!(older.revision < restored.known.revision, "{older:?}");
    let shown = restored.reports(&restored.known);
    assert_eq!(shown["status"], "ahead");
    assert_eq!(shown["applied_revision"], restored.known.revision);
    assert_eq!(shown["state_revision"], older.revision);
    let reason = text(&shown["detail"]);
    assert!(reason.contains("lictor node adopt"), "{reason}");
    let listed = result(&server.lictor(&["node", "list"]));
    assert!(
        listed.contains("ahead") && listed.contains("backup"),
        "{listed}"
    );

    let said = server.lictor(&["node", "adopt"]);
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.contains("1 node held a newer state"), "{said}");
    let adopted = feed.state();
    assert!(adopted.revision > restored.known.revision, "{adopted:?}");
    assert_eq!(
        adopted.content_sha256, older.content_sha256,
        "what is stored here"
    );
    assert_eq!(restored.adoptions(), 1);
    assert_eq!(server.shown("edge-1")["status"], "behind");
    assert_eq!(restored.reports(&adopted)["status"], "current");
    assert_eq!(restored.adopt(), 0);
    assert_eq!(restored.adoptions(), 1, "again changes nothing");
    assert_eq!(node.poll().revision, adopted.revision);
    restored.check();
}

#[test]
fn the_same_revision_with_another_content_is_ahead_too() {
    let restored = Restored::new(true);
    let here = restored.node.poll();
    let mut other = here.clone();
    other.content_sha256 = Digest::of(b"another content");
    assert_eq!(restored.reports(&here)["status"], "current");
    assert_eq!(restored.reports(&other)["status"], "ahead");
    assert_eq!(restored.adopt(), 1);
    let adopted = restored.node.poll();
    assert!(adopted.revision > here.revision);
    assert_eq!(restored.reports(&adopted)["status"], "current");
    restored.check();
}

#[test]
fn an_adoption_outlives_a_restart_and_goes_above_the_highest() {
    let Restored {
        server,
        node,
        known,
        ..
    } = Restored::new(true);
    let higher = server.node("edge-2");
    let mut highest = known.clone();
    highest.revision += 1_000;
    for (node, state) in [(&node, &known), (&higher, &highest)] {
        assert_eq!(node.report(&node.report_of(state)).status, 200);
    }
    let server = server.restart();
    for name in ["edge-1", "edge-2"] {
        assert_eq!(
            server.shown(name)["status"],
            "ahead",
            "what was reported is kept"
        );
    }
    let adopted = server
        .call("POST", "/v1/node-adoptions")
        .expect(200)
        .value();
    assert_eq!(adopted, json!({ "adopted": 2 }));
    let revision = node.at(&server.url).poll().revision;
    assert!(revision > highest.revision);
    let server = server.restart();
    assert_eq!(server.shown("edge-1")["state_revision"], revision);
    server.license(&claims("Konnect"));
    assert!(server.shown("edge-1")["state_revision"].as_u64() > Some(revision));
}

#[test]
fn only_operators_adopt_and_each_organization_by_itself() {
    let restored = Restored::new(true);
    let server = &restored.server;
    restored.reports(&restored.known);
    server.post("/v1/organizations", &json!({ "key": "acme" }));
    let elsewhere = server
        .call("POST", "/v1/node-adoptions")
        .organization("acme");
    assert_eq!(elsewhere.expect(200).value(), json!({ "adopted": 0 }));
    let admin = server.post("/v1/tokens", &json!({ "role": "admin" }));
    let call = server.call("POST", "/v1/node-adoptions");
    call.token(&text(&admin["secret"]))
        .send()
        .problem(403, "forbidden");
    assert_eq!(server.shown("edge-1")["status"], "ahead");
}

#[test]
fn a_node_of_another_key_is_told_apart_and_not_adopted() {
    let mut restored = Restored::new(false);
    let shown = restored.reports(&restored.known);
    assert_eq!(shown["status"], "behind");
    assert!(shown["state_revision"].as_u64() < Some(restored.known.revision));
    let reason = text(&shown["detail"]);
    assert!(
        reason.contains("put the old control-plane.key back"),
        "{reason}"
    );
    let said = restored.server.lictor(&["node", "adopt"]);
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.contains("no node holds a newer state"), "{said}");
    assert_eq!((restored.adopt(), restored.adoptions()), (0, 0));
    // It stays told apart when the server starts again.
    restored.server = restored.server.restart();
    assert_eq!(restored.server.shown("edge-1")["detail"], reason);
    // A node of an earlier version does not say by which key it goes.
    restored.node = restored.node.at(&restored.server.url);
    let mut report = restored.node.report_of(&restored.known);
    let members = report.as_object_mut().expect("an object");
    members.remove("control_plane").expect("the key");
    assert_eq!(restored.node.report(&report).status, 200);
    assert_eq!(restored.server.shown("edge-1")["status"], "ahead");
}

#[test]
fn a_restore_without_the_key_says_so_in_the_log() {
    let server = Server::licensed();
    let node = server.node("edge-1");
    let copy = server.file("copy.db");
    result(&server.lictor(&["backup", &copy]));
    assert!(!server.folder.path().join("copy.db.key").exists());
    let old = server.kill();
    let mut server = Server::on(restore(&old, false), &[]);
    let answer = node.at(&server.url).call("GET", "/v1/feed").expect(200);
    let other = server.node("edge-2");
    assert!(
        !answer
            .text()
            .contains(&other.key.id().to_string().to_uppercase())
    );
    assert!(
        answer.text().contains(&other.key.id().to_string()),
        "another key signs now"
    );
    server.running.child.kill().expect("it runs");
    let log = server.running.log();
    assert!(log.contains("put the old key back"), "{log}");
    let mut fresh = Server::start();
    fresh.running.child.kill().expect("it runs");
    let log = fresh.running.log();
    assert!(!log.contains("put the old key back"), "{log}");
}

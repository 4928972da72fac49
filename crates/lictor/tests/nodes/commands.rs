//! The commands about nodes, as an operator types them.

use lictor_core::document::rotation::Rotation;
use lictor_testkit::{OPERATOR, claims, command, result, text, vendor};

use crate::harness::{Joined as _, Server};

#[test]
fn the_policy_is_shown_and_changed_by_what_is_given_alone() {
    let server = Server::licensed();
    let policy = |args: &[&str]| {
        let args = [&["node", "policy"], args].concat();
        let shown = result(&server.lictor(&args));
        let lines = shown.lines().map(|line| line.split_whitespace().last());
        lines
            .map(|last| last.unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(policy(&[]), ["5m", "1d", "30d"]);
    assert_eq!(
        policy(&["--stale-after", "1m", "--grace", "0s"]),
        ["1m", "1d", "0s"]
    );
    assert_eq!(policy(&[]), ["1m", "1d", "0s"]);
    let refused = server.lictor(&["node", "policy", "--stale-after", "9s"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && said.contains("10 seconds"),
        "{said}"
    );
    assert_eq!(policy(&[]), ["1m", "1d", "0s"]);
}

/// What a list says of one node: its row, and what is indented below that.
fn of<'a>(listed: &'a str, name: &str) -> Vec<&'a str> {
    let mut lines = listed.lines().skip_while(|line| !line.starts_with(name));
    let row = lines.next().expect("a row");
    let below = lines.take_while(|line| line.starts_with("  "));
    std::iter::once(row).chain(below).collect()
}

#[test]
fn a_list_says_how_each_node_stands() {
    let server = Server::licensed();
    let none = server.lictor(&["node", "list"]);
    let said = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(said.contains("lictor node enroll"), "{said}");
    server.enroll("edge-1");
    let node = server.node("edge-2");
    let mut report = node.report_of(&node.first);
    let (epoch, month) = ("00000000000000aa", server.month());
    // Its own word may be one of several: what is stored is shown, as in the usage.
    report["requests"] = 7.into();
    report["counts"] = serde_json::json!([
        { "epoch": epoch, "service": "orders", "month": month, "count": 1_234_567 },
    ]);
    report["problems"] = serde_json::json!(["the journal is new"]);
    assert_eq!(node.report(&report).status, 200);
    let listed = result(&server.lictor(&["node", "list"]));
    let first = of(&listed, "edge-1");
    assert!(first[0].contains("enrolled"), "{listed}");
    assert_eq!(first[1..], ["  it has not joined yet"]);
    let second = of(&listed, "edge-2");
    let revision = node.first.revision.to_string();
    for word in ["current", &revision, "1 234 567"] {
        assert!(second[0].contains(word), "{word}: {listed}");
    }
    assert!(second[1].starts_with("  seen 20"), "{listed}");
    assert!(
        second[1].contains("Z; not connected; rack-7 (lictor 0.1.0); no license"),
        "{listed}"
    );
    assert_eq!(second[2..], ["  the journal is new"]);
    assert!(!listed.contains("fresh"), "{listed}");
    let refused = server.lictor(&["node", "revoke", "edge-9"]);
    assert!(!refused.status.success());
}

#[test]
fn a_list_fits_a_terminal_and_breaks_no_word() {
    let server = Server::licensed();
    let name = "gateway-7d9c5b8f4-eu-west-1a-prod-x2k9p";
    let node = server.node(name);
    let license = server.license(&claims("Konnect"));
    let mut report = node.report_of(&node.first);
    report["applied"]["revision"] = 1_000.into();
    report["mode"] = "stale".into();
    report["license"] = license.clone().into();
    report["host"] = "ip-10-0-12-34.eu-west-1.compute.internal".into();
    let full = "the disk is full: a state could not be kept, and counts are in memory alone";
    report["problems"] = serde_json::json!([full, "the journal is new"]);
    assert_eq!(node.report(&report).status, 200);
    let list = |columns: &str| {
        let mut command = command();
        command.env("LICTOR_URL", &server.url);
        command
            .env("LICTOR_TOKEN", OPERATOR)
            .env("COLUMNS", columns);
        result(
            &command
                .args(["node", "list"])
                .output()
                .expect("lictor runs"),
        )
    };
    let (narrow, wide) = (list("80"), list("1000"));
    assert_eq!(of(&wide, name).len(), 5, "{wide}");
    assert!(of(&narrow, name).len() < 12, "{narrow}");
    for line in narrow.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(words(&narrow), words(&wide), "no word is broken");
    for text in [
        name,
        "ahead",
        "lictor node adopt",
        full,
        "the journal is new",
        &license,
    ] {
        assert!(wide.contains(text), "{text}: {wide}");
    }
}

#[test]
fn a_vendors_key_is_rotated_by_two_commands() {
    let server = Server::licensed();
    let node = server.node("edge-1");
    let (old, new) = (server.file("vendor.key"), server.file("new"));
    std::fs::write(&old, vendor(1).to_pem().expect("PEM")).expect("a file");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&old, mode).expect("a mode");
    result(&server.lictor(&["key", "generate", "--out", &new]));
    let (public, file) = (format!("{new}.pub"), server.file("rotation.json"));
    let printed = result(&server.lictor(&["key", "rotate", "--key", &old, "--to", &public]));
    std::fs::write(&file, &printed).expect("a file");
    let rotation: Rotation = serde_json::from_str(&printed).expect("a rotation");
    assert!(rotation.is_signed_by(&vendor(1).public_key()));
    let add = ["trust", "add", &public, "--rotation", &file];
    let id = result(&server.lictor(&add));
    assert_eq!(id, rotation.to.id().to_string());
    let keys = node.poll().content.keys;
    let found = keys.iter().find(|key| key.public_key == rotation.to);
    assert_eq!(found.and_then(|key| key.rotation.as_ref()), Some(&rotation));
    let before = node.poll();
    assert_eq!(result(&server.lictor(&add)), id);
    assert_eq!(node.poll().content, before.content);
}

#[test]
fn a_key_that_nodes_do_not_trust_is_told_of() {
    let server = Server::licensed();
    let add = |number: u8, rotated: bool| {
        let (file, rotation) = (server.file("added.pub"), server.file("rotation.json"));
        let key = vendor(number).public_key();
        std::fs::write(&file, key.to_pem()).expect("a file");
        let by = lictor_core::document::rotation::rotate(&vendor(1), &key);
        let by = serde_json::to_string(&by).expect("a rotation");
        std::fs::write(&rotation, by).expect("a file");
        let args = ["trust", "add", &file, "--rotation", &rotation];
        let output = server.lictor(&args[..if rotated { 5 } else { 3 }]);
        assert_eq!(result(&output), key.id().to_string());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert_eq!(add(2, false), "", "there is no node");
    server.node("edge-1");
    let said = add(3, false);
    assert!(said.contains("lictor trust add --rotation"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert_eq!(add(4, true), "");
}

#[test]
fn a_rotation_that_proves_nothing_is_refused() {
    let server = Server::licensed();
    let (third, fourth) = (vendor(3).public_key(), vendor(4).public_key());
    let stranger = lictor_core::document::rotation::rotate(&vendor(2), &third);
    let for_another = lictor_core::document::rotation::rotate(&vendor(1), &fourth);
    let mut forged = stranger.clone();
    forged.from = vendor(1).public_key().id();
    for rotation in [&stranger, &for_another, &forged] {
        let body = serde_json::json!({ "public_key": third.to_pem(), "rotation": rotation });
        let answer = server.call("POST", "/v1/trust").json(&body).send();
        assert!(matches!(answer.status, 400 | 404 | 409), "{answer:?}");
        assert!(!text(&answer.value()["detail"]).is_empty());
    }
    let trusted = server.get("/v1/trust")["data"].clone();
    assert_eq!(trusted.as_array().map(Vec::len), Some(1));
}

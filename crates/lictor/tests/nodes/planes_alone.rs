//! Data planes beside a real control plane: a license reaches them at once, they go on without it,
//! and never take less than they know.

use std::fs;

use lictor_core::document::rotation::rotate;
use lictor_testkit::{Folder, claims, command, result, text, vendor};
use serde_json::json;

use crate::harness::{Server, within_a_second};
use crate::planes::{Plane, soon};

#[test]
fn a_license_opens_and_closes_at_once() {
    let server = Server::start();
    server.post("/v1/applications", &json!({ "key": "konnect" }));
    let plane = Plane::of(&server, "edge-1", &[]);
    assert_eq!(plane.check("").as_deref(), Some("unlicensed"));
    let mut granted = claims("Konnect");
    granted.features = vec!["sso".to_owned()];
    let id = server.license(&granted);
    within_a_second(|| plane.until(None));
    assert_eq!(plane.check("?service=orders&feature=sso"), None);
    assert_eq!(plane.check("?feature=vault").as_deref(), Some("feature"));
    assert_eq!(plane.check("?application=konnect"), None);
    let other = plane.check("?application=editor");
    assert_eq!(other.as_deref(), Some("unlicensed"));
    server
        .call("DELETE", &format!("/v1/licenses/{id}"))
        .expect(204);
    within_a_second(|| plane.until(Some("unlicensed")));
}

#[test]
fn a_node_goes_on_alone_and_starts_alone() {
    let server = Server::licensed();
    let plane = Plane::of(&server, "edge-1", &[]);
    assert_eq!(plane.check(""), None);
    let address = server.url.clone();
    let folder = server.kill();
    assert_eq!(plane.check(""), None);
    let plane = plane.restart();
    assert_eq!(plane.check(""), None);
    plane.until_status(|status| status["connected"] == false);
    let server = Server::at(&address, folder);
    server.license(&claims("Konnect"));
    plane.until_status(|status| status["connected"] == true);
    assert!(soon(|| server.shown("edge-1")["status"] == "current"));
}

#[test]
fn a_revoked_node_is_restricted_at_once_and_for_good() {
    let server = Server::licensed();
    let plane = Plane::of(&server, "edge-1", &[]);
    assert_eq!(plane.check(""), None);
    result(&server.lictor(&["node", "revoke", "edge-1"]));
    within_a_second(|| plane.until(Some("restricted")));
    let plane = plane.restart();
    assert_eq!(plane.check("").as_deref(), Some("restricted"));
    assert!(plane.problems().contains("revoked"), "{}", plane.problems());
}

#[test]
fn a_restored_control_plane_rolls_no_node_back_until_it_is_adopted() {
    let server = Server::licensed();
    let plane = Plane::of(&server, "edge-1", &[]);
    let old = plane.status()["license"]["id"].clone();
    let copy = server.file("copy.db");
    result(&server.lictor(&["backup", "--include-keys", &copy]));
    let newer = server.license(&claims("Konnect"));
    plane.until_status(|status| status["license"]["id"] == newer.as_str());
    let address = server.url.clone();
    let old_folder = server.kill();
    let folder = Folder::new();
    let mut restore = command();
    restore
        .arg("restore")
        .arg(old_folder.path().join("copy.db"));
    restore.arg("--data").arg(folder.path().join("data"));
    let key = old_folder.path().join("copy.db.key");
    restore.arg("--control-plane-key").arg(key);
    result(&restore.output().expect("lictor runs"));
    let server = Server::at(&address, folder);
    assert!(soon(|| server.shown("edge-1")["status"] == "ahead"));
    assert_eq!(plane.status()["license"]["id"], newer.as_str());
    assert!(soon(|| plane.problems().contains("older")));
    let listed = result(&server.lictor(&["node", "list"]));
    assert!(listed.contains("ahead"), "{listed}");
    result(&server.lictor(&["node", "adopt"]));
    plane.until_status(|status| status["license"]["id"] == old);
    assert!(soon(|| server.shown("edge-1")["status"] == "current"));
    let ledger = text(
        &server.get("/v1/ledger?limit=1000")["data"]
            .to_string()
            .into(),
    );
    assert!(ledger.contains("nodes_adopted"), "{ledger}");
}

#[test]
fn keys_are_those_of_joining_and_what_they_rotated_to() {
    let server = Server::licensed();
    let plane = Plane::of(&server, "edge-1", &[]);
    let trust = |number: u8| vendor(number).public_key().to_pem();
    server.post("/v1/trust", &json!({ "public_key": trust(2) }));
    let signed = |number: u8| {
        let payload = vendor(number).sign(&claims("Konnect").to_json());
        server.post("/v1/licenses", &json!({ "payload": payload }))
    };
    // Trusted by the control plane alone: the node does not follow.
    signed(2);
    plane.until(Some("unlicensed"));
    let rotation = rotate(&vendor(1), &vendor(3).public_key());
    let body = json!({ "public_key": trust(3), "rotation": rotation });
    server.post("/v1/trust", &body);
    signed(3);
    plane.until(None);
    let revoked = vendor(3).public_key().id();
    let call = server.call("POST", &format!("/v1/trust/{revoked}/revoke"));
    call.expect(200);
    plane.until(Some("unlicensed"));
    let plane = plane.restart();
    assert_eq!(plane.check("").as_deref(), Some("unlicensed"));
    // A key that the node's own operator names counts from the next start on.
    let file = server.file("second.pub");
    fs::write(&file, trust(2)).expect("a file");
    drop(plane);
    let plane = Plane::start(&server, "edge-1", &["--trust", &file]);
    plane.until(None);
}

#[test]
fn a_damaged_state_leaves_the_one_before_it_and_two_leave_none() {
    let server = Server::licensed();
    let plane = Plane::of(&server, "edge-1", &[]);
    let first = plane.status()["license"]["id"].clone();
    let second = server.license(&claims("Konnect"));
    plane.until_status(|status| status["license"]["id"] == second.as_str());
    let address = server.url.clone();
    let folder = server.kill();
    let damage = |name: &'static str| {
        move |folder: &std::path::Path| {
            let path = folder.join(name);
            let mut bytes = fs::read(&path).expect("a state");
            bytes[40] ^= 1;
            fs::write(path, bytes).expect("written");
        }
    };
    let plane = plane.restart_after(damage("state.json"));
    assert_eq!(plane.status()["license"]["id"], first);
    assert_ne!(plane.problems(), "[]");
    let plane = plane.restart_after(damage("state.previous.json"));
    assert_eq!(plane.check("").as_deref(), Some("restricted"));
    assert_ne!(plane.problems(), "[]");
    let _server = Server::at(&address, folder);
    plane.until(None);
    assert_eq!(plane.status()["license"]["id"], second.as_str());
}

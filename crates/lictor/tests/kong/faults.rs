//! What a client is told when the fault is the server's own: that there is one, and nothing else.

use serde_json::json;

use crate::expect::check;
use crate::harness::Harness;

const ID: &str = "30b4edb7-0847-4f65-af90-efbed8b0161f";

/// Changes every `from` in a file of the running server into `to`, which is as long.
fn damage(server: &Harness, file: &str, from: &[u8], to: &[u8]) {
    let path = server.data(file);
    let mut bytes = std::fs::read(&path).expect("the server's file");
    for at in 0..bytes.len().saturating_sub(from.len()) {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
    }
    std::fs::write(path, bytes).expect("written");
}

#[test]
fn a_damaged_license_is_never_served() {
    let server = Harness::start();
    let document = server.document("Damaged Subscription");
    server.put(ID, &document);
    for file in ["lictor.db", "lictor.db-wal"] {
        damage(
            &server,
            file,
            b"Damaged Subscription",
            b"Dbmaged Subscription",
        );
    }
    // A reader of the server may have had the page in memory. After any write it reads anew.
    server.record_usage("orders", "UNKNOWN", 1);
    let told = json!({ "message": "An unexpected error occurred" });
    let path = format!("/licenses/{ID}");
    check("one", &server.get(&path), 500, &told);
    check("list", &server.get("/licenses"), 500, &told);
    // It can still be repaired: written anew, or removed.
    server.put(ID, &server.document("Another"));
    assert_eq!(server.get(&path).status, 200);
}

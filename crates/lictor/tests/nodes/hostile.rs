//! What a node says of itself is bounded when it is taken, and printed safely.

use lictor_testkit::{result, text};
use serde_json::{Value, json};

use crate::harness::{Joined as _, Server};

/// Texts that would do something where they are printed or stored as they are.
const HOSTILE: [&str; 6] = [
    "\u{1b}[2J\u{1b}]0;owned\u{7}",
    "a\r\nb\u{0}c\td",
    "\u{9b}31mred",
    "\u{8}\u{8}\u{8}\u{7f}",
    "'; DROP TABLE nodes; --",
    "{\"x\":\"\\u001b\"}",
];

fn has_controls(text: &str) -> bool {
    text.chars()
        .any(|character| character.is_control() && character != '\n')
}

#[test]
fn what_a_node_says_is_printed_without_its_control_characters() {
    let server = Server::licensed();
    let node = server.node("edge-1");
    for said in HOSTILE {
        let mut report = node.report_of(&node.first);
        report["host"] = said.into();
        report["version"] = said.into();
        report["problems"] = json!([said, said]);
        assert_eq!(node.report(&report).status, 200);
        let shown = server.shown("edge-1");
        for member in [
            &shown["host"],
            &shown["version"],
            &shown["problems"][0],
            &shown["detail"],
        ] {
            assert!(!has_controls(&text(member)), "{shown}");
        }
        let printed = result(&server.lictor(&["node", "list"]));
        assert!(printed.contains("edge-1"), "{printed}");
        assert!(!has_controls(&printed), "{printed:?}");
    }
}

#[test]
fn what_a_node_says_is_cut_at_its_bounds() {
    let server = Server::licensed();
    let node = server.node("edge-1");
    let endless = "ä".repeat(100_000);
    let mut report = node.report_of(&node.first);
    report["host"] = endless.clone().into();
    report["version"] = endless.clone().into();
    let problems: Vec<Value> = (0..20).map(|_| endless[..20_000].into()).collect();
    report["problems"] = problems.into();
    assert_eq!(node.report(&report).status, 200);
    let shown = server.shown("edge-1");
    let length = |member: &Value| text(member).chars().count();
    assert_eq!(length(&shown["host"]), 255);
    assert_eq!(length(&shown["version"]), 64);
    assert_eq!(shown["problems"].as_array().map(Vec::len), Some(16));
    assert_eq!(length(&shown["problems"][0]), 300);
    let printed = result(&server.lictor(&["node", "list"]));
    assert!(printed.len() < 4_000, "{}", printed.len());
}

#[test]
fn a_report_of_more_than_a_mebibyte_is_refused_and_nothing_of_it_kept() {
    let server = Server::licensed();
    let node = server.node("edge-1");
    for member in ["host", "version"] {
        let mut report = node.report_of(&node.first);
        report[member] = "x".repeat(1 << 20).into();
        report["counts"] = json!([{
            "epoch": "0123456789abcdef", "service": "orders", "month": server.month(), "count": 1,
        }]);
        let message = node.report(&report).failure(400, "invalid");
        assert!(message.contains("1048576"), "{message}");
    }
    let shown = server.shown("edge-1");
    assert_eq!(
        (&shown["host"], &shown["seen_at"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(server.get("/v1/usage")["data"], json!([]));
}

//! Reports: counts are kept once, whatever comes twice, late or wrong, and every dialect tells them.

use lictor_core::feed::{REPORT_PATH, Reported};
use lictor_testkit::{command, result, text};
use serde_json::{Value, json};

use crate::harness::{Joined as _, Server};
use crate::node::Node;

const EPOCH: &str = "0123456789abcdef";
const LATER: &str = "fedcba9876543210";

fn count(epoch: &str, service: &str, month: &str, count: u64) -> Value {
    json!({ "epoch": epoch, "service": service, "month": month, "count": count })
}

/// What is stored, as `SOURCE SERVICE MONTH COUNT`.
fn usage(server: &Server) -> Vec<String> {
    let usage = server.get("/v1/usage")["data"].clone();
    let rows = usage.as_array().expect("rows").iter();
    let row = |row: &Value| {
        let [source, service, month] = ["source", "service", "month"].map(|name| text(&row[name]));
        format!("{source} {service} {month} {}", row["count"])
    };
    rows.map(row).collect()
}

#[test]
fn counts_are_kept_under_the_name_of_the_node_and_its_epoch() {
    let server = Server::licensed();
    let (first, second) = (server.node("edge-1"), server.node("edge-2"));
    let month = server.month();
    first.count(&json!([
        count(EPOCH, "orders", &month, 7),
        count(EPOCH, "users", "2026-01", 1)
    ]));
    first.count(&json!([count(LATER, "orders", &month, 5)]));
    second.count(&json!([count(EPOCH, "orders", &month, 3)]));
    let mut expected = vec![
        format!("edge-1@{EPOCH} orders {month} 7"),
        format!("edge-1@{EPOCH} users 2026-01 1"),
        format!("edge-1@{LATER} orders {month} 5"),
        format!("edge-2@{EPOCH} orders {month} 3"),
    ];
    expected.sort();
    let mut stored = usage(&server);
    stored.sort();
    assert_eq!(stored, expected);
    assert_eq!(server.get("/v1/usage")["total_requests"], 16);
}

#[test]
fn a_source_is_what_the_credential_says_and_nothing_else() {
    let server = Server::licensed();
    let node = server.node("edge-1");
    let mut report = node.report_of(&node.first);
    report["name"] = "edge-2".into();
    report["node"] = "edge-2".into();
    report["counts"] = json!([count(EPOCH, "orders", &server.month(), 7)]);
    report["counts"][0]["source"] = "edge-2".into();
    report["counts"][0]["name"] = "edge-2".into();
    assert_eq!(node.report(&report).status, 200);
    assert_eq!(
        usage(&server),
        [format!("edge-1@{EPOCH} orders {} 7", server.month())]
    );
}

#[test]
fn what_is_repeated_late_or_smaller_changes_nothing() {
    let mut server = Server::licensed();
    let mut node = server.node("edge-1");
    let month = server.month();
    for value in [5, 9, 9, 3, 0, 9, 8] {
        node.count(&json!([count(EPOCH, "orders", &month, value)]));
    }
    node.count(&json!([
        count(EPOCH, "orders", &month, 1),
        count(EPOCH, "orders", &month, 10),
        count(EPOCH, "orders", &month, 2),
    ]));
    let expected = [format!("edge-1@{EPOCH} orders {month} 10")];
    assert_eq!(usage(&server), expected);
    server = server.restart();
    node = node.at(&server.url);
    assert_eq!(usage(&server), expected, "what was answered is durable");
    node.count(&json!([count(EPOCH, "orders", &month, 9)]));
    assert_eq!(usage(&server), expected);
}

#[test]
fn the_answer_names_the_revision_and_this_start_of_the_server() {
    let mut server = Server::licensed();
    let mut node = server.node("edge-1");
    let reported = |node: &Node| -> Reported {
        let answer = node.report(&node.report_of(&node.first));
        serde_json::from_slice(&answer.body).expect("what was promised")
    };
    let (first, second) = (reported(&node), reported(&node));
    assert_eq!(first, second);
    assert_eq!(first.state_revision, node.poll().revision);
    server = server.restart();
    node = node.at(&server.url);
    assert_ne!(reported(&node).instance, first.instance);
}

/// Refuses a report for these counts; the reason must name the words.
#[track_caller]
fn refused(node: &Node, counts: Value, word: &str) {
    let mut report = node.report_of(&node.first);
    report["host"] = "refused".into();
    report["counts"] = counts;
    let message = node.report(&report).failure(400, "invalid");
    assert!(message.contains(word), "{word}: {message}");
}

/// The counts of a report that the answer names as not taken.
fn held(node: &Node, counts: Value) -> Vec<Value> {
    let mut report = node.report_of(&node.first);
    report["counts"] = counts;
    let answer = node.report(&report);
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer: Value = serde_json::from_slice(&answer.body).expect("JSON");
    answer["held"].as_array().cloned().unwrap_or_default()
}

#[test]
fn a_count_that_cannot_be_stays_with_its_node_and_holds_up_no_other() {
    let server = Server::licensed();
    let node = server.node("edge-1");
    let month = server.month();
    let long = "s".repeat(129);
    let months = [
        "",
        "2026",
        "2026-13",
        "2026-1",
        "2999-01",
        "unknown",
        "2026-01-01",
        "0001-01",
        "1999-12",
    ];
    let months = months.map(|month| (count(EPOCH, "orders", month, 1), "month"));
    let services = ["", "a\u{0}b", "a\nb", &long];
    let services = services.map(|service| (count(EPOCH, service, &month, 1), "service"));
    let large = (count(EPOCH, "orders", &month, 1 << 53), "count");
    for (good, (bad, field)) in (1_u64..).zip(months.into_iter().chain(services).chain([large])) {
        let named = held(&node, json!([bad, count(EPOCH, "orders", &month, good)]));
        let [named] = named.as_slice() else {
            panic!("{bad}: {named:?}");
        };
        let reason = named["reason"].as_str().expect("a reason");
        assert!(reason.starts_with(field), "{bad}: {reason}");
        assert_eq!(named["as_other"], Value::Null, "{bad}");
        let mut expected = bad.clone();
        expected["reason"] = reason.into();
        assert_eq!(*named, expected);
        assert_eq!(server.get("/v1/usage")["total_requests"], good, "{bad}");
    }
}

#[test]
fn a_nodes_count_is_taken_once_no_sum_is_too_large_any_more() {
    let server = Server::licensed();
    let node = server.node("edge-1");
    let month = server.month();
    let largest = (1_u64 << 53) - 1;
    let by_hand = json!({ "counts": [{ "service": "typo", "count": largest - 2 }] });
    server.call("POST", "/v1/usage").json(&by_hand).expect(200);
    let counts = json!([
        count(EPOCH, "orders", &month, 3),
        count(EPOCH, "users", &month, 2)
    ]);
    let named = held(&node, counts.clone());
    assert_eq!((named.len(), &named[0]["service"]), (1, &json!("orders")));
    assert_eq!(server.get("/v1/usage")["total_requests"], largest);
    let correction = json!({ "service": "typo", "month": month, "by": -3, "reason": "a typo" });
    let call = server.call("POST", "/v1/usage/corrections");
    call.json(&correction).expect(200);
    assert_eq!(held(&node, counts), [Value::Null; 0]);
    assert_eq!(server.get("/v1/usage")["total_requests"], largest);
}

#[test]
fn what_finds_no_room_is_to_be_told_among_the_others_which_do() {
    let server = Server::licensed();
    let node = server.node("edge-1");
    let month = server.month();
    let quotas = json!({ "limits": { "usage-series": 1, "nodes": 1 } });
    let call = server.call("PATCH", "/v1/organizations/default");
    call.json(&quotas).expect(200);
    let counts = json!([
        count(EPOCH, "orders", &month, 3),
        count(EPOCH, "users", &month, 2),
    ]);
    for _ in 0..2 {
        let named = held(&node, counts.clone());
        let [named] = named.as_slice() else {
            panic!("{named:?}");
        };
        assert_eq!(
            (&named["service"], &named["as_other"]),
            (&json!("users"), &json!(true))
        );
        let reason = text(&named["reason"]);
        assert!(reason.contains("--max-usage-series"), "{reason}");
    }
    let others = |epoch| json!([count(epoch, "(other)", &month, 2)]);
    assert_eq!(held(&node, others(EPOCH)), [Value::Null; 0]);
    let beyond = held(&node, others(LATER));
    assert_eq!((beyond.len(), &beyond[0]["as_other"]), (1, &Value::Null));
    let stored = [("(other)", 2), ("orders", 3)];
    let stored = stored.map(|(service, count)| format!("edge-1@{EPOCH} {service} {month} {count}"));
    assert_eq!(usage(&server), stored);
}

#[test]
fn earlier_epochs_are_put_together_where_there_is_no_room() {
    let mut server = Server::licensed();
    let mut node = server.node("edge-1");
    let month = server.month();
    let epochs: Vec<_> = (1..=4).map(|number| format!("{number:016}")).collect();
    let quotas = json!({ "limits": { "usage-series": 3 } });
    let call = server.call("PATCH", "/v1/organizations/default");
    call.json(&quotas).expect(200);
    let earlier = json!([
        count(&epochs[0], "orders", &month, 7),
        count(&epochs[1], "orders", &month, 5),
        count(&epochs[2], "orders", &month, 3),
    ]);
    node.count(&earlier);
    let told = |node: &Node, instance: Value| -> Value {
        let mut report = node.report_of(&node.first);
        report["counts"] = json!([count(&epochs[3], "orders", &month, 2)]);
        report["settled"] = json!({ "instance": instance, "epochs": &epochs[..3] });
        node.report(&report).value()
    };
    // Another start, which may have been before a backup was restored.
    let answer = told(&node, json!("00000000-0000-0000-0000-000000000001"));
    assert_eq!(answer["held"][0]["as_other"], true, "{answer}");
    let answer = told(&node, answer["instance"].clone());
    assert_eq!(answer["held"], Value::Null, "{answer}");
    let own = &epochs[3];
    let expected = [
        format!("edge-1@{own} orders {month} 2"),
        format!("edge-1@earlier orders {month} 15"),
    ];
    assert_eq!(usage(&server), expected);
    for _ in 0..2 {
        assert_eq!(held(&node, earlier.clone()), [Value::Null; 0]);
        assert_eq!(usage(&server), expected, "they count already");
        server = server.restart();
        node = node.at(&server.url);
    }
    assert_eq!(server.get("/v1/usage")["total_requests"], 17);
    let folder = server.kill();
    let mut check = command();
    check
        .args(["check", "--data"])
        .arg(folder.path().join("data"));
    result(&check.output().expect("lictor runs"));
}

#[test]
fn a_report_that_cannot_be_read_is_refused_with_the_reason_and_nothing_is_kept() {
    let server = Server::licensed();
    let node = server.node("edge-1");
    let month = server.month();
    let good = count(EPOCH, "orders", &month, 7);
    for epoch in [
        "",
        "0123456789abcde",
        "0123456789abcdef0",
        "0123456789ABCDEF",
        "../../../../etc/",
        "0123456789abcde@",
    ] {
        refused(
            &node,
            json!([good, count(epoch, "orders", &month, 1)]),
            "epoch",
        );
    }
    let many: Vec<Value> = (0..1_001).map(|_| good.clone()).collect();
    refused(&node, json!(many), "1000");
    for wrong in [json!(-1), json!(1.5), json!("1"), json!(null)] {
        let mut bad = good.clone();
        bad["count"] = wrong;
        refused(&node, json!([good, bad]), "the body");
    }
    assert_eq!(server.get("/v1/usage")["data"], json!([]));
    assert_eq!(server.shown("edge-1")["seen_at"], Value::Null);
    let most: Vec<Value> = (0..1_000)
        .map(|number| count(EPOCH, &format!("s{number}"), &month, 1))
        .collect();
    node.count(&json!(most));
    assert_eq!(server.get("/v1/usage")["total_requests"], 1_000);
}

#[test]
fn what_is_no_report_is_refused() {
    let server = Server::licensed();
    let node = server.node("edge-1");
    let call = node.call("POST", REPORT_PATH);
    for bad in ["", "{", "[]", "null", "{}", r#"{"host":1}"#] {
        let answer = call.clone().body("application/json", bad).send();
        answer.failure(400, "invalid");
    }
    let mut report = node.report_of(&node.first);
    report["mode"] = "sleepy".into();
    node.report(&report).failure(400, "invalid");
    report["mode"] = "fresh".into();
    report["applied"]["revision"] = (1_u64 << 53).into();
    report["from_a_later_version"] = json!([]);
    assert_eq!(node.report(&report).status, 200);
    // No revision that there can be; all else counts.
    assert_eq!(server.shown("edge-1")["applied"], Value::Null);
}

#[test]
fn kongs_report_counts_the_requests_and_the_connected_nodes() {
    let server = Server::licensed();
    let later = || server.get("/license/report?format=3.4");
    assert_eq!(later()["deployment_info"], json!({ "type": "traditional" }));
    let (first, second) = (server.node("edge-1"), server.node("edge-2"));
    let info = |connected: usize| json!({ "type": "hybrid", "connected_dp_count": connected });
    assert_eq!(later()["deployment_info"], info(0));
    let feeds = [first.feed(), first.feed(), second.feed()];
    feeds.iter().for_each(|feed| drop(feed.state()));
    assert_eq!(later()["deployment_info"], info(2));
    let month = server.month();
    first.count(&json!([count(EPOCH, "orders", &month, 7)]));
    second.count(&json!([
        count(EPOCH, "orders", &month, 5),
        count(EPOCH, "users", &month, 1)
    ]));
    let buckets = json!([{ "bucket": month, "request_count": 13 }]);
    let (earlier, later) = (server.get("/license/report"), later());
    assert_eq!(earlier["counters"], buckets);
    assert_eq!(earlier["services_count"], 2);
    assert_eq!(
        later["counters"],
        json!({ "buckets": buckets, "total_requests": 13 })
    );
    let native = server.get("/v1/report");
    assert_eq!(native["total_requests"], 13);
}

#[test]
fn no_figure_of_people_counts_a_node() {
    let server = Server::licensed();
    let shown = || {
        let mut native = ["/v1/counts", "/v1/applications"].map(|path| server.get(path));
        // The only figure that is of nodes.
        native[1]["data"][0]["nodes"] = Value::Null;
        let zoho = server.get("/crm/v7/__features/user_licenses");
        let jira = server.get("/rest/api/3/license/approximateLicenseCount");
        let users = server.get("/license/report")["rbac_users"].clone();
        (native, zoho, jira, users)
    };
    let before = shown();
    let node = server.node("edge-1");
    node.count(&json!([count(EPOCH, "orders", &server.month(), 7)]));
    assert_eq!(shown(), before);
}

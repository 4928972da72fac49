//! What is kept of leases that ended and of refusals over `/v1`: listed, summed up, forgotten.

use lictor_core::Plan;
use lictor_testkit::Answer;
use serde_json::{Value, json};

use crate::harness::{Server, Staff as _};

const LEASES: &str = "/v1/applications/editor/leases";
const ENDED: &str = "/v1/applications/editor/leases/ended";

fn check_out(server: &Server, holder: &str) -> Answer {
    let call = server.call("POST", LEASES);
    call.json(&json!({ "holder": holder })).send()
}

/// Checks a lease out and gives it back; the lease.
fn hold(server: &Server, holder: &str) -> Value {
    let lease = check_out(server, holder).value();
    release(server, &lease, json!({ "fence": lease["fence"] }));
    lease
}

fn release(server: &Server, lease: &Value, body: Value) {
    let id = lease["id"].as_str().expect("an id");
    let call = server.call("POST", &format!("/v1/leases/{id}/release"));
    call.json(&body).expect(204);
}

fn forget(server: &Server, holder: &str) -> Answer {
    server
        .call("DELETE", &format!("/v1/holders/{holder}"))
        .send()
}

fn holders(server: &Server, path: &str) -> Vec<Value> {
    let list = server.get(path);
    let rows = list["data"].as_array().expect("rows");
    rows.iter().map(|row| row["holder"].clone()).collect()
}

#[test]
fn an_ended_lease_says_who_held_it_until_when_and_why_it_ended() {
    let server = Server::start();
    server.install("editor", Some(2), Plan::Paid);
    assert_eq!(
        server.get(ENDED),
        json!({ "data": [], "next_cursor": null })
    );
    let lease = hold(&server, "build-7");
    let forced = check_out(&server, "build-8").value();
    release(&server, &forced, json!({ "force": true }));
    let list = server.get(ENDED);
    let (last, first) = (&list["data"][0], &list["data"][1]);
    for (ended, lease, reason) in [(first, &lease, "released"), (last, &forced, "forced")] {
        for name in ["id", "application", "holder", "since"] {
            assert_eq!(ended[name], lease[name], "{name}");
        }
        assert_eq!(ended["reason"], reason);
        assert!(ended["until"].as_str() >= ended["since"].as_str());
        let position = ended["position"].as_u64().expect("a position");
        let entry = &server.get(&format!("/v1/ledger?after={}&limit=1", position - 1))["data"][0];
        assert_eq!(entry["change"]["type"], "lease_ended");
        assert_eq!(
            (&entry["change"]["id"], &entry["at"]),
            (&ended["id"], &ended["until"])
        );
    }
    assert_eq!(server.get(LEASES)["data"], json!([]), "none is out");
}

#[test]
fn ended_leases_are_narrowed_and_come_in_pages_of_one_list() {
    let server = Server::start();
    server.install("editor", Some(2), Plan::Paid);
    for holder in ["a", "b", "a", "c"] {
        hold(&server, holder);
    }
    assert_eq!(holders(&server, ENDED), ["c", "a", "b", "a"]);
    for spelling in ["a", "A", "%20a"] {
        let of_a = format!("{ENDED}?holder={spelling}");
        assert_eq!(holders(&server, &of_a), ["a", "a"]);
    }
    let future = format!("{ENDED}?since=2199-01-01T00:00:00Z");
    assert_eq!(holders(&server, &future), [""; 0]);
    let past = format!("{ENDED}?until=2001-01-01T00:00:00Z");
    assert_eq!(holders(&server, &past), [""; 0]);
    let all = format!("{ENDED}?since=2001-01-01T00:00:00Z&until=2199-01-01T00:00:00Z");
    assert_eq!(holders(&server, &all).len(), 4);
    let page = server.get(&format!("{ENDED}?limit=3"));
    let cursor = page["next_cursor"].as_str().expect("more");
    assert_eq!(
        holders(&server, &format!("{ENDED}?limit=3&cursor={cursor}")),
        ["a"]
    );
    for other in [
        format!("{ENDED}?holder=a&cursor={cursor}"),
        format!("{all}&cursor={cursor}"),
        format!("{LEASES}?cursor={cursor}"),
        format!("/v1/refusals?cursor={cursor}"),
    ] {
        let problem = server
            .call("GET", &other)
            .send()
            .problem(400, "invalid-input");
        assert_eq!(problem["field"], "cursor", "{other}");
    }
    for (query, field) in [
        ("/ended?since=yesterday", "since"),
        ("/ended?until=2026-11-22", "until"),
        ("/ended?holder=a&holder=b", "holder"),
        ("?holder=a", "query"),
        ("?ended=true", "query"),
    ] {
        let call = server.call("GET", &format!("{LEASES}{query}"));
        assert_eq!(
            call.send().problem(400, "invalid-input")["field"],
            field,
            "{query}"
        );
    }
    let absent = server.call("GET", "/v1/applications/absent/leases/ended");
    absent.send().problem(404, "not-found");
}

#[test]
fn what_ended_is_kept_though_its_application_is_removed() {
    let server = Server::start();
    let license = server.install("editor", Some(2), Plan::Paid);
    hold(&server, "a");
    server
        .call("DELETE", &format!("/v1/licenses/{license}"))
        .expect(204);
    server.call("DELETE", "/v1/applications/editor").expect(204);
    assert_eq!(holders(&server, ENDED), ["a"]);
}

#[test]
fn a_holder_is_forgotten_everywhere_and_figures_stay() {
    let server = Server::start();
    server.install("editor", Some(1), Plan::Paid);
    let name = "Secretary%40Example.COM%20";
    hold(&server, "secretary@example.com");
    hold(&server, "b");
    let live = check_out(&server, "b").value();
    check_out(&server, "secretary@example.com").problem(409, "seat-refused");
    let sums = server.get("/v1/refusals/by-hour");
    let problem = forget(&server, "b").problem(409, "holder-has-leases");
    assert_eq!(problem["leases"], json!([live["id"]]));
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(detail.contains("lictor lease release"), "{detail}");
    assert_eq!(
        forget(&server, name).value(),
        json!({ "ended_leases": 1, "refusals": 1 })
    );
    assert_eq!(
        forget(&server, name).value(),
        json!({ "ended_leases": 0, "refusals": 0 })
    );
    assert_eq!(holders(&server, ENDED), [json!("b"), Value::Null]);
    assert_eq!(holders(&server, "/v1/refusals"), [Value::Null]);
    assert_eq!(server.get("/v1/refusals/by-hour"), sums);
    release(&server, &live, json!({ "force": true }));
    assert_eq!(
        forget(&server, "b").value(),
        json!({ "ended_leases": 2, "refusals": 0 })
    );
    assert_eq!(
        holders(&server, ENDED),
        [Value::Null, Value::Null, Value::Null]
    );
}

#[test]
fn what_can_be_no_holder_is_a_problem() {
    let server = Server::start();
    for name in ["", "%FF", "a/b"] {
        let answer = forget(&server, name);
        answer.problem(404, "not-found");
    }
}

#[test]
fn a_holder_is_forgotten_in_one_organization_alone() {
    let server = Server::start();
    let other = server.tenant("other").admin;
    server.install("editor", Some(1), Plan::Paid);
    hold(&server, "a");
    let there = server.anonymous("DELETE", "/v1/holders/a").token(&other);
    assert_eq!(
        there.expect(200).value(),
        json!({ "ended_leases": 0, "refusals": 0 })
    );
    assert_eq!(holders(&server, ENDED), ["a"]);
}

#[test]
fn refusals_are_summed_by_hour_and_know_their_first_position() {
    let server = Server::start();
    server.install("editor", Some(0), Plan::Paid);
    assert_eq!(server.get("/v1/refusals/by-hour")["data"], json!([]));
    for holder in ["a", "b", "a"] {
        check_out(&server, holder).problem(409, "seat-refused");
    }
    let rows = server.get("/v1/refusals");
    let rows = rows["data"].as_array().expect("rows");
    assert!(
        rows.iter()
            .all(|row| row["first_position"] == row["last_position"])
    );
    let sums = server.get("/v1/refusals/by-hour");
    let sums = sums["data"].as_array().expect("sums");
    // The hour may have turned meanwhile.
    let count: u64 = sums.iter().filter_map(|sum| sum["count"].as_u64()).sum();
    assert_eq!(count, 3);
    assert_eq!(
        (&sums[0]["application"], &sums[0]["reason"]),
        (&json!("editor"), &json!("exhausted"))
    );
    let hour = sums[0]["hour"].as_str().expect("an hour");
    assert!(hour.ends_with(":00:00Z"), "{hour}");
    let call = server.call("GET", "/v1/refusals?by=hour");
    assert_eq!(call.send().problem(400, "invalid-input")["field"], "query");
}

#[test]
fn without_a_span_to_keep_them_ended_leases_are_gone_at_the_next_start() {
    let server = Server::start();
    server.install("editor", Some(1), Plan::Paid);
    hold(&server, "a");
    assert_eq!(holders(&server, ENDED), ["a"]);
    let server = server.restart_with(&["--keep-holders", "0"]);
    for _ in 0..200 {
        if holders(&server, ENDED).is_empty() {
            let (log, _) = server.end();
            assert!(!log.contains("ERROR"), "{log}");
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("the lease that ended is still kept");
}

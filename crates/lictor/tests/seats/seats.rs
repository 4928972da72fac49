//! Named seats over `/v1`: given, refused, taken back, shown.

use lictor_core::Plan;
use serde_json::{Value, json};

use crate::harness::{Server, Staff as _};

fn counts(server: &Server, application: &str) -> (u64, u64, u64) {
    let counts = server.get(&format!("/v1/counts?application={application}"));
    let row = &counts["data"][0];
    let figure = |name: &str| row[name].as_u64().expect("a figure");
    (figure("limit"), figure("used"), figure("available"))
}

#[test]
fn a_seat_is_given_once_and_shown_with_its_origin() {
    let server = Server::start();
    server.install("editor", Some(2), Plan::Paid);
    let ada = server.account("ada@example.com");
    let given = server.assign("editor", "ADA@example.com");
    assert_eq!(given.status, 201, "{given:?}");
    let expected = json!({ "application": "editor", "account": ada, "limit": 2, "used": 1 });
    assert_eq!(given.value(), expected);
    let again = server.assign("editor", &ada);
    assert_eq!((again.status, again.value()), (200, expected));
    let seats = server.get("/v1/applications/editor/seats");
    assert_eq!(seats["data"][0]["email"], "ada@example.com");
    let position = seats["data"][0]["position"].as_u64().expect("a position");
    let entries = server.get(&format!("/v1/ledger?after={}&limit=1", position - 1));
    assert_eq!(entries["data"][0]["change"]["type"], "seat_assigned");
    assert!(entries["data"][0]["actor"].is_string());
    let held = server.get(&format!("/v1/accounts/{ada}/seats"));
    assert_eq!(held["data"][0]["application"], "editor");
    assert_eq!(counts(&server, "editor"), (2, 1, 1));
}

#[test]
fn the_seats_of_an_account_come_in_pages() {
    let server = Server::start();
    let ada = server.account("ada@example.com");
    for application in ["browser", "editor", "viewer"] {
        server.install(application, Some(2), Plan::Paid);
        assert_eq!(server.assign(application, &ada).status, 201);
    }
    let path = format!("/v1/accounts/{ada}/seats?limit=2");
    let first = server.get(&path);
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let second = server.get(&format!("{path}&cursor={cursor}"));
    let held = |page: &Value, row: usize| page["data"][row]["application"].clone();
    let held = [held(&first, 0), held(&first, 1), held(&second, 0)];
    assert_eq!(held, ["browser", "editor", "viewer"]);
    assert_eq!(second["next_cursor"], Value::Null);
}

#[test]
fn a_refusal_says_why_and_is_kept() {
    let server = Server::start();
    server.install("editor", Some(1), Plan::Paid);
    server.staff("editor", "first", 1);
    let late = server.account("late@example.com");
    let bot = server.account_of(&json!({ "email": "bot@example.com", "kind": "service" }));
    let shut = server.account("shut@example.com");
    let patch = server.call("PATCH", &format!("/v1/accounts/{shut}"));
    patch.json(&json!({ "status": "deactivated" })).expect(200);
    server.post("/v1/applications", &json!({ "key": "bare" }));
    for (application, account, reason) in [
        ("editor", &late, "exhausted"),
        ("editor", &bot, "service"),
        ("editor", &shut, "deactivated"),
        ("bare", &late, "unlicensed"),
    ] {
        let problem = server
            .assign(application, account)
            .problem(409, "seat-refused");
        assert_eq!(problem["reason"], reason, "{problem}");
        let limit = if application == "editor" { 1 } else { 0 };
        assert_eq!(
            (&problem["limit"], &problem["used"]),
            (&json!(limit), &json!(limit))
        );
    }
    let refusals = server.get("/v1/refusals");
    let reasons: Vec<_> = refusals["data"].as_array().expect("rows").iter().collect();
    assert_eq!(reasons.len(), 4, "{refusals}");
    let emails = reasons.iter().map(|row| row["email"].as_str());
    let emails: std::collections::BTreeSet<_> = emails.collect();
    let asked = ["bot@example.com", "late@example.com", "shut@example.com"];
    assert_eq!(emails, asked.map(Some).into());
    let first = server.get("/v1/refusals?limit=3");
    let cursor = first["next_cursor"].as_str().expect("more");
    let rest = server.get(&format!("/v1/refusals?limit=3&cursor={cursor}"));
    assert_eq!(rest["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(rest["data"][0], refusals["data"][3]);
}

#[test]
fn an_expired_or_smaller_license_takes_no_seat_away() {
    let server = Server::start();
    let license = server.install("editor", Some(3), Plan::Paid);
    server.staff("editor", "user", 3);
    server.install("editor", Some(1), Plan::Paid);
    let figures = server.get("/v1/applications/editor");
    assert_eq!(
        (&figures["used"], &figures["available"], &figures["overage"]),
        (&json!(3), &json!(0), &json!(2))
    );
    let late = server.account("late@example.com");
    server.assign("editor", &late).problem(409, "seat-refused");
    let release = server.call("DELETE", "/v1/applications/editor/seats/user0@example.com");
    release.expect(204);
    server.assign("editor", &late).problem(409, "seat-refused");
    let path = format!("/v1/licenses/{license}");
    server.call("DELETE", &path).expect(204);
    assert_eq!(counts(&server, "editor"), (1, 2, 0));
}

#[test]
fn over_use_is_allowed_where_the_application_says_so() {
    let server = Server::start();
    let body = json!({ "key": "editor", "over_limit": "allow", "name": "The Editor" });
    let made = server.post("/v1/applications", &body);
    assert_eq!(
        (&made["name"], &made["over_limit"]),
        (&json!("The Editor"), &json!("allow"))
    );
    server.install("editor", Some(1), Plan::Paid);
    server.staff("editor", "user", 3);
    let shown = server.get("/v1/applications/editor");
    assert_eq!((&shown["used"], &shown["overage"]), (&json!(3), &json!(2)));
    let patch = server.call("PATCH", "/v1/applications/editor");
    patch.json(&json!({ "over_limit": "refuse" })).expect(200);
    let late = server.account("late@example.com");
    server.assign("editor", &late).problem(409, "seat-refused");
    let remove = server.call("DELETE", "/v1/applications/editor");
    let problem = remove.send().problem(409, "application-in-use");
    assert_eq!(problem["seats"], 3);
}

#[test]
fn many_seats_in_one_request_are_all_or_each() {
    let server = Server::start();
    server.install("editor", Some(2), Plan::Paid);
    for name in ["a", "b", "c"] {
        server.account(&format!("{name}@example.com"));
    }
    let everyone = ["a@example.com", "b@example.com", "c@example.com"];
    let bulk = || server.call("POST", "/v1/applications/editor/seats/bulk");
    let all = bulk()
        .json(&json!({ "assign": everyone }))
        .expect(200)
        .value();
    let results = |value: &Value| {
        let rows = value["rows"].as_array().expect("rows").iter();
        rows.map(|row| row["result"].as_str().expect("text").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(results(&all), ["undone", "undone", "refused"]);
    assert_eq!(counts(&server, "editor"), (2, 0, 2));
    let mixed = json!({ "assign": ["a@example.com", "nobody@example.com", "b@example.com"],
        "mode": "each" });
    let each = bulk().json(&mixed).expect(200).value();
    assert_eq!(results(&each), ["assigned", "refused", "assigned"]);
    assert_eq!(each["rows"][1]["error"]["reason"], "not-found");
    let swap = json!({ "release": ["a@example.com"], "assign": ["c@example.com"] });
    let swapped = bulk().json(&swap).expect(200).value();
    assert_eq!(results(&swapped), ["released", "assigned"]);
    assert_eq!(counts(&server, "editor"), (2, 2, 0));
    let many = vec!["a@example.com"; 1_001];
    let refused = bulk().json(&json!({ "assign": many })).send();
    assert_eq!(refused.problem(400, "invalid-input")["field"], "rows");
}

#[test]
fn a_repeated_request_gives_one_seat_and_one_answer() {
    let server = Server::start();
    server.install("editor", Some(1), Plan::Paid);
    server.account("ada@example.com");
    server.account("bob@example.com");
    let call = |who: &str, key: &str| {
        let call = server.call("POST", "/v1/applications/editor/seats");
        let call = call.header("Idempotency-Key", key);
        call.json(&json!({ "account": who })).send()
    };
    let first = call("ada@example.com", "one");
    assert_eq!(first.status, 201, "{first:?}");
    let again = call("ada@example.com", "one");
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!(call("bob@example.com", "one").status, 422);
    // A refusal is not kept: there may be room later.
    assert_eq!(call("bob@example.com", "two").status, 409);
    let free = server.call("DELETE", "/v1/applications/editor/seats/ada@example.com");
    free.expect(204);
    assert_eq!(call("bob@example.com", "two").status, 201);
}

#[test]
fn concurrent_requests_never_pass_the_limit() {
    let server = Server::start();
    server.install("editor", Some(5), Plan::Paid);
    let accounts: Vec<String> = (0..16)
        .map(|number| server.account(&format!("user{number}@example.com")))
        .collect();
    let given: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = accounts
            .iter()
            .flat_map(|account| [account, account])
            .map(|account| {
                let call = server.call("POST", "/v1/applications/editor/seats");
                let call = call.json(&json!({ "account": account }));
                scope.spawn(move || call.send().status)
            })
            .collect();
        let statuses = threads
            .into_iter()
            .map(|thread| thread.join().expect("ends"));
        statuses.filter(|status| *status == 201).count()
    });
    assert_eq!(given, 5);
    assert_eq!(counts(&server, "editor"), (5, 5, 0));
}

#[test]
fn whoever_gave_a_seat_is_named_as_far_as_the_reader_may_know() {
    let server = Server::start();
    server.install("editor", Some(2), Plan::Paid);
    let boss = server.account_of(&json!({ "email": "boss@example.com", "administrator": true }));
    server.account("ada@example.com");
    let desk = server.post("/v1/tokens", &json!({ "account": boss, "name": "desk" }));
    let desk = desk["secret"].as_str().expect("a secret");
    assert_eq!(server.assign("editor", &boss).status, 201);
    let seats = "/v1/applications/editor/seats";
    let call = server.anonymous("POST", seats).token(desk);
    let call = call.json(&json!({ "account": "ada@example.com" }));
    call.expect(201);

    let assigned_by = |token: &str, email: &str| {
        let listed = server.anonymous("GET", seats).token(token).expect(200);
        let listed = listed.value();
        let rows = listed["data"].as_array().expect("rows");
        let found = rows.iter().find(|row| row["email"] == email);
        found.expect(email)["assigned_by"].clone()
    };
    let by_boss = assigned_by(desk, "ada@example.com");
    assert_eq!(by_boss["name"], "desk");
    assert_eq!(by_boss["account"], boss.as_str());
    assert_eq!(by_boss["email"], "boss@example.com");
    let by_operator = assigned_by(desk, "boss@example.com");
    assert!(by_operator["token"].is_string(), "{by_operator}");
    assert_eq!(by_operator["name"], Value::Null, "tenants are not told");
    let held = server.get("/v1/accounts/ada@example.com/seats");
    assert_eq!(held["data"][0]["assigned_by"], by_boss);
}

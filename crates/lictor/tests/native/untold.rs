//! Who may write something and not read it is told no figure of it, neither by an answer nor by a refusal.

use lictor_testkit::{TestServer as Server, claims, sign};
use serde_json::{Value, json};

/// The secret of a token that has these scopes alone.
fn narrow(server: &Server, scopes: &[&str]) -> String {
    let made = server.post("/v1/tokens", &json!({ "role": "admin", "scopes": scopes }));
    made["secret"].as_str().expect("a secret").to_owned()
}

/// What a request is refused with, for a token that may read as well and for one that may not.
fn refused(
    server: &Server,
    (method, path, body): (&str, &str, &Value),
    name: &str,
    scopes: [&[&str]; 2],
) -> [Value; 2] {
    scopes.map(|scopes| {
        let token = narrow(server, scopes);
        let call = server.call(method, path).token(&token);
        let call = match body {
            Value::Null => call,
            body => call.json(body),
        };
        call.expect_problem(409, name)
    })
}

/// Of two refusals the first tells all of these figures, and the second none, nor a digit.
#[track_caller]
fn tells_less([all, less]: &[Value; 2], figures: &[&str]) {
    for name in figures {
        assert!(all.get(name).is_some_and(Value::is_number), "{name}: {all}");
        assert!(less.get(name).is_none(), "{name}: {less}");
    }
    let says = |problem: &Value| {
        let detail = problem["detail"].as_str().expect("a text");
        detail.contains(|one: char| one.is_ascii_digit())
    };
    assert!(says(all) && !says(less), "{all} {less}");
    for name in ["type", "title", "application", "reason"] {
        assert_eq!(all.get(name), less.get(name), "{name}");
    }
}

/// A server with an application of one seat and one node.
fn server() -> Server {
    let server = Server::start();
    let mut one = claims("Konnect");
    (one.admin_seats, one.dataplanes) = (Some(1), Some(1));
    server.add(&sign(&one));
    server
}

fn account(server: &Server, name: &str) -> String {
    let new = json!({ "email": format!("{name}@example.com"), "kind": "person" });
    let made = server.post("/v1/accounts", &new);
    made["id"].as_str().expect("an id").to_owned()
}

#[test]
fn who_may_not_read_usage_is_not_told_what_is_stored_of_it() {
    let server = Server::start();
    let month = server.date_in(0).month();
    let report = |service: &str, count: u64| {
        let counts = json!({ "counts": [{ "service": service, "count": count }] });
        server.call("POST", "/v1/usage").json(&counts).expect(200);
    };
    report("orders", 700);
    let say = |scopes: &[&str], count: u64| {
        let token = narrow(&server, scopes);
        let counts = json!({ "counts": [{ "service": "orders", "count": count }] });
        server.call("POST", "/v1/usage").token(&token).json(&counts)
    };
    let writes: &[&str] = &["usage:write"];
    let told = say(&["usage"], 0).expect(200).json();
    let row = &told["counts"][0];
    assert_eq!(
        (&row["stored"], &row["result"]),
        (&json!(700), &json!("kept"))
    );
    assert_eq!((&told["accepted"], &told["kept"]), (&json!(0), &json!(1)));
    // Whether more was stored before or not: the same.
    let answers = [0, 699, 700, 701].map(|count| say(writes, count).expect(200).json());
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
    let row =
        json!({ "source": "default", "service": "orders", "month": month, "result": "reported" });
    let expected = json!({ "refused": 0, "counts": [row] });
    assert_eq!(answers[0], expected);
    // Nor by what is refused: alone, among others, or as a correction.
    report("other", 555);
    let largest = 9_007_199_254_740_991_u64;
    let refused = |scopes: &[&str]| {
        let problem = say(scopes, largest).expect_problem(400, "invalid-input");
        assert_eq!(problem["field"], "count");
        problem["detail"].to_string()
    };
    assert!(refused(&["usage"]).contains("1256"));
    let less = refused(writes);
    assert!(
        !less.contains("1256") && !less.contains("9007199254740290"),
        "{less}"
    );
    let both = json!({ "counts": [
        { "service": "orders", "count": largest }, { "service": "orders", "count": 1 },
    ] });
    let token = narrow(&server, writes);
    let call = server.call("POST", "/v1/usage").token(&token).json(&both);
    let answer = call.expect(200).json();
    assert_eq!(answer["counts"][0]["result"], "refused", "{answer}");
    assert!(!answer.to_string().contains("1256"), "{answer}");
    for (scopes, told) in [
        (&["corrections:write"] as &[&str], false),
        (&["corrections:write", "usage:read"], true),
    ] {
        let token = narrow(&server, scopes);
        let body = json!({ "service": "orders", "month": month, "by": 0, "reason": "a try" });
        let call = server.call("POST", "/v1/usage/corrections").token(&token);
        let problem = call.json(&body).expect_problem(400, "invalid-input");
        let is_told = problem["detail"].to_string().contains("701");
        assert_eq!(is_told, told, "{problem}");
    }
}

#[test]
fn who_may_not_read_seats_or_leases_is_refused_one_without_figures() {
    let server = server();
    let (anna, ben) = (account(&server, "anna"), account(&server, "ben"));
    let seats = "/v1/applications/konnect/seats";
    server.post(seats, &json!({ "account": anna }));
    let seat = ("POST", seats, &json!({ "account": ben }));
    let found = refused(
        &server,
        seat,
        "seat-refused",
        [&["seats"], &["seats:write"]],
    );
    tells_less(&found, &["limit", "used"]);
    let lease = json!({ "holder": "build-7" });
    let lease = ("POST", "/v1/applications/konnect/leases", &lease);
    let found = refused(
        &server,
        lease,
        "seat-refused",
        [&["leases"], &["leases:write"]],
    );
    tells_less(&found, &["limit", "used"]);
    // One of many, too, and with new accounts.
    let row = |path: &str, body: &Value, scopes: &[&str]| {
        let token = narrow(&server, scopes);
        let call = server.call("POST", path).token(&token).json(body);
        let row = call.expect(200).json()["rows"][0].clone();
        // An account may have several.
        let error = row.get("errors").map_or(&row["error"], |all| &all[0]);
        assert_eq!(error["reason"], "exhausted", "{row}");
        error["detail"].to_string().contains("1 of 1")
    };
    let bulk = format!("{seats}/bulk");
    let body = json!({ "assign": [ben] });
    assert!(row(&bulk, &body, &["seats"]));
    assert!(!row(&bulk, &body, &["seats:write"]));
    let import = |name: &str| {
        let email = format!("{name}@example.com");
        json!({ "rows": [{ "email": email, "kind": "person", "seats": ["konnect"] }] })
    };
    let path = "/v1/accounts/import";
    assert!(row(path, &import("carl"), &["accounts:write", "seats"]));
    assert!(!row(
        path,
        &import("dora"),
        &["accounts:write", "seats:write"]
    ));
}

#[test]
fn who_may_not_read_nodes_or_applications_is_refused_without_figures() {
    let server = server();
    let node = |name: &str| json!({ "name": name });
    server.post("/v1/nodes", &node("edge-1"));
    let second = ("POST", "/v1/nodes", &node("edge-two"));
    let found = refused(
        &server,
        second,
        "node-limit",
        [&["nodes"], &["nodes:write"]],
    );
    tells_less(&found, &["limit", "enrolled"]);
    let gone = ("DELETE", "/v1/applications/konnect", &Value::Null);
    let scopes: [&[&str]; 2] = [&["applications"], &["applications:write"]];
    let found = refused(&server, gone, "application-in-use", scopes);
    tells_less(&found, &["seats", "leases", "nodes"]);
}

//! Lists come page by page, say the same as one page would, and end with whoever reads them.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use lictor_testkit::{Request, command, lictor, result};
use serde_json::{Value, json};

use super::import::import;
use super::server::Server;
use super::vendor;

/// How many accounts there are: three pages of the native API.
const ACCOUNTS: usize = 2_100;

fn populated() -> Server {
    let server = Server::start(&[]);
    let mut rows = "email,name\n".to_owned();
    for number in 0..ACCOUNTS {
        let name = "N".repeat(40 + number % 37);
        // The last page alone would be narrower than the first.
        let left = ACCOUNTS - number;
        writeln!(rows, "person-{left}@example.com,{name}").expect("written");
    }
    result(&import(&server, rows.as_bytes(), &[]));
    server
}

/// How many requests of the native API the server has answered.
fn answered(server: &Server) -> u64 {
    let metrics = Request::new(server.url(), "GET", "/metrics").token(server.token());
    let answer = metrics.send();
    let native = answer.text().lines().filter(|line| {
        line.starts_with("lictor_requests_total{") && line.contains("dialect=\"native\"")
    });
    let counts = native.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
    counts.sum()
}

#[test]
fn a_list_of_many_pages_has_each_row_once_under_one_heading() {
    let server = populated();
    let table = result(&server.lictor(&["account", "list"]));
    let headings = table.lines().filter(|line| line.starts_with("EMAIL"));
    assert_eq!(headings.count(), 1);
    assert_eq!(table.lines().count(), ACCOUNTS + 1);
    let starts = table
        .lines()
        .map(|line| line.find(" person").or(line.find(" KIND")));
    let starts: std::collections::BTreeSet<_> = starts.collect();
    assert_eq!(starts.len(), 1, "one column, whatever the page: {starts:?}");
    let json = result(&server.lictor(&["account", "list", "--json"]));
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let rows = json["data"].as_array().expect("rows");
    let emails: std::collections::BTreeSet<_> =
        rows.iter().map(|row| row["email"].to_string()).collect();
    assert_eq!((rows.len(), emails.len()), (ACCOUNTS, ACCOUNTS));
    assert!(json["next_cursor"].is_null());
}

#[test]
fn a_list_ends_when_nobody_reads_on() {
    let server = populated();
    let line = ends_early(&server, &["account", "list"]);
    assert!(line.contains("@example.com"), "{line}");
}

#[test]
fn so_do_the_lists_of_what_an_organization_has_less_of() {
    let server = Server::start(&[]);
    fill(&server);
    for (list, has) in [
        ("application list", "gateway-"),
        ("client list", "1000."),
        ("token list", "reader"),
        ("organization list", "default"),
        ("usage list", "service-"),
        ("node pool list", "edge-"),
    ] {
        let arguments: Vec<&str> = list.split(' ').collect();
        let line = ends_early(&server, &arguments);
        assert!(line.contains(has), "{list}: {line}");
    }
    // The pools stand before the nodes.
    let line = ends_early(&server, &["node", "list"]);
    assert!(line.contains("edge-"), "{line}");
}

/// More than one page of all these, each of more than a pipe holds.
fn fill(server: &Server) {
    const MORE: usize = 1_010;
    let post = |path: &str, body: Value| {
        let answer = server.ask("POST", path, &body);
        assert!(answer.status < 300, "{path}: {}", answer.text());
    };
    let quotas = json!({ "limits": { "node-pools": 2_000 } });
    let raised = server.ask("PATCH", "/v1/organizations/default", &quotas);
    assert_eq!(raised.status, 200, "{}", raised.text());
    let long = "N".repeat(80);
    for number in 0..MORE {
        let key = |prefix: &str| format!("{prefix}-{number}");
        post(
            "/v1/applications",
            json!({ "key": key("gateway"), "name": long }),
        );
        let scopes = json!(["seats:read"]);
        post("/v1/clients", json!({ "name": long, "scopes": scopes }));
        post("/v1/tokens", json!({ "role": "reader", "name": long }));
        post(
            "/v1/organizations",
            json!({ "key": key("tenant"), "name": long }),
        );
        let pool = json!({ "name": key("edge"), "application": "gateway-0", "limit": 1 });
        post("/v1/node-pools", pool);
    }
    for half in 0..2 {
        let service = |number| format!("service-{half}-{number}-{}", "s".repeat(80));
        let count = |number| json!({ "service": service(number), "count": 1 });
        let counts: Vec<Value> = (0..600).map(count).collect();
        post("/v1/usage", json!({ "counts": counts }));
    }
}

/// Reads two lines of a list, and gives the second; one page was asked for by then.
fn ends_early(server: &Server, list: &[&str]) -> String {
    let before = answered(server);
    let mut running = command()
        .args(list)
        .args(["--url", server.url()])
        .env("LICTOR_TOKEN", server.token())
        .stdout(Stdio::piped())
        .spawn()
        .expect("lictor runs");
    let mut read = BufReader::new(running.stdout.take().expect("its output"));
    let mut line = String::new();
    for _ in 0..2 {
        line.clear();
        read.read_line(&mut line).expect("a line");
    }
    drop(read);
    assert!(running.wait().expect("ends").success(), "{list:?}");
    assert_eq!(answered(server) - before, 1, "pages of {list:?}");
    line
}

/// A license that is not signed, for each of so many applications.
fn license_applications(server: &Server, count: usize) {
    let (key, _) = vendor(server.data().parent().expect("a folder"), "vendor");
    let issued = lictor(&[
        "license",
        "issue",
        "--key",
        &key,
        "--customer",
        "Acme",
        "--product",
        "PRODUCT",
        "--seats",
        "10",
        "--expires",
        "2099-01-01",
    ]);
    let document = result(&issued);
    for number in 0..count {
        let payload = document.replace("PRODUCT", &format!("Editor-{number}"));
        let answer = server.ask("POST", "/v1/licenses", &json!({ "payload": payload }));
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
}

#[test]
fn figures_and_the_seats_of_an_account_are_told_to_the_last() {
    const APPLICATIONS: usize = 120;
    let server = Server::start(&["--trust-policy", "structural"]);
    license_applications(&server, APPLICATIONS);
    let seats: Vec<_> = (0..APPLICATIONS)
        .map(|number| format!("editor-{number}"))
        .collect();
    let rows = format!("email,seats\nada@example.com,{}\n", seats.join(" "));
    result(&import(&server, rows.as_bytes(), &[]));
    let held = ["account", "seats", "ada@example.com"];
    assert_eq!(
        result(&server.lictor(&held)).lines().count(),
        APPLICATIONS + 1
    );
    let counted = result(&server.lictor(&["count"]));
    assert_eq!(counted.lines().count(), APPLICATIONS + 2);
    let total: Vec<_> = counted
        .lines()
        .last()
        .expect("a line")
        .split_whitespace()
        .collect();
    assert_eq!(total, ["total", "-", "1", "200", "120", "1", "080", "1"]);
    for list in [&held[..], &["count"]] {
        let json = result(&server.lictor(&[list, &["--json"]].concat()));
        let json: Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(
            json["data"].as_array().map(Vec::len),
            Some(APPLICATIONS),
            "{list:?}"
        );
        assert!(json["next_cursor"].is_null());
    }
}

#[test]
fn figures_of_nothing_have_a_total_and_usage_of_nothing_has_none() {
    let server = Server::start(&[]);
    let counted = result(&server.lictor(&["count"]));
    assert_eq!(counted.lines().count(), 2, "{counted}");
    assert!(
        counted
            .lines()
            .nth(1)
            .is_some_and(|line| line.starts_with("total")),
        "{counted}"
    );
    assert_eq!(result(&server.lictor(&["usage", "list"])), "");
}

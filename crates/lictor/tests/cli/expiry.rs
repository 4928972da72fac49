//! What the log says of licenses that end.

use lictor_authority::clock::Clock;
use lictor_core::{Claims, Date, SigningKey};
use lictor_testkit::{Running, command, result, serve};

use crate::server::Server;

/// A server that trusts the vendor.
fn server() -> Server {
    let server = Server::start(&[]);
    let key = server.file("vendor.pub");
    let public = SigningKey::from_seed([5; 32]).public_key();
    std::fs::write(&key, public.to_pem()).expect("written");
    result(&server.lictor(&["trust", "add", &key]));
    server
}

fn date_in(days: i64) -> Date {
    Date::of(Clock::System.now() + days * 86_400)
}

/// Stores a license for `product` that is valid from one day to another, counted from today.
fn store(server: &Server, product: &str, from: i64, until: i64) {
    let claims = Claims {
        creation_date: Some(date_in(from)),
        ..Claims::new(product, date_in(until))
    };
    let file = server.file(&format!("{product}-{until}.json"));
    let document = SigningKey::from_seed([5; 32]).sign(&claims.to_json());
    std::fs::write(&file, document).expect("written");
    result(&server.lictor(&["license", "add", &file]));
}

#[test]
fn a_start_warns_of_what_ends_and_of_nothing_that_is_renewed() {
    let server = server();
    store(&server, "gone", -9, -1);
    store(&server, "soon", -9, 30);
    store(&server, "later", -9, 90);
    store(&server, "far", -9, 92);
    store(&server, "renewed", -9, 10);
    store(&server, "renewed", 10, 400);
    let token = server.token().to_owned();
    let (_, _, folder) = server.stop();
    let again = Running::start(&mut serve(&folder.path().join("data")));
    let url = again.wait_for("listening on ");
    // The log is written beside the first requests; these give it the time.
    for _ in 0..3 {
        let mut list = command();
        list.env("LICTOR_URL", &url).env("LICTOR_TOKEN", &token);
        let listed = list.args(["license", "list"]).output();
        result(&listed.expect("lictor runs"));
    }
    again.signal("TERM");
    let (_, log) = again.end();
    let says = |application: &str, level: &str, words: &str| {
        let named = format!("application=\"{application}\"");
        log.lines()
            .any(|line| line.contains(&named) && line.contains(level) && line.contains(words))
    };
    assert!(says("gone", "ERROR", "no license is in force"), "{log}");
    assert!(says("soon", "ERROR", "days_left=30"), "{log}");
    assert!(says("later", "WARN", "days_left=90"), "{log}");
    assert!(!says("far", "", ""), "{log}");
    assert!(!says("renewed", "", ""), "{log}");
}

#[test]
fn both_ends_are_in_the_metrics_and_in_the_list_of_applications() {
    let server = server();
    store(&server, "renewed", -9, 10);
    store(&server, "renewed", 10, 400);
    let answer = server.get("/metrics").token(server.token()).send();
    let metrics = answer.text();
    let seconds = |name: &str| -> i64 {
        let metric = format!("{name}{{organization=\"default\",application=\"renewed\"}} ");
        let found = metrics.lines().find_map(|line| line.strip_prefix(&metric));
        let found = found.unwrap_or_else(|| panic!("no {name}: {metrics}"));
        found.parse().expect("a number")
    };
    let days = |name: &str| (seconds(name) + 86_399) / 86_400;
    assert_eq!(days("lictor_license_expires_seconds"), 10);
    assert_eq!(days("lictor_license_covered_seconds"), 400);
    let list = result(&server.lictor(&["application", "list"]));
    let row = list.lines().nth(1).expect("a row");
    let (own, covered) = (date_in(10).to_string(), date_in(400).to_string());
    assert!(row.contains(&format!("{own}  {covered}")), "{list}");
    let fits = |line: &str| line.chars().count() <= 80;
    assert!(list.lines().all(fits), "{list}");
    let list = result(&server.lictor(&["license", "list"]));
    for ends in [&own, &covered] {
        assert!(list.contains(&format!("{ends}  {covered}")), "{list}");
    }
    assert!(list.lines().all(fits), "{list}");
}

#[test]
fn an_outlook_is_a_table_that_names_the_gaps() {
    let server = server();
    store(&server, "renewed", -9, 10);
    store(&server, "renewed", 12, 400);
    let table = result(&server.lictor(&["application", "outlook", "renewed"]));
    let [first, gap, last, end] = [0, 10, 12, 400].map(|days| date_in(days).to_string());
    let expected = [
        vec!["FROM", "UNTIL", "LIMIT", "REASON", "LICENSE"],
        vec![&first, &gap, "unlimited", "current"],
        vec![&gap, &last, "0", "gap", "-"],
        vec![&last, &end, "unlimited", "begins"],
        vec![&end, "-", "0", "end", "-"],
    ];
    for (line, expected) in table.lines().zip(expected) {
        let cells: Vec<_> = line.split_whitespace().collect();
        assert_eq!(cells[..expected.len()], expected, "{table}");
    }
    let advice = format!("No license is in force until {last}: store one that fills the gap.");
    assert!(table.contains(&advice), "{table}");
    assert!(
        table.lines().all(|line| line.chars().count() <= 80),
        "{table}"
    );
}

//! The report in both shapes, figure by figure.

use serde_json::{Value, json};

use crate::expect::{ANY, INTEGER, Kong as _, PREFIX, check};
use crate::harness::{Harness, Options, VERSION};

const ID: &str = "30b4edb7-0847-4f65-af90-efbed8b0161f";
const OTHER: &str = "e8201120-4ee3-43ca-9e92-3fed08b1a15d";
const LATER: &str = "/license/report?format=3.4";

/// The shape of Kong 2.7, with the figures of a fresh server.
fn earlier(license_key: &str, counters: Value) -> Value {
    json!({
        "counters": counters,
        "db_version": format!("{PREFIX}sqlite 3."),
        "kong_version": VERSION,
        "license_key": license_key,
        "rbac_users": 1,
        "services_count": 0,
        "system_info": {"cores": INTEGER, "hostname": ANY, "uname": format!("{PREFIX}Linux ")},
        "workspaces_count": 1,
    })
}

/// The shape of Kong 3.4.2, with the figures of a fresh server.
fn later(license_key: &str, end: &str, counters: Value, total: u64) -> Value {
    let mut report = earlier("", json!([]));
    let fields = report.as_object_mut().expect("an object");
    fields.remove("license_key");
    fields.extend([
        (
            "counters".to_owned(),
            json!({"buckets": counters, "total_requests": total}),
        ),
        (
            "license".to_owned(),
            json!({"license_key": license_key, "license_expiration_date": end}),
        ),
        (
            "plugins_count".to_owned(),
            json!({
                "tiers": {"free": {}, "enterprise": {}, "custom": {}},
                "unique_route_lambdas": 0,
                "unique_route_kafkas": 0,
            }),
        ),
        ("routes_count".to_owned(), json!(0)),
        ("consumers_count".to_owned(), json!(0)),
        ("deployment_info".to_owned(), json!({"type": "traditional"})),
        ("timestamp".to_owned(), json!(INTEGER)),
        ("checksum".to_owned(), json!(ANY)),
    ]);
    report
}

fn idle() -> Value {
    json!([{"bucket": ANY, "request_count": 0}])
}

#[test]
fn an_unlicensed_server_says_so_in_both_shapes() {
    let server = Harness::start();
    for path in [
        "/license/report",
        "/license/report/",
        "/default/license/report",
        "/license/report?format=2.7",
    ] {
        check(path, &server.get(path), 200, &earlier("UNLICENSED", idle()));
    }
    let expected = later("UNLICENSED", "2017-7-20", idle(), 0);
    check(LATER, &server.get(LATER), 200, &expected);
    server.put(ID, &server.document("K"));
    server.delete(ID);
    check(LATER, &server.get(LATER), 200, &expected);
}

#[test]
fn the_license_in_force_that_was_written_last_is_named() {
    let server = Harness::start();
    let named = |key: &str, end: &str| {
        check(
            key,
            &server.get("/license/report"),
            200,
            &earlier(key, idle()),
        );
        check(key, &server.get(LATER), 200, &later(key, end, idle(), 0));
    };
    server.put(ID, &server.document("FIRST"));
    server.put(OTHER, &server.document("SECOND"));
    named("SECOND", "2099-12-31");
    // A touch is a write.
    server.touch(ID);
    named("FIRST", "2099-12-31");
    server.put(OTHER, &server.document_until("EXPIRED", "2017-7-20"));
    named("FIRST", "2099-12-31");
    server.delete(ID);
    named("EXPIRED", "2017-07-20");
}

#[test]
fn requests_are_counted_by_month_and_services_once() {
    let server = Harness::start();
    server.record_usage("orders", "2021-12", 5);
    server.record_usage("orders", "2021-12", 5);
    server.record_usage("billing", "2021-12", 2);
    server.record_usage("orders", "UNKNOWN", 40);
    let counters = json!([
        {"bucket": "2021-12", "request_count": 7},
        {"bucket": ANY, "request_count": 0},
        {"bucket": "UNKNOWN", "request_count": 40},
    ]);
    let mut expected = earlier("UNLICENSED", counters.clone());
    expected["services_count"] = json!(2);
    check("earlier", &server.get("/license/report"), 200, &expected);
    let mut expected = later("UNLICENSED", "2017-7-20", counters, 47);
    expected["services_count"] = json!(2);
    check("later", &server.get(LATER), 200, &expected);
    let this_month = server.get("/license/report").json_of_kong()["counters"][1]["bucket"].clone();
    let this_month = this_month.as_str().expect("a month");
    assert_eq!(
        (this_month.len(), &this_month[4..5]),
        (7, "-"),
        "{this_month}"
    );
}

#[test]
fn users_and_workspaces_are_those_that_the_caller_may_see() {
    let server = Harness::start();
    server.create_organization("acme");
    server.create_token("reader", &[], "default");
    let acme = server.create_token("admin", &[], "acme");
    let figures = |token: &str, path: &str| {
        let report = server.with_token(token, "GET", path).send().json_of_kong();
        (
            report["rbac_users"].clone(),
            report["workspaces_count"].clone(),
        )
    };
    assert_eq!(
        figures(&server.token, "/license/report"),
        (json!(2), json!(2))
    );
    assert_eq!(
        figures(&server.token, "/acme/license/report"),
        (json!(2), json!(2))
    );
    assert_eq!(figures(&acme, "/license/report"), (json!(1), json!(1)));
}

#[test]
fn another_format_is_refused() {
    let server = Harness::start();
    for format in ["", "3", "2.7.0", "later", "%FF"] {
        let reply = server.get(&format!("/license/report?format={format}"));
        check(
            format,
            &reply,
            400,
            &json!({"message": "format must be 2.7 or 3.4"}),
        );
    }
}

#[test]
fn the_checksum_covers_all_that_stands_beside_it() {
    let server = Harness::start();
    let checksum = |reply: lictor_testkit::Answer| {
        let text = reply.json_of_kong()["checksum"]
            .as_str()
            .expect("a checksum")
            .to_owned();
        let hex = text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        assert!(hex && text.len() == 40, "{text}");
        let end = format!(",\"checksum\":\"{text}\"}}");
        let rest = reply
            .text()
            .strip_suffix(&end)
            .expect("the checksum is last");
        let digest = lictor_core::digest::Digest::of(format!("{rest}}}").as_bytes());
        let digits: String = digest.0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(text, digits[..40]);
        text
    };
    let before = checksum(server.get(LATER));
    server.record_usage("orders", "2021-12", 5);
    assert_ne!(before, checksum(server.get(LATER)));
}

#[test]
fn the_host_name_is_hashed_if_wanted() {
    let plain = Harness::start();
    let hashed = Harness::with(Options {
        hash_hostname: true,
        ..Options::default()
    });
    let names = |server: &Harness| {
        let root = server.get("/").json_of_kong()["hostname"].clone();
        for path in ["/license/report", LATER] {
            assert_eq!(
                server.get(path).json_of_kong()["system_info"]["hostname"],
                root,
                "{path}"
            );
        }
        root.as_str().expect("a name").to_owned()
    };
    let (plain, hashed) = (names(&plain), names(&hashed));
    let hex = hashed.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(hex && hashed.len() == 16, "{hashed}");
    assert_ne!(plain, hashed);
}

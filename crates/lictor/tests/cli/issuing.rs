//! `lictor license issue`: what it says of what was given, and where the document goes.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;

use lictor_testkit::{Folder, lictor, refusal, result};

use super::server::Server;
use super::{vendor, write};

/// Issues a license for a product with a new key and these options.
fn issue(folder: &Folder, product: &str, options: &[&str]) -> Output {
    let key = folder.path().join("vendor.key").display().to_string();
    if !std::path::Path::new(&key).exists() {
        vendor(folder.path(), "vendor");
    }
    let usual = [
        "license",
        "issue",
        "--key",
        &key,
        "--customer",
        "A",
        "--product",
        product,
    ];
    lictor(&[&usual[..], options].concat())
}

fn noted(output: &Output) -> String {
    result(output);
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_key_of_an_application_is_stated_where_its_name_lost_something() {
    let folder = Folder::new();
    let until = ["--expires", "2099-01-01", "--seats", "1"];
    for product in ["C++", "C#"] {
        let said = noted(&issue(&folder, product, &until));
        assert!(
            said.contains("key is `c`") && said.contains("--application"),
            "{said}"
        );
    }
    assert_eq!(noted(&issue(&folder, "Gateway Pro", &until)), "");
    for product in ["\u{6771}\u{4eac}", "\u{6771}\u{4eac}\u{90fd} 1"] {
        let refused = issue(&folder, product, &until);
        let said = refusal(&refused, 2);
        assert!(said.contains("--application KEY"), "{said}");
        assert!(refused.stdout.is_empty());
        let named = [&until[..], &["--application", "tokyo"]].concat();
        let named = result(&issue(&folder, product, &named));
        assert!(named.contains(r#""application":"tokyo""#), "{named}");
        let claimed = [&until[..], &["--claim", "application=tokyo"]].concat();
        result(&issue(&folder, product, &claimed));
    }
}

#[test]
fn dates_may_be_spans_and_those_in_the_past_are_warned_of() {
    let folder = Folder::new();
    for (given, days) in [("+30d", 30), ("30d", 30), ("2w", 14)] {
        let document = result(&issue(&folder, "Editor", &["--expires", given]));
        let left = days_left(&folder, &document);
        // A day less if midnight passes in between.
        assert!((days - 1..=days).contains(&left), "{given}: {left}");
    }
    let from = ["--created", "2027-01-31", "--expires", "1mo"];
    assert!(result(&issue(&folder, "Editor", &from)).contains("2027-02-28"));
    let said = noted(&issue(&folder, "Editor", &["--expires", "2020-01-01"]));
    assert!(
        said.contains("warning") && said.contains("2020-01-01"),
        "{said}"
    );
    for (given, meant) in [
        ("6m", "6mo"),
        ("31.12.2099", "2099-12-31"),
        ("2099-02-30", "no such day"),
    ] {
        let said = refusal(&issue(&folder, "Editor", &["--expires", given]), 2);
        assert!(said.contains(meant), "{said}");
    }
}

#[test]
fn seats_are_said_to_be_unlimited_and_numbers_are_read_in_one_way_only() {
    let folder = Folder::new();
    let said = noted(&issue(&folder, "Editor", &["--expires", "1y"]));
    assert!(said.contains("unlimited"), "{said}");
    for (given, meant) in [
        ("1,000", "1000"),
        ("1.000", "1000"),
        ("1_000", "1000"),
        ("1k", "1000"),
    ] {
        for option in ["--seats", "--dataplanes"] {
            let refused = issue(&folder, "Editor", &["--expires", "1y", option, given]);
            let said = refusal(&refused, 2);
            assert!(said.contains(meant), "{said}");
        }
    }
}

#[test]
fn a_claim_that_means_a_known_one_is_refused_and_any_other_is_signed() {
    let folder = Folder::new();
    let claiming = |claim: &str| issue(&folder, "Editor", &["--expires", "1y", "--claim", claim]);
    for (claim, option) in [
        ("admin_seat=5", "--seats"),
        ("max_seats=5", "--seats"),
        ("nodes=5", "--dataplanes"),
        ("expiration_date=2099-01-01", "--expires"),
        ("expires=2099-01-01", "--expires"),
        ("valid_until=2099-01-01", "--expires"),
        ("valid_from=2099-01-01", "--created"),
        ("organization_id=acme", "--for"),
    ] {
        let said = refusal(&claiming(claim), 2);
        assert!(said.contains(&format!("use {option}")), "{said}");
        assert!(said.contains("give it another name"), "{said}");
    }
    for claim in ["custom=1", "rate_limit=50", "users=7", "region=eu"] {
        let (name, value) = claim.split_once('=').expect("a claim");
        let document = result(&claiming(claim));
        assert!(
            document.contains(&format!("\"{name}\":\"{value}\"")),
            "{document}"
        );
    }
    let said = refusal(&claiming("custom"), 2);
    assert!(said.contains("features=sso,audit"), "{said}");
}

#[test]
fn an_organization_that_is_no_id_is_refused_with_where_the_id_stands() {
    let folder = Folder::new();
    for given in ["x", "default", "01a2019d-a8f0-7bc8-b575", ""] {
        let said = refusal(
            &issue(&folder, "Editor", &["--expires", "1y", "--for", given]),
            2,
        );
        assert!(said.contains("lictor organization list"), "{said}");
        assert!(!said.contains("urn:uuid"), "{said}");
    }
}

#[test]
fn a_document_goes_to_a_new_file_for_all_to_read() {
    let folder = Folder::new();
    let file = folder.path().join("license.json").display().to_string();
    let written = issue(&folder, "Editor", &["--expires", "1y", "--out", &file]);
    assert_eq!(result(&written), "");
    let mode = std::fs::metadata(&file)
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o644);
    let public = folder.path().join("vendor.pub").display().to_string();
    result(&lictor(&["license", "verify", "--trust", &public, &file]));
    let kept = std::fs::read(&file).expect("there");
    let key = folder.path().join("vendor.key").display().to_string();
    for taken in [&file, &key] {
        let before = std::fs::read(taken).expect("there");
        let said = refusal(
            &issue(&folder, "Editor", &["--expires", "1y", "--out", taken]),
            2,
        );
        assert!(said.contains("never overwritten"), "{said}");
        assert_eq!(std::fs::read(taken).expect("there"), before);
    }
    assert_eq!(std::fs::read(&file).expect("there"), kept);
}

#[test]
fn a_license_has_a_key_of_its_own_and_the_report_shows_it() {
    let folder = Folder::new();
    let (_, public) = vendor(folder.path(), "vendor");
    let server = Server::start(&["--trust", &public]);
    let first = result(&issue(&folder, "Editor", &["--expires", "1y"]));
    let second = result(&issue(&folder, "Editor", &["--expires", "1y"]));
    assert_ne!(first, second, "each has another key");
    write(&server.file("license.json"), &first);
    result(&server.lictor(&["license", "add", &server.file("license.json")]));
    let report = server.get("/license/report").token(server.token()).send();
    let (_, key) = first.split_once(r#""license_key":""#).expect("a key");
    let (key, _) = key.split_once('"').expect("its end");
    assert_eq!(key.len(), 36, "{key}");
    let shown = format!(r#""license_key":"{key}""#);
    assert!(report.text().contains(&shown), "{report:?}");
    for own in [
        ["--license-key", "ACME-1"],
        ["--claim", "license_key=ACME-1"],
    ] {
        let named = result(&issue(
            &folder,
            "Editor",
            &[&["--expires", "1y"], &own[..]].concat(),
        ));
        assert_eq!(named.matches("license_key").count(), 1, "{named}");
        assert!(named.contains(r#""license_key":"ACME-1""#), "{named}");
    }
}

fn days_left(folder: &Folder, document: &str) -> i64 {
    let file = folder.path().join("document.json").display().to_string();
    write(&file, document);
    let trust = folder.path().join("vendor.pub").display().to_string();
    let verify = ["license", "verify", "--json", "--trust", &trust, &file];
    let verified: serde_json::Value =
        serde_json::from_str(&result(&lictor(&verify))).expect("JSON");
    verified["days_left"].as_i64().expect("days")
}

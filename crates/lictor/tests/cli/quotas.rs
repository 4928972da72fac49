//! `lictor organization show` and `set`: what a tenant has and may have.

use std::path::Path;

use lictor_core::facts::quota::Quota;
use lictor_testkit::{lictor, refusal, result};

use crate::server::Server;

#[test]
fn quotas_are_shown_and_set_by_commands() {
    let server = Server::start(&[]);
    result(&server.lictor(&["organization", "create", "acme", "--name", "Acme Ltd"]));
    let shown = result(&server.lictor(&["organization", "show", "acme"]));
    assert!(
        shown.lines().all(|line| line.chars().count() <= 80),
        "{shown}"
    );
    let line = |shown: &str, name: &str| {
        let found = shown
            .lines()
            .find(|line| line.split(' ').next() == Some(name));
        let words = found.expect("a line").split("  ").map(str::trim);
        words
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(line(&shown, "name"), ["name", "Acme Ltd"]);
    assert_eq!(line(&shown, "tokens"), ["tokens", "0", "20 000", "20 000"]);
    let set = [
        "organization",
        "set",
        "acme",
        "--max-tokens",
        "1",
        "--max-nodes",
        "default",
    ];
    assert_eq!(result(&server.lictor(&set)), "acme");
    let create = ["token", "create", "--organization", "acme"];
    result(&server.lictor(&create));
    let said = refusal(&server.lictor(&create), 1);
    assert!(
        said.contains("lictor organization set KEY --max-tokens NUMBER"),
        "{said}"
    );
    let shown = result(&server.lictor(&["organization", "show", "acme"]));
    assert_eq!(line(&shown, "tokens"), ["tokens", "1", "1", "20 000"]);
    let json = result(&server.lictor(&["organization", "show", "acme", "--json"]));
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["quotas"][4]["limit"], 1);
    let said = refusal(&server.lictor(&["organization", "show", "absent"]), 1);
    assert!(said.contains("absent"), "{said}");
}

#[test]
fn a_limit_that_is_none_is_refused_with_the_form_that_is_meant() {
    let set = |arguments: &[&str]| {
        let words = ["organization", "set", "acme", "--token", "x"];
        lictor(&[&words[..], arguments].concat())
    };
    let said = refusal(&set(&[]), 2);
    assert!(said.contains("--max-accounts 2000000"), "{said}");
    let said = refusal(&set(&["--max-nodes", "20k"]), 2);
    assert!(said.contains("20000"), "{said}");
}

#[test]
fn the_page_and_the_help_say_each_quota_and_its_default() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
    let page = std::fs::read_to_string(page).expect("a page");
    let help = result(&lictor(&["organization", "set", "--help"]));
    let rows = page.lines().filter(|line| line.starts_with("| `--max-"));
    assert_eq!(rows.count(), Quota::COUNT);
    for facts in Quota::all().map(Quota::facts) {
        let digits = facts.default.to_string();
        let threes: Vec<_> = digits.as_bytes().rchunks(3).rev().collect();
        let threes = threes.iter().map(|three| String::from_utf8_lossy(three));
        let default = threes.collect::<Vec<_>>().join(" ");
        let row = format!("| `--{}` | {default} | {} |", facts.option, facts.counts);
        assert!(page.contains(&row), "{row}");
        assert!(
            help.contains(&format!("--{} <NUMBER>", facts.option)),
            "{help}"
        );
        assert!(help.contains(&format!("[default: {default}]")), "{help}");
    }
    assert!(
        help.lines().all(|line| line.chars().count() <= 80),
        "{help}"
    );
}

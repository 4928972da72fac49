//! What a terminal and a script are told: names that begin with a dash, errors as JSON, tokens in plain text, secrets
//! that nobody saw.

use std::process::Stdio;

use lictor_testkit::{Folder, Running, command, lictor, refusal, result, serve};
use serde_json::Value;

use super::server::Server;
use super::streams::{WRONGS, Wrong, broken};

#[test]
fn a_name_that_begins_as_help_does_is_no_help() {
    for words in [
        &["lease", "checkout", "gateway", "-h1"][..],
        &["account", "add", "-host@example.com"],
    ] {
        let said = refusal(&lictor(words), 2);
        let last = words.last().expect("a word");
        assert!(said.contains(&format!("-- {last}")), "{said}");
    }
    let said = refusal(&lictor(&["lease", "checkout", "gateway", "-x1"]), 2);
    assert!(said.contains("-- -x"), "{said}");
    let server = Server::start(&[]);
    result(&server.lictor(&["application", "create", "gateway"]));
    let given = ["lease", "checkout", "--json", "--", "gateway", "-h1"];
    let said = refusal(&server.lictor(&given), 1);
    assert!(said.contains("gateway"), "it is taken for a name: {said}");
    assert!(result(&lictor(&["lease", "-h"])).contains("Usage:"));
}

#[test]
fn errors_are_json_where_answers_are() {
    let server = Server::start(&[]);
    let read = |output: std::process::Output, code: i32| {
        let said = refusal(&output, code);
        let line = said.lines().last().expect("a line");
        let error: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{said}"));
        assert_eq!(error["exit_code"], code, "{said}");
        error["error"].as_str().expect("a text").to_owned()
    };
    let absent = server.lictor(&["organization", "show", "absent", "--json"]);
    assert!(read(absent, 1).contains("absent"));
    let unknown = server.lictor_as("nonsense", &["license", "list", "--json"]);
    assert!(read(unknown, 4).contains("token"));
    let nobody = lictor(&["license", "list", "--json", "--url", "http://127.0.0.1:9"]);
    assert!(read(nobody, 3).contains("no answer"));
    let wrong = lictor(&["license", "lo\u{202e}st\u{7f}", "--json"]);
    assert!(read(wrong, 2).contains("lo"));
    let mut told = command();
    told.env("LICTOR_JSON", "yes").args(["lease", "-h1"]);
    assert!(read(told.output().expect("runs"), 2).contains("-- -h1"));
    let plain = refusal(&lictor(&["license", "lost"]), 2);
    assert!(!plain.contains('{'), "{plain}");
}

#[test]
fn a_token_in_plain_text_to_another_machine_is_warned_of() {
    let warned = |url: &str, token: &str| {
        let mut list = command();
        list.env("LICTOR_URL", url).env("LICTOR_TOKEN", token);
        // Nothing is sent: the proxy that it would go through is not there.
        list.env("HTTP_PROXY", "http://127.0.0.1:9");
        let output = list.args(["license", "list"]).output().expect("runs");
        refusal(&output, 3).contains("unencrypted")
    };
    assert!(warned("http://192.0.2.1:8001", "a-token"));
    assert!(!warned("http://192.0.2.1:8001", ""));
    assert!(!warned("http://127.0.0.1:9", "a-token"));
}

#[test]
fn certificates_are_named_only_where_one_is_the_matter() {
    let server = Server::start(&[]);
    let secure = server.url().replace("http://", "https://");
    for (url, told) in [
        (secure.as_str(), "is its address http:// instead?"),
        ("https://127.0.0.1:9", "refused"),
    ] {
        let mut list = command();
        list.args(["license", "list", "--url", url]);
        let said = refusal(&list.output().expect("runs"), 3);
        assert!(said.contains(told), "{said}");
        assert!(!said.contains("ertificate"), "{said}");
    }
}

/// A command of the operator, with its standard output closed, full, unread, or nowhere where none is named;
/// what it says on standard error.
fn unseen(server: &Server, words: &[&str], wrong: Option<Wrong>) -> String {
    let mut base = command();
    base.env("LICTOR_URL", server.url());
    base.env("LICTOR_TOKEN", server.token()).args(words);
    let mut command = broken(&base, wrong, None);
    if wrong.is_none() {
        command.stdout(Stdio::null());
    }
    let output = command.output().expect("runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let code = i32::from(wrong == Some(Wrong::Full));
    assert_eq!(
        output.status.code(),
        Some(code),
        "{words:?} {wrong:?}: {said}"
    );
    said
}

#[test]
fn a_secret_that_nobody_saw_is_said_with_what_to_do() {
    let server = Server::start(&[]);
    result(&server.lictor(&["application", "create", "gateway"]));
    let seen = |words: &[&str]| {
        let output = server.lictor(words);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{words:?}");
        result(&output)
    };
    for (words, undo) in [
        ("token create", "lictor token revoke "),
        ("client create --scope seats:read", "lictor client remove "),
        ("node enroll --name edge", "lictor node revoke "),
        (
            "node enroll --pool edges --uses 2",
            "lictor node pool revoke ",
        ),
    ] {
        let words: Vec<&str> = words.split(' ').collect();
        for wrong in WRONGS.map(Some).into_iter().chain([None]) {
            let said = unseen(&server, &words, wrong);
            let id = said
                .split(undo)
                .nth(1)
                .unwrap_or_else(|| panic!("{wrong:?}: {said}"));
            let id = id.split('`').next().expect("an id");
            let undo: Vec<&str> = undo.trim().split(' ').skip(1).chain([id]).collect();
            let done = server.lictor(&undo);
            assert!(done.status.success(), "{done:?}");
        }
        seen(&words);
    }
    let clients = seen(&["client", "list", "--json"]);
    let clients: Value = serde_json::from_str(&clients).expect("JSON");
    let client = clients["data"][0]["client_id"].as_str().expect("an id");
    let code = ["client", "code", client];
    for wrong in WRONGS.map(Some).into_iter().chain([None]) {
        let said = unseen(&server, &code, wrong);
        assert!(
            said.contains("ends by itself within 3 minutes"),
            "{wrong:?}: {said}"
        );
    }
    seen(&code);
}

#[test]
fn a_new_admin_token_replaces_the_one_that_the_old_value_stood_for() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let tokens = |value: &str| {
        let mut server = serve(&data);
        server.env("LICTOR_ADMIN_TOKEN", value);
        let running = Running::start(&mut server);
        let mut list = command();
        list.env("LICTOR_URL", running.listening());
        list.env("LICTOR_TOKEN", value);
        list.args(["token", "list", "--operators", "--json"]);
        let listed = result(&list.output().expect("runs"));
        running.signal("TERM");
        let (status, log) = running.end();
        assert!(status.success(), "{log}");
        let listed: Value = serde_json::from_str(&listed).expect("JSON");
        let live = listed["data"].as_array().expect("rows").iter();
        let live = live.filter(|token| token["live"] == true);
        let live: Vec<_> = live.map(|token| token["id"].clone()).collect();
        (live, log)
    };
    let (first, second) = (
        "first-value-of-the-admin-token-0123",
        "second-value-of-the-admin-token-012",
    );
    let (before, log) = tokens(first);
    assert!(!log.contains("is revoked"), "{log}");
    assert_eq!(
        tokens(first).0,
        before,
        "the same value stands for the same token"
    );
    let (after, log) = tokens(second);
    assert_eq!(after.len(), 1);
    assert_ne!(after, before);
    assert!(
        log.contains("LICTOR_ADMIN_TOKEN has another value"),
        "{log}"
    );
    let mut again = serve(&data);
    again.env("LICTOR_ADMIN_TOKEN", first);
    refusal(&again.output().expect("runs"), 2);
}

#[test]
fn a_token_whose_owner_was_shut_is_told_of_the_owner() {
    let server = Server::start(&[]);
    result(&server.lictor(&["account", "add", "ada@example.com"]));
    let token = ["token", "create", "--account", "ada@example.com"];
    let token = result(&server.lictor(&token));
    result(&server.lictor_as(&token, &["count"]));
    result(&server.lictor(&["account", "deactivate", "ada@example.com"]));
    let said = refusal(&server.lictor_as(&token, &["count"]), 4);
    assert!(said.contains("owns this token is deactivated"), "{said}");
    let said = refusal(&server.lictor_as("lictor_nobody", &["count"]), 4);
    assert!(said.contains("does not know this token"), "{said}");
}

/// The command is refused, and says by which option it would not be; gives it with that.
fn refused<'a>(server: &Server, words: &[&'a str]) -> Vec<&'a str> {
    let said = refusal(&server.lictor(words), 1);
    assert!(said.contains("`--force`"), "{words:?}: {said}");
    [words, &["--force"]].concat()
}

#[test]
fn the_last_way_in_is_shut_by_force_alone() {
    let server = Server::start(&[]);
    let ada = "ada@example.com";
    result(&server.lictor(&["account", "add", ada, "--administrator"]));
    let set = refused(
        &server,
        &["account", "set", ada, "--administrator", "false"],
    );
    result(&server.lictor(&set));
    result(&server.lictor(&["account", "set", ada, "--administrator", "true"]));
    let deactivate = refused(&server, &["account", "deactivate", ada]);
    result(&server.lictor(&deactivate));
    result(&server.lictor(&["account", "reactivate", ada]));
    let remove = refused(&server, &["account", "remove", ada]);
    result(&server.lictor(&remove));
    let tokens = result(&server.lictor(&["token", "list", "--operators", "--json"]));
    let tokens: Value = serde_json::from_str(&tokens).expect("JSON");
    let tokens = tokens["data"].as_array().expect("a list");
    let operators = tokens.iter().filter(|token| token["role"] == "operator");
    let operators: Vec<_> = operators.filter_map(|token| token["id"].as_str()).collect();
    let revoke = refused(&server, &["token", "revoke", operators[0]]);
    result(&server.lictor(&revoke));
    refusal(&server.lictor(&["token", "list"]), 4);
}

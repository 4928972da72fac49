//! The commands that ask a server: what each prints, and how each fails.

use lictor_testkit::{Folder, Request, Running, command, lictor, refusal, result, serve};

use super::server::Server;
use super::{first_id, issue, vendor, write};

/// A server that trusts a vendor, and the vendor's private key.
fn server_with_vendor() -> (Server, String) {
    let server = Server::start(&[]);
    let (key, public) = vendor(server.data().parent().expect("a folder"), "vendor");
    let id = result(&server.lictor(&["trust", "add", &public]));
    assert_eq!(id.len(), 16, "{id}");
    (server, key)
}

#[test]
fn a_license_is_added_listed_shown_and_removed() {
    let (server, key) = server_with_vendor();
    let empty = server.lictor(&["license", "list"]);
    assert_eq!(result(&empty), "");
    let hint = String::from_utf8_lossy(&empty.stderr);
    assert!(hint.contains("lictor license add FILE"), "{hint}");

    let file = server.file("license.json");
    write(&file, &issue(&key, &[]));
    let id = result(&server.lictor(&["license", "add", &file]));
    assert_eq!(id.len(), 36, "{id}");
    let list = result(&server.lictor(&["license", "list"]));
    assert!(list.contains(&id) && list.contains("in force"), "{list}");
    assert!(
        list.lines().all(|line| line.chars().count() <= 80),
        "{list}"
    );
    let none = ["license", "list", "--application", "other"];
    assert_eq!(result(&server.lictor(&none)), "");
    let shown = result(&server.lictor(&["license", "show", &id]));
    assert!(shown.contains("customer      Acme Ltd"), "{shown}");
    let json = result(&server.lictor(&["license", "show", &id, "--json"]));
    assert!(json.contains(&format!("\"id\": \"{id}\"")), "{json}");

    result(&server.lictor(&["license", "remove", &id]));
    for verb in ["show", "remove"] {
        let text = refusal(&server.lictor(&["license", verb, &id]), 1);
        assert!(text.contains(&id), "{text}");
    }
}

#[test]
fn the_stored_document_comes_back_byte_for_byte() {
    let (server, key) = server_with_vendor();
    let document = issue(&key, &[]);
    for odd in [
        format!("{document}\n"),
        format!("\n\t {document} \r\n\n"),
        document.replacen("{\"license\":", "{ \"license\"\t:\n  ", 1),
    ] {
        let file = server.file("odd.json");
        write(&file, &odd);
        let id = result(&server.lictor(&["license", "add", &file]));
        let shown = server.lictor(&["license", "show", &id, "--payload"]);
        assert_eq!(shown.stdout, odd.as_bytes());
        assert!(shown.stderr.is_empty());
    }
}

#[test]
fn a_bad_document_is_refused_with_the_reason() {
    let (server, key) = server_with_vendor();
    let document = issue(&key, &[]);
    let (stranger, _) = vendor(server.data().parent().expect("a folder"), "stranger");
    for (text, reason) in [
        ("{".to_owned(), "not JSON"),
        (document.replace("Acme", "Evil"), "changed after signing"),
        (issue(&stranger, &[]), "not trusted here"),
        (
            issue(&key, &["--for", "01a2019d-a8f0-7bc8-b575-b74ced08cd9a"]),
            "issued for organization",
        ),
    ] {
        let file = server.file("bad.json");
        write(&file, &text);
        let said = refusal(&server.lictor(&["license", "add", &file]), 1);
        assert!(said.contains(reason), "{said}");
    }
    std::fs::write(server.file("bad.json"), b"\xff").expect("writes");
    refusal(
        &server.lictor(&["license", "add", &server.file("bad.json")]),
        1,
    );
    refusal(&server.lictor(&["license", "add", "/no/such/file"]), 2);
}

#[test]
fn keys_are_retired_and_revoked() {
    let (server, key) = server_with_vendor();
    let file = server.file("license.json");
    write(&file, &issue(&key, &[]));
    let license = result(&server.lictor(&["license", "add", &file]));
    let list = result(&server.lictor(&["trust", "list"]));
    let id = first_id(&list);
    result(&server.lictor(&["trust", "retire", id]));
    let said = refusal(&server.lictor(&["license", "add", &file]), 1);
    assert!(said.contains("retired"), "{said}");
    result(&server.lictor(&["trust", "revoke", id]));
    let shown = result(&server.lictor(&["license", "show", &license]));
    assert!(shown.contains("rejected"), "{shown}");
    assert!(result(&server.lictor(&["trust", "list"])).contains("revoked"));
    refusal(&server.lictor(&["trust", "retire", "0000000000000000"]), 1);
    refusal(&server.lictor(&["trust", "revoke", "../tokens"]), 1);
    refusal(&server.lictor(&["trust", "add", &file]), 2);
}

#[test]
fn tokens_are_shown_once_and_may_do_what_they_are_for() {
    let server = Server::start(&[]);
    let reader = result(&server.lictor(&["token", "create", "--name", "dashboard"]));
    assert!(
        reader.starts_with("lictor_") && !reader.contains('\n'),
        "{reader}"
    );
    result(&server.lictor_as(&reader, &["license", "list"]));
    let said = refusal(&server.lictor_as(&reader, &["token", "create"]), 4);
    assert!(said.contains("may not"), "{said}");

    let admin = ["token", "create", "--role", "admin", "--expires", "30d"];
    let admin = result(&server.lictor(&[&admin[..], &["--scope", "usage,licenses:read"]].concat()));
    result(&server.lictor_as(&admin, &["usage", "add", "orders", "1"]));
    refusal(&server.lictor_as(&admin, &["trust", "list"]), 4);

    let list = result(&server.lictor(&["token", "list"]));
    assert!(
        !list.contains(&reader) && list.contains("dashboard"),
        "{list}"
    );
    let json = result(&server.lictor(&["token", "list", "--json"]));
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(value["data"].as_array().map(Vec::len), Some(2));
    let named = |token: &&serde_json::Value| token["name"] == "dashboard";
    let found = value["data"]
        .as_array()
        .and_then(|all| all.iter().find(named))
        .expect("listed");
    result(&server.lictor(&["token", "revoke", found["id"].as_str().expect("an id")]));
    refusal(&server.lictor_as(&reader, &["license", "list"]), 4);
    refusal(
        &server.lictor(&["token", "revoke", "01a2019d-a8f0-7bc8-b575-b74ced08cd9a"]),
        1,
    );
    assert!(result(&server.lictor(&["token", "list", "--operators"])).contains("operator"));
    for wrong in [["--role", "king"], ["--scope", "all"], ["--expires", "30"]] {
        refusal(
            &server.lictor(&[&["token", "create"], &wrong[..]].concat()),
            2,
        );
    }
}

#[test]
fn organizations_come_and_go() {
    let (server, key) = server_with_vendor();
    let id = result(&server.lictor(&["organization", "create", "acme", "--name", "Acme Ltd"]));
    assert_eq!(id.len(), 36, "{id}");
    refusal(&server.lictor(&["organization", "create", "acme"]), 1);
    refusal(&server.lictor(&["organization", "create", "licenses"]), 1);
    let list = result(&server.lictor(&["organization", "list"]));
    assert!(list.contains("acme") && list.contains("default"), "{list}");

    let file = server.file("acme.json");
    write(&file, &issue(&key, &["--for", &id]));
    refusal(&server.lictor(&["license", "add", &file]), 1);
    let license = result(&server.lictor(&["license", "add", &file, "--organization", "acme"]));
    refusal(&server.lictor(&["license", "show", &license]), 1);
    refusal(&server.lictor(&["organization", "remove", "acme"]), 1);
    result(&server.lictor(&["license", "remove", &license, "--organization", "acme"]));
    result(&server.lictor(&["organization", "remove", "acme"]));
    refusal(
        &server.lictor(&["license", "list", "--organization", "acme"]),
        1,
    );
    refusal(&server.lictor(&["organization", "remove", "default"]), 1);
}

#[test]
fn numbers_as_people_write_them_are_answered_with_the_form_that_is_meant() {
    let server = Server::start(&[]);
    for (given, meant) in [
        ("1,000", "without separators: 1000"),
        ("200 000", "without separators: 200000"),
        ("1k", "write it out: 1000"),
        ("9007199254740992", "more than 9007199254740991"),
    ] {
        let by = format!("-{given}");
        for command in [
            &["usage", "add", "orders", given][..],
            &[
                "usage", "correct", "a", "orders", "2026-01", &by, "--reason", "test",
            ],
            &[
                "lease",
                "renew",
                "01a225e7-8325-7a36-9a4a-dd4142480d25",
                "--fence",
                given,
            ],
        ] {
            let said = refusal(&server.lictor(command), 2);
            assert!(said.contains(meant), "{command:?}: {said}");
        }
    }
    result(&server.lictor(&["usage", "add", "orders", " 7 "]));
}

#[test]
fn usage_is_cumulative_and_reported() {
    let server = Server::start(&[]);
    for count in ["5", "12000", "7"] {
        let add = ["usage", "add", "orders", count, "--month", "2026-01"];
        result(&server.lictor(&add));
    }
    let other = [
        "usage", "add", "orders", "3", "--month", "UNKNOWN", "--source", "old",
    ];
    result(&server.lictor(&other));
    let list = result(&server.lictor(&["usage", "list"]));
    assert!(list.contains("12 000") && list.contains("12 003"), "{list}");
    let report = result(&server.lictor(&["report"]));
    assert!(report.contains("2026-01    12 000"), "{report}");
    assert!(report.contains("current license  none stored"), "{report}");
    let json = result(&server.lictor(&["report", "--json"]));
    assert!(json.contains("\"total_requests\": 12003"), "{json}");
    let add = ["usage", "add", "orders", "7", "--month", "2026-01"];
    let kept = String::from_utf8(server.lictor(&add).stderr).expect("text");
    assert!(kept.contains("12 000 were reported before"), "{kept}");
    let fix = |by: &'static str| {
        let fix = ["usage", "correct", "default", "orders", "2026-01", by];
        server.lictor(&[&fix[..], &["--reason", "a test ran"]].concat())
    };
    result(&fix("-2000"));
    let list = result(&server.lictor(&["usage", "list"]));
    assert!(
        list.contains("-2 000  10 000") && list.contains("10 003"),
        "{list}"
    );
    refusal(&fix("-10001"), 1);
    refusal(&fix("many"), 2);
    refusal(
        &server.lictor(&["usage", "correct", "default", "orders", "2026-01", "1"]),
        2,
    );
    let running = ["usage", "add", "orders", "40", "--source", "gateway"];
    for (total, epoch) in [("40", "a"), ("50", "a"), ("3", "b")] {
        let mut add = running;
        add[3] = total;
        result(&server.lictor(&[&add[..], &["--epoch", epoch]].concat()));
    }
    let list = result(&server.lictor(&["usage", "list"]));
    assert!(list.contains("10 056"), "{list}");
    let folder = server.data().display().to_string();
    result(&lictor(&["check", "--data", &folder]));
    refusal(&server.lictor(&["usage", "add", "orders", "many"]), 2);
    refusal(
        &server.lictor(&["usage", "add", "orders", "1", "--month", "2026-13"]),
        1,
    );
}

#[test]
fn a_server_that_is_not_there_is_exit_3() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", free.local_addr().expect("an address"));
    drop(free);
    let said = refusal(
        &lictor(&["license", "list", "--url", &url, "--token", "x"]),
        3,
    );
    assert!(said.contains("lictor serve"), "{said}");
    refusal(&lictor(&["license", "list", "--url", "nonsense"]), 2);
    refusal(&lictor(&["license", "list", "--url", "ftp://localhost"]), 2);
}

#[test]
fn without_a_token_the_command_says_where_to_put_one() {
    let server = Server::start(&[]);
    let said = refusal(&lictor(&["license", "list", "--url", server.url()]), 4);
    assert!(said.contains("LICTOR_TOKEN"), "{said}");
    let newline = command()
        .args(["license", "list", "--url", server.url()])
        .env("LICTOR_TOKEN", "two\nlines")
        .output()
        .expect("runs");
    refusal(&newline, 2);
}

#[test]
fn blanks_and_line_ends_around_a_token_an_organization_and_an_address_are_no_part_of_them() {
    let server = Server::start(&[]);
    let port = server.url().rsplit(':').next().expect("a port");
    for (url, token, organization) in [
        (
            format!("{}\r", server.url()),
            format!("{}\r", server.token()),
            "default\r",
        ),
        (
            format!(" {} ", server.url()),
            format!("\t{}\r\n", server.token()),
            " default ",
        ),
        (
            format!("127.0.0.1:{port}"),
            server.token().to_owned(),
            "default",
        ),
        (
            format!("localhost:{port}\r\n"),
            server.token().to_owned(),
            "",
        ),
    ] {
        let mut list = command();
        list.args(["token", "list", "--operators"]);
        list.env("LICTOR_URL", url).env("LICTOR_TOKEN", token);
        let list = list.env("LICTOR_ORGANIZATION", organization).output();
        assert!(result(&list.expect("runs")).contains("operator"));
    }
    for (name, within) in [
        ("LICTOR_TOKEN", "two\r\nlines"),
        ("LICTOR_ORGANIZATION", "ac me"),
    ] {
        let mut list = command();
        list.args(["license", "list", "--url", server.url()]);
        let said = refusal(&list.env(name, within).output().expect("runs"), 2);
        assert!(said.contains(name) && !said.contains("builder"), "{said}");
        assert!(!said.contains(within), "{said}");
    }
}

#[test]
fn health_is_for_all_and_metrics_are_for_operators() {
    let server = Server::start(&[]);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(server.get(path).send().status, 200, "{path}");
    }
    let metrics = server.get("/metrics");
    assert_eq!(metrics.send().status, 401);
    let reader = result(&server.lictor(&["token", "create"]));
    assert_eq!(metrics.clone().token(&reader).send().status, 403);
    let answer = metrics.token(server.token()).send();
    let text = answer.text();
    assert_eq!(answer.status, 200, "{text}");
    assert!(
        text.contains("# TYPE lictor_requests_total counter\n"),
        "{text}"
    );
    let counted = r#"lictor_requests_total{dialect="native",method="POST",status="2xx"} 1"#;
    assert!(text.contains(counted), "{text}");
    assert!(text.contains("lictor_store_commits_total"), "{text}");
    for path in ["/v1", "/v1/", "/v1/nonsense"] {
        let answer = server.get(path).token(server.token()).send();
        let body = answer.text();
        assert!(body.contains("urn:lictor:problem:"), "{path}: {body}");
    }
}

#[test]
fn metrics_have_a_listener_of_their_own_when_asked_for() {
    let folder = Folder::new();
    let mut command = serve(&folder.path().join("data"));
    let running = Running::start(command.args(["--metrics-listen", "127.0.0.1:0"]));
    // A line of the log begins with its year.
    let log = running.wait_for("2");
    let (_, rest) = log
        .split_once("metrics are at ")
        .expect("the address in the log");
    let (url, _) = rest.split_once("/metrics").expect("the path");
    running.listening();
    for path in ["/healthz", "/metrics", "/nothing/here"] {
        for method in ["GET", "HEAD", "POST"] {
            let ask = |path: &str| Request::new(url, method, path).send();
            let doubled = format!("/{}", path.replace('/', "//"));
            let (found, wanted) = (ask(&doubled), ask(path));
            assert_eq!(found.status, wanted.status, "{method} {doubled}");
            let kind = wanted.header("content-type");
            assert_eq!(found.header("content-type"), kind, "{method} {doubled}");
        }
    }
    let metrics = Request::new(url, "GET", "/metrics");
    let plain = "text/plain; version=0.0.4; charset=utf-8";
    let open = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    for (accept, kind) in [
        (None, plain),
        (Some("*/*"), plain),
        (
            Some("application/openmetrics-text;q=0.4,text/plain;q=0.5"),
            plain,
        ),
        (
            Some("application/openmetrics-text;q=0.5,text/plain;q=0.4"),
            open,
        ),
        (Some("application/openmetrics-text"), open),
    ] {
        let asked = accept.map_or(metrics.clone(), |accept| {
            metrics.clone().header("Accept", accept)
        });
        let answer = asked.send();
        let text = answer.text();
        assert_eq!(answer.status, 200, "{text}");
        assert_eq!(answer.header("content-type"), Some(kind), "{accept:?}");
        assert_eq!(answer.header("vary"), Some("Accept"));
        assert_eq!(text.ends_with("# EOF\n"), kind == open, "{text}");
        assert_eq!(text.contains("# TYPE lictor_build info\n"), kind == open);
    }
    let elsewhere = Request::new(url, "GET", "/v1/licenses");
    assert_eq!(elsewhere.send().status, 404);
}

#[test]
fn scripts_are_told_what_is_gone() {
    let (server, key) = server_with_vendor();
    let object = |args: &[&str]| -> serde_json::Value {
        let text = result(&server.lictor(&[args, &["--json"]].concat()));
        serde_json::from_str(&text).expect("JSON")
    };
    let file = server.file("license.json");
    write(&file, &issue(&key, &[]));
    let license = result(&server.lictor(&["license", "add", &file]));
    let removed = object(&["license", "remove", &license]);
    assert_eq!(removed, serde_json::json!({ "removed": license }));
    let created = object(&["token", "create"]);
    let token = created["id"].as_str().expect("an id");
    let revoked = object(&["token", "revoke", token]);
    assert_eq!(revoked, serde_json::json!({ "revoked": token }));
    result(&server.lictor(&["organization", "create", "acme"]));
    let removed = object(&["organization", "remove", "acme"]);
    assert_eq!(removed, serde_json::json!({ "removed": "acme" }));
}

#[test]
fn who_held_a_lease_is_listed_and_forgotten() {
    let (server, key) = server_with_vendor();
    let file = server.file("license.json");
    write(&file, &issue(&key, &[]));
    result(&server.lictor(&["license", "add", &file]));
    result(&server.lictor(&["application", "create", "viewer"]));
    let ended = ["lease", "list", "editor", "--ended"];
    let none = server.lictor(&ended);
    assert_eq!(result(&none), "");
    let hint = String::from_utf8_lossy(&none.stderr);
    assert!(hint.contains("no such lease has ended"), "{hint}");

    let holder = "a-machine-7.example.com";
    let out = result(&server.lictor(&["lease", "checkout", "editor", holder]));
    let id = out.split(' ').next().expect("an id");
    refusal(&server.lictor(&["lease", "checkout", "viewer", "other"]), 1);
    let live = refusal(&server.lictor(&["forget", holder]), 1);
    assert!(
        live.contains("lictor lease release") && live.contains(id),
        "{live}"
    );
    result(&server.lictor(&["lease", "release", id, "--force"]));
    let list = result(&server.lictor(&ended));
    assert!(
        list.contains("forced") && list.contains("a-machine"),
        "{list}"
    );
    assert!(
        list.lines().all(|line| line.chars().count() <= 80),
        "{list}"
    );
    let narrowed = [&ended[..], &["--holder", holder, "--since", "1d"]].concat();
    assert_eq!(result(&server.lictor(&narrowed)), list);
    let before = [&ended[..], &["--until", "2026-01-01"]].concat();
    assert_eq!(result(&server.lictor(&before)), "");
    let json = result(&server.lictor(&[&ended[..], &["--json"]].concat()));
    assert!(
        json.contains(id) && json.contains("\"reason\": \"forced\""),
        "{json}"
    );
    let alone = refusal(
        &server.lictor(&["lease", "list", "editor", "--since", "1d"]),
        2,
    );
    assert!(alone.contains("--ended"), "{alone}");

    let sums = result(&server.lictor(&["seat", "refusals", "--by-hour"]));
    assert!(
        sums.contains("unlicensed") && sums.contains("viewer"),
        "{sums}"
    );
    let said = |args: &[&str]| {
        let output = server.lictor(args);
        assert_eq!(result(&output), "");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(said(&["forget", holder]).contains("from 1 ended lease and 0 refusals"));
    assert!(said(&["forget", "other"]).contains("from 0 ended leases and 1 refusal"));
    assert!(said(&["forget", holder]).contains("nothing is stored about"));
    let json = result(&server.lictor(&["forget", holder, "--json"]));
    assert!(json.contains("\"ended_leases\": 0"), "{json}");
    let list = result(&server.lictor(&ended));
    assert!(
        list.contains("forced") && !list.contains("a-machine"),
        "{list}"
    );
}

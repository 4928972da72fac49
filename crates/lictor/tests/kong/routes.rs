//! Paths and verbs: sections 1 and 11 of what is promised, and that HEAD is GET without its body.

use std::collections::BTreeSet;

use lictor_server::dialects::kong;
use serde_json::json;

use crate::expect::{ANY, Kong as _, PREFIX, check};
use crate::harness::{Harness, VERSION};

const ID: &str = "30b4edb7-0847-4f65-af90-efbed8b0161f";
const COLLECTION: &str = "GET, HEAD, OPTIONS, POST";
const ENTITY: &str = "DELETE, GET, HEAD, OPTIONS, PATCH, PUT";
const READ: &str = "GET, HEAD, OPTIONS";
const LISTS: [&str; 7] = [
    "certificates",
    "consumers",
    "plugins",
    "routes",
    "services",
    "snis",
    "upstreams",
];

/// Every path but the root, as the dialect has it, with the verbs that it serves.
fn table() -> Vec<(String, &'static str)> {
    let known = [
        ("/licenses", COLLECTION),
        ("/licenses/{id}", ENTITY),
        ("/license/report", READ),
        ("/kong", READ),
        ("/status", READ),
        ("/workspaces", READ),
        ("/workspaces/{name}", READ),
    ];
    let lists = LISTS.map(|list| (format!("/{list}"), READ));
    let known = known.map(|(path, verbs)| (path.to_owned(), verbs));
    known.into_iter().chain(lists).collect()
}

/// Every path form, with the verbs that it serves.
fn paths() -> Vec<(String, &'static str)> {
    let mut paths = vec![("/".to_owned(), READ)];
    for (path, verbs) in table() {
        let path = path.replace("{id}", ID).replace("{name}", "default");
        for form in [path.clone(), format!("{path}/"), format!("/default{path}")] {
            paths.push((form, verbs));
        }
    }
    paths
}

#[test]
fn no_route_of_this_dialect_is_without_a_row() {
    let rows = table().into_iter().map(|(path, _)| path);
    let rows: BTreeSet<String> = rows.chain(["/".to_owned()]).collect();
    assert_eq!(rows, kong::paths().into_iter().collect());
}

#[test]
fn every_path_serves_its_verbs_and_no_others() {
    let server = Harness::start();
    for (path, verbs) in paths() {
        for verb in [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "GEEEET",
        ] {
            let reply = server.ask(verb, &path).send();
            let served = verbs.split(", ").any(|known| known == verb);
            let case = format!("{verb} {path}: {}", reply.status);
            assert_eq!(reply.status != 405, served, "{case}");
            assert_eq!(reply.header("allow"), None, "{case}");
            if !served {
                let more = if path.contains("/workspaces") {
                    ": "
                } else {
                    ""
                };
                let words = format!("{PREFIX}Method not allowed{more}");
                check(&case, &reply, 405, &json!({ "message": words }));
            }
        }
    }
}

#[test]
fn options_tells_the_verbs_to_anybody() {
    let server = Harness::start();
    for (path, verbs) in paths() {
        for ask in [
            server.ask("OPTIONS", &path),
            server.anonymous("OPTIONS", &path),
        ] {
            let reply = ask.send();
            assert_eq!(reply.status, 204, "{path}");
            assert_eq!(reply.header("allow"), Some(verbs), "{path}");
            let methods = reply.header("access-control-allow-methods");
            assert_eq!(methods, Some(verbs), "{path}");
            assert!(reply.body.is_empty(), "{path}");
        }
    }
}

#[test]
fn unknown_paths_are_not_found_whatever_the_verb() {
    let server = Harness::start();
    let paths = [
        "/nothing".to_owned(),
        "/license".to_owned(),
        "/default".to_owned(),
        "/default/".to_owned(),
        format!("/licenses/{ID}/x"),
        "/license/report/x".to_owned(),
        "/LICENSES".to_owned(),
        "/ca_certificates".to_owned(),
        "/acls".to_owned(),
        "/oauth2/licenses".to_owned(),
        "/-x/licenses".to_owned(),
        "/%FF/licenses".to_owned(),
        "/services/x".to_owned(),
    ];
    for path in paths {
        for verb in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "GEEEET"] {
            let reply = server.ask(verb, &path).send();
            let case = format!("{verb} {path}");
            check(&case, &reply, 404, &json!({"message": "Not found"}));
        }
        assert_eq!(server.ask("HEAD", &path).send().status, 404, "HEAD {path}");
    }
}

#[test]
fn paths_are_compared_after_their_escapes_are_undone() {
    let server = Harness::start();
    server.put(ID, &server.document("K"));
    for path in [
        format!("/licenses/{}", ID.replace('-', "%2D")),
        format!("/%6Cicenses/{ID}"),
        format!("/d%65fault/licenses/{ID}/"),
    ] {
        assert_eq!(server.get(&path).json_of_kong()["id"], ID, "{path}");
    }
    assert_eq!(server.get(&format!("/licenses%2F{ID}")).status, 404);
}

#[test]
fn head_is_get_without_a_body() {
    let server = Harness::start();
    server.put(ID, &server.document("K"));
    let missing = "/licenses/00000000-0000-0000-0000-000000000000".to_owned();
    let others = [
        missing,
        "/licenses/x".to_owned(),
        "/nothing".to_owned(),
        "/licenses?size=0".to_owned(),
    ];
    for path in paths().into_iter().map(|(path, _)| path).chain(others) {
        let (get, head) = (server.get(&path), server.ask("HEAD", &path).send());
        assert_eq!(get.status, head.status, "{path}");
        assert!(head.body.is_empty(), "{path}");
        let told = |reply: &lictor_testkit::Answer| {
            let mut headers = reply.headers.clone();
            let mut differs = vec!["date", "x-kong-admin-latency", "x-kong-admin-request-id"];
            if path.contains("/status") {
                // Its counters have more digits at times.
                differs.push("content-length");
            }
            headers.retain(|(name, _)| !differs.contains(&name.as_str()));
            headers.sort();
            headers
        };
        assert_eq!(told(&get), told(&head), "{path}");
        assert_eq!(
            get.header("content-length"),
            Some(get.body.len().to_string().as_str())
        );
    }
}

#[test]
fn the_root_tells_what_clients_look_for() {
    let server = Harness::start();
    let reply = server.get("/");
    let expected = json!({
        "tagline": ANY,
        "version": VERSION,
        "hostname": ANY,
        "configuration": {"database": "postgres"},
    });
    check("GET /", &reply, 200, &expected);
    assert_eq!(reply.header("vary"), Some("Accept, Origin"));
}

#[test]
fn the_lists_of_a_configuration_are_empty() {
    let server = Harness::start();
    server.put(ID, &server.document("K"));
    for list in LISTS {
        for path in [
            format!("/{list}?size=1000"),
            format!("/{list}/?tags=a"),
            format!("/default/{list}"),
        ] {
            check(
                &path,
                &server.get(&path),
                200,
                &json!({"data": [], "next": null}),
            );
        }
    }
}

//! What `/v1` says of itself to everybody: the OpenAPI document.

use std::collections::BTreeSet;

use lictor_server::dialects::native;
use lictor_testkit::{TestServer as Server, lictor};
use serde_json::Value;

const PATH: &str = "/v1/openapi.json";

#[test]
fn everybody_reads_the_document_that_the_command_prints() {
    let server = Server::start();
    let printed = lictor(&["openapi"]);
    assert!(printed.status.success());
    let answer = server.anonymous("GET", PATH).expect(200);
    assert!(answer.body == printed.stdout, "two documents");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.value()["openapi"], "3.1.0");
    for who in [
        server.call("GET", PATH),
        server.anonymous("GET", PATH).token("nobody's"),
        server.call("GET", PATH).organization("absent"),
    ] {
        assert!(
            who.expect(200).body == answer.body,
            "it depends on who asks"
        );
    }
    let head = server.anonymous("HEAD", PATH).expect(200);
    assert!(head.body.is_empty());
    let length = answer.body.len().to_string();
    for answer in [&answer, &head] {
        assert_eq!(answer.header("content-length"), Some(length.as_str()));
    }
}

#[test]
fn whoever_has_the_document_is_not_sent_it_again() {
    let server = Server::start();
    let answer = server.anonymous("GET", PATH).expect(200);
    let tag = answer.header("etag").expect("a tag").to_owned();
    assert!(tag.starts_with('"'), "{tag} is weak");
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    for method in ["GET", "HEAD"] {
        let call = server.anonymous(method, PATH);
        let known = call.clone().header("If-None-Match", &tag).expect(304);
        assert!(known.body.is_empty());
        assert_eq!(known.header("etag"), Some(tag.as_str()));
        assert_eq!(known.header("cache-control"), Some("no-cache"));
        call.header("If-None-Match", "\"another\"").expect(200);
    }
    let again = server.restart();
    let again = again.anonymous("GET", PATH).expect(200);
    assert_eq!(again.header("etag"), Some(tag.as_str()));
}

#[test]
fn what_it_does_not_take_is_refused() {
    let server = Server::start();
    let call = server.anonymous("GET", &format!("{PATH}?version=2"));
    let problem = call.expect_problem(400, "invalid-input");
    assert_eq!(problem["field"], "query");
    server
        .anonymous("POST", PATH)
        .expect_problem(401, "unauthenticated");
    let refused = server.call("POST", PATH).expect(405);
    refused.problem(405, "method-not-allowed");
    assert_eq!(refused.header("allow"), Some("GET,HEAD"));
}

/// A path whose variables have no names.
fn unnamed(path: &str) -> String {
    let parts = path.split('/').map(|part| match part.starts_with('{') {
        true => "x",
        false => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// The methods of every path, as the document has them.
fn described(document: &Value) -> BTreeSet<(String, String)> {
    let paths = document["paths"].as_object().expect("paths");
    let described = paths.iter().flat_map(|(path, operations)| {
        let methods = operations.as_object().expect("operations").keys();
        methods.map(|method| (unnamed(path), method.to_uppercase()))
    });
    described.collect()
}

#[test]
fn it_has_the_paths_and_methods_of_the_router_and_no_others() {
    let server = Server::start();
    let mut routed = BTreeSet::new();
    for path in native::paths() {
        let path = unnamed(&format!("/v1{path}"));
        let refused = server.call("BREW", &path).expect(405);
        let methods = refused.header("allow").expect("Allow").split(',');
        let methods = methods.map(str::trim).filter(|method| *method != "HEAD");
        routed.extend(methods.map(|method| (path.clone(), method.to_owned())));
    }
    let document = server.anonymous("GET", PATH).expect(200).value();
    assert_eq!(described(&document), routed);
}

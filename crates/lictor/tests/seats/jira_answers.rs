//! The Jira dialect byte for byte: the members of every answer, the headers of all of them, who
//! counts, and how one signs in.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lictor_core::Plan;
use lictor_testkit::{Answer, Request};
use serde_json::{Value, json};

use crate::harness::{Server, Staff as _};

const LICENSE: &str = "/rest/api/3/instance/license";
const TOTAL: &str = "/rest/api/3/license/approximateLicenseCount";
const JSON: &str = "application/json;charset=UTF-8";
const PROBLEM: &str = "application/problem+json;charset=UTF-8";

fn total(server: &Server) -> Value {
    server.get(TOTAL)["value"].clone()
}

fn product(server: &Server, key: &str) -> Value {
    server.get(&format!("{TOTAL}/product/{key}"))["value"].clone()
}

fn basic(server: &Server, credential: &[u8], path: &str) -> Request {
    let encoded = BASE64_STANDARD.encode(credential);
    let request = server.anonymous("GET", path);
    request.header("Authorization", &format!("Basic {encoded}"))
}

fn keys(value: &Value) -> Vec<&str> {
    let members = value.as_object().expect("an object");
    members.keys().map(String::as_str).collect()
}

#[test]
fn the_vendors_sample_of_plans_comes_out_in_our_order() {
    let server = Server::start();
    let empty = server.call("GET", LICENSE).expect(200);
    assert_eq!(empty.text(), r#"{"applications":[]}"#);
    for (key, plan) in [
        ("jira-core", Plan::Paid),
        ("jira-servicedesk", Plan::Free),
        ("jira-software", Plan::Paid),
        ("jira-product-discovery", Plan::Free),
    ] {
        server.install(key, Some(10), plan);
    }
    let sample = r#"{"applications":[{"id":"jira-core","plan":"PAID"},{"id":"jira-product-discovery","plan":"FREE"},{"id":"jira-servicedesk","plan":"FREE"},{"id":"jira-software","plan":"PAID"}]}"#;
    for version in [2, 3] {
        let path = format!("/rest/api/{version}/instance/license");
        let answer = server.call("GET", &path).expect(200);
        assert_eq!(answer.text(), sample);
        assert_eq!(answer.header("content-type"), Some(JSON));
    }
}

#[test]
fn who_counts_counts_from_the_seat_on_and_once() {
    let server = Server::start();
    server.install("jira-core", Some(10), Plan::Paid);
    server.install("jira-software", Some(10), Plan::Free);
    let is = |all: &str, core: &str, software: &str| {
        let found = [
            total(&server),
            product(&server, "jira-core"),
            product(&server, "jira-software"),
        ];
        assert_eq!(found, [all, core, software]);
    };
    server.account_of(&json!({ "email": "invited@example.com", "status": "invited" }));
    server.account_of(&json!({ "email": "bot@example.com", "kind": "service" }));
    server.account("both@example.com");
    server.account("idle@example.com");
    is("0", "0", "0");
    let given = |application: &str, email: &str, status: u16| {
        assert_eq!(server.assign(application, email).status, status);
    };
    given("jira-core", "invited@example.com", 201);
    is("1", "1", "0");
    given("jira-core", "bot@example.com", 409);
    given("jira-core", "both@example.com", 201);
    given("jira-software", "both@example.com", 201);
    is("2", "2", "1");
    let lease = server.call("POST", "/v1/applications/jira-software/leases");
    lease.json(&json!({ "holder": "build" })).expect(201);
    is("2", "2", "1");
    let release = server.call(
        "DELETE",
        "/v1/applications/jira-core/seats/both@example.com",
    );
    release.expect(204);
    is("2", "1", "1");
    let remove = server.call("DELETE", "/v1/accounts/both@example.com");
    remove.expect(204);
    is("1", "1", "0");
    // Neither a plan nor an end of one makes anybody not count.
    let licenses = server.get("/v1/licenses");
    for license in licenses["data"].as_array().expect("rows") {
        let id = license["id"].as_str().expect("an id");
        server
            .call("DELETE", &format!("/v1/licenses/{id}"))
            .expect(204);
    }
    is("1", "1", "0");
    let plans = server.get(LICENSE)["applications"].clone();
    let unlicensed = |row: &Value| row["plan"] == "UNLICENSED";
    assert!(plans.as_array().expect("rows").iter().all(unlicensed));
}

#[test]
fn what_clients_ask_beside_it_has_these_members_and_no_others() {
    let server = Server::with(&["--public-url", "https://licenses.example.com"]);
    let root = json!({ "email": "root@example.com", "administrator": true, "language": "de_DE" });
    let id = server.account_of(&root);
    let token = server.token("root@example.com", &[]);
    let ask = |path: &str| {
        let request = server.anonymous("GET", &format!("/rest/api/2/{path}"));
        request.token(&token).expect(200)
    };
    let info = r#"{"baseUrl":"https://licenses.example.com","version":"1001.0.0","versionNumbers":[1001,0,0],"deploymentType":"Cloud","buildNumber":100000,"serverTitle":"Lictor"}"#;
    assert_eq!(ask("serverInfo").text(), info);
    let me = format!(
        r#"{{"self":"https://licenses.example.com/rest/api/3/user?accountId={id}","accountId":"{id}","accountType":"atlassian","emailAddress":"root@example.com","displayName":"root@example.com","active":true,"locale":"de_DE","timeZone":"Etc/UTC"}}"#
    );
    assert_eq!(ask("myself").text(), me);
    let permissions = ask("mypermissions?permissions=ADMINISTER").value();
    assert_eq!(keys(&permissions), ["permissions"]);
    let administer = &permissions["permissions"]["ADMINISTER"];
    let mut members = keys(administer);
    members.sort_unstable();
    assert_eq!(
        members,
        ["description", "havePermission", "id", "key", "name", "type"]
    );
    assert_eq!(administer["key"], "ADMINISTER");
    assert_eq!(administer["name"], "Administer Jira");
    assert_eq!(administer["havePermission"], true);
    for (query, words) in [
        ("", "The 'permissions' query parameter is required."),
        (
            "?permissions=",
            "The 'permissions' query parameter is required.",
        ),
        (
            "?permission=ADMINISTER",
            "The 'permissions' query parameter is required.",
        ),
        (
            "?permissions=BROWSE_PROJECTS",
            "Unrecognized permission: 'BROWSE_PROJECTS'.",
        ),
        (
            "?permissions=administer",
            "Unrecognized permission: 'administer'.",
        ),
        ("?permissions=ADMINISTER,X", "Unrecognized permission: 'X'."),
    ] {
        let path = format!("/rest/api/3/mypermissions{query}");
        let answer = server.anonymous("GET", &path).expect(400);
        let body = format!(r#"{{"errorMessages":["{words}"],"errors":{{}}}}"#);
        assert_eq!(answer.text(), body);
        assert_eq!(answer.header("content-type"), Some(JSON));
    }
    let twice = "mypermissions?permissions=ADMINISTER,ADMINISTER";
    assert_eq!(ask(twice).value(), permissions);
}

#[test]
fn an_administrators_right_is_what_the_account_is_and_the_token_may() {
    let server = Server::start();
    server.account_of(&json!({ "email": "root@example.com", "administrator": true }));
    server.account("ada@example.com");
    let path = "/rest/api/3/mypermissions?permissions=ADMINISTER";
    for (email, scopes, administers) in [
        ("root@example.com", &[][..], true),
        ("root@example.com", &["census:read"], true),
        ("root@example.com", &["applications:read"], false),
        ("ada@example.com", &[], false),
        ("ada@example.com", &["census:read"], false),
    ] {
        let token = server.token(email, scopes);
        let answer = server.anonymous("GET", path).token(&token).expect(200);
        let found = &answer.value()["permissions"]["ADMINISTER"]["havePermission"];
        assert_eq!(*found, administers, "{email} {scopes:?}");
        let status = match (administers, email) {
            (true, _) => 200,
            // In scope, but not allowed.
            (false, "ada@example.com") => 403,
            (false, _) => 401,
        };
        server.anonymous("GET", TOTAL).token(&token).expect(status);
    }
}

#[test]
fn paths_and_methods_that_are_none_come_byte_for_byte() {
    let server = Server::start();
    let problem = |title: &str, status: u16, detail: &str, path: &str| {
        format!(
            r#"{{"type":"about:blank","title":"{title}","status":{status},"detail":"{detail}","instance":"{path}"}}"#
        )
    };
    for (method, path) in [
        ("GET", "/rest/api/3/applicationrole"),
        ("POST", "/rest/api/3/permissions/check"),
        ("DELETE", "/rest/api/2/nothing"),
        ("GET", "/rest/api/latest/user"),
        ("POST", "/rest/auth/1/session"),
        ("GET", "/_edge/tenant_info"),
        ("GET", "/ex/jira/x"),
    ] {
        let detail = format!("No endpoint {method} {path}.");
        for call in [
            server.call(method, path),
            server.anonymous(method, path),
            server.anonymous(method, path).token("wrong"),
        ] {
            let answer = call.expect(404);
            let body = problem("Not Found", 404, &detail, path);
            assert_eq!(answer.text(), body);
            assert_eq!(answer.header("content-type"), Some(PROBLEM));
        }
    }
    for call in [server.call("PUT", TOTAL), server.anonymous("PUT", TOTAL)] {
        let answer = call.expect(405);
        let detail = "Method 'PUT' is not supported.";
        let body = problem("Method Not Allowed", 405, detail, TOTAL);
        assert_eq!(answer.text(), body);
        assert_eq!(answer.header("content-type"), Some(PROBLEM));
        assert_eq!(answer.header("allow"), Some("GET,HEAD,OPTIONS"));
    }
}

/// One answer of every status, and whether its caller is known.
fn every_status(server: &Server) -> Vec<(Answer, bool)> {
    let ada = server.token("ada@example.com", &[]);
    let as_ada = |path: &str| server.anonymous("GET", path).token(&ada);
    vec![
        (as_ada(LICENSE).expect(200), true),
        (as_ada("/rest/api/3/serverInfo").expect(200), true),
        (
            server
                .anonymous("GET", "/rest/api/3/serverInfo")
                .expect(200),
            false,
        ),
        (as_ada(TOTAL).expect(403), true),
        (server.anonymous("GET", TOTAL).expect(401), false),
        (as_ada("/rest/api/3/mypermissions").expect(400), true),
        (as_ada("/rest/api/3/nothing").expect(404), false),
        (server.anonymous("PUT", TOTAL).expect(405), false),
        (
            server
                .anonymous("OPTIONS", "/rest/api/3/serverInfo")
                .expect(200),
            false,
        ),
    ]
}

#[test]
fn every_answer_has_a_fresh_id_and_none_can_be_kept() {
    let server = Server::start();
    let ada = server.account("ada@example.com");
    let mut ids = std::collections::BTreeSet::new();
    for (answer, known) in every_status(&server) {
        let id = answer.header("x-arequestid").expect("an id").to_owned();
        assert!(ids.insert(id), "{answer:?}");
        let account = known.then_some(ada.as_str());
        assert_eq!(answer.header("x-aaccountid"), account, "{answer:?}");
        let fresh = "no-cache, no-store, no-transform";
        assert_eq!(answer.header("cache-control"), Some(fresh));
        for name in [
            "etag",
            "last-modified",
            "age",
            "expires",
            "x-asessionid",
            "x-ausername",
            "x-authentication-denied-reason",
            "x-ratelimit-limit",
            "retry-after",
            "set-cookie",
        ] {
            assert_eq!(answer.header(name), None, "{name}: {answer:?}");
        }
    }
}

#[test]
fn basic_is_an_owners_address_and_its_token() {
    let server = Server::start();
    server.account_of(&json!({ "email": "zoe\u{308}@example.com", "administrator": true }));
    server.account("other@example.com");
    let token = server.token("zoe\u{308}@example.com", &[]);
    let others = server.token("other@example.com", &[]);
    let unowned = server.post("/v1/tokens", &json!({ "role": "admin" }));
    let unowned = unowned["secret"].as_str().expect("a secret").to_owned();
    for spelling in ["zo\u{eb}@example.com", "ZOE\u{308}@EXAMPLE.com"] {
        let credential = format!("{spelling}:{token}");
        basic(&server, credential.as_bytes(), TOTAL).expect(200);
    }
    for wrong in [
        format!("zoe@example.com:{token}").into_bytes(),
        format!("zo\u{eb}@example.com:{others}").into_bytes(),
        format!("zo\u{eb}@example.com:{unowned}").into_bytes(),
        format!(":{unowned}").into_bytes(),
        format!("zo\u{eb}@example.com:{token}:").into_bytes(),
        format!("zo\u{eb}@example.com:{token}\n").into_bytes(),
        format!(" zo\u{eb}@example.com:{token}").into_bytes(),
        format!("zo\u{eb}@example.com{token}").into_bytes(),
        b"zo\xeb@example.com:x".to_vec(),
        b":".to_vec(),
        Vec::new(),
    ] {
        let answer = basic(&server, &wrong, TOTAL).expect(401);
        let words = r#"{"errorMessages":["Client must be authenticated to access this resource."],"errors":{}}"#;
        assert_eq!(answer.text(), words, "{wrong:?}");
        assert_eq!(answer.header("content-type"), Some(JSON));
    }
    let bearer = server.anonymous("GET", TOTAL).token(&unowned);
    bearer.expect(200);
}

#[test]
fn a_credential_that_opens_nothing_is_told_also_where_anybody_is_answered() {
    let server = Server::start();
    server.account_of(&json!({ "email": "root@example.com", "administrator": true }));
    let token = server.token("root@example.com", &[]);
    let cloud = server.get("/v1/organizations/default")["id"].clone();
    let gateway = format!("/ex/jira/{}", cloud.as_str().expect("an id"));
    let paths = [
        ("/rest/api/3/serverInfo", 200),
        ("/rest/api/latest/mypermissions?permissions=ADMINISTER", 200),
        ("/rest/api/3/mypermissions", 400),
        (LICENSE, 401),
        (TOTAL, 401),
        ("/rest/api/3/nothing", 404),
    ];
    let encoded = |credential: String| format!("Basic {}", BASE64_STANDARD.encode(credential));
    let failed = Some("AUTHENTICATED_FAILED");
    for (authorization, reason) in [
        (None, None),
        (Some("Bearer wrong".to_owned()), failed),
        (Some("bearer wrong".to_owned()), failed),
        (Some(encoded("root@example.com:wrong".to_owned())), failed),
        (Some(encoded(format!("other@example.com:{token}"))), failed),
        (Some(encoded("root@example.com:".to_owned())), failed),
        (Some(encoded(format!(":{token}"))), None),
        (Some(encoded("no colon".to_owned())), None),
        (Some("Basic !!!".to_owned()), None),
        (Some("Bearer".to_owned()), None),
        (Some("JWT x".to_owned()), None),
    ] {
        for (path, status) in paths {
            for prefix in ["", gateway.as_str()] {
                let mut call = server.anonymous("GET", &format!("{prefix}{path}"));
                if let Some(authorization) = &authorization {
                    call = call.header("Authorization", authorization);
                }
                let answer = call.expect(status);
                // No endpoint is looked for before anybody is asked who they are.
                let reason = reason.filter(|_| status != 404);
                let found = answer.header("x-seraph-loginreason");
                assert_eq!(found, reason, "{authorization:?}: {answer:?}");
            }
        }
    }
    let good = server.anonymous("GET", LICENSE).token(&token).expect(200);
    assert_eq!(good.header("x-seraph-loginreason"), None);
    let two = server
        .anonymous("GET", "/rest/api/3/serverInfo")
        .token(&token);
    let two = two.header("Authorization", "Bearer wrong").expect(200);
    assert_eq!(two.header("x-aaccountid"), None);
}

#[test]
fn basic_is_taken_in_any_case_and_without_padding() {
    let server = Server::start();
    server.account_of(&json!({ "email": "root@example.com", "administrator": true }));
    let token = server.token("root@example.com", &[]);
    for end in ["", " ", "  "] {
        // One of them has a length that base64 pads.
        let credential = BASE64_STANDARD.encode(format!("root@example.com{end}:{token}"));
        let bare = credential.trim_end_matches('=');
        for authorization in [
            format!("Basic {credential}"),
            format!("basic {bare}"),
            format!("BASIC   {credential}"),
        ] {
            let call = server.anonymous("GET", TOTAL);
            let answer = call.header("Authorization", &authorization).send();
            let wanted = if end.is_empty() { 200 } else { 401 };
            assert_eq!(answer.status, wanted, "{authorization}: {answer:?}");
        }
    }
}

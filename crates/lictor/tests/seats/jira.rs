//! The Jira dialect: every row of what its clients rely on.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lictor_core::Plan;
use lictor_testkit::{Answer, Request, Tenant};
use serde_json::{Value, json};

use crate::harness::{Server, Staff as _};

const LICENSE: &str = "instance/license";
const TOTAL: &str = "license/approximateLicenseCount";
const PRODUCT: &str = "license/approximateLicenseCount/product/jira-software";
const JSON: &str = "application/json;charset=UTF-8";
const ANONYMOUS: &str =
    r#"{"errorMessages":["Client must be authenticated to access this resource."],"errors":{}}"#;
const NO_ADMIN: &str =
    r#"{"errorMessages":["Only Jira administrators can access license details."],"errors":{}}"#;

/// A site as in the vendor's samples, with an administrator and somebody else.
struct Site {
    server: Server,
    /// The administrator's token, and that of somebody else.
    admin: String,
    other: String,
    cloud: String,
}

fn site() -> Site {
    site_with(&[])
}

fn site_with(options: &[&str]) -> Site {
    let server = Server::with(options);
    for (application, plan) in [
        ("jira-core", Plan::Paid),
        ("jira-servicedesk", Plan::Free),
        ("jira-software", Plan::Trial),
    ] {
        server.install(application, Some(100), plan);
    }
    server.post(
        "/v1/applications",
        &json!({ "key": "jira-product-discovery" }),
    );
    let admin = json!({ "email": "root@example.com", "administrator": true, "name": "Root" });
    server.account_of(&admin);
    server.account("other@example.com");
    server.staff("jira-software", "user", 15);
    server.staff("jira-core", "user", 3);
    server.staff("jira-core", "clerk", 2);
    let organizations = server.get("/v1/organizations");
    let cloud = organizations["data"][0]["id"].as_str().expect("an id");
    Site {
        admin: server.token("root@example.com", &[]),
        other: server.token("other@example.com", &[]),
        cloud: cloud.to_owned(),
        server,
    }
}

impl Site {
    fn ask(&self, path: &str) -> Request {
        let path = format!("/rest/api/3/{path}");
        self.server.anonymous("GET", &path).token(&self.admin)
    }
}

fn basic(request: Request, email: &str, token: &str) -> Request {
    let credential = BASE64_STANDARD.encode(format!("{email}:{token}"));
    let request = request.without("Authorization");
    request.header("Authorization", &format!("Basic {credential}"))
}

#[track_caller]
fn is(answer: &Answer, status: u16, body: &str) {
    assert_eq!((answer.status, answer.text()), (status, body), "{answer:?}");
    assert_eq!(answer.header("content-type"), Some(JSON));
}

#[test]
fn the_three_resources_answer_byte_for_byte() {
    let site = site();
    let organization = format!("/ex/jira/{}", site.cloud);
    for version in ["2", "3", "latest"] {
        for prefix in ["", organization.as_str()] {
            let ask = |path: &str| {
                let path = format!("{prefix}/rest/api/{version}/{path}");
                let bearer = site.server.anonymous("GET", &path).token(&site.admin);
                let answer = bearer.send();
                let by_basic = basic(bearer, "ROOT@example.com", &site.admin).send();
                assert_eq!(by_basic.body, answer.body);
                answer
            };
            is(
                &ask(LICENSE),
                200,
                r#"{"applications":[{"id":"jira-core","plan":"PAID"},{"id":"jira-product-discovery","plan":"UNLICENSED"},{"id":"jira-servicedesk","plan":"FREE"},{"id":"jira-software","plan":"PAID"}]}"#,
            );
            is(
                &ask(TOTAL),
                200,
                r#"{"key":"license.totalApproximateUserCount","value":"17"}"#,
            );
            is(
                &ask(PRODUCT),
                200,
                r#"{"key":"license.jira-software.approximateUserCount","value":"15"}"#,
            );
        }
    }
}

#[test]
fn the_vendors_samples_come_out_where_the_data_matches() {
    let server = Server::start();
    server.install("jira-software", Some(1_000), Plan::Paid);
    server.install("jira-core", None, Plan::Paid);
    server.staff("jira-software", "user", 115);
    server.staff("jira-core", "clerk", 885);
    let ask = |path: &str| server.call("GET", &format!("/rest/api/2/{path}")).send();
    let total = r#"{"key":"license.totalApproximateUserCount","value":"1000"}"#;
    is(&ask(TOTAL), 200, total);
    let product = r#"{"key":"license.jira-software.approximateUserCount","value":"115"}"#;
    is(&ask(PRODUCT), 200, product);
}

#[test]
fn a_product_that_is_not_configured_is_none_or_unknown() {
    let site = site();
    let product = |key: &str| site.ask(&TOTAL.replace("Count", &format!("Count/product/{key}")));
    let unlicensed = product("jira-product-discovery").send();
    assert_eq!(unlicensed.value()["value"], "0");
    let server = Server::start();
    for key in [
        "jira-core",
        "jira-software",
        "jira-servicedesk",
        "jira-product-discovery",
    ] {
        let path = format!("/rest/api/2/{TOTAL}/product/{key}");
        assert_eq!(server.call("GET", &path).expect(200).value()["value"], "0");
    }
    for (key, shown) in [
        ("jira-service-management", "jira-service-management"),
        ("JIRA-CORE", "JIRA-CORE"),
        ("a%2Fb", "a/b"),
        ("%ff", "\u{fffd}"),
        ("%00", "\u{0}"),
        ("%22%7B", "\"{"),
    ] {
        let refused = product(key).expect(400);
        assert_eq!(refused.header("content-type"), Some(JSON));
        let words = refused.value()["errorMessages"][0].clone();
        assert!(
            words.as_str().is_some_and(|words| words.contains(shown)),
            "{words}"
        );
        product(key).without("Authorization").expect(401);
        product(key).token(&site.other).expect(403);
    }
}

#[test]
fn who_may_not_is_told_in_words_that_clients_find() {
    let site = site();
    for path in [LICENSE, TOTAL, PRODUCT] {
        for nobody in [
            site.ask(path).without("Authorization"),
            site.ask(path).token("unknown"),
            site.ask(path)
                .without("Authorization")
                .header("Authorization", "Basic"),
            site.ask(path)
                .without("Authorization")
                .header("Authorization", "Basic !!!"),
            site.ask(path)
                .without("Authorization")
                .header("Authorization", "JWT x"),
            site.ask(path)
                .without("Authorization")
                .header("Authorization", "Bearer"),
            basic(site.ask(path), "", &site.admin),
            basic(site.ask(path), "other@example.com", &site.admin),
            basic(site.ask(path), "root@example.com", "wrong"),
            site.ask(path)
                .header("Authorization", &format!("Bearer {}", site.admin)),
        ] {
            is(&nobody.send(), 401, ANONYMOUS);
        }
    }
    let somebody = |path: &str| site.ask(path).token(&site.other).send();
    assert_eq!(somebody(LICENSE).status, 200);
    is(&somebody(TOTAL), 403, NO_ADMIN);
    is(&somebody(PRODUCT), 403, NO_ADMIN);
    let narrow = site.server.token("root@example.com", &["licenses:read"]);
    for path in [LICENSE, TOTAL, PRODUCT] {
        let answer = site.ask(path).token(&narrow).send();
        let words = r#"{"errorMessages":["Unauthorized; scope does not match"],"errors":{},"code":401,"message":"Unauthorized; scope does not match"}"#;
        is(&answer, 401, words);
    }
    let scoped = site
        .server
        .token("root@example.com", &["applications:read", "census:read"]);
    for path in [LICENSE, TOTAL, PRODUCT] {
        site.ask(path).token(&scoped).expect(200);
    }
}

#[test]
fn other_organizations_are_not_there() {
    let site = site();
    let Tenant {
        id, admin: token, ..
    } = site.server.tenant("other");
    let gateway = |cloud: &str| {
        let path = format!("/ex/jira/{cloud}/rest/api/3/{TOTAL}");
        site.server.anonymous("GET", &path)
    };
    gateway(&id).token(&site.admin).expect(404);
    gateway(&site.cloud).token(&token).expect(404);
    gateway("x").token(&site.admin).expect(404);
    gateway(&id).expect(401);
    let own = gateway(&id).token(&token).expect(200);
    assert_eq!(own.value()["value"], "0");
}

#[test]
fn what_clients_ask_beside_it() {
    let site = site();
    for anonymous in [true, false] {
        let ask = |path: &str| {
            let ask = site.ask(path);
            if anonymous {
                ask.without("Authorization")
            } else {
                ask
            }
        };
        let info = ask("serverInfo").expect(200).value();
        assert_eq!(info["deploymentType"], "Cloud");
        assert_eq!(info["baseUrl"], site.server.url.as_str());
        assert!(info["versionNumbers"][0].is_u64());
        let permission = ask("mypermissions?permissions=ADMINISTER")
            .expect(200)
            .value();
        let permission = &permission["permissions"]["ADMINISTER"];
        assert_eq!(permission["havePermission"], !anonymous);
        assert_eq!(permission["type"], "GLOBAL");
        for bad in [
            "mypermissions",
            "mypermissions?permissions=",
            "mypermissions?permissions=X",
        ] {
            ask(bad).expect(400);
        }
    }
    is(
        &site.ask("myself").without("Authorization").send(),
        401,
        ANONYMOUS,
    );
    let me = site.ask("myself").expect(200);
    let value = me.value();
    assert_eq!(value["emailAddress"], "root@example.com");
    assert_eq!(value["displayName"], "Root");
    assert_eq!(me.header("x-aaccountid"), value["accountId"].as_str());
    let operator = site
        .server
        .call("GET", "/rest/api/2/myself")
        .expect(200)
        .value();
    assert_eq!(operator["emailAddress"], Value::Null);
    let request_ids = [site.ask(LICENSE).send(), site.ask(LICENSE).send()]
        .map(|answer| answer.header("x-arequestid").expect("an id").to_owned());
    assert_ne!(request_ids[0], request_ids[1]);
}

#[test]
fn methods_and_paths_that_are_none() {
    let site = site();
    for path in [
        "/rest/api/3/nothing",
        "/rest/api/4/instance/license",
        "/rest/api/3/instance/license/x",
        "/rest/api",
        "/rest",
        "/rest/auth/1/session",
        "/rest/agile/1.0/board",
        "/rest/apix/3/myself",
        "/rest/api/latest",
        "/rest/api/latest/nothing",
        "/rest/api/Latest/myself",
        "/_edge",
        "/_edge/tenant_info",
        "/ex/jira",
        "/rest/api/3/license/approximateLicenseCount/product/a/b",
    ] {
        for answer in [
            site.server.anonymous("GET", path).send(),
            site.server.call("GET", path).send(),
        ] {
            assert_eq!(answer.status, 404, "{answer:?}");
            let media_type = answer.header("content-type");
            assert_eq!(media_type, Some("application/problem+json;charset=UTF-8"));
            let detail = format!("No endpoint GET {path}.");
            assert_eq!(answer.value()["detail"], detail.as_str());
        }
    }
    let path = format!("/rest/api/3/{LICENSE}");
    for method in ["POST", "PUT", "DELETE", "PATCH", "BREW"] {
        let answer = site.server.call(method, &path).expect(405);
        let detail = format!("Method '{method}' is not supported.");
        assert_eq!(answer.value()["detail"], detail.as_str());
        assert_eq!(answer.header("allow"), Some("GET,HEAD,OPTIONS"));
    }
    let head = site.server.call("HEAD", &path).expect(200);
    assert!(head.body.is_empty());
    let options = site.server.call("OPTIONS", &path).expect(200);
    assert_eq!(
        options.header("content-type"),
        Some("text/html;charset=UTF-8")
    );
    assert_eq!(options.header("allow"), Some("GET,HEAD,OPTIONS"));
    site.server.anonymous("OPTIONS", &path).expect(401);
    site.server
        .anonymous("OPTIONS", "/rest/api/3/serverInfo")
        .expect(200);
}

#[test]
fn clients_may_send_what_they_like_beside_it() {
    let site = site();
    let answer = site
        .ask(TOTAL)
        .header("Content-Type", "application/json")
        .header("Accept", "application/json,*/*;q=0.9")
        .header("Cache-Control", "no-cache")
        .header("X-Atlassian-Token", "no-check")
        .expect(200);
    for name in [
        "etag",
        "last-modified",
        "age",
        "x-authentication-denied-reason",
    ] {
        assert_eq!(answer.header(name), None);
    }
    let fresh = "no-cache, no-store, no-transform";
    assert_eq!(answer.header("cache-control"), Some(fresh));
}

#[test]
fn a_census_may_be_as_old_as_it_was_allowed_to_be() {
    let site = site_with(&["--census-max-age", "7d"]);
    let total = || site.ask(TOTAL).expect(200).value()["value"].clone();
    assert_eq!(total(), "17");
    site.server.staff("jira-core", "late", 1);
    assert_eq!(total(), "17");
    let census = site.server.get("/v1/census");
    assert_eq!(census["accounts"], 17);
    assert!(
        census["age_seconds"]
            .as_i64()
            .is_some_and(|age| (0..60).contains(&age))
    );
    let taken = site.server.call("POST", "/v1/census").json(&json!({}));
    assert_eq!(taken.expect(200).value()["accounts"], 18);
    assert_eq!(total(), "18");
    let fresh = site_with(&[]);
    assert_eq!(fresh.ask(TOTAL).expect(200).value()["value"], "17");
    fresh.server.staff("jira-core", "late", 1);
    assert_eq!(fresh.ask(TOTAL).expect(200).value()["value"], "18");
}

#[test]
fn whoever_is_shut_does_not_count() {
    let site = site();
    let total = || site.ask(TOTAL).expect(200).value()["value"].clone();
    let set = |email: &str, status: &str| {
        let call = site
            .server
            .call("PATCH", &format!("/v1/accounts/{email}?force=true"));
        call.json(&json!({ "status": status })).expect(200);
    };
    set("clerk0@example.com", "deactivated");
    assert_eq!(total(), "16");
    set("clerk0@example.com", "active");
    assert_eq!(total(), "16", "the seat does not come back");
    set("root@example.com", "deactivated");
    site.ask(TOTAL).expect(401);
}

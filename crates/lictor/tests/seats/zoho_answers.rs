//! The Zoho dialect byte for byte: every kind of answer and of refusal, with its members in the
//! documented order.

use lictor_core::Plan;
use lictor_testkit::{Answer, Request};
use serde_json::{Value, json};

use crate::harness::{Server, Staff as _};

const JSON: &str = "application/json;charset=utf-8";
const LICENSES: &str = "/crm/v7/__features/user_licenses";

fn as_zoho(server: &Server, token: &str, path: &str) -> Request {
    let request = server.anonymous("GET", path);
    request.header("Authorization", &format!("Zoho-oauthtoken {token}"))
}

#[track_caller]
fn says(answer: &Answer, status: u16, body: &str) {
    assert_eq!((answer.status, answer.text()), (status, body), "{answer:?}");
    assert_eq!(answer.header("content-type"), Some(JSON), "{answer:?}");
}

fn failure(code: &str, details: &str, message: &str) -> String {
    format!(r#"{{"code":"{code}","details":{details},"message":"{message}","status":"error"}}"#)
}

#[test]
fn paths_versions_and_parameters_are_refused_byte_for_byte() {
    let server = Server::start();
    let data = |name: &str| {
        let message = format!("the value of {name} is not allowed");
        let details = format!(r#"{{"param_name":"{name}"}}"#);
        failure("INVALID_DATA", &details, &message)
    };
    let message = "Please check if the URL trying to access is a correct one";
    let no_path = failure("INVALID_URL_PATTERN", "{}", message);
    let message = "the module name given seems to be invalid";
    let module = failure("INVALID_MODULE", "{}", message);
    let version = |nearest: u32| {
        let details = format!(r#"{{"supported_version":{nearest}}}"#);
        failure(
            "API_NOT_SUPPORTED",
            &details,
            "api not supported in this version",
        )
    };
    for (path, status, body) in [
        ("/crm/v7/nothing", 404, &no_path),
        ("/crm/v7/ORG", 404, &no_path),
        ("/crm/V7/org", 404, &no_path),
        ("/crm/v7.0/org", 404, &no_path),
        ("/crm/v5/__features", 400, &version(6)),
        ("/crm/v9/__features/x", 400, &version(8)),
        ("/crm/v0/org", 400, &version(2)),
        ("/crm/v1/users?type=CurrentUser", 400, &version(2)),
        ("/crm/v9/users/actions/count", 400, &version(8)),
        ("/crm/v7/__features?module=%20", 400, &module),
        ("/crm/v7/__features/x?module=a-b", 400, &module),
        ("/crm/v7/__features?page=0", 400, &data("page")),
        ("/crm/v7/__features?per_page=201", 400, &data("per_page")),
        ("/crm/v7/__features?page_token=x", 400, &data("page_token")),
        ("/crm/v7/users", 400, &data("type")),
        ("/crm/v7/users?type=AllUsers", 400, &data("type")),
        ("/crm/v7/users/actions/count?type=", 400, &data("type")),
        (
            "/crm/v7/users/actions/count?type=activeusers",
            400,
            &data("type"),
        ),
    ] {
        says(&server.call("GET", path).send(), status, body);
    }
}

#[test]
fn callers_and_methods_are_refused_byte_for_byte() {
    let server = Server::start();
    server.account("ada@example.com");
    let narrow = server.token("ada@example.com", &["licenses:read"]);
    let nobody = failure("AUTHENTICATION_FAILURE", "{}", "Authentication failed");
    let unknown = failure("INVALID_TOKEN", "{}", "invalid oauth token");
    let message = "invalid oauth scope to access this URL";
    let scope = failure("OAUTH_SCOPE_MISMATCH", "{}", message);
    let message = "The http request method type is not a valid one";
    let method = failure("INVALID_REQUEST_METHOD", "{}", message);
    for path in [
        LICENSES,
        "/crm/v7/__features",
        "/crm/v7/__features/sso",
        "/crm/v7/users",
        "/crm/v7/users/actions/count",
        "/crm/v7/org",
    ] {
        says(&server.anonymous("GET", path).send(), 401, &nobody);
        says(&as_zoho(&server, "unknown", path).send(), 401, &unknown);
        says(&as_zoho(&server, &narrow, path).send(), 401, &scope);
        let posted = server.anonymous("POST", path).json(&json!({}));
        says(&posted.send(), 400, &method);
    }
}

#[test]
fn features_come_byte_for_byte() {
    let server = Server::start();
    server.install("crm", Some(10), Plan::Paid);
    server.staff("crm", "user", 7);
    let count = r#"{"components":null,"api_name":"user_licenses","parent_feature":null,"module_supported":false,"details":{"available_count":{"total":3},"used_count":{"total":7},"limits":{"total":10}},"feature_label":"UserLicenses"}"#;
    let plain = |name: &str| {
        format!(
            r#"{{"components":null,"api_name":"{name}","parent_feature":null,"module_supported":false,"details":null,"feature_label":"{name}"}}"#
        )
    };
    let (audit, sso) = (plain("audit"), plain("sso"));
    let page = |rows: &[&str], per_page: u32, page: u32, more: bool| {
        let (rows, count) = (rows.join(","), rows.len());
        format!(
            r#"{{"__features":[{rows}],"info":{{"per_page":{per_page},"count":{count},"page":{page},"more_records":{more}}}}}"#
        )
    };
    for (query, body) in [
        ("", page(&[count, &audit, &sso], 200, 1, false)),
        (
            "?page=1&per_page=200",
            page(&[count, &audit, &sso], 200, 1, false),
        ),
        ("?per_page=1", page(&[count], 1, 1, true)),
        ("?per_page=1&page=3", page(&[&sso], 1, 3, false)),
        ("?per_page=2&page=1", page(&[count, &audit], 2, 1, true)),
        ("?api_names=sso,audit", page(&[&audit, &sso], 200, 1, false)),
        (
            "?api_names=sso%2Cuser_licenses",
            page(&[count, &sso], 200, 1, false),
        ),
        (
            "?page=2&page=1&ignored=x",
            page(&[count, &audit, &sso], 200, 1, false),
        ),
        ("/sso", format!(r#"{{"__features":[{sso}]}}"#)),
        ("/%73so", format!(r#"{{"__features":[{sso}]}}"#)),
        ("/user_licenses", format!(r#"{{"__features":[{count}]}}"#)),
        (
            "/user_licenses?module=&page=0",
            format!(r#"{{"__features":[{count}]}}"#),
        ),
    ] {
        for version in [6, 7, 8] {
            let path = format!("/crm/v{version}/__features{query}");
            says(&server.call("GET", &path).send(), 200, &body);
        }
    }
    let bare = Server::start();
    let none = r#"{"__features":[{"components":null,"api_name":"user_licenses","parent_feature":null,"module_supported":false,"details":{"available_count":{"total":0},"used_count":{"total":0},"limits":{"total":0}},"feature_label":"UserLicenses"}]}"#;
    says(&bare.call("GET", LICENSES).send(), 200, none);
    bare.call("GET", "/crm/v7/__features/sso").expect(204);
}

#[test]
fn everybody_is_shown_the_same_figures() {
    let server = Server::start();
    server.install("crm", Some(10), Plan::Paid);
    server.staff("crm", "user", 7);
    server.account_of(&json!({ "email": "root@example.com", "administrator": true }));
    server.account("ada@example.com");
    let first = as_zoho(&server, &server.token("root@example.com", &[]), LICENSES).expect(200);
    for somebody in ["ada@example.com", "user1@example.com"] {
        let token = server.token(somebody, &["seats:read"]);
        let answer = as_zoho(&server, &token, LICENSES).expect(200);
        assert_eq!(answer.body, first.body);
    }
    assert_eq!(server.call("GET", LICENSES).send().body, first.body);
}

#[test]
fn the_current_user_comes_byte_for_byte() {
    let server = Server::start();
    let body = json!({ "email": "ada@example.com", "name": "Ada", "language": "pt_BR" });
    server.account_of(&body);
    let number = server.get("/v1/accounts/ada@example.com")["number"].to_string();
    let token = server.token("ada@example.com", &[]);
    let body = format!(
        r#"{{"users":[{{"id":"{number}","zuid":"{number}","email":"ada@example.com","full_name":"Ada","last_name":"Ada","language":"pt_BR","locale":"pt_BR","country_locale":"pt_BR","status":"active","confirm":true}}]}}"#
    );
    for version in 2..=8 {
        let path = format!("/crm/v{version}/users?type=CurrentUser&");
        says(&as_zoho(&server, &token, &path).send(), 200, &body);
    }
}

#[test]
fn the_organization_shows_what_was_bought_for_it() {
    let server = Server::start();
    let number = server.get("/v1/organizations/default")["number"].to_string();
    let org = |details: &str| {
        format!(
            r#"{{"org":[{{"id":"{number}","zgid":"{number}","company_name":"default","license_details":{{{details}}}}}]}}"#
        )
    };
    let end = r#""2199-01-01T00:00:00+00:00""#;
    let details = |paid: bool, seats: u32, trial: bool| {
        let (kind, paid_until) = if paid {
            ("enterprise", end)
        } else {
            ("free", "null")
        };
        let (trial, trial_until) = if trial {
            (r#""enterprise""#, end)
        } else {
            ("null", "null")
        };
        org(&format!(
            r#""paid_expiry":{paid_until},"users_license_purchased":{seats},"portal_users_license_purchased":0,"trial_type":{trial},"trial_expiry":{trial_until},"paid":{paid},"paid_type":"{kind}""#
        ))
    };
    let is = |body: String| {
        for version in 2..=8 {
            let path = format!("/crm/v{version}/org");
            says(&server.call("GET", &path).send(), 200, &body);
        }
    };
    is(details(false, 0, false));
    server.install("desk", Some(3), Plan::Free);
    is(details(false, 3, false));
    server.install("mail", Some(4), Plan::Trial);
    is(details(false, 7, true));
    server.install("crm", Some(10), Plan::Paid);
    is(details(true, 17, true));
    server.install("crm", None, Plan::Paid);
    is(details(true, 2_147_483_647, true));
    let licenses = server.get(LICENSES);
    assert_eq!(
        licenses["__features"][0]["details"]["limits"]["total"],
        2_147_483_647
    );
}

#[test]
fn sdks_may_send_what_they_like_beside_it() {
    let server = Server::start();
    server.account("ada@example.com");
    let token = server.token("ada@example.com", &[]);
    let plain = as_zoho(&server, &token, LICENSES).expect(200);
    let like_python = as_zoho(&server, &token, LICENSES)
        .header("X-ZOHO-SDK", "Linux/6.1/python-7.0/3.11.7:6.0.0")
        .header("Accept", "*/*")
        .header("Accept-Encoding", "gzip, deflate, br");
    let like_node = as_zoho(&server, &token, LICENSES)
        .header("x-zoho-sdk", "linux/6.1/nodejs-7.0/20.11.0:4.0.0")
        .header("Content-Length", "0");
    let with_body = as_zoho(&server, &token, LICENSES).body("text/plain", "{");
    for call in [like_python, like_node, with_body] {
        let answer = call.expect(200);
        assert_eq!(answer.body, plain.body);
        for name in [
            "content-encoding",
            "retry-after",
            "x-ratelimit-limit",
            "x-api-credits-remaining",
            "www-authenticate",
            "etag",
        ] {
            assert_eq!(answer.header(name), None, "{name}");
        }
    }
    let schemes = ["zoho-oauthtoken", "ZOHO-OAUTHTOKEN", "Bearer", "bearer"];
    for scheme in schemes {
        let call = server.anonymous("GET", LICENSES);
        call.header("Authorization", &format!("{scheme} {token}"))
            .expect(200);
    }
    let twice = as_zoho(&server, &token, LICENSES).header("Authorization", "Bearer x");
    assert_eq!(twice.expect(401).value()["code"], "AUTHENTICATION_FAILURE");
}

#[test]
fn used_and_active_agree_while_people_come_and_go_at_once() {
    let server = Server::start();
    server.install("crm", Some(5), Plan::Paid);
    server.staff("crm", "user", 0);
    let calls: Vec<Request> = (0..8)
        .flat_map(|number| {
            let email = format!("user{number}@example.com");
            server.account(&email);
            let seats = "/v1/applications/crm/seats";
            let assign = server.call("POST", seats);
            let release = server.call("DELETE", &format!("{seats}/{email}"));
            [assign.json(&json!({ "account": email })), release]
        })
        .collect();
    let licenses = server.call("GET", LICENSES);
    std::thread::scope(|scope| {
        for call in &calls {
            scope.spawn(move || (0..10).map(|_| call.send().status).max());
        }
        for _ in 0..20 {
            let details = licenses.send().value()["__features"][0]["details"].clone();
            let total = |name: &str| details[name]["total"].as_u64().expect("a number");
            let used = total("used_count");
            assert!(
                used <= 5 && total("available_count") == 5 - used,
                "{details}"
            );
        }
    });
    let used = server.get(LICENSES)["__features"][0]["details"]["used_count"].clone();
    let active = server.get("/crm/v7/users/actions/count?type=ActiveUsers");
    assert_eq!(active["count"], used["total"]);
    let seats = server.get("/v1/applications/crm/seats");
    let held = seats["data"].as_array().map(Vec::len);
    assert_eq!(
        Some(held.map_or(Value::Null, Value::from)),
        Some(used["total"].clone())
    );
}

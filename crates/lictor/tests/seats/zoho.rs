//! The Zoho dialect: every row of what its SDKs rely on, tokens from elsewhere.

use lictor_core::Plan;
use lictor_testkit::{Answer, Request};
use serde_json::{Value, json};

use crate::harness::{Server, Staff as _};

const LICENSES: &str = "/crm/v7/__features/user_licenses";
const JSON: &str = "application/json;charset=utf-8";
const SAMPLE: &str = r#"{"__features":[{"components":null,"api_name":"user_licenses","parent_feature":null,"module_supported":false,"details":{"available_count":{"total":3},"used_count":{"total":7},"limits":{"total":10}},"feature_label":"UserLicenses"}]}"#;

/// Ten seats bought, seven in use, and the token of somebody who may ask.
fn org() -> (Server, String) {
    let server = Server::start();
    server.install("crm", Some(10), Plan::Paid);
    server.staff("crm", "user", 7);
    let scopes = ["seats:read", "accounts:read", "organizations:read"];
    let token = server.token("user0@example.com", &scopes);
    (server, token)
}

fn ask(server: &Server, token: &str, path: &str) -> Request {
    let request = server.anonymous("GET", path);
    request.header("Authorization", &format!("Zoho-oauthtoken {token}"))
}

/// Asserts a failure with all four keys, and gives its details.
#[track_caller]
fn fails(answer: &Answer, status: u16, code: &str, message: &str) -> Value {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some(JSON));
    let body = answer.value();
    assert_eq!(body["code"], code, "{answer:?}");
    assert_eq!(body["status"], "error");
    assert_eq!(body["message"], message, "{answer:?}");
    assert!(body["details"].is_object());
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(4));
    body["details"].clone()
}

#[test]
fn the_license_count_comes_byte_for_byte() {
    let (server, token) = org();
    for version in [6, 7, 8] {
        let path = LICENSES.replace("v7", &format!("v{version}"));
        let answer = ask(&server, &token, &format!("{path}?ignored=1")).expect(200);
        assert_eq!(answer.text(), SAMPLE);
        assert_eq!(answer.header("content-type"), Some(JSON));
    }
    let bearer = server.anonymous("GET", LICENSES).token(&token).expect(200);
    assert_eq!(bearer.text(), SAMPLE);
}

#[test]
fn refusals_come_in_the_documented_order() {
    let (server, token) = org();
    let path = "Please check if the URL trying to access is a correct one";
    for wrong in ["/crm", "/crm/v7", "/crm/7/org", "/crm/v7/org/x", "/oauth"] {
        let post = server.anonymous("POST", wrong).send();
        fails(&post, 404, "INVALID_URL_PATTERN", path);
    }
    let method = "The http request method type is not a valid one";
    for verb in ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] {
        let answer = server.anonymous(verb, &LICENSES.replace("v7", "v1")).send();
        if verb == "HEAD" {
            assert_eq!(answer.status, 400);
            continue;
        }
        fails(&answer, 400, "INVALID_REQUEST_METHOD", method);
    }
    let version = "api not supported in this version";
    for (number, nearest) in [
        ("v1", 6),
        ("v5", 6),
        ("v9", 8),
        ("v99999999999999999999", 8),
    ] {
        let answer = server
            .anonymous("GET", &LICENSES.replace("v7", number))
            .send();
        let details = fails(&answer, 400, "API_NOT_SUPPORTED", version);
        assert_eq!(details["supported_version"], nearest);
    }
    for none in [
        server.anonymous("GET", LICENSES),
        server
            .anonymous("GET", LICENSES)
            .header("Authorization", &token),
        server
            .anonymous("GET", LICENSES)
            .header("Authorization", "Zoho-oauthtoken "),
        server
            .anonymous("GET", LICENSES)
            .header("Authorization", "Basic eDp5"),
        server.anonymous("GET", &format!("{LICENSES}?access_token={token}")),
    ] {
        let answer = none.send();
        fails(
            &answer,
            401,
            "AUTHENTICATION_FAILURE",
            "Authentication failed",
        );
    }
    let unknown = ask(&server, "1000.unknown", LICENSES).send();
    fails(&unknown, 401, "INVALID_TOKEN", "invalid oauth token");
    let narrow = server.token("user1@example.com", &["licenses:read"]);
    for path in [
        LICENSES,
        "/crm/v2/org",
        "/crm/v2/users?type=X",
        "/crm/v7/__features?page=0",
    ] {
        let answer = ask(&server, &narrow, path).send();
        let message = "invalid oauth scope to access this URL";
        fails(&answer, 401, "OAUTH_SCOPE_MISMATCH", message);
    }
}

#[test]
fn a_dead_token_is_invalid() {
    let (server, token) = org();
    let shut = server.call("PATCH", "/v1/accounts/user0@example.com");
    shut.json(&json!({ "status": "deactivated" })).expect(200);
    let answer = ask(&server, &token, LICENSES).send();
    fails(&answer, 401, "INVALID_TOKEN", "invalid oauth token");
    let other = server.tenant("other").admin;
    let foreign = ask(&server, &other, LICENSES).expect(200).value();
    let details = &foreign["__features"][0]["details"];
    assert_eq!(details["limits"]["total"], 0, "its own organization's");
}

#[test]
fn the_figures_have_no_negative_and_no_endless_numbers() {
    let (server, token) = org();
    let totals = || {
        let body = ask(&server, &token, LICENSES).expect(200).value();
        let details = body["__features"][0]["details"].clone();
        ["limits", "used_count", "available_count"]
            .map(|name| details[name]["total"].as_i64().expect("a number"))
    };
    server.install("crm", Some(5), Plan::Paid);
    assert_eq!(totals(), [5, 7, 0]);
    server.install("more", Some(3), Plan::Paid);
    assert_eq!(totals(), [8, 7, 3]);
    server.install("endless", None, Plan::Paid);
    assert_eq!(totals(), [2_147_483_647, 7, 2_147_483_640]);
    server.install("endless", Some(2_147_483_647), Plan::Paid);
    assert_eq!(totals(), [2_147_483_647, 7, 2_147_483_647]);
}

#[test]
fn the_label_follows_the_owners_language() {
    let (server, token) = org();
    let mut labels = std::collections::BTreeSet::new();
    for language in [
        "in_ID", "zh_CN", "zh_TW", "da_DK", "de_DE", "en_GB", "en_US", "es_ES", "fr_FR", "iw_IL",
        "hr_HR", "it_IT", "hu_HU", "nl_NL", "pl_PL", "pt_BR", "pt_PT", "sv_SE", "vi_VN", "tr_TR",
        "cs_CZ", "bg_BG", "ru_RU", "ar_EG", "hi_IN", "th_TH", "ja_JP", "ko_KR",
    ] {
        let set = server.call("PATCH", "/v1/accounts/user0@example.com");
        set.json(&json!({ "language": language })).expect(200);
        let ask = ask(&server, &token, LICENSES).header("Accept-Language", "fr");
        let body = ask.expect(200).value();
        let feature = &body["__features"][0];
        assert_eq!(feature["api_name"], "user_licenses");
        let label = feature["feature_label"]
            .as_str()
            .expect("a label")
            .to_owned();
        assert_eq!(
            label == "UserLicenses",
            language.starts_with("en"),
            "{language}"
        );
        labels.insert(label);
    }
    assert_eq!(labels.len(), 27, "the two English ones have one");
}

#[test]
fn features_are_listed_and_found() {
    let (server, token) = org();
    let list = |query: &str| ask(&server, &token, &format!("/crm/v7/__features{query}"));
    let names = |answer: &Answer| {
        let body = answer.value();
        let rows = body["__features"].as_array().expect("rows").iter();
        rows.map(|row| row["api_name"].as_str().expect("a name").to_owned())
            .collect::<Vec<_>>()
    };
    let all = list("").expect(200);
    assert_eq!(names(&all), ["user_licenses", "audit", "sso"]);
    let info = r#""info":{"per_page":200,"count":3,"page":1,"more_records":false}}"#;
    assert!(all.text().ends_with(info), "{all:?}");
    let second = list("?per_page=2&page=2").expect(200);
    assert_eq!(names(&second), ["sso"]);
    for number in ["2.0", "2e0"] {
        let same = list(&format!("?per_page={number}&page={number}")).expect(200);
        assert_eq!(names(&same), ["sso"], "{number}");
    }
    let first = list("?per_page=2").expect(200);
    assert_eq!(first.value()["info"]["more_records"], true);
    assert_eq!(
        names(&list("?api_names=sso%2Cnothing").expect(200)),
        ["sso"]
    );
    for empty in [
        "?api_names=nothing",
        "?page=3",
        "?module=Leads",
        "/nothing",
        "/sso?module=Leads",
    ] {
        let answer = list(empty).expect(204);
        assert!(answer.body.is_empty() && answer.header("content-type").is_none());
    }
    let one = list("/sso").expect(200).value();
    assert_eq!(one["__features"][0]["api_name"], "sso");
    assert_eq!(one.get("info"), None);
    let module = "the module name given seems to be invalid";
    for wrong in [
        "?module=",
        "?module=a%20b",
        "?module=abcdefghijklmnopqrstuvwxyz",
    ] {
        fails(&list(wrong).send(), 400, "INVALID_MODULE", module);
    }
    for (wrong, name) in [
        ("?page=0", "page"),
        ("?page=x", "page"),
        ("?page=-1", "page"),
        ("?page=99999999999999999999", "page"),
        ("?page=11", "page"),
        ("?per_page=201", "per_page"),
        ("?per_page=0", "per_page"),
        ("?page_token=x", "page_token"),
    ] {
        let answer = list(wrong).expect(400).value();
        assert_eq!(
            (&answer["code"], &answer["details"]["param_name"]),
            (&json!("INVALID_DATA"), &json!(name))
        );
    }
}

#[test]
fn the_current_user_and_the_organization_are_known() {
    let (server, token) = org();
    let user = ask(&server, &token, "/crm/v7/users?type=CurrentUser&")
        .expect(200)
        .value();
    let user = &user["users"][0];
    assert_eq!(user["email"], "user0@example.com");
    let account = server.get("/v1/accounts/user0@example.com");
    assert_eq!(user["id"], account["number"].to_string().as_str());
    for name in ["language", "locale", "country_locale"] {
        assert_eq!(user[name], "en_US");
    }
    ask(&server, &token, "/crm/v7/users").expect(400);
    let nobodys = server
        .call("GET", "/crm/v7/users?type=CurrentUser")
        .expect(204);
    assert!(nobodys.body.is_empty());
    let org = ask(&server, &token, "/crm/v7/org").expect(200).value();
    let org = &org["org"][0];
    let organization = server.get("/v1/organizations/default");
    assert_eq!(org["zgid"], organization["number"].to_string().as_str());
    let details = &org["license_details"];
    assert_eq!(details["users_license_purchased"], 10);
    assert_eq!(
        (&details["paid"], &details["paid_type"]),
        (&json!(true), &json!("enterprise"))
    );
    assert_eq!(details["paid_expiry"], "2199-01-01T00:00:00+00:00");
    assert_eq!(details["trial_type"], Value::Null);
}

#[test]
fn users_are_counted_by_type() {
    let (server, token) = org();
    server.account_of(&json!({ "email": "i@example.com", "status": "invited" }));
    server.account_of(&json!({ "email": "a@example.com", "administrator": true }));
    server.account_of(&json!({ "email": "s@example.com", "kind": "service" }));
    server.account("shut@example.com");
    let shut = server.call("PATCH", "/v1/accounts/shut@example.com");
    shut.json(&json!({ "status": "deactivated" })).expect(200);
    server.account("gone@example.com");
    server
        .call("DELETE", "/v1/accounts/gone@example.com")
        .expect(204);
    let count = |kind: &str| {
        let path = format!("/crm/v2/users/actions/count?type={kind}");
        ask(&server, &token, &path).send()
    };
    for (kind, figure) in [
        ("AllUsers", 10),
        ("ActiveUsers", 7),
        ("DeactiveUsers", 1),
        ("ConfirmedUsers", 8),
        ("NotConfirmedUsers", 1),
        ("DeletedUsers", 1),
        ("ActiveConfirmedUsers", 7),
        ("AdminUsers", 1),
        ("ActiveConfirmedAdmins", 0),
        ("CurrentUser", 1),
    ] {
        assert_eq!(
            count(kind).text(),
            format!(r#"{{"count":{figure}}}"#),
            "{kind}"
        );
    }
    assert_eq!(count("Others").status, 400);
}

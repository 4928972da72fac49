//! `/oauth/v2` where all is well: what clients are handed for what, in every encoding, and what
//! that opens.

use lictor_core::Plan;
use lictor_testkit::{Answer, Request};
use serde_json::json;

use crate::harness::{Server, Staff as _};
use crate::oauth::{Client, ENCODINGS, Encoding, JSON, SCOPES, member, revoke, says, soid, token};

const PUBLIC: &str = "https://licenses.example.com";
const NAMES: &str = "ZohoCRM.features.READ ZohoCRM.users.READ ZohoCRM.org.READ";
const LICENSES: &str = "/crm/v7/__features/user_licenses";

/// `1000.` and twice 32 hex digits.
fn is_credential(text: &str) -> bool {
    let hex = |part: &str| {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        part.len() == 32 && part.bytes().all(digit)
    };
    let parts: Vec<&str> = text.split('.').collect();
    matches!(parts.as_slice(), ["1000", first, second] if hex(first) && hex(second))
}

/// Asserts a success with this scope, its members in the documented order, and gives the access
/// token.
#[track_caller]
fn hands_out(answer: &Answer, with_refresh_token: bool, scope: &str, api_domain: &str) -> String {
    let access = member(answer, "access_token");
    assert!(is_credential(&access), "{access}");
    let refresh = if with_refresh_token {
        let refresh = member(answer, "refresh_token");
        assert!(is_credential(&refresh) && refresh != access, "{refresh}");
        format!(r#""refresh_token":"{refresh}","#)
    } else {
        String::new()
    };
    let body = format!(
        r#"{{"access_token":"{access}",{refresh}"scope":"{scope}","api_domain":"{api_domain}","token_type":"Bearer","expires_in":3600}}"#
    );
    says(answer, 200, &body);
    access
}

fn as_zoho(server: &Server, token: &str, path: &str) -> Request {
    let request = server.anonymous("GET", path);
    request.header("Authorization", &format!("Zoho-oauthtoken {token}"))
}

#[test]
fn every_grant_is_handed_out_in_every_encoding() {
    let server = Server::with(&["--public-url", PUBLIC]);
    let client = Client::plain(&server);
    let letter = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let behind = client.client_id.strip_prefix("1000.").expect("the prefix");
    assert!(behind.len() == 30 && behind.bytes().all(letter), "{behind}");
    assert!(is_credential(&client.code) && is_credential(&client.refresh_token));
    let soid = soid(&server);
    for encoding in ENCODINGS {
        let code = client.another_code(&server);
        let redirect = ("redirect_uri", "https://example.com/callback?a=b&c");
        let others = [("code", code.as_str()), redirect];
        let parameters = client.signed("authorization_code", &others);
        let answer = token(&server, encoding, &parameters).send();
        let access = hands_out(&answer, true, NAMES, PUBLIC);
        as_zoho(&server, &access, LICENSES).expect(200);
        let refresh = [("refresh_token", client.refresh_token.as_str())];
        let parameters = client.signed("refresh_token", &refresh);
        let answer = token(&server, encoding, &parameters).send();
        hands_out(&answer, false, NAMES, PUBLIC);
        let wanted = [
            ("scope", "ZohoCRM.org.READ,ZohoCRM.features.READ"),
            ("soid", soid.as_str()),
        ];
        let parameters = client.signed("client_credentials", &wanted);
        let answer = token(&server, encoding, &parameters).send();
        let scope = "ZohoCRM.features.READ ZohoCRM.org.READ";
        hands_out(&answer, false, scope, PUBLIC);
    }
}

#[test]
fn the_api_domain_is_where_the_server_listens_unless_it_is_set() {
    let server = Server::start();
    let client = Client::plain(&server);
    hands_out(&client.refresh(&server), false, NAMES, &server.url);
    let slash = Server::with(&["--public-url", "https://licenses.example.com/"]);
    let client = Client::plain(&slash);
    hands_out(&client.refresh(&slash), false, NAMES, PUBLIC);
}

#[test]
fn a_token_is_given_back_in_every_encoding_and_once() {
    let server = Server::start();
    for encoding in ENCODINGS {
        let client = Client::plain(&server);
        let (first, second) = (client.access(&server), client.access(&server));
        let success = r#"{"status":"success"}"#;
        let invalid = r#"{"error":"invalid_token"}"#;
        says(&revoke(&server, encoding, &first).send(), 200, success);
        says(&revoke(&server, encoding, &first).send(), 400, invalid);
        as_zoho(&server, &first, LICENSES).expect(401);
        as_zoho(&server, &second, LICENSES).expect(200);
        let refresh = &client.refresh_token;
        says(&revoke(&server, encoding, refresh).send(), 200, success);
        as_zoho(&server, &second, LICENSES).expect(401);
        let refused = r#"{"error":"invalid_code"}"#;
        says(&client.refresh(&server), 200, refused);
        for dead in [refresh, &second, "", "unknown", &client.secret] {
            says(&revoke(&server, encoding, dead).send(), 400, invalid);
        }
    }
}

#[test]
fn an_access_token_opens_what_its_scopes_say_in_every_dialect() {
    let server = Server::start();
    server.install("crm", Some(10), Plan::Paid);
    let client = Client::new(&server, &json!({ "scopes": ["seats:read", "census"] }));
    let answer = client.refresh(&server);
    assert_eq!(
        member(&answer, "scope"),
        "ZohoCRM.features.READ census",
        "what has no name there keeps ours"
    );
    let access = member(&answer, "access_token");
    for (path, status) in [
        (LICENSES, 200),
        ("/crm/v7/org", 401),
        ("/v1/counts", 200),
        ("/v1/census", 200),
        ("/v1/licenses", 403),
        ("/v1/clients", 403),
        ("/v1/organizations/default", 403),
        ("/rest/api/3/license/approximateLicenseCount", 200),
        ("/rest/api/3/instance/license", 401),
        ("/licenses", 403),
    ] {
        server.anonymous("GET", path).token(&access).expect(status);
    }
    let taken = server.anonymous("POST", "/v1/census").token(&access);
    taken.json(&json!({})).expect(200);
    let narrow = member(&client.credentials(&server, "seats:read"), "access_token");
    server
        .anonymous("GET", "/v1/counts")
        .token(&narrow)
        .expect(200);
    server
        .anonymous("GET", "/v1/census")
        .token(&narrow)
        .expect(403);
}

#[test]
fn a_clients_own_credentials_are_narrowed_and_never_widened() {
    let server = Server::start();
    let client = Client::plain(&server);
    for (asked, shown) in [
        ("", NAMES),
        ("ZohoCRM.features.READ", "ZohoCRM.features.READ"),
        ("ZohoCRM.Users.READ", "ZohoCRM.users.READ"),
        ("seats:read", "ZohoCRM.features.READ"),
        (
            "ZohoCRM.org.READ ZohoCRM.users.READ",
            "ZohoCRM.users.READ ZohoCRM.org.READ",
        ),
    ] {
        hands_out(
            &client.credentials(&server, asked),
            false,
            shown,
            &server.url,
        );
    }
    for wider in [
        "seats",
        "seats:write",
        "licenses:read",
        "ZohoCRM.features.READ,tokens",
        "ZohoCRM.modules.ALL",
        "x",
    ] {
        let refused = r#"{"error":"invalid_scope"}"#;
        says(&client.credentials(&server, wider), 200, refused);
    }
}

#[test]
fn a_client_acts_for_its_account_in_that_ones_language() {
    let server = Server::start();
    let account = json!({ "email": "ada@example.com", "language": "de_DE" });
    server.account_of(&account);
    let body = json!({ "scopes": SCOPES, "account": "ADA@example.com" });
    let client = Client::new(&server, &body);
    let access = client.access(&server);
    let user = as_zoho(&server, &access, "/crm/v7/users?type=CurrentUser").expect(200);
    assert_eq!(user.value()["users"][0]["email"], "ada@example.com");
    let licenses = as_zoho(&server, &access, LICENSES).expect(200).value();
    assert_eq!(
        licenses["__features"][0]["feature_label"],
        "Benutzerlizenzen"
    );
    let nobodys = Client::plain(&server).access(&server);
    as_zoho(&server, &nobodys, "/crm/v7/users?type=CurrentUser").expect(204);
}

#[test]
fn a_client_for_one_application_sees_that_one() {
    let server = Server::start();
    server.install("crm", Some(10), Plan::Paid);
    server.install("desk", Some(5), Plan::Paid);
    server.staff("crm", "user", 7);
    server.staff("desk", "agent", 2);
    let body = json!({ "scopes": SCOPES, "application": "desk" });
    let access = Client::new(&server, &body).access(&server);
    let licenses = as_zoho(&server, &access, LICENSES).expect(200).value();
    let details = json!({ "available_count": { "total": 3 }, "used_count": { "total": 2 },
        "limits": { "total": 5 } });
    assert_eq!(licenses["__features"][0]["details"], details);
    let org = as_zoho(&server, &access, "/crm/v7/org").expect(200).value();
    let purchased = &org["org"][0]["license_details"]["users_license_purchased"];
    assert_eq!(*purchased, 5);
    let native = |path: &str| server.anonymous("GET", path).token(&access).send();
    let counts = native("/v1/counts").value();
    assert_eq!(counts["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(counts["data"][0]["application"], "desk");
    for (path, status) in [
        ("/v1/applications/desk/seats", 200),
        ("/v1/applications/crm/seats", 404),
        ("/v1/counts?application=crm", 404),
        ("/v1/refusals", 403),
    ] {
        assert_eq!(native(path).status, status, "{path}");
    }
    let held = native("/v1/accounts/user0@example.com/seats").value();
    assert_eq!(held["data"], json!([]));
    for wrong in [
        json!({ "scopes": ["licenses:read"], "application": "desk" }),
        json!({ "scopes": ["seats"], "application": "desk" }),
    ] {
        let refused = server.call("POST", "/v1/clients").json(&wrong).send();
        assert_eq!(refused.problem(400, "invalid-input")["field"], "scopes");
    }
    let absent = json!({ "scopes": SCOPES, "application": "absent" });
    let refused = server.call("POST", "/v1/clients").json(&absent).send();
    assert_eq!(refused.problem(404, "not-found")["kind"], "application");
}

#[test]
fn what_was_handed_out_outlives_a_crash() {
    let server = Server::start();
    let client = Client::plain(&server);
    let (access, dead) = (client.access(&server), client.access(&server));
    revoke(&server, Encoding::Form, &dead).expect(200);
    let exchanged = client.exchange(&server, &client.code);
    let server = server.restart();
    as_zoho(&server, &access, LICENSES).expect(200);
    as_zoho(&server, &dead, LICENSES).expect(401);
    let by_code = member(&exchanged, "access_token");
    as_zoho(&server, &by_code, LICENSES).expect(200);
    client.access(&server);
    let again = client.exchange(&server, &client.code);
    says(&again, 200, r#"{"error":"invalid_code"}"#);
    as_zoho(&server, &by_code, LICENSES).expect(401);
    assert_eq!(again.header("content-type"), Some(JSON));
}

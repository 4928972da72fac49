//! Clients that name themselves by HTTP Basic at `/oauth/v2`, as libraries of OAuth 2.0 do unless they
//! are told otherwise; and scopes by the vendor's names wherever a client or a token is made.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lictor_testkit::{Answer, Request};
use serde_json::json;

use crate::harness::{Server, Staff as _};
use crate::oauth::{
    Client, ENCODINGS, Encoding, Parameters, member, revoke, revoke_as, says, token,
};

const NAMES: &str = "ZohoCRM.features.READ ZohoCRM.users.READ ZohoCRM.org.READ";

fn as_basic(request: Request, scheme: &str, id: &str, secret: &str) -> Request {
    let credential = BASE64_STANDARD.encode(format!("{id}:{secret}"));
    request.header("Authorization", &format!("{scheme} {credential}"))
}

/// Every byte as its escape, which RFC 6749 §2.3.1 allows for any.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn refresh<'a>(client: &'a Client, more: &Parameters<'a>) -> Vec<(&'a str, &'a str)> {
    let mut all = vec![
        ("grant_type", "refresh_token"),
        ("refresh_token", client.refresh_token.as_str()),
    ];
    all.extend(more);
    all
}

#[track_caller]
fn hands_out(answer: &Answer) -> String {
    assert_eq!(member(answer, "scope"), NAMES, "{answer:?}");
    member(answer, "access_token")
}

#[track_caller]
fn refuses(answer: &Answer, word: &str) {
    says(answer, 200, &format!(r#"{{"error":"{word}"}}"#));
}

#[test]
fn a_client_may_name_itself_by_basic_in_every_encoding() {
    let server = Server::start();
    for encoding in ENCODINGS {
        let client = Client::plain(&server);
        let (id, secret) = (client.client_id.as_str(), client.secret.as_str());
        let ask = |more: &Parameters<'_>| token(&server, encoding, &refresh(&client, more));
        let (long_id, long_secret) = (escaped(id), escaped(secret));
        for call in [
            as_basic(ask(&[]), "Basic", id, secret),
            as_basic(ask(&[]), "basic", &long_id, &long_secret),
            as_basic(ask(&[("client_id", id)]), "BASIC", id, secret),
            as_basic(ask(&[("client_secret", "")]), "Basic", id, secret),
            as_basic(
                ask(&[("client_id", id), ("client_secret", secret)]),
                "Basic",
                &long_id,
                secret,
            ),
            // Another scheme is nobody's business here.
            ask(&[("client_id", id), ("client_secret", secret)]).token("wrong"),
        ] {
            hands_out(&call.send());
        }
        let code = client.another_code(&server);
        let parameters = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
        ];
        let call = token(&server, encoding, &parameters);
        let access = hands_out(&as_basic(call, "Basic", id, secret).send());
        let call = as_basic(revoke(&server, encoding, &access), "Basic", id, secret);
        says(&call.send(), 200, r#"{"status":"success"}"#);
    }
}

#[test]
fn a_client_that_names_itself_in_two_ways_is_none() {
    let server = Server::start();
    let client = Client::plain(&server);
    let other = Client::plain(&server);
    let (id, secret) = (client.client_id.as_str(), client.secret.as_str());
    for encoding in ENCODINGS {
        let ask = |more: &Parameters<'_>| token(&server, encoding, &refresh(&client, more));
        for call in [
            as_basic(ask(&[("client_id", &other.client_id)]), "Basic", id, secret),
            as_basic(ask(&[("client_secret", "wrong")]), "Basic", id, secret),
            as_basic(
                ask(&[("client_id", id), ("client_secret", secret)]),
                "Basic",
                id,
                "wrong",
            ),
            as_basic(as_basic(ask(&[]), "Basic", id, secret), "basic", id, secret),
            ask(&[("client_id", id), ("client_secret", secret)])
                .header("Authorization", "Basic !!!"),
            ask(&[]).header("Authorization", "Basic bm8gY29sb24="),
            as_basic(ask(&[]), "Basic", "%ff", secret),
            as_basic(ask(&[]), "Basic", "", secret),
            as_basic(ask(&[]), "Basic", "1000.NOBODY", secret),
        ] {
            refuses(&call.send(), "invalid_client");
        }
    }
    let ask = || token(&server, Encoding::Form, &refresh(&client, &[]));
    for wrong in ["", "wrong"] {
        let call = as_basic(ask(), "Basic", id, wrong);
        refuses(&call.send(), "invalid_client_secret");
    }
}

#[test]
fn a_client_that_revokes_is_who_it_says_or_nothing_is_revoked() {
    let server = Server::start();
    for encoding in ENCODINGS {
        let client = Client::plain(&server);
        let other = Client::plain(&server);
        let (id, secret) = (client.client_id.as_str(), client.secret.as_str());
        let access = client.access(&server);
        let ask = |more: &Parameters<'_>| revoke_as(&server, encoding, &access, more);
        let by_basic = |id: &str, secret: &str| as_basic(ask(&[]), "Basic", id, secret);
        for (call, status, word) in [
            // In both places and different.
            (
                as_basic(ask(&[("client_id", &other.client_id)]), "Basic", id, secret),
                401,
                "invalid_client",
            ),
            (
                as_basic(ask(&[("client_secret", "wrong")]), "Basic", id, secret),
                401,
                "invalid_client",
            ),
            // Another's, nobody's, half a one.
            (by_basic(id, "wrong"), 401, "invalid_client_secret"),
            (by_basic(id, &other.secret), 401, "invalid_client_secret"),
            (by_basic("1000.NOBODY", secret), 401, "invalid_client"),
            (by_basic(id, ""), 401, "invalid_client_secret"),
            (by_basic("", secret), 401, "invalid_client"),
            (
                ask(&[("client_id", id), ("client_secret", "wrong")]),
                401,
                "invalid_client_secret",
            ),
            (
                ask(&[("client_id", "1000.NOBODY"), ("client_secret", secret)]),
                401,
                "invalid_client",
            ),
            (ask(&[("client_id", id)]), 401, "invalid_client_secret"),
            (ask(&[("client_secret", secret)]), 401, "invalid_client"),
            (
                ask(&[]).header("Authorization", "Basic !!!"),
                401,
                "invalid_client",
            ),
            // A client that is who it says, of a token that is another's.
            (
                by_basic(&other.client_id, &other.secret),
                400,
                "invalid_token",
            ),
        ] {
            let answer = call.send();
            says(&answer, status, &format!(r#"{{"error":"{word}"}}"#));
            let scheme = answer.header("www-authenticate");
            assert_eq!(scheme.is_some(), status == 401, "{answer:?}");
            server
                .anonymous("GET", "/crm/v2/org")
                .token(&access)
                .expect(200);
        }
        let own = ask(&[("client_id", id), ("client_secret", secret)]);
        says(&own.send(), 200, r#"{"status":"success"}"#);
        let ended = server.anonymous("GET", "/crm/v2/org").token(&access);
        ended.expect(401);
    }
}

#[test]
fn who_fails_too_often_to_revoke_has_to_wait() {
    let server = Server::start();
    let client = Client::plain(&server);
    let access = client.access(&server);
    let ask = |secret: &str| {
        let call = revoke(&server, Encoding::Form, &access);
        as_basic(call, "Basic", &client.client_id, secret).send()
    };
    for _ in 0..10 {
        assert_eq!(ask("wrong").status, 401);
    }
    let answer = ask(&client.secret);
    assert_eq!(answer.status, 429, "{answer:?}");
    assert_eq!(member(&answer, "error"), "Access Denied");
}

#[test]
fn a_scope_may_be_given_by_the_vendors_name_wherever_one_is() {
    let server = Server::start();
    let names = [
        "ZohoCRM.features.READ",
        "zohocrm.Users.read",
        "ZohoCRM.org.READ",
    ];
    let client = Client::new(&server, &json!({ "scopes": names }));
    let shown = server.get(&format!("/v1/clients/{}", client.client_id));
    let ours = json!(["seats:read", "accounts:read", "organizations:read"]);
    assert_eq!(shown["scopes"], ours);
    hands_out(&client.refresh(&server));
    server.account("ada@example.com");
    let body = json!({ "account": "ada@example.com", "scopes": names });
    let made = server.post("/v1/tokens", &body);
    assert_eq!(made["scopes"], ours);
    let secret = made["secret"].as_str().expect("a secret");
    for (path, status) in [
        ("/crm/v7/__features/user_licenses", 200),
        ("/crm/v2.1/org", 200),
        ("/v1/licenses", 403),
    ] {
        server.anonymous("GET", path).token(secret).expect(status);
    }
    for (path, body) in [
        ("/v1/clients", json!({ "scopes": ["ZohoCRM.users.ALL"] })),
        (
            "/v1/tokens",
            json!({ "role": "admin", "scopes": ["ZohoCRM.modules.READ"] }),
        ),
    ] {
        let refused = server.call("POST", path).json(&body).expect(400);
        for name in [
            "ZohoCRM.features.READ",
            "ZohoCRM.users.READ",
            "ZohoCRM.org.READ",
        ] {
            assert!(refused.text().contains(name), "{refused:?}");
        }
    }
}

#[test]
fn version_2_1_is_version_2_and_has_no_license_count() {
    let server = Server::start();
    for path in [
        "org",
        "users/actions/count",
        "users/actions/count/?type=AllUsers",
    ] {
        let of = |version: &str| {
            let answer = server.call("GET", &format!("/crm/{version}/{path}"));
            answer.expect(200).text().to_owned()
        };
        assert_eq!(of("v2.1"), of("v2"), "{path}");
    }
    let user = server.call("GET", "/crm/v2.1/users?type=CurrentUser");
    user.expect(204);
    for path in ["__features/user_licenses", "__features", "__features/sso/"] {
        let answer = server.call("GET", &format!("/crm/v2.1/{path}")).expect(400);
        assert_eq!(answer.value()["code"], "API_NOT_SUPPORTED");
        assert_eq!(answer.value()["details"]["supported_version"], 6);
    }
    for version in ["v2.10", "v2.0", "v2.1.0", "v3.1", "v7.1", "v8.", "V2.1"] {
        server
            .call("GET", &format!("/crm/{version}/org"))
            .expect(404);
    }
}

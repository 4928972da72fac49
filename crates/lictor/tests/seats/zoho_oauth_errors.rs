//! `/oauth/v2` where it refuses: HTTP 200 with the member `error`, which is all that SDKs look at.

use serde_json::json;

use crate::harness::{Server, Staff as _};
use crate::oauth::{
    Client, ENCODINGS, Encoding, Parameters, SCOPES, member, revoke, says, soid, token,
};

const INVALID_CODE: &str = r#"{"error":"invalid_code"}"#;
const THROTTLED: &str = r#"{"error_description":"You have made too many requests continuously. Please try again after some time.","error":"Access Denied"}"#;

fn refusal(word: &str) -> String {
    format!(r#"{{"error":"{word}"}}"#)
}

/// Asks for tokens in every encoding, each of which must be refused by this word.
#[track_caller]
fn refuses(server: &Server, parameters: &Parameters<'_>, word: &str) {
    for encoding in ENCODINGS {
        let answer = token(server, encoding, parameters).send();
        says(&answer, 200, &refusal(word));
    }
}

fn is_live(server: &Server, access: &str) -> bool {
    let path = "/crm/v7/__features/user_licenses";
    let answer = server.anonymous("GET", path).token(access).send();
    assert!(matches!(answer.status, 200 | 401), "{answer:?}");
    answer.status == 200
}

#[test]
fn every_sign_in_that_is_refused_has_its_word_in_every_encoding() {
    let server = Server::start();
    let client = Client::plain(&server);
    let (id, secret) = (client.client_id.as_str(), client.secret.as_str());
    let unknown = "1000.ABCDEFGHJKLMNPQRSTUVWXYZ234567";
    let refresh = [("refresh_token", client.refresh_token.as_str())];
    for (parameters, word) in [
        (vec![], "invalid_client"),
        (vec![("client_id", id)], "invalid_client_secret"),
        (
            vec![("client_id", ""), ("client_secret", secret)],
            "invalid_client",
        ),
        (
            vec![("client_id", id), ("client_secret", secret)],
            "unsupported_grant_type",
        ),
        (
            client.signed("password", &refresh),
            "unsupported_grant_type",
        ),
        (
            client.signed("Refresh_Token", &refresh),
            "unsupported_grant_type",
        ),
        (
            vec![
                ("grant_type", "refresh_token"),
                ("client_id", unknown),
                ("client_secret", secret),
                refresh[0],
            ],
            "invalid_client",
        ),
        (
            vec![
                ("grant_type", "refresh_token"),
                ("client_id", id),
                ("client_secret", "wrong"),
                refresh[0],
            ],
            "invalid_client_secret",
        ),
    ] {
        refuses(&server, &parameters, word);
    }
    client.access(&server);
}

#[test]
fn every_grant_that_is_refused_has_its_word_in_every_encoding() {
    let server = Server::start();
    let client = Client::plain(&server);
    let refresh = [("refresh_token", client.refresh_token.as_str())];
    for (parameters, word) in [
        (client.signed("authorization_code", &[]), "invalid_code"),
        (
            client.signed("authorization_code", &[("code", "1000.a.b")]),
            "invalid_code",
        ),
        (
            client.signed("authorization_code", &[("code", refresh[0].1)]),
            "invalid_code",
        ),
        (
            client.signed(
                "authorization_code",
                &[
                    ("code", client.code.as_str()),
                    ("redirect_uri", "/callback"),
                ],
            ),
            "invalid_redirect_uri",
        ),
        (client.signed("refresh_token", &[]), "invalid_code"),
        (
            client.signed("refresh_token", &[("refresh_token", "1000.a.b")]),
            "invalid_code",
        ),
        (
            client.signed("refresh_token", &[("refresh_token", &client.code)]),
            "invalid_code",
        ),
        (client.signed("client_credentials", &[]), "missing_org_info"),
    ] {
        refuses(&server, &parameters, word);
    }
    assert_eq!(
        client.exchange(&server, &client.code).value()["error"],
        json!(null)
    );
}

#[test]
fn the_organization_must_be_the_clients_own() {
    let server = Server::start();
    let client = Client::plain(&server);
    let own = soid(&server);
    server.post("/v1/organizations", &json!({ "key": "other" }));
    let other = server.get("/v1/organizations/other")["number"].to_string();
    let digits = own.strip_prefix("ZohoCRM.").expect("the prefix");
    for wrong in [
        "",
        digits,
        "ZohoCRM.",
        "ZohoCRM.default",
        &format!("ZohoCRM.{other}"),
        &format!("zohocrm.{digits}"),
        &format!("ZohoCRM.+{digits}"),
        &format!("ZohoCRM.-{digits}"),
        &format!("ZohoCRM. {digits}"),
        &format!("{own} "),
        &format!("{own}.0"),
        "ZohoCRM.2147483648",
        "ZohoCRM.9007199254740992",
        "ZohoCRM.9223372036854775808",
        "ZohoCRM.18446744073709551616",
    ] {
        let parameters = client.signed("client_credentials", &[("soid", wrong)]);
        refuses(&server, &parameters, "missing_org_info");
    }
    let parameters = client.signed("client_credentials", &[("soid", own.as_str())]);
    let answer = token(&server, Encoding::Form, &parameters).send();
    assert!(is_live(&server, &member(&answer, "access_token")));
}

#[test]
fn a_code_works_once_and_used_again_it_takes_its_tokens_along() {
    let server = Server::start();
    let client = Client::plain(&server);
    let other = Client::plain(&server);
    let answer = client.exchange(&server, &client.code);
    let access = member(&answer, "access_token");
    let renewed = Client {
        refresh_token: member(&answer, "refresh_token"),
        ..client
    };
    let renewal = renewed.access(&server);
    assert!(is_live(&server, &access) && is_live(&server, &renewal));
    // Another client has nothing to do with it, and changes nothing.
    says(&other.exchange(&server, &renewed.code), 200, INVALID_CODE);
    assert!(is_live(&server, &access) && is_live(&server, &renewal));
    says(&renewed.exchange(&server, &renewed.code), 200, INVALID_CODE);
    assert!(!is_live(&server, &access) && !is_live(&server, &renewal));
    says(&renewed.refresh(&server), 200, INVALID_CODE);
    says(&renewed.exchange(&server, &renewed.code), 200, INVALID_CODE);
}

#[test]
fn codes_and_refresh_tokens_are_of_one_client() {
    let server = Server::start();
    let (one, other) = (Client::plain(&server), Client::plain(&server));
    let code = [("code", one.code.as_str())];
    refuses(
        &server,
        &other.signed("authorization_code", &code),
        "invalid_code",
    );
    let refresh = [("refresh_token", one.refresh_token.as_str())];
    refuses(
        &server,
        &other.signed("refresh_token", &refresh),
        "invalid_code",
    );
    let access = one.access(&server);
    let as_refresh = [("refresh_token", access.as_str())];
    refuses(
        &server,
        &one.signed("refresh_token", &as_refresh),
        "invalid_code",
    );
    one.access(&server);
    assert_eq!(
        one.exchange(&server, &one.code).value()["expires_in"],
        3_600
    );
}

#[test]
fn of_many_who_use_a_code_at_once_one_gets_tokens_and_the_others_end_them() {
    let server = Server::start();
    let client = Client::plain(&server);
    let code = [("code", client.code.as_str())];
    let parameters = client.signed("authorization_code", &code);
    let answers = token(&server, Encoding::Form, &parameters).at_once(8);
    let given: Vec<String> = answers
        .iter()
        .filter(|answer| answer.value()["error"].is_null())
        .map(|answer| member(answer, "access_token"))
        .collect();
    assert_eq!(given.len(), 1, "{answers:?}");
    assert!(!is_live(&server, &given[0]));
}

#[test]
fn who_fails_ten_times_a_minute_waits_even_with_the_right_secret() {
    let server = Server::start();
    let (client, other) = (Client::plain(&server), Client::plain(&server));
    let access = client.access(&server);
    let refresh = [("refresh_token", client.refresh_token.as_str())];
    let mut wrong = client.signed("refresh_token", &refresh);
    wrong[2].1 = "wrong";
    for _ in 0..10 {
        let answer = token(&server, Encoding::Form, &wrong).send();
        says(&answer, 200, &refusal("invalid_client_secret"));
    }
    says(
        &token(&server, Encoding::Form, &wrong).send(),
        200,
        THROTTLED,
    );
    says(&client.refresh(&server), 200, THROTTLED);
    says(&client.credentials(&server, ""), 200, THROTTLED);
    says(&client.exchange(&server, &client.code), 200, THROTTLED);
    // What is not a sign-in goes on, and so do others.
    assert!(is_live(&server, &access));
    other.access(&server);
    revoke(&server, Encoding::Form, &access).expect(200);
    let unknown = [
        ("grant_type", "refresh_token"),
        ("client_id", "1000.UNKNOWN"),
        ("client_secret", "wrong"),
        refresh[0],
    ];
    for _ in 0..10 {
        let answer = token(&server, Encoding::Query, &unknown).send();
        says(&answer, 200, &refusal("invalid_client"));
    }
    says(
        &token(&server, Encoding::Query, &unknown).send(),
        200,
        THROTTLED,
    );
}

#[test]
fn the_eleventh_access_token_in_a_row_is_refused() {
    let server = Server::start();
    let client = Client::plain(&server);
    let first = client.access(&server);
    for _ in 1..10 {
        client.access(&server);
    }
    says(&client.refresh(&server), 200, THROTTLED);
    assert!(is_live(&server, &first));
    // To give one back makes no room, and other grants have their own.
    revoke(&server, Encoding::Form, &first).expect(200);
    says(&client.refresh(&server), 200, THROTTLED);
    for _ in 0..10 {
        let given = client.credentials(&server, "seats:read");
        assert_eq!(given.value()["expires_in"], 3_600, "{given:?}");
    }
    says(&client.credentials(&server, ""), 200, THROTTLED);
    // One code came with the client.
    let codes: Vec<_> = (1..10).map(|_| client.another_code(&server)).collect();
    let path = format!("/v1/clients/{}/codes", client.client_id);
    let another = server.call("POST", &path).json(&json!({}));
    another.send().problem(409, "quota-reached");
    let (last, codes) = codes.split_last().expect("nine");
    for code in codes {
        let given = client.exchange(&server, code);
        assert_eq!(given.value()["expires_in"], 3_600, "{given:?}");
    }
    // The quota is lowered to what is used.
    let quotas = json!({ "limits": { "codes": codes.len() } });
    let lower = server
        .call("PATCH", "/v1/organizations/default")
        .json(&quotas);
    lower.expect(200);
    let denied = client.exchange(&server, last);
    says(&denied, 200, &refusal("access_denied"));
}

#[test]
fn a_client_can_do_no_more_than_its_creator() {
    let server = Server::start();
    server.account_of(&json!({ "email": "root@example.com", "administrator": true }));
    server.account("ada@example.com");
    let foreign = server.tenant("other").admin;
    let create = |token: &str, body: &serde_json::Value| {
        let call = server.anonymous("POST", "/v1/clients").token(token);
        call.json(body).send()
    };
    let scopes = |scopes: &[&str]| json!({ "scopes": scopes });
    let narrow = server.token("root@example.com", &["clients"]);
    create(&narrow, &scopes(&SCOPES)).problem(403, "forbidden");
    let plain = server.token("ada@example.com", &[]);
    create(&plain, &scopes(&SCOPES)).problem(403, "forbidden");
    let admin = server.token("root@example.com", &[]);
    let client = Client::by(
        server.anonymous("POST", "/v1/clients").token(&admin),
        &scopes(&SCOPES),
    );
    assert!(is_live(&server, &client.access(&server)));
    for path in [&client.id, &client.client_id] {
        let path = format!("/v1/clients/{path}");
        server.anonymous("GET", &path).token(&foreign).expect(404);
        server
            .anonymous("DELETE", &path)
            .token(&foreign)
            .expect(404);
        let codes = server.anonymous("POST", &format!("{path}/codes"));
        codes.token(&foreign).json(&json!({})).expect(404);
        let shown = server.get(&path);
        for secret in ["client_secret", "refresh_token", "code"] {
            assert_eq!(shown.get(secret), None);
        }
    }
    let theirs = json!({ "scopes": ["seats:read"], "account": "ada@example.com" });
    create(&foreign, &theirs).problem(404, "not-found");
}

//! How what `/oauth/v2` handed out ends, at once and everywhere; and that its secrets stand in no
//! log and in no file.

use std::io::Write as _;
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::harness::{Server, Staff as _};
use crate::oauth::{Client, ENCODINGS, Encoding, SCOPES, member, revoke, says, soid, token};

/// What a client of the organization was handed: by its refresh token, by its code, and for its own
/// credentials.
struct Handed {
    client: Client,
    by_refresh: String,
    by_code: String,
    by_credentials: String,
}

fn handed(server: &Server, body: &Value) -> Handed {
    let client = Client::new(server, body);
    let by_code = client.exchange(server, &client.code);
    Handed {
        by_refresh: client.access(server),
        by_code: member(&by_code, "access_token"),
        by_credentials: member(&client.credentials(server, ""), "access_token"),
        client,
    }
}

impl Handed {
    /// Asserts whether each of the three opens anything.
    #[track_caller]
    fn are(&self, server: &Server, live: [bool; 3]) {
        let all = [&self.by_refresh, &self.by_code, &self.by_credentials];
        for (access, live) in all.into_iter().zip(live) {
            let status = if live { 200 } else { 401 };
            let crm = server.anonymous("GET", "/crm/v7/__features/user_licenses");
            crm.header("Authorization", &format!("Zoho-oauthtoken {access}"))
                .expect(status);
            let native = server.anonymous("GET", "/v1/counts").token(access);
            native.expect(status);
        }
    }
}

#[test]
fn a_removed_client_has_nothing_left() {
    let server = Server::start();
    let body = json!({ "scopes": SCOPES });
    for by_id in [true, false] {
        let (gone, other) = (handed(&server, &body), handed(&server, &body));
        gone.are(&server, [true; 3]);
        let client = &gone.client;
        let path = format!(
            "/v1/clients/{}",
            if by_id { &client.id } else { &client.client_id }
        );
        server.call("DELETE", &path).expect(204);
        gone.are(&server, [false; 3]);
        other.are(&server, [true; 3]);
        let refused = r#"{"error":"invalid_client"}"#;
        says(&client.refresh(&server), 200, refused);
        says(&client.credentials(&server, ""), 200, refused);
        server.call("GET", &path).expect(404);
        server.call("DELETE", &path).expect(404);
        let codes = server.call("POST", &format!("{path}/codes"));
        codes.json(&json!({})).expect(404);
    }
}

#[test]
fn a_revoked_refresh_token_takes_its_access_tokens_along_and_no_others() {
    let server = Server::start();
    let handed = handed(&server, &json!({ "scopes": SCOPES }));
    let refresh = &handed.client.refresh_token;
    revoke(&server, Encoding::Form, refresh).expect(200);
    handed.are(&server, [false, true, true]);
    revoke(&server, Encoding::Form, &handed.by_credentials).expect(200);
    handed.are(&server, [false, true, false]);
}

#[test]
fn a_client_stops_with_its_account_and_goes_on_with_it() {
    let server = Server::start();
    let ada = server.account("ada@example.com");
    let body = json!({ "scopes": SCOPES, "account": ada });
    let handed = handed(&server, &body);
    let path = format!("/v1/accounts/{ada}");
    let set = |status: &str| {
        let patch = server.call("PATCH", &path);
        patch.json(&json!({ "status": status })).expect(200);
    };
    let refused = r#"{"error":"invalid_client"}"#;
    for shut in ["deactivated", "invited"] {
        handed.are(&server, [true; 3]);
        set(shut);
        handed.are(&server, [false; 3]);
        says(&handed.client.refresh(&server), 200, refused);
        set("active");
    }
    handed.are(&server, [true; 3]);
    server.call("DELETE", &path).expect(204);
    handed.are(&server, [false; 3]);
    says(&handed.client.refresh(&server), 200, refused);
    let unknown = server.call("POST", "/v1/clients");
    unknown.json(&body).send().problem(404, "not-found");
}

#[test]
fn a_client_does_no_more_than_its_account_may_now() {
    let server = Server::start();
    let root = json!({ "email": "root@example.com", "administrator": true });
    server.account_of(&root);
    let body = json!({ "scopes": ["census:read"], "account": "root@example.com" });
    let access = Client::new(&server, &body).access(&server);
    let census = server.anonymous("GET", "/v1/census").token(&access);
    census.expect(200);
    let patch = server.call("PATCH", "/v1/accounts/root@example.com?force=true");
    patch.json(&json!({ "administrator": false })).expect(200);
    census.expect(403);
    // No client does more than administer, whoever made it.
    let body = json!({ "scopes": ["trust", "organizations", "backup"] });
    let access = Client::new(&server, &body).access(&server);
    for (method, path, status) in [
        ("GET", "/v1/trust", 200),
        ("POST", "/v1/trust", 403),
        ("POST", "/v1/organizations", 403),
        ("GET", "/v1/backup", 403),
    ] {
        let call = server.anonymous(method, path).token(&access);
        call.expect(status);
    }
}

#[test]
fn a_client_ends_with_its_organization() {
    let server = Server::start();
    server.post("/v1/organizations", &json!({ "key": "acme" }));
    let call = server.call("POST", "/v1/clients");
    let client = Client::by(
        call.header("Lictor-Organization", "acme"),
        &json!({ "scopes": SCOPES }),
    );
    let access = client.access(&server);
    let counts = server.anonymous("GET", "/v1/counts").token(&access);
    counts.expect(200);
    server.call("DELETE", "/v1/organizations/acme").expect(204);
    counts.expect(401);
    says(
        &client.refresh(&server),
        200,
        r#"{"error":"invalid_client"}"#,
    );
    for dead in [&access, &client.refresh_token] {
        let answer = revoke(&server, Encoding::Form, dead).send();
        says(&answer, 400, r#"{"error":"invalid_token"}"#);
    }
}

#[test]
fn no_secret_is_logged_or_stored_in_clear() {
    let server = Server::with(&["--log", "trace"]);
    let handed = handed(&server, &json!({ "scopes": SCOPES }));
    let client = &handed.client;
    let soid = soid(&server);
    let code = client.another_code(&server);
    let mut secrets = vec![client.secret.clone(), client.refresh_token.clone()];
    secrets.extend([client.code.clone(), code.clone(), handed.by_code.clone()]);
    secrets.extend([handed.by_refresh.clone(), handed.by_credentials.clone()]);
    for encoding in ENCODINGS {
        let refresh = [("refresh_token", client.refresh_token.as_str())];
        let own = [("soid", soid.as_str())];
        let used = [("code", client.code.as_str())];
        for parameters in [
            client.signed("refresh_token", &refresh),
            client.signed("client_credentials", &own),
            client.signed("authorization_code", &used),
        ] {
            let answer = token(&server, encoding, &parameters).expect(200);
            secrets.extend(answer.value()["access_token"].as_str().map(str::to_owned));
        }
        let mut wrong = client.signed("refresh_token", &refresh);
        wrong[2].1 = "the-secret-of-somebody-else";
        token(&server, encoding, &wrong).expect(200);
        revoke(&server, encoding, "the-token-of-somebody-else").expect(400);
    }
    secrets.push("the-secret-of-somebody-else".to_owned());
    secrets.push("the-token-of-somebody-else".to_owned());
    fail_in_every_way(&server, &code);
    let (log, stored) = server.end();
    assert!(log.contains("listening"), "{log}");
    assert!(stored.len() > 4_096);
    let within = |bytes: &[u8], secret: &str| {
        bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes())
    };
    for secret in secrets {
        // The last half alone would be as bad.
        let half = secret.split('.').next_back().expect("a part");
        assert!(!log.contains(half), "{secret} is logged:\n{log}");
        assert!(!within(&stored, half), "{secret} is stored");
    }
}

/// Sends the code in requests that break the rules of HTTP, or break off.
fn fail_in_every_way(server: &Server, code: &str) {
    let host = server.url.strip_prefix("http://").expect("plain HTTP");
    for request in [
        format!("POST /oauth/v2/token?code={code} HTTP/1.1\r\n\r\n"),
        format!("POST /oauth/v2/token?code={code} HTTP/1.1\r\nHost: {host}\r\nbroken\r\n\r\n"),
        format!("POST /oauth/v2/token?code={code} HTTP/9.9\r\nHost: {host}\r\n\r\n"),
        format!("GET /oauth/v2/auth?code={code} HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!(
            "POST /oauth/v2/token?code={code} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\nx"
        ),
        format!(
            "POST /oauth/v2/token?code={code} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx"
        ),
        format!(
            "POST /oauth/v2/token?code={code}{} HTTP/1.1\r\nHost: {host}\r\n\r\n",
            "x".repeat(70_000)
        ),
    ] {
        let mut stream = TcpStream::connect(host).expect("the server listens");
        // A server that refuses early closes before it has read all.
        let _ = stream.write_all(request.as_bytes());
    }
}

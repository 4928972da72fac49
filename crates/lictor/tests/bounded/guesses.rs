//! Who guesses secrets is held up by address, and neither the client whose secret it is nor anybody
//! else pays for it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lictor_testkit::{Answer, Request};
use serde_json::{Value, json};

use crate::harness::Server;

const ATTACKER: &str = "203.0.113.7";
const ELSEWHERE: &str = "198.51.100.9";

/// A client's id and secret, and its organization's number.
struct Client {
    id: String,
    secret: String,
    soid: String,
}

impl Client {
    fn new(server: &Server) -> Self {
        let made = server.post("/v1/clients", &json!({ "scopes": ["seats:read"] }));
        let answer = server.call("GET", "/v1/organizations/default").send();
        let number = &answer.json_as("application/json")["number"];
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        Self {
            id: text(&made["client_id"]),
            secret: text(&made["client_secret"]),
            soid: format!("ZohoCRM.{number}"),
        }
    }

    /// Asks for a token from an address, with this secret.
    fn ask(&self, server: &Server, from: &str, secret: &str) -> Answer {
        let form = format!(
            "grant_type=client_credentials&scope=ZohoCRM.features.READ&client_id={}\
             &client_secret={secret}&soid={}",
            self.id, self.soid
        );
        asked(server, from)
            .body("application/x-www-form-urlencoded", form)
            .send()
    }
}

fn asked(server: &Server, from: &str) -> Request {
    let call = server.anonymous("POST", "/oauth/v2/token");
    call.header("X-Forwarded-For", from)
}

fn error(answer: &Answer) -> String {
    let body: Value = serde_json::from_str(answer.text()).expect("JSON");
    body["error"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn who_guesses_the_secret_of_a_client_does_not_lock_the_client_out_elsewhere() {
    let server = Server::with(&["--trusted-proxy", "127.0.0.1"]);
    let client = Client::new(&server);
    for _ in 0..10 {
        let answer = client.ask(&server, ATTACKER, "a guess");
        assert_eq!(error(&answer), "invalid_client_secret", "{answer:?}");
    }
    for secret in ["a guess", &client.secret] {
        let answer = client.ask(&server, ATTACKER, secret);
        assert_eq!(error(&answer), "Access Denied", "{answer:?}");
    }
    for _ in 0..5 {
        let answer = client.ask(&server, ELSEWHERE, &client.secret);
        assert!(answer.text().contains("access_token"), "{answer:?}");
    }
}

#[test]
fn who_guesses_secrets_of_one_client_after_another_is_held_up_by_address() {
    let server = Server::with(&["--trusted-proxy", "127.0.0.1"]);
    let client = Client::new(&server);
    for number in 0..100 {
        let pair = BASE64_STANDARD.encode(format!("1000.CLIENT{number}:a guess"));
        let call = asked(&server, ATTACKER).header("Authorization", &format!("Basic {pair}"));
        let answer = call.body("application/x-www-form-urlencoded", "grant_type=x");
        let answer = answer.send();
        assert_eq!(error(&answer), "unsupported_grant_type", "{answer:?}");
        let form = format!(
            "grant_type=refresh_token&refresh_token=x&client_id=1000.C{number}&client_secret=g"
        );
        let call = asked(&server, ATTACKER).body("application/x-www-form-urlencoded", form);
        assert_eq!(error(&call.send()), "invalid_client");
    }
    let answer = client.ask(&server, ATTACKER, &client.secret);
    assert_eq!(error(&answer), "Access Denied", "{answer:?}");
    let answer = client.ask(&server, ELSEWHERE, &client.secret);
    assert!(answer.text().contains("access_token"), "{answer:?}");
}

#[test]
fn who_guesses_enrollment_tokens_is_held_up_by_address() {
    let server = Server::with(&["--trusted-proxy", "127.0.0.1"]);
    server.post("/v1/applications", &json!({ "key": "app" }));
    let node = json!({ "name": "edge-1", "application": "app" });
    let enrolled = server.post("/v1/nodes", &node);
    let token = enrolled["enrollment_token"].as_str().expect("a token");
    let join = |from: &str, token: &str| {
        let call = server.anonymous("POST", "/v1/feed/join").token(token);
        let call = call.header("X-Forwarded-For", from);
        call.json(&json!({ "credential_sha256": "5".repeat(64) }))
            .send()
    };
    for number in 0..100 {
        let answer = join(ATTACKER, &format!("lictor_enroll_{number}"));
        assert_eq!(answer.status, 401, "{answer:?}");
    }
    for token in ["lictor_enroll_x", token] {
        let answer = join(ATTACKER, token);
        assert_eq!(answer.status, 429, "{answer:?}");
        assert_eq!(answer.header("retry-after"), Some("60"), "{answer:?}");
        let body = answer.json_as("application/json");
        assert_eq!(body["code"], "unavailable", "{body}");
        let said = "too many unknown enrollment tokens came from this address; wait a minute";
        assert_eq!(body["message"], said);
    }
    assert_eq!(join(ELSEWHERE, token).status, 201);
}

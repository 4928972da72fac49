//! OAuth clients over `/v1`: how they are shown, listed and named, and what the ledger says of them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Server, Staff as _};
use crate::oauth::{Client, SCOPES};

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

#[test]
fn a_client_is_shown_as_the_documentation_says() {
    let server = Server::start();
    let ada = server.account("ada@example.com");
    server.post("/v1/applications", &json!({ "key": "konnect" }));
    let body = json!({ "scopes": ["seats:read"], "account": "Ada@Example.com",
        "application": "konnect", "name": "CRM" });
    let answer = server.call("POST", "/v1/clients").json(&body).expect(201);
    let made = answer.value();
    let (id, client_id) = (text(&made["id"]), text(&made["client_id"]));
    let [secret, refresh, code, until, at] = [
        "client_secret",
        "refresh_token",
        "code",
        "code_expires_at",
        "created_at",
    ]
    .map(|name| text(&made[name]));
    let plain = format!(
        r#"{{"id":"{id}","client_id":"{client_id}","name":"CRM","scopes":["seats:read"],"account":"{ada}","application":"konnect","created_at":"{at}""#
    );
    let secrets = format!(
        r#","client_secret":"{secret}","refresh_token":"{refresh}","code":"{code}","code_expires_at":"{until}"}}"#
    );
    assert_eq!(answer.text(), format!("{plain}{secrets}"));
    let location = format!("/v1/clients/{id}");
    assert_eq!(answer.header("location"), Some(location.as_str()));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    for name in [id, client_id] {
        let shown = server.call("GET", &format!("/v1/clients/{name}"));
        assert_eq!(shown.expect(200).text(), format!("{plain}}}"));
    }
    let listed = server.call("GET", "/v1/clients").expect(200);
    let page = format!(r#"{{"data":[{plain}}}],"next_cursor":null}}"#);
    assert_eq!(listed.text(), page);
    let codes = server.call("POST", &format!("{location}/codes"));
    let another = codes.json(&json!({})).expect(201);
    let value = another.value();
    let keys: Vec<&String> = value.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["code", "code_expires_at"]);
    assert_ne!(value["code"], code);
    assert_eq!(another.header("cache-control"), Some("no-store"));
}

#[test]
fn clients_are_listed_in_pages() {
    let server = Server::start();
    let made: BTreeSet<String> = (0..5).map(|_| Client::plain(&server).id).collect();
    let (mut found, mut cursor) = (BTreeSet::new(), String::new());
    for rows in [2, 2, 1] {
        let page = server.get(&format!("/v1/clients?limit=2{cursor}"));
        let data = page["data"].as_array().expect("rows");
        assert_eq!(data.len(), rows);
        found.extend(data.iter().map(|row| text(&row["id"]).to_owned()));
        cursor = match page["next_cursor"].as_str() {
            Some(next) => format!("&cursor={next}"),
            None => String::new(),
        };
    }
    assert_eq!((found, cursor), (made, String::new()));
}

#[test]
fn a_client_that_asks_for_nothing_or_too_much_is_not_created() {
    let server = Server::start();
    for (body, name) in [
        (json!({}), "invalid-input"),
        (json!({ "scopes": [] }), "invalid-input"),
        (json!({ "scopes": ["x"] }), "invalid-input"),
        (json!({ "scopes": ["ZohoCRM.org.ALL"] }), "invalid-input"),
        (json!({ "scopes": vec!["seats:read"; 65] }), "invalid-input"),
        (json!({ "scopes": "seats:read" }), "invalid-json"),
        (json!({ "scopes": [1] }), "invalid-json"),
        (
            json!({ "scopes": ["seats:read"], "secret": "x" }),
            "invalid-json",
        ),
        (
            json!({ "scopes": ["seats:read"], "client_id": "x" }),
            "invalid-json",
        ),
    ] {
        let refused = server.call("POST", "/v1/clients").json(&body).send();
        let problem = refused.problem(400, name);
        if name == "invalid-input" {
            assert_eq!(problem["field"], "scopes");
        }
    }
    assert_eq!(server.get("/v1/clients")["data"], json!([]));
}

#[test]
fn the_ledger_knows_a_client_by_its_id_and_none_of_its_secrets() {
    let server = Server::start();
    let mut scopes = SCOPES.to_vec();
    scopes.push("applications:write");
    let client = Client::new(&server, &json!({ "scopes": scopes, "name": "Secret CRM" }));
    let access = client.access(&server);
    let create = server.anonymous("POST", "/v1/applications").token(&access);
    create.json(&json!({ "key": "theirs" })).expect(201);
    client.exchange(&server, &client.code);
    let path = format!("/v1/clients/{}", client.id);
    server.call("DELETE", &path).expect(204);
    let answer = server.call("GET", "/v1/ledger?limit=1000").expect(200);
    let ledger = answer.value();
    let entries = ledger["data"].as_array().expect("entries");
    let of = |kind: &str| {
        let found = entries.iter().find(|entry| entry["change"]["type"] == kind);
        found.unwrap_or_else(|| panic!("no {kind}: {ledger}"))
    };
    assert_eq!(of("client_created")["change"]["id"], client.id.as_str());
    assert_eq!(of("client_removed")["change"]["id"], client.id.as_str());
    assert_eq!(of("application_created")["actor"], client.id.as_str());
    let grants = entries
        .iter()
        .filter(|entry| entry["change"]["type"] == "grant_created");
    assert_eq!(grants.count(), 2);
    let unsaid = [
        client.secret.as_str(),
        &client.refresh_token,
        &client.code,
        &client.client_id,
        &access,
        "Secret CRM",
    ];
    for word in unsaid {
        assert!(!answer.text().contains(word), "{word}");
    }
}

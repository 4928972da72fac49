//! New names: shown at once, wherever the old one was shown before.

use lictor_testkit::{TestServer as Server, document};
use serde_json::json;

#[test]
fn a_new_name_of_an_application_is_shown_at_once() {
    let server = Server::start();
    server.add(&document("Konnect"));
    for name in ["First", "Second"] {
        let path = "/v1/applications/konnect";
        // What is shown is remembered.
        assert_ne!(server.get(path)["name"], name);
        let patch = server.call("PATCH", path).json(&json!({ "name": name }));
        assert_eq!(patch.expect(200).json()["name"], name);
        assert_eq!(server.get(path)["name"], name);
        assert_eq!(server.get("/v1/applications")["data"][0]["name"], name);
    }
}

#[test]
fn a_new_name_of_an_account_is_shown_at_once_to_those_it_gave_seats() {
    let server = Server::start();
    server.add(&document("Konnect"));
    let account = |email: &str| {
        let body = json!({ "email": email, "name": "First", "administrator": true });
        server.post("/v1/accounts", &body)["id"].clone()
    };
    let (giver, holder) = (account("ada@example.com"), account("grace@example.com"));
    let token = server.post("/v1/tokens", &json!({ "account": giver }));
    let secret = token["secret"].as_str().expect("a secret");
    let seats = "/v1/applications/konnect/seats";
    let seat = server.call("POST", seats).token(secret);
    seat.json(&json!({ "account": holder })).expect(201);
    let path = format!("/v1/accounts/{}", giver.as_str().expect("an id"));
    for (email, name) in [
        ("ada@example.com", None),
        ("ada@new.example.com", Some("Second")),
    ] {
        if let Some(name) = name {
            let patch = json!({ "email": email, "name": name });
            let patch = server.call("PATCH", &path).json(&patch);
            assert_eq!(patch.expect(200).json()["name"], name);
        }
        let shown = server.get(&path);
        assert_eq!(shown["name"], name.unwrap_or("First"));
        let seat = server.get(seats)["data"][0].clone();
        assert_eq!(seat["assigned_by"]["email"], email);
        // Its token goes on, as the one it is.
        let own = server.call("GET", &path).token(secret);
        assert_eq!(own.expect(200).json()["email"], email);
    }
}

#[test]
fn names_that_are_given_once_are_shown_at_once() {
    let server = Server::start();
    server.add(&document("Konnect"));
    let listed = |path: &str| server.get(path)["data"].clone();
    for path in [
        "/v1/organizations",
        "/v1/tokens",
        "/v1/clients",
        "/v1/nodes",
    ] {
        listed(path);
    }
    let name = "named";
    let named = [
        ("/v1/organizations", json!({ "key": "acme", "name": name })),
        ("/v1/tokens", json!({ "name": name })),
        (
            "/v1/clients",
            json!({ "name": name, "scopes": ["seats:read"] }),
        ),
        ("/v1/nodes", json!({ "name": name })),
    ];
    for (path, body) in named {
        server.post(path, &body);
        let rows = listed(path);
        let mut names = rows
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| &row["name"]);
        assert!(
            names.any(|known| known.as_str() == Some(name)),
            "{path}: {rows}"
        );
    }
}

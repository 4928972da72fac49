//! How stored licenses stand, and what their applications are entitled to, as dates come and keys go.

use lictor_testkit::{TestServer as Server, claims, document, sign, vendor};
use serde_json::{Value, json};

fn state(server: &Server, license: &Value) -> Value {
    let id = license["id"].as_str().expect("an id");
    server.get(&format!("/v1/licenses/{id}"))["status"].clone()
}

#[test]
fn an_application_is_shown_as_the_documentation_says() {
    let server = Server::start();
    let mut claims = claims("Konnect");
    claims.admin_seats = Some(10);
    claims.features = vec!["sso".to_owned()];
    let license = server.add(&sign(&claims));
    let shown = server.get("/v1/applications/konnect");
    let days_left = &license["days_left"];
    let expected = json!({
        "key": "konnect", "name": null, "plan": "PAID", "limit": 10, "seats": 0,
        "leases": 0, "used": 0, "available": 10, "overage": 0, "over_limit": "refuse",
        "node_limit": null, "nodes": 0,
        "features": ["sso"], "license": license["id"], "verified": true,
        "expires_at": "2199-01-01T00:00:00Z", "days_left": days_left,
        "covered_until": "2199-01-01T00:00:00Z", "covered_days_left": days_left,
    });
    assert_eq!(shown, expected);
    let list = server.get("/v1/applications");
    assert_eq!(list, json!({ "data": [expected], "next_cursor": null }));
    let missing = server.call("GET", "/v1/applications/x%2fy%00");
    assert_eq!(
        missing.expect_problem(404, "not-found")["kind"],
        "application"
    );
}

#[test]
fn an_application_without_a_license_in_force_is_unlicensed() {
    let server = Server::start();
    let license = server.add(&document("Konnect"));
    let id = license["id"].as_str().expect("an id");
    server
        .call("DELETE", &format!("/v1/licenses/{id}"))
        .expect(204);
    let expected = json!({
        "key": "konnect", "name": null, "plan": "UNLICENSED", "limit": 0, "seats": 0,
        "leases": 0, "used": 0, "available": 0, "overage": 0, "over_limit": "refuse",
        "node_limit": 0, "nodes": 0,
        "features": null, "license": null, "verified": null, "expires_at": null, "days_left": null,
        "covered_until": null, "covered_days_left": null,
    });
    assert_eq!(server.get("/v1/applications/konnect"), expected);
}

#[test]
fn a_renewal_can_be_stored_early() {
    let server = Server::start();
    let current = server.add(&document("Konnect"));
    let mut claims = claims("Konnect");
    claims.creation_date = Some(server.date_in(1));
    let renewal = server.add(&sign(&claims));
    assert_eq!(renewal["status"], "waiting");
    assert_eq!(state(&server, &renewal), "waiting");
    assert_eq!(state(&server, &current), "in-force");
    assert_eq!(
        server.get("/v1/applications/konnect")["license"],
        current["id"]
    );
    claims.creation_date = Some(server.date_in(0));
    let begun = server.add(&sign(&claims));
    assert_eq!(begun["status"], "in-force");
    assert_eq!(state(&server, &current), "superseded");
    assert_eq!(state(&server, &renewal), "waiting");
}

#[test]
fn an_application_shows_the_end_of_its_license_and_of_what_follows() {
    let server = Server::start();
    let day = |days: i64| server.date_in(days);
    for (from, until) in [(-9, 10), (10, 40), (41, 90)] {
        let mut claims = claims("Konnect");
        claims.creation_date = Some(day(from));
        claims.expiration_date = day(until);
        server.add(&sign(&claims));
    }
    let shown = server.get("/v1/applications/konnect");
    assert_eq!(shown["expires_at"], format!("{}T00:00:00Z", day(10)));
    assert_eq!(shown["days_left"], 10);
    // A day lies between the second and the third.
    assert_eq!(shown["covered_until"], format!("{}T00:00:00Z", day(40)));
    assert_eq!(shown["covered_days_left"], 40);
    assert_eq!(server.get("/v1/applications")["data"], json!([shown]));
    let licenses = server.get("/v1/licenses")["data"].clone();
    for license in licenses.as_array().expect("licenses") {
        assert_eq!(license["covered_until"], shown["covered_until"]);
    }
}

#[test]
fn an_expired_license_is_stored_and_counts_for_nothing() {
    let server = Server::start();
    let mut claims = claims("Konnect");
    claims.expiration_date = server.date_in(0);
    let expired = server.add(&sign(&claims));
    assert_eq!(
        (&expired["status"], &expired["days_left"]),
        (&json!("expired"), &json!(0))
    );
    assert_eq!(server.get("/v1/applications/konnect")["plan"], "UNLICENSED");
    claims.expiration_date = server.date_in(1);
    let last_day = server.add(&sign(&claims));
    assert_eq!(
        (&last_day["status"], &last_day["days_left"]),
        (&json!("in-force"), &json!(1))
    );
    assert_eq!(state(&server, &expired), "expired");
}

#[test]
fn a_license_that_ends_with_the_calendar_is_shown() {
    let server = Server::start();
    let mut claims = claims("Konnect");
    claims.expiration_date = lictor_core::Date::parse("9999-12-31").expect("a date");
    server.add(&sign(&claims));
    let shown = server.get("/v1/applications/konnect");
    assert_eq!(shown["expires_at"], "9999-12-31T00:00:00Z");
}

#[test]
fn a_retired_key_keeps_what_it_signed_and_signs_no_more() {
    let server = Server::start();
    let payload = document("Konnect");
    let license = server.add(&payload);
    let key = vendor(1).public_key().id();
    let retired = server
        .call("POST", &format!("/v1/trust/{key}/retire"))
        .expect(200)
        .json();
    assert_eq!(retired["status"], "retired");
    assert_eq!(state(&server, &license), "in-force");
    let other = json!({ "payload": document("Gateway") });
    let call = server.call("POST", "/v1/licenses").json(&other);
    assert_eq!(
        call.expect_problem(400, "invalid-document")["reason"],
        "retired-key"
    );
    // Who repeats what is stored does not begin to fail.
    let id = license["id"].as_str().expect("an id");
    let put = server.call("PUT", &format!("/v1/licenses/{id}"));
    put.json(&json!({ "payload": payload })).expect(200);
}

#[test]
fn a_revoked_key_rejects_what_it_signed_at_once() {
    let server = Server::start();
    let license = server.add(&document("Konnect"));
    let key = vendor(1).public_key().id();
    server
        .call("POST", &format!("/v1/trust/{key}/revoke"))
        .expect(200);
    let id = license["id"].as_str().expect("an id");
    let shown = server.get(&format!("/v1/licenses/{id}"));
    assert_eq!(shown["status"], "rejected");
    assert_eq!(shown["reason"], "revoked-key");
    assert_eq!(shown["verified"], false);
    assert_eq!(shown["signed_by"], Value::Null);
    assert_eq!(server.get("/v1/licenses")["data"][0], shown);
    assert_eq!(server.get("/v1/applications/konnect")["plan"], "UNLICENSED");
    // The way to repair it stays open.
    let new = vendor(2);
    server.post(
        "/v1/trust",
        &json!({ "public_key": new.public_key().to_pem() }),
    );
    let put = server.call("PUT", &format!("/v1/licenses/{id}"));
    let payload = new.sign(&claims("Konnect").to_json());
    let shown = put.json(&json!({ "payload": payload })).expect(200).json();
    assert_eq!(shown["status"], "in-force");
}

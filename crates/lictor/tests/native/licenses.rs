//! Licenses: shapes, entity tags, refusals. How they stand to each other is in `standing.rs`.

use lictor_core::{Claims, Plan, SigningKey};
use lictor_testkit::{TestServer as Server, claims, document, sign, vendor};
use serde_json::{Value, json};

const ID: &str = "0197f3a0-0000-7000-8000-000000000001";

#[test]
fn a_license_is_shown_as_the_documentation_says() {
    let server = Server::start();
    let mut claims = claims("Konnect");
    claims.customer = Some("Acme".to_owned());
    claims.license_key = Some("K-1".to_owned());
    claims.admin_seats = Some(10);
    claims.features = vec!["sso".to_owned()];
    claims.unknown = vec![("region".to_owned(), "eu".to_owned())];
    let payload = sign(&claims);
    let call = server
        .call("POST", "/v1/licenses")
        .json(&json!({ "payload": payload }));
    let answer = call.expect(201);
    let shown = answer.json();
    let id = shown["id"].as_str().expect("an id");
    assert_eq!(
        answer.header("location"),
        Some(format!("/v1/licenses/{id}").as_str())
    );
    let revision = shown["revision"].as_u64().expect("a revision");
    let tag = answer.header("etag").expect("a tag");
    assert!(tag.starts_with(&format!("\"{revision}-")), "{tag}");
    let days_left = shown["days_left"].as_i64().expect("days");
    assert!((60_000..70_000).contains(&days_left));
    let at = shown["created_at"].as_str().expect("a time");
    assert!(
        at.len() == 20 && at.ends_with('Z') && at[10..].starts_with('T'),
        "{at}"
    );
    let expected = json!({
        "id": id, "application": "konnect", "revision": revision,
        "created_at": at, "updated_at": at,
        "status": "in-force", "reason": null, "superseded_by": null, "days_left": days_left,
        "covered_until": "2199-01-01T00:00:00Z",
        "verified": true, "signed_by": vendor(1).public_key().id().to_string(),
        "claims": {
            "customer": "Acme", "product_subscription": "Konnect", "license_key": "K-1",
            "license_creation_date": null, "license_expiration_date": "2199-01-01",
            "admin_seats": 10, "dataplanes": null, "support_plan": null,
            "application": "konnect", "plan": "PAID", "organization": null,
            "features": ["sso"], "unknown": { "region": "eu" },
        },
        "payload": payload,
    });
    let mut added = expected.clone();
    added["place"] = json!({
        "takes_over_from": null, "followed_by": null, "gap_before": null, "gap_after": null,
    });
    assert_eq!(shown, added);
    let again = server
        .call("GET", &format!("/v1/licenses/{id}"))
        .expect(200);
    assert_eq!(again.json(), expected);
    assert_eq!(again.header("etag"), answer.header("etag"));
    let list = server.get("/v1/licenses");
    assert_eq!(list, json!({ "data": [expected], "next_cursor": null }));
}

#[test]
fn a_license_can_be_added_under_an_id_once() {
    let server = Server::start();
    let body = json!({ "payload": document("Konnect"), "id": ID });
    let add = server.call("POST", "/v1/licenses").json(&body);
    assert_eq!(add.expect(201).json()["id"], ID);
    let problem = add.expect_problem(409, "already-exists");
    assert_eq!(
        (&problem["kind"], &problem["name"]),
        (&json!("license"), &json!(ID))
    );
    // A client may choose any UUID, the least of all too; lists then begin with it.
    let nil = "00000000-0000-0000-0000-000000000000";
    let body = json!({ "payload": document("Konnect"), "id": nil });
    let add = server.call("POST", "/v1/licenses").json(&body);
    assert_eq!(add.expect(201).json()["id"], nil);
    assert_eq!(server.get("/v1/licenses?limit=1")["data"][0]["id"], nil);
}

#[test]
fn put_adds_and_then_replaces() {
    let server = Server::start();
    let path = format!("/v1/licenses/{ID}");
    let put = |payload: &str| {
        server
            .call("PUT", &path)
            .json(&json!({ "payload": payload }))
    };
    let added = put(&document("Konnect")).expect(201);
    assert_eq!(added.header("location"), Some(path.as_str()));
    let answer = put(&document("Gateway")).expect(200);
    let replaced = answer.json();
    assert_eq!(replaced["application"], "gateway");
    assert_eq!(replaced["status"], "in-force");
    let revision = replaced["revision"].as_u64().expect("a revision");
    assert!(revision > added.json()["revision"].as_u64().expect("a revision"));
    let tag = answer.header("etag").expect("a tag");
    assert!(tag.starts_with(&format!("\"{revision}-")), "{tag}");
    assert_eq!(server.get(&path), replaced);
    let applications = server.get("/v1/applications");
    assert_eq!(applications["data"][1]["plan"], "UNLICENSED");
    let not_an_id = server
        .call("PUT", "/v1/licenses/x")
        .json(&json!({ "payload": "x" }));
    assert_eq!(
        not_an_id.expect_problem(400, "invalid-input")["field"],
        "id"
    );
    server.call("DELETE", &path).expect(204);
    put(&document("Konnect")).expect(201);
}

#[test]
fn preconditions_are_kept() {
    let server = Server::start();
    let path = format!("/v1/licenses/{ID}");
    let body = json!({ "payload": document("Konnect") });
    let put = |name: &str, value: &str| server.call("PUT", &path).json(&body).header(name, value);
    let delete = |value: &str| server.call("DELETE", &path).header("If-Match", value);
    for tag in ["*", "\"1\"", "\"0\"", "W/\"1\"", "\"x\"", "\"\""] {
        let problem = put("If-Match", tag).expect_problem(412, "revision-mismatch");
        assert_eq!(problem["revision"], Value::Null, "{tag}");
    }
    delete("\"1\"").expect_problem(412, "revision-mismatch");
    delete("*").expect_problem(404, "not-found");
    let first = put("If-None-Match", "*").expect(201);
    put("If-None-Match", "*").expect_problem(412, "revision-mismatch");
    let first = first.header("etag").expect("a tag").to_owned();
    let other = json!({ "payload": document("Gateway") });
    let second = server.call("PUT", &path).json(&other);
    let second = second.header("If-Match", &first).expect(200);
    let revision = second.json()["revision"].clone();
    let second = second.header("etag").expect("a tag").to_owned();
    let problem = put("If-Match", &first).expect_problem(412, "revision-mismatch");
    assert_eq!(problem["revision"], revision);
    delete(&first).expect_problem(412, "revision-mismatch");
    delete(&format!("W/{second}")).expect_problem(412, "revision-mismatch");
    for malformed in ["", "1", "\"1", "\"1\", \"2\"", "W/1", "**", "\"\"\""] {
        put("If-Match", malformed).expect_problem(400, "invalid-input");
        delete(malformed).expect_problem(400, "invalid-input");
    }
    put("If-None-Match", "\"1\"").expect_problem(400, "invalid-input");
    put("If-None-Match", "*")
        .header("If-Match", &second)
        .expect_problem(400, "invalid-input");
    put("If-Match", &second)
        .header("If-Match", &second)
        .expect_problem(400, "invalid-input");
    put("If-Match", "*").expect(200);
    delete("*").expect(204);
    delete("*").expect_problem(404, "not-found");
}

#[test]
fn a_license_that_is_not_there_is_not_found() {
    let server = Server::start();
    for id in [ID, "x", "%00", "00000000-0000-0000-0000-000000000000"] {
        for method in ["GET", "DELETE"] {
            let call = server.call(method, &format!("/v1/licenses/{id}"));
            assert_eq!(call.expect_problem(404, "not-found")["kind"], "license");
        }
    }
}

#[test]
fn licenses_are_listed_by_application() {
    let server = Server::start();
    server.add(&document("Konnect"));
    server.add(&document("Gateway"));
    let keys = |path: &str| {
        let list = server.get(path);
        let data = list["data"].as_array().expect("rows").clone();
        data.into_iter()
            .map(|row| row["application"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(keys("/v1/licenses"), ["konnect", "gateway"]);
    assert_eq!(keys("/v1/licenses?application=gateway"), ["gateway"]);
    assert!(keys("/v1/licenses?application=x%00").is_empty());
}

#[test]
fn every_reason_to_refuse_a_document_has_its_word() {
    let server = Server::start();
    let retired = vendor(2);
    let revoked = vendor(3);
    for (key, end) in [(&retired, "retire"), (&revoked, "revoke")] {
        let pem = key.public_key().to_pem();
        let key = server.post("/v1/trust", &json!({ "public_key": pem }));
        let id = key["key_id"].as_str().expect("an id");
        server
            .call("POST", &format!("/v1/trust/{id}/{end}"))
            .expect(200);
    }
    let text = |change: fn(&mut Claims)| {
        let mut claims = claims("Konnect");
        change(&mut claims);
        claims.to_json()
    };
    let by = |key: &SigningKey, payload: &str| key.sign(payload);
    let plain = text(|_| ());
    let own = |payload: &str| by(&vendor(1), payload);
    let audience = "0197f3a0-0000-7000-8000-000000000009";
    let cases = [
        ("not-json", "{".to_owned(), Value::Null),
        ("not-json", format!("\u{feff}{}", own(&plain)), Value::Null),
        ("wrong-shape", "{}".to_owned(), Value::Null),
        (
            "unknown-key",
            by(&vendor(4), &plain),
            json!(vendor(4).public_key().id()),
        ),
        (
            "revoked-key",
            by(&revoked, &plain),
            json!(revoked.public_key().id()),
        ),
        (
            "retired-key",
            by(&retired, &plain),
            json!(retired.public_key().id()),
        ),
        (
            "bad-signature",
            own(&plain).replace("Konnect", "konnect"),
            Value::Null,
        ),
        (
            "wrong-audience",
            own(&text(|claims| {
                claims.organization = "0197f3a0-0000-7000-8000-000000000009".parse().ok();
            })),
            Value::Null,
        ),
        (
            "bad-expiration-date",
            own(&plain.replace("2199-01-01", "2199-02-30")),
            Value::Null,
        ),
        (
            "bad-claim",
            own(&text(|claims| claims.application = "A B".to_owned())),
            Value::Null,
        ),
    ];
    for (reason, payload, key_id) in cases {
        let call = server
            .call("POST", "/v1/licenses")
            .json(&json!({ "payload": payload }));
        let problem = call.expect_problem(400, "invalid-document");
        assert_eq!(problem["reason"], reason, "{problem}");
        assert_eq!(problem["key_id"], key_id, "{problem}");
        if reason == "wrong-audience" {
            assert_eq!(problem["organization"], audience);
        }
        let put = server.call("PUT", &format!("/v1/licenses/{ID}"));
        put.json(&json!({ "payload": payload }))
            .expect_problem(400, "invalid-document");
    }
    let long = format!("{}{}", own(&plain), " ".repeat(65_536));
    let call = server
        .call("POST", "/v1/licenses")
        .json(&json!({ "payload": long }));
    assert_eq!(
        call.expect_problem(400, "invalid-input")["field"],
        "payload"
    );
    assert_eq!(server.get("/v1/licenses")["data"], json!([]));
}

#[test]
fn a_license_for_this_organization_is_taken() {
    let server = Server::start();
    let acme = server.tenant("acme");
    let mut claims = claims("Konnect");
    claims.organization = acme.id.parse().ok();
    claims.plan = Plan::Trial;
    let body = json!({ "payload": sign(&claims) });
    let add = server.call("POST", "/v1/licenses").json(&body);
    assert_eq!(
        add.expect_problem(400, "invalid-document")["reason"],
        "wrong-audience"
    );
    let made = add.organization("acme").expect(201).json();
    assert_eq!(made["claims"]["organization"], acme.id.as_str());
    let path = "/v1/applications/konnect";
    let shown = server
        .call("GET", path)
        .organization("acme")
        .expect(200)
        .json();
    assert_eq!(shown["plan"], "TRIAL");
}

#[test]
fn an_unchanged_put_answers_what_is_stored() {
    let server = Server::start();
    let path = format!("/v1/licenses/{ID}");
    let body = json!({ "payload": document("Konnect") });
    let put = || server.call("PUT", &path).json(&body);
    let added = put().expect(201);
    let tag = added.header("etag").expect("a tag").to_owned();
    let entries = || server.get("/v1/ledger?limit=1000")["data"].clone();
    let before = entries();
    for _ in 0..3 {
        let again = put().header("if-match", &tag).expect(200);
        assert_eq!(again.json(), added.json());
        assert_eq!(again.header("etag"), Some(tag.as_str()));
    }
    put().header("if-match", "*").expect(200);
    put()
        .header("if-match", "\"1\"")
        .expect_problem(412, "revision-mismatch");
    put()
        .header("if-none-match", "*")
        .expect_problem(412, "revision-mismatch");
    assert_eq!(entries(), before);
    let other = json!({ "payload": document("Gateway") });
    server.call("PUT", &path).json(&other).expect(200);
    assert_ne!(entries(), before);
}

#[test]
fn a_new_license_says_whose_place_it_takes() {
    let server = Server::start();
    let add = |customer: &str, product: &str, begins: i64, ends: i64| {
        let mut claims = claims(product);
        claims.customer = Some(customer.to_owned());
        claims.creation_date = Some(server.date_in(begins));
        claims.expiration_date = server.date_in(ends);
        server.add(&sign(&claims))
    };
    let named = |neighbor: &Value| {
        json!([
            neighbor["id"],
            neighbor["customer"],
            neighbor["product_subscription"]
        ])
    };
    let long = add("Acme", "C++", -5, 300);
    assert_eq!(long["place"]["takes_over_from"], Value::Null);
    let short = add("Other", "C#", -5, 30);
    let expected = json!([long["id"], "Acme", "C++"]);
    assert_eq!(named(&short["place"]["takes_over_from"]), expected);
    assert_eq!(
        named(&short["place"]["followed_by"]),
        expected,
        "it comes back"
    );
    let shown = |license: &Value| {
        let id = license["id"].as_str().expect("an id");
        let shown = server.get(&format!("/v1/licenses/{id}"));
        json!([shown["status"], shown["superseded_by"]])
    };
    assert_eq!(shown(&long), json!(["superseded", short["id"]]));
    assert_eq!(shown(&short), json!(["in-force", null]));
    let late = add("Acme", "C++", 310, 400);
    let gap = &late["place"]["gap_before"];
    let day = |days| format!("{}T00:00:00Z", server.date_in(days));
    assert_eq!(gap, &json!({ "from": day(300), "until": day(310) }));
    let ended = add("Acme", "C++", -5, 0);
    assert_eq!(ended["status"], "expired");
    assert_eq!(ended["place"]["takes_over_from"], Value::Null);
}

#[test]
fn an_outlook_has_every_license_that_comes_into_force_and_the_gaps() {
    let server = Server::start();
    let add = |seats: u32, begins: i64, ends: i64| {
        let mut claims = claims("Konnect");
        claims.admin_seats = Some(seats);
        claims.creation_date = Some(server.date_in(begins));
        claims.expiration_date = server.date_in(ends);
        server.add(&sign(&claims))["id"].clone()
    };
    let long = add(10, -5, 300);
    let short = add(20, 5, 30);
    let late = add(30, 310, 400);
    let outlook = server.get("/v1/applications/konnect/outlook");
    assert_eq!(outlook["application"], "konnect");
    assert_eq!(outlook["known_until"], Value::Null);
    let day = |days| json!(format!("{}T00:00:00Z", server.date_in(days)));
    let segments = outlook["segments"].as_array().expect("segments");
    let told: Vec<_> = segments
        .iter()
        .map(|one| {
            json!([
                one["until"],
                one["reason"],
                one["license"],
                one["plan"],
                one["limit"]
            ])
        })
        .collect();
    let none = |until: Value, reason: &str| json!([until, reason, null, "UNLICENSED", 0]);
    let expected = [
        json!([day(5), "current", long, "PAID", 10]),
        json!([day(30), "begins", short, "PAID", 20]),
        json!([day(300), "follows", long, "PAID", 10]),
        none(day(310), "gap"),
        json!([day(400), "begins", late, "PAID", 30]),
        none(Value::Null, "end"),
    ];
    assert_eq!(told, expected);
    for (segment, next) in segments.iter().zip(&segments[1..]) {
        assert_eq!(segment["until"], next["from"]);
    }
    server
        .call("GET", "/v1/applications/unknown/outlook")
        .expect(404);
}

#[test]
fn who_may_not_read_licenses_is_not_told_of_those_around_a_new_one() {
    let server = Server::start();
    let mut running = claims("Konnect");
    running.expiration_date = server.date_in(30);
    server.add(&sign(&running));
    let scopes = json!({ "role": "admin", "scopes": ["licenses:write"] });
    let made = server.post("/v1/tokens", &scopes);
    let writer = made["secret"].as_str().expect("a token");
    let mut late = claims("Konnect");
    late.creation_date = Some(server.date_in(40));
    let added = server
        .call("POST", "/v1/licenses")
        .token(writer)
        .json(&json!({ "payload": sign(&late) }))
        .expect(201)
        .json();
    let nowhere = json!({
        "takes_over_from": null, "followed_by": null, "gap_before": null, "gap_after": null,
    });
    assert_eq!(added["place"], nowhere);
    assert_eq!(added["covered_until"], Value::Null);
    let id = added["id"].as_str().expect("an id");
    let path = format!("/v1/licenses/{id}");
    let put = server.call("PUT", &path).token(writer);
    let put = put.json(&json!({ "payload": sign(&late) })).expect(200);
    assert_eq!(put.json()["covered_until"], Value::Null);
    let known = &server.get(&path)["covered_until"];
    assert!(known.is_string(), "whoever may read is told: {known}");
}

#[test]
fn who_may_not_read_applications_is_not_told_what_one_uses() {
    let server = Server::start();
    server.add(&sign(&claims("Konnect")));
    let scopes = json!({ "role": "admin", "scopes": ["applications:write"] });
    let made = server.post("/v1/tokens", &scopes);
    let writer = made["secret"].as_str().expect("a token");
    let patch = json!({ "name": "Konnect" });
    let path = "/v1/applications/konnect";
    let answer = server.call("PATCH", path).token(writer).json(&patch);
    assert_eq!(answer.expect(200).json(), patch);
    assert_eq!(server.get(path)["name"], "Konnect");
    let answer = server.call("PATCH", path).json(&patch);
    assert_eq!(answer.expect(200).json(), server.get(path));
}

#[test]
fn the_report_names_the_license_in_force_that_was_written_last() {
    let server = Server::start();
    let add = |product: &str, key: &str, ends: i64| {
        let mut claims = claims(product);
        claims.license_key = Some(key.to_owned());
        claims.expiration_date = server.date_in(ends);
        server.add(&sign(&claims))["id"].clone()
    };
    let named = || server.get("/v1/report")["license_key"].clone();
    add("Konnect", "K-ENDED", 0);
    assert_eq!(named(), "K-ENDED", "none is in force");
    add("Konnect", "K-1", 30);
    let gateway = add("Gateway", "G-1", 30);
    add("Konnect", "K-ENDED-TOO", 0);
    assert_eq!(named(), "G-1");
    let path = format!("/v1/licenses/{}", gateway.as_str().expect("an id"));
    server.call("DELETE", &path).expect(204);
    assert_eq!(named(), "K-1");
}

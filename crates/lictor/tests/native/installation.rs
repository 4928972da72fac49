//! Organizations, trust, the ledger, the report and the backup: what operators look after.

use lictor_testkit::{Folder, Tenant, TestServer as Server, claims, document, sign, vendor};
use serde_json::{Value, json};

/// A server, its tenant `acme`, and the license that this one added.
fn with_license_of_a_tenant() -> (Server, Tenant, Value) {
    let server = Server::start();
    let acme = server.tenant("acme");
    let add = server.call("POST", "/v1/licenses").token(&acme.admin);
    let license = add
        .json(&json!({ "payload": document("Konnect") }))
        .expect(201)
        .json();
    (server, acme, license)
}

#[test]
fn an_organization_is_created_shown_and_removed() {
    let server = Server::start();
    let body = json!({ "key": "acme", "name": "Acme Ltd" });
    let answer = server
        .call("POST", "/v1/organizations")
        .json(&body)
        .expect(201);
    assert_eq!(answer.header("location"), Some("/v1/organizations/acme"));
    let made = answer.json();
    let members: Vec<&String> = made.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["created_at", "id", "key", "name", "number"]);
    assert!(made["number"].as_u64().expect("a number") < 1 << 53);
    assert_eq!(made["name"], "Acme Ltd");
    let mut shown = server.get("/v1/organizations/acme");
    for more in ["quotas", "ledger"] {
        let members = shown.as_object_mut().expect("an object");
        members.remove(more).expect("what it has and may have");
    }
    assert_eq!(shown, made);
    let list = server.get("/v1/organizations");
    assert_eq!(list["data"][0], made);
    assert_eq!(list["data"][1]["key"], "default");
    assert_eq!(list["data"][1]["name"], Value::Null);
    let again = server.call("POST", "/v1/organizations").json(&body);
    assert_eq!(
        again.expect_problem(409, "already-exists")["kind"],
        "organization"
    );
    let remove = server.call("DELETE", "/v1/organizations/acme");
    remove.expect(204);
    remove.expect_problem(404, "not-found");
    server
        .call("GET", "/v1/organizations/acme")
        .expect_problem(404, "not-found");
    assert_ne!(server.post("/v1/organizations", &body)["id"], made["id"]);
}

#[test]
fn an_organization_that_holds_licenses_stays_and_its_tokens_end_with_it() {
    let (server, acme, license) = with_license_of_a_tenant();
    let remove = server.call("DELETE", "/v1/organizations/acme");
    let problem = remove.expect_problem(409, "organization-not-empty");
    assert_eq!(problem["key"], "acme");
    let path = format!("/v1/licenses/{}", license["id"].as_str().expect("an id"));
    server.call("DELETE", &path).token(&acme.admin).expect(204);
    remove.expect(204);
    for token in [&acme.admin, &acme.reader] {
        let call = server.call("GET", "/v1/licenses").token(token);
        call.expect_problem(401, "unauthenticated");
        call.organization("acme")
            .expect_problem(401, "unauthenticated");
    }
    server.post("/v1/organizations", &json!({ "key": "acme" }));
    server
        .call("GET", "/v1/licenses")
        .token(&acme.admin)
        .expect(401);
    let default = server.call("DELETE", "/v1/organizations/default");
    default.expect_problem(409, "default-organization");
}

#[test]
fn organizations_have_sound_keys_and_names() {
    let server = Server::start();
    let long = "a".repeat(64);
    for key in [
        "", "Acme", "-acme", "a b", "ä", "v1", "licenses", "a\u{0}", &long,
    ] {
        let call = server
            .call("POST", "/v1/organizations")
            .json(&json!({ "key": key }));
        assert_eq!(
            call.expect_problem(400, "invalid-input")["field"],
            "key",
            "{key:?}"
        );
    }
    for name in ["", "a\nb", "\u{0}", "a\u{7f}", &"x".repeat(201)] {
        for (path, body) in [
            ("/v1/organizations", json!({ "key": "acme", "name": name })),
            ("/v1/tokens", json!({ "name": name })),
        ] {
            let call = server.call("POST", path).json(&body);
            assert_eq!(
                call.expect_problem(400, "invalid-input")["field"],
                "name",
                "{name:?}"
            );
        }
    }
    let name = "Zoë's ☕ <b>&amp;</b> \"Ltd\"";
    let made = server.post("/v1/organizations", &json!({ "key": "acme", "name": name }));
    assert_eq!(made["name"], name);
}

#[test]
fn keys_are_trusted_retired_and_revoked() {
    let server = Server::start();
    let new = vendor(2).public_key();
    let add = server
        .call("POST", "/v1/trust")
        .json(&json!({ "public_key": new.to_pem() }));
    let answer = add.expect(201);
    let path = format!("/v1/trust/{}", new.id());
    assert_eq!(answer.header("location"), Some(path.as_str()));
    let mut key = answer.json();
    assert_eq!(
        key,
        json!({
            "key_id": new.id(), "public_key": new.to_pem(), "status": "active",
        })
    );
    assert_eq!(server.get(&path), key);
    assert_eq!(add.expect(201).json(), key);
    let trust = server.get("/v1/trust");
    assert_eq!(trust["policy"], "verified");
    assert_eq!(trust["data"].as_array().map(Vec::len), Some(2));
    let end = |how: &str| server.call("POST", &format!("{path}/{how}"));
    for (how, status) in [("retire", "retired"), ("retire", "retired")] {
        key["status"] = json!(status);
        assert_eq!(end(how).expect(200).json(), key);
        assert_eq!(server.get(&path), key);
    }
    key["status"] = json!("active");
    assert_eq!(add.expect(201).json(), key);
    key["status"] = json!("revoked");
    assert_eq!(end("revoke").json(&json!({})).expect(200).json(), key);
    assert_eq!(end("revoke").expect(200).json(), key);
    for call in [end("retire"), add] {
        let problem = call.expect_problem(409, "key-revoked");
        assert_eq!(problem["key_id"], json!(new.id()));
    }
    end("revoke")
        .json(&json!({ "x": 1 }))
        .expect_problem(400, "invalid-json");
    for id in ["0123456789abcdef", "x", "0123456789ABCDEF"] {
        let path = format!("/v1/trust/{id}");
        server.call("GET", &path).expect_problem(404, "not-found");
        server
            .call("POST", &format!("{path}/retire"))
            .expect_problem(404, "not-found");
        server
            .call("POST", &format!("{path}/revoke"))
            .expect_problem(404, "not-found");
    }
}

#[test]
fn only_ed25519_public_keys_are_taken() {
    let server = Server::start();
    let private = vendor(2).to_pem().expect("PEM");
    let der = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    for pem in ["", "x", der, &private] {
        let call = server
            .call("POST", "/v1/trust")
            .json(&json!({ "public_key": pem }));
        let problem = call.expect_problem(400, "invalid-input");
        assert_eq!(problem["field"], "public_key");
        let secret = private.lines().nth(1).expect("a line");
        assert!(!problem.to_string().contains(secret), "{problem}");
    }
}

#[test]
fn the_ledger_tells_what_changed() {
    let (server, acme, license) = with_license_of_a_tenant();
    let ledger = |query: &str| {
        let call = server.call("GET", &format!("/v1/ledger{query}"));
        call.organization("acme").expect(200).json()
    };
    let all = ledger("");
    let last = all["data"]
        .as_array()
        .and_then(|rows| rows.last())
        .expect("a row")
        .clone();
    assert_eq!(last["stream"], acme.id.as_str());
    assert_eq!(last["position"], license["revision"]);
    assert_eq!(last["at"], license["updated_at"]);
    assert!(last["actor"].is_string());
    assert_eq!(last["change"]["type"], "license_written");
    assert_eq!(last["change"]["id"], license["id"]);
    let before = license["revision"].as_u64().expect("a position") - 1;
    let rest = ledger(&format!("?after={before}"));
    assert_eq!(rest, json!({ "data": [last], "next_cursor": null }));
    assert_eq!(ledger("?stream=organization"), all);
    let installation = ledger("?stream=installation");
    let types: Vec<_> = installation["data"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["change"]["type"].as_str().expect("a type"))
        .collect();
    assert!(
        types.contains(&"organization_created") && types.contains(&"key_trusted"),
        "{types:?}"
    );
    let call = server
        .call("GET", "/v1/ledger?stream=installation")
        .token(&acme.admin);
    call.expect_problem(403, "forbidden");
    for query in [
        "stream=x",
        "after=-1",
        "after=1.5",
        "after=9007199254740992",
        "after=x",
        "x=1",
    ] {
        let call = server.call("GET", &format!("/v1/ledger?{query}"));
        call.expect_problem(400, "invalid-input");
    }
    assert_eq!(ledger("?after=9007199254740991")["data"], json!([]));
}

#[test]
fn the_report_shows_the_figures() {
    let server = Server::start();
    let empty = server.get("/v1/report");
    assert_eq!(empty["license_key"], Value::Null);
    assert_eq!(empty["license_expiration_date"], Value::Null);
    let month = empty["at"].as_str().expect("a time")[..7].to_owned();
    assert_eq!(empty["requests"], json!([{ "month": month, "count": 0 }]));
    let mut claims = claims("Konnect");
    claims.license_key = Some("K-1".to_owned());
    server.add(&sign(&claims));
    let counts = json!([
        { "service": "orders", "count": 5 },
        { "service": "orders", "source": "b", "count": 7 },
        { "service": "billing", "month": "UNKNOWN", "count": 1 },
    ]);
    server
        .call("POST", "/v1/usage")
        .json(&json!({ "counts": counts }))
        .expect(200);
    let report = server.get("/v1/report");
    assert_eq!(
        report["requests"],
        json!([
            { "month": month, "count": 12 }, { "month": "UNKNOWN", "count": 1 },
        ])
    );
    assert_eq!(report["total_requests"], 13);
    assert_eq!(report["license_key"], "K-1");
    assert_eq!(report["license_expiration_date"], "2199-01-01");
    assert_eq!(report["token_owners"], 1);
    assert_eq!(report["services"], 2);
    assert_eq!(report["organizations"], 1);
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    assert!(
        report["engine"]
            .as_str()
            .expect("text")
            .starts_with("sqlite 3.")
    );
    assert!(report["system"]["cores"].as_u64() >= Some(1));
    assert!(report["system"]["hostname"].is_string());
    assert!(report["system"]["uname"].is_string());
}

#[test]
fn a_backup_is_a_whole_database_and_leaves_nothing_behind() {
    let server = Server::start();
    server.add(&document("Konnect"));
    let files = || {
        let entries = std::fs::read_dir(server.data()).expect("a folder");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("a name").file_name())
            .collect();
        names.sort();
        names
    };
    let before = files();
    let answer = server.call("GET", "/v1/backup").expect(200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/octet-stream")
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.body.starts_with(b"SQLite format 3\0"));
    assert_eq!(files(), before);
    let head = server.call("HEAD", "/v1/backup").expect(200);
    assert_eq!(
        head.header("content-type"),
        Some("application/octet-stream")
    );
    let folder = Folder::new();
    let file = folder.path().join("backup");
    std::fs::write(&file, &answer.body).expect("a file");
    let data = folder.path().join("data");
    lictor_store::restore(&file, &data).expect("a backup that can be restored");
}

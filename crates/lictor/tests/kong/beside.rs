//! What controllers and exports ask before they come to `/licenses`: the version behind a workspace,
//! the status, the workspaces, and the license that `GET /` names.

use serde_json::{Value, json};

use crate::expect::{ANY, INTEGER, Kong as _, UUID, check};
use crate::harness::{Harness, Options, VERSION};

const ID: &str = "30b4edb7-0847-4f65-af90-efbed8b0161f";

fn not_found() -> Value {
    json!({"message": "Not found"})
}

fn workspace(name: &str) -> Value {
    json!({
        "comment": null, "config": {}, "created_at": INTEGER, "id": UUID, "meta": {}, "name": name,
    })
}

#[test]
fn the_version_is_told_behind_a_workspace_too() {
    let server = Harness::start();
    server.create_organization("acme");
    let root = server.get("/");
    for path in [
        "/kong",
        "/kong/",
        "/default/kong",
        "/acme/kong",
        "/acme/kong/",
    ] {
        let reply = server.get(path);
        assert_eq!((reply.status, &reply.body), (200, &root.body), "{path}");
    }
    assert_eq!(root.json_of_kong()["version"], VERSION);
    for path in ["/nobody/kong", "/acme", "/acme/", "/kong/kong"] {
        check(path, &server.get(path), 404, &not_found());
    }
}

#[test]
fn the_status_has_whole_numbers_and_those_that_there_are_are_real() {
    let server = Harness::start();
    let figures = |path: &str| {
        let reply = server.get(path);
        let expected = json!({
            "database": {"reachable": true},
            "memory": {"lua_shared_dicts": {}, "workers_lua_vms": []},
            "server": {
                "connections_accepted": INTEGER, "connections_active": INTEGER,
                "connections_handled": INTEGER, "connections_reading": 0,
                "connections_waiting": 0, "connections_writing": 0, "total_requests": INTEGER,
            },
        });
        check(path, &reply, 200, &expected);
        let figure = |name: &str| {
            reply.json_of_kong()["server"][name]
                .as_u64()
                .expect("a figure")
        };
        (
            figure("connections_accepted"),
            figure("total_requests"),
            figure("connections_active"),
        )
    };
    let (connections, requests, open) = figures("/status");
    assert!(open >= 1, "the one that asks");
    // Each request here is a connection of its own.
    for _ in 0..5 {
        server.get("/licenses");
    }
    let (later, answered, _) = figures("/default/status");
    assert_eq!((later - connections, answered - requests), (6, 6));
}

#[test]
fn workspaces_are_the_organizations_that_the_caller_may_see() {
    let server = Harness::start();
    let id = server.create_organization("acme");
    server.create_organization("globex");
    let all = server.get("/workspaces?size=1000").json_of_kong();
    let rows = all["data"].as_array().expect("rows").clone();
    assert_eq!((rows.len(), &all["next"]), (3, &Value::Null));
    let mut ids: Vec<_> = rows.iter().map(|row| row["id"].as_str()).collect();
    assert!(ids.is_sorted(), "{ids:?}");
    ids.dedup();
    assert_eq!(ids.len(), 3);
    let upper = id.to_string().to_uppercase();
    for path in [
        "/workspaces/acme".to_owned(),
        "/workspaces/acme/".to_owned(),
        "/acme/workspaces/acme".to_owned(),
        "/default/workspaces/acme".to_owned(),
        format!("/workspaces/{id}"),
        format!("/workspaces/{upper}"),
        format!("/acme/workspaces/{id}"),
    ] {
        let reply = server.get(&path);
        check(&path, &reply, 200, &workspace("acme"));
        assert_eq!(reply.json_of_kong()["id"], id.to_string(), "{path}");
        assert!(rows.contains(&reply.json_of_kong()), "{path}");
    }
    let acme = server.create_token("reader", &[], "acme");
    let ask = |path: &str| server.with_token(&acme, "GET", path).send();
    for path in ["/workspaces", "/workspaces/", "/acme/workspaces"] {
        let expected = json!({"data": [workspace("acme")], "next": null});
        check(path, &ask(path), 200, &expected);
    }
    check(
        "its own",
        &ask("/acme/workspaces/acme"),
        200,
        &workspace("acme"),
    );
    let foreign = rows.iter().find(|row| row["name"] == "globex").expect("it");
    let foreign = format!("/workspaces/{}", foreign["id"].as_str().expect("an id"));
    for path in [
        foreign.as_str(),
        "/workspaces/globex",
        "/workspaces/default",
        "/workspaces/nobody",
        "/workspaces/Acme",
        "/workspaces/licenses",
        "/globex/workspaces",
        "/globex/workspaces/globex",
        "/globex/status",
        "/globex/kong",
        "/workspaces/acme/entities",
    ] {
        check(path, &ask(path), 404, &not_found());
    }
    let narrow = server.create_token("admin", &["licenses"], "acme");
    for path in ["/workspaces", "/workspaces/acme", "/workspaces/nobody"] {
        let reply = server.with_token(&narrow, "GET", path).send();
        let words = "the admin, you do not have permissions to read this resource";
        check(path, &reply, 403, &json!({ "message": words }));
    }
}

#[test]
fn workspaces_come_in_pages() {
    let server = Harness::start();
    for key in ["a", "b", "c", "d"] {
        server.create_organization(key);
    }
    for list in ["/workspaces", "/a/workspaces"] {
        let (mut seen, mut address) = (Vec::new(), format!("{list}?size=2"));
        loop {
            let page = server.get(&address).json_of_kong();
            let rows = page["data"].as_array().expect("rows");
            assert!((1..=2).contains(&rows.len()), "{page}");
            seen.extend(rows.iter().map(|row| row["id"].clone()));
            let Some(next) = page["next"].as_str() else {
                assert_eq!(page.get("offset"), None);
                break;
            };
            assert!(next.starts_with(&format!("{list}?offset=")), "{next}");
            assert!(next.ends_with("&size=2"), "{next}");
            address = next.to_owned();
        }
        let all = server.get(list).json_of_kong();
        let whole = all["data"].as_array().expect("rows").iter();
        assert!(whole.map(|row| row["id"].clone()).eq(seen), "{list}");
    }
    let exact = server.get("/workspaces?size=5").json_of_kong();
    assert_eq!(exact["next"], Value::Null);
    assert_eq!(server.get("/workspaces?size=0").json_of_kong()["code"], 9);
    assert_eq!(server.get("/workspaces?offset=x").json_of_kong()["code"], 7);
}

#[test]
fn a_workspace_is_made_by_a_command_and_not_here() {
    let server = Harness::start();
    let reader = server.create_token("reader", &[], "default");
    for token in [&server.token, &reader] {
        for verb in ["POST", "PUT", "PATCH", "DELETE"] {
            for path in [
                "/workspaces",
                "/workspaces/",
                "/workspaces/acme",
                "/default/workspaces",
                "/default/workspaces/default",
            ] {
                let ask = server.with_token(token, verb, path);
                let reply = ask.json(&json!({"name": "acme"})).send();
                check(path, &reply, 405, &json!({ "message": ANY }));
                let words = reply.json_of_kong()["message"]
                    .as_str()
                    .expect("words")
                    .to_owned();
                assert!(words.contains("lictor organization create"), "{words}");
            }
        }
    }
    assert_eq!(server.get("/workspaces/acme").status, 404);
}

#[test]
fn the_root_names_the_license_to_those_who_may_read_the_report() {
    let server = Harness::start();
    server.create_organization("acme");
    let admin = server.create_token("admin", &[], "default");
    let license = |token: &str, path: &str| {
        let reply = server.with_token(token, "GET", path).send();
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        reply.json_of_kong().get("license").cloned()
    };
    assert_eq!(license(&admin, "/"), None, "none is stored");
    server.put(ID, &server.document("K-1"));
    let stored = json!({"license_key": "K-1", "license_expiration_date": "2099-12-31"});
    for path in ["/", "/kong", "/default/kong"] {
        for token in [&admin, &server.token] {
            assert_eq!(license(token, path).as_ref(), Some(&stored), "{path}");
        }
    }
    let report = server.get("/license/report?format=3.4").json_of_kong();
    assert_eq!(report["license"], stored);
    assert_eq!(license(&server.token, "/acme/kong"), None, "another's");
    for (role, scopes) in [
        ("reader", &[][..]),
        ("admin", &["licenses"]),
        ("admin", &["organizations:read"]),
    ] {
        let token = server.create_token(role, scopes, "default");
        assert_eq!(license(&token, "/"), None, "{role} {scopes:?}");
        assert_eq!(license(&token, "/kong"), None, "{role} {scopes:?}");
    }
    let narrow = server.create_token("admin", &["report:read"], "default");
    assert_eq!(license(&narrow, "/"), Some(stored));
}

#[test]
fn an_organization_of_old_keeps_its_licenses_under_a_key_that_is_now_a_path() {
    let keys = ["kong", "status", "workspaces"];
    let server = Harness::with(Options {
        organizations: keys.to_vec(),
        ..Options::default()
    });
    for key in keys {
        let own = server.create_token("admin", &[], key);
        let ask = |verb: &str, path: &str| server.with_token(&own, verb, path);
        let list = format!("/{key}/licenses");
        let fields = json!({"payload": server.document("OLD")});
        for _ in 0..2 {
            let added = ask("POST", &list).json(&fields).send();
            assert_eq!(added.status, 201, "{added:?}");
        }
        let page = ask("GET", &format!("{list}?size=1")).send().json_of_kong();
        let next = page["next"].as_str().expect("a next page");
        assert!(next.starts_with(&format!("{list}?offset=")), "{next}");
        let rest = ask("GET", next).send().json_of_kong();
        let id = rest["data"][0]["id"].as_str().expect("an id").to_owned();
        for path in [format!("{list}/{id}"), format!("{list}//{id}/")] {
            assert_eq!(ask("GET", &path).send().json_of_kong()["id"], id, "{path}");
            assert_eq!(server.get(&path).json_of_kong()["id"], id, "{path}");
        }
        let report = ask("GET", &format!("/{key}/license/report"))
            .send()
            .json_of_kong();
        assert_eq!(report["license_key"], "OLD");
        for path in [
            format!("/{key}/services"),
            format!("/{key}/workspaces/{key}"),
        ] {
            assert_eq!(ask("GET", &path).send().status, 200, "{path}");
        }
        let found = ask("GET", &format!("/workspaces/{key}")).send();
        check(key, &found, 200, &workspace(key));
        let foreign = format!("/{key}/licenses");
        let other = server.create_token("admin", &[], "default");
        let reply = server.with_token(&other, "GET", &foreign).send();
        check(&foreign, &reply, 404, &not_found());
    }
    let names = server.get("/workspaces").json_of_kong();
    assert_eq!(names["data"].as_array().map(Vec::len), Some(4));
}

#[test]
fn nobody_is_given_a_key_that_is_a_path() {
    let server = Harness::start();
    for key in ["kong", "status", "workspaces"] {
        let create = server.anonymous("POST", "/v1/organizations");
        let reply = create
            .token(&server.token)
            .json(&json!({ "key": key }))
            .send();
        assert_eq!(reply.status, 400, "{reply:?}");
        for path in [format!("/{key}/licenses"), format!("/workspaces/{key}")] {
            check(&path, &server.get(&path), 404, &not_found());
        }
    }
}

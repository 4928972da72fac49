//! No route answers with all that a tenant has: what grows comes in pages.

use lictor_core::Plan;
use lictor_server::dialects::native;
use serde_json::{Value, json};

use crate::harness::{Server, Staff as _};

/// More of everything than a page has.
const MANY: usize = 110;
const PAGE: usize = 100;

/// Where an account, a client and a node are.
struct Grown {
    server: Server,
    account: String,
    client: String,
    node: String,
    license: String,
    token: String,
}

fn grown() -> Grown {
    let server = Server::start();
    let license = server.install("editor", None, Plan::Paid);
    server.install("tiny", Some(0), Plan::Paid);
    server.staff("editor", "p", MANY);
    let mut keys = Vec::new();
    let mut ids = (String::new(), String::new(), String::new());
    let id = |made: &Value| made["id"].as_str().expect("an id").to_owned();
    let mut counts = Vec::new();
    for number in 0..MANY {
        let key = format!("app-{number}");
        server.install(&key, Some(5), Plan::Paid);
        keys.push(key);
        let lease = |application: &str, name: String| {
            let path = format!("/v1/applications/{application}/leases");
            let call = server.call("POST", &path);
            call.json(&json!({ "holder": name, "ttl_seconds": 600 }))
                .send()
        };
        lease("editor", format!("stays-{number}"));
        let lease_to_end = lease("editor", format!("goes-{number}")).value();
        let path = format!("/v1/leases/{}/release", id(&lease_to_end));
        let release = server.call("POST", &path);
        release.json(&json!({ "force": true })).expect(204);
        assert_eq!(lease("tiny", format!("refused-{number}")).status, 409);
        let post = |path: &str, body: Value| server.post(path, &body);
        ids.0 = id(&post("/v1/tokens", json!({ "role": "reader" })));
        let client = post("/v1/clients", json!({ "scopes": ["seats:read"] }));
        ids.1 = id(&client);
        let node = json!({ "name": format!("node-{number}"), "application": "editor" });
        ids.2 = id(&post("/v1/nodes", node));
        post(
            "/v1/organizations",
            json!({ "key": format!("org-{number}") }),
        );
        counts.push(json!({ "service": format!("s{number}"), "count": 1 }));
    }
    let usage = server.call("POST", "/v1/usage");
    usage.json(&json!({ "counts": counts })).expect(200);
    let row = json!({ "email": "many@example.com", "seats": keys });
    let import = server.call("POST", "/v1/accounts/import");
    let done = import.json(&json!({ "rows": [row] })).expect(200).value();
    assert_eq!(done["seats_assigned"], MANY, "{done}");
    let account = server.get("/v1/accounts/many@example.com");
    Grown {
        account: id(&account),
        token: ids.0,
        client: ids.1,
        node: ids.2,
        license,
        server,
    }
}

/// The most members that any array or object of an answer has.
fn widest(value: &Value) -> usize {
    match value {
        Value::Array(rows) => rows.iter().map(widest).fold(rows.len(), usize::max),
        Value::Object(members) => members.values().map(widest).fold(members.len(), usize::max),
        _ => 0,
    }
}

#[test]
fn no_route_answers_with_more_than_a_page_of_what_tenants_grow() {
    let grown = grown();
    let mut full = Vec::new();
    let more = ["/tokens?operators=true"];
    for path in native::paths().into_iter().chain(more) {
        // A file, which is streamed.
        if path.starts_with("/backup") {
            continue;
        }
        let path = path
            .replace("{application}", "editor")
            .replace("{organization}", "default")
            .replace("{token}", &grown.token)
            .replace("{account}", &grown.account)
            .replace("{client}", &grown.client)
            .replace("{node}", &grown.node)
            .replace("{license}", &grown.license);
        let answer = grown.server.call("GET", &format!("/v1{path}")).send();
        if matches!(answer.status, 404 | 405 | 400) {
            continue;
        }
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        let widest = widest(&answer.value());
        assert!(widest <= PAGE, "{path} has {widest} rows");
        if widest == PAGE {
            full.push(path);
        }
    }
    // Applications, their seats and leases, ended ones, accounts and what one holds, counts, refusals, the census,
    // organizations, tokens, clients, nodes, usage, licenses, the ledger.
    assert_eq!(full.len(), 16, "{full:?}");
}

#[test]
fn counts_and_the_census_are_walked_page_by_page() {
    let server = Server::start();
    for number in 0..5 {
        let key = format!("app-{number}");
        server.install(&key, Some(10), Plan::Paid);
        server.staff(&key, &format!("{key}-"), number);
    }
    let walk = |path: &str, keys: fn(&Value) -> Vec<String>, total: fn(&Value) -> Value| {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = server.get(&format!("{path}?limit=2{cursor}"));
            assert_eq!(total(&page), total(&server.get(path)), "of all pages");
            let found = keys(&page);
            assert!(found.len() <= 2, "{page}");
            all.extend(found);
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    };
    let expected: Vec<_> = (0..5).map(|number| format!("app-{number}")).collect();
    let of_counts = |page: &Value| {
        let rows = page["data"].as_array().expect("rows").iter();
        let key = |row: &Value| row["application"].as_str().expect("a key").to_owned();
        rows.map(key).collect()
    };
    let counts = walk("/v1/counts", of_counts, |page| page["total"].clone());
    assert_eq!(counts, expected);
    assert_eq!(server.get("/v1/counts?limit=1")["total"]["used"], 10);
    let of_census = |page: &Value| {
        let rows = page["data"].as_array().expect("rows").iter();
        let key = |row: &Value| row["application"].as_str().expect("a key").to_owned();
        rows.map(key).collect()
    };
    let census = walk("/v1/census", of_census, |page| page["accounts"].clone());
    assert_eq!(census, expected);
    let taken = server.call("POST", "/v1/census").expect(200).value();
    assert_eq!(taken["data"].as_array().map(Vec::len), Some(5));
    // A cursor of the one is none of the other.
    let cursor = server.get("/v1/counts?limit=2")["next_cursor"].clone();
    let path = format!("/v1/census?cursor={}", cursor.as_str().expect("a cursor"));
    server
        .call("GET", &path)
        .send()
        .problem(400, "invalid-input");
}

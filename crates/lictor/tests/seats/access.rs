//! The access matrix of the dialects of Zoho CRM and Jira: every route with what each kind of
//! caller gets there, and that no route is without a row.

use std::collections::BTreeSet;

use lictor_core::Plan;
use lictor_server::dialects::{jira, zoho};
use lictor_testkit::Request;
use serde_json::json;

use crate::harness::{Server, Staff as _};

/// A method, a path as the dialect has it, the query, and the status for: the operator; an admin's
/// and a reader's token that nobody owns; an administrator's and somebody else's own token; another
/// organization's admin; an administrator's token with another scope; nobody.
type Row = (&'static str, &'static str, &'static str, [u16; 8]);

const ZOHO: &[Row] = &[
    ("GET", "/crm/{v}/__features/user_licenses", "", SEEN),
    ("GET", "/crm/{v}/__features", "", SEEN),
    // The other organization has no features.
    (
        "GET",
        "/crm/{v}/__features/{name}",
        "",
        [200, 200, 200, 200, 200, 204, 401, 401],
    ),
    // A token that nobody owns has no user.
    (
        "GET",
        "/crm/{v}/users",
        "?type=CurrentUser",
        [204, 204, 204, 200, 200, 204, 401, 401],
    ),
    ("GET", "/crm/{v}/users/actions/count", "", SEEN),
    ("GET", "/crm/{v}/org", "", SEEN),
    // Who asks here signs in by parameters, and by nothing else.
    ("POST", "/oauth/v2/token", "", [200; 8]),
    ("POST", "/oauth/v2/token/revoke", "", [400; 8]),
];

const SEEN: [u16; 8] = [200, 200, 200, 200, 200, 200, 401, 401];
const ADMINISTERED: [u16; 8] = [200, 200, 403, 200, 403, 200, 401, 401];
const SIGNED_IN: [u16; 8] = [200, 200, 200, 200, 200, 200, 200, 401];

const JIRA: &[Row] = &[
    ("GET", "instance/license", "", SEEN),
    ("OPTIONS", "instance/license", "", SIGNED_IN),
    ("GET", "license/approximateLicenseCount", "", ADMINISTERED),
    ("OPTIONS", "license/approximateLicenseCount", "", SIGNED_IN),
    (
        "GET",
        "license/approximateLicenseCount/product/{key}",
        "",
        ADMINISTERED,
    ),
    (
        "OPTIONS",
        "license/approximateLicenseCount/product/{key}",
        "",
        SIGNED_IN,
    ),
    ("GET", "serverInfo", "", [200; 8]),
    ("OPTIONS", "serverInfo", "", [200; 8]),
    ("GET", "myself", "", SIGNED_IN),
    ("OPTIONS", "myself", "", SIGNED_IN),
    ("GET", "mypermissions", "?permissions=ADMINISTER", [200; 8]),
    (
        "OPTIONS",
        "mypermissions",
        "?permissions=ADMINISTER",
        [200; 8],
    ),
];

/// Where the other organization's admin stands in a row.
const OTHER: usize = 5;

const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW",
];

/// A server with the callers of the table.
struct World {
    server: Server,
    /// The tokens in the order of a row; the operator's and nobody's are not among them.
    tokens: [String; 6],
    cloud: String,
}

impl World {
    fn new() -> Self {
        let server = Server::start();
        server.install("jira-software", Some(10), Plan::Paid);
        let root = json!({ "email": "root@example.com", "administrator": true });
        server.account_of(&root);
        server.account("ada@example.com");
        let unowned = |role: &str| {
            let token = server.post("/v1/tokens", &json!({ "role": role }));
            token["secret"].as_str().expect("a secret").to_owned()
        };
        let cloud = server.get("/v1/organizations/default")["id"].clone();
        Self {
            tokens: [
                unowned("admin"),
                unowned("reader"),
                server.token("root@example.com", &[]),
                server.token("ada@example.com", &[]),
                server.tenant("other").admin,
                server.token("root@example.com", &["licenses:read"]),
            ],
            cloud: cloud.as_str().expect("an id").to_owned(),
            server,
        }
    }

    /// The request by everybody, in the order of a row.
    fn by_all(&self, method: &str, path: &str) -> Vec<Request> {
        let mut all = vec![self.server.call(method, path)];
        let anonymous = self.server.anonymous(method, path);
        all.extend(
            self.tokens
                .iter()
                .map(|token| anonymous.clone().token(token)),
        );
        all.push(anonymous);
        all
    }
}

#[test]
fn everybody_gets_at_every_route_of_zoho_what_the_table_says() {
    let world = World::new();
    for (method, path, query, statuses) in ZOHO {
        for version in if path.contains("__features") {
            6..=8
        } else {
            2..=8
        } {
            let path = path.replace("{v}", &format!("v{version}"));
            let path = format!("{}{query}", path.replace("{name}", "sso"));
            let calls = world.by_all(method, &path);
            for (call, status) in calls.into_iter().zip(statuses) {
                call.expect(*status);
            }
        }
    }
}

#[test]
fn everybody_gets_at_every_route_of_jira_what_the_table_says() {
    let world = World::new();
    let gateway = format!("/ex/jira/{}", world.cloud);
    for (method, path, query, statuses) in JIRA {
        for (prefix, version) in [
            ("", "2"),
            ("", "3"),
            ("", "latest"),
            (gateway.as_str(), "2"),
            (&gateway, "3"),
            (&gateway, "latest"),
        ] {
            let path = path.replace("{key}", "jira-software");
            let path = format!("{prefix}/rest/api/{version}/{path}{query}");
            let calls = world.by_all(method, &path);
            for (column, (call, status)) in calls.into_iter().zip(statuses).enumerate() {
                // By the gateway, the organization is that of the path, which the other's admin
                // must not even know of.
                let hidden = column == OTHER && !prefix.is_empty();
                call.expect(if hidden { 404 } else { *status });
            }
            if *method == "GET" {
                let heads = world.by_all("HEAD", &path);
                for (column, (call, status)) in heads.into_iter().zip(statuses).enumerate() {
                    let hidden = column == OTHER && !prefix.is_empty();
                    let head = call.expect(if hidden { 404 } else { *status });
                    assert!(head.body.is_empty());
                }
            }
        }
    }
}

#[test]
fn only_operators_go_to_other_organizations_by_the_gateway() {
    let world = World::new();
    let other = world.server.get("/v1/organizations/other")["id"].clone();
    let other = other.as_str().expect("an id").to_owned();
    let unknown = [
        "00000000-0000-0000-0000-000000000000",
        "0197f3a0-0000-7000-8000-000000000001",
        "default",
        "x",
        "%00",
        "..",
    ];
    let clouds = unknown.into_iter().chain([other.as_str()]);
    for cloud in clouds {
        for (method, path, query, statuses) in JIRA {
            let path = path.replace("{key}", "jira-software");
            let path = format!("/ex/jira/{cloud}/rest/api/3/{path}{query}");
            let calls = world.by_all(method, &path);
            let known = cloud == other;
            for (column, (call, status)) in calls.into_iter().zip(statuses).enumerate() {
                let last = column + 1 == statuses.len();
                let open = last && (known || *status == 401);
                let own = known && (column == 0 || column == OTHER);
                call.expect(if own || open { *status } else { 404 });
            }
        }
    }
}

#[test]
fn no_route_of_these_dialects_is_without_a_row() {
    let listed = |rows: &[Row]| {
        let paths = rows.iter().map(|(_, path, ..)| (*path).to_owned());
        paths.collect::<BTreeSet<String>>()
    };
    assert_eq!(listed(ZOHO), zoho::paths().into_iter().collect());
    assert_eq!(listed(JIRA), jira::paths().into_iter().collect());
}

#[test]
fn no_method_of_these_dialects_is_without_a_row() {
    let world = World::new();
    let has = |rows: &[Row], method: &str, path: &str| {
        rows.iter().any(|row| row.0 == method && row.1 == path)
    };
    for method in METHODS {
        for path in zoho::paths() {
            let concrete = path.replace("{v}", "v7").replace("{name}", "sso");
            let answer = world.server.call(method, &concrete).send();
            let refused = answer.status == 400
                && (method == "HEAD" || answer.value()["code"] == "INVALID_REQUEST_METHOD");
            assert_eq!(!refused, has(ZOHO, method, &path), "{answer:?}");
        }
        for path in jira::paths() {
            let concrete = format!("/rest/api/3/{}", path.replace("{key}", "jira-core"));
            let answer = world.server.call(method, &concrete).send();
            let listed = has(JIRA, method, &path) || method == "HEAD";
            assert_eq!(answer.status != 405, listed, "{answer:?}");
        }
    }
}

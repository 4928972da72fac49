//! Who gets in where: nodes at their own paths and nobody else, and nodes nowhere else.

use lictor_core::feed::{FEED_PATH, JOIN_PATH};
use lictor_server::dialects::{jira, native, node, zoho};
use lictor_testkit::{OPERATOR, Request, text};
use serde_json::{Value, json};

use crate::harness::{Joined as _, Server};
use crate::node::{Node, join, new_credential};

/// The Admin API's paths, in the organization `default` and in one that is named.
const KONG: [&str; 6] = [
    "/licenses",
    "/licenses/x",
    "/license/report",
    "/default/licenses",
    "/default/licenses/x",
    "/default/license/report",
];

/// Everybody who might ask, by what they sign in with.
struct World {
    server: Server,
    admin: String,
    unused: String,
    node: Node,
    revoked: Node,
    removed: Node,
}

impl World {
    fn new() -> Self {
        let server = Server::licensed();
        let made = server.post("/v1/tokens", &json!({ "role": "admin" }));
        let unused = server.enroll("unused").as_str().to_owned();
        let revoked = server.node("revoked");
        server.call("DELETE", "/v1/nodes/revoked").expect(204);
        server.post("/v1/organizations", &json!({ "key": "gone" }));
        let in_gone = |path: &str, body: &Value| {
            let call = server.call("POST", path).organization("gone").json(body);
            call.expect(201).value()
        };
        in_gone("/v1/applications", &json!({ "key": "konnect" }));
        let enrolled = in_gone("/v1/nodes", &json!({ "name": "edge-1" }));
        let token = text(&enrolled["enrollment_token"]);
        let removed = Node::join(&server.url, &token.parse().expect("a token"));
        server.call("DELETE", "/v1/organizations/gone").expect(204);
        Self {
            admin: text(&made["secret"]),
            unused,
            node: server.node("edge-1"),
            revoked,
            removed,
            server,
        }
    }

    /// The request as nodes make it to this path.
    fn call(&self, path: &str, token: &str) -> Request {
        let report = self.node.report_of(&self.node.first);
        match path {
            FEED_PATH => self.server.anonymous("GET", path).token(token),
            JOIN_PATH => join(&self.server.url, token, &new_credential()),
            _ => self
                .server
                .anonymous("POST", path)
                .token(token)
                .json(&report),
        }
    }
}

#[test]
fn nodes_get_into_their_dialect_and_nobody_else_does() {
    let world = World::new();
    let (known, revoked) = (&world.node.credential, &world.revoked.credential);
    let removed = &world.removed.credential;
    for path in node::paths() {
        let enroll = path == JOIN_PATH;
        let unknown = if enroll {
            "enrollment-refused"
        } else {
            "unauthorized"
        };
        let strangers = ["unknown", OPERATOR, &world.admin, removed];
        for token in strangers {
            world.call(path, token).send().failure(401, unknown);
        }
        let nobody = world.call(path, "").without("Authorization").send();
        let none = if enroll { unknown } else { "no-credential" };
        nobody.failure(401, none);
        world.call(path, "").send().failure(401, none);
        assert_eq!(nobody.header("www-authenticate"), Some("Bearer"));
        let basic = world.call(path, "").without("Authorization");
        let basic = basic.header("Authorization", &format!("Basic {known}"));
        basic.send().failure(401, none);
        if enroll {
            world.call(path, known).send().failure(401, unknown);
            world.call(path, revoked).send().failure(401, unknown);
            world.call(path, &world.unused).expect(201);
        } else {
            world.call(path, &world.unused).send().failure(401, unknown);
            world.call(path, revoked).send().failure(403, "revoked");
            world.call(path, known).expect(200);
        }
    }
}

#[test]
fn every_path_has_one_method_and_there_are_no_others() {
    let world = World::new();
    for path in node::paths() {
        let own = if path == FEED_PATH { "GET" } else { "POST" };
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"] {
            if method != own {
                let answer = world.node.call(method, path).send();
                answer.failure(405, "no-route");
                assert_eq!(answer.header("allow"), Some(own));
            }
        }
    }
    for path in [
        "/v1/feed/",
        "/v1/feed/x",
        "/v1/feed/join/",
        "/v1/feed/join/x",
    ] {
        world.node.call("GET", path).send().failure(404, "no-route");
    }
}

#[test]
fn credentials_and_enrollment_tokens_open_nothing_else() {
    let world = World::new();
    let concrete = |path: &str| -> String {
        let parts = path.split('/').map(|part| match part {
            "{v}" => "v7",
            "{key}" => "0123456789abcdef",
            part if part.starts_with('{') => "x",
            part => part,
        });
        parts.collect::<Vec<_>>().join("/")
    };
    let native = native::paths().into_iter().map(|path| format!("/v1{path}"));
    let jira = jira::paths().into_iter();
    let jira = jira.map(|path| format!("/rest/api/3/{path}"));
    // These sign in by parameters, and by nothing else.
    let zoho = zoho::paths().into_iter();
    let zoho = zoho.filter(|path| !path.starts_with("/oauth"));
    let kong = KONG.map(str::to_owned);
    let paths = native.chain(jira).chain(zoho).chain(kong);
    let paths: Vec<String> = paths.map(|path| concrete(&path)).collect();
    let secrets = [
        &world.node.credential,
        &world.revoked.credential,
        &world.unused,
    ];
    let mut closed = 0;
    for path in paths.iter().map(String::as_str).chain(["/metrics"]) {
        let call = world.server.anonymous("GET", path);
        // A few are open to all.
        let status = call.send().status;
        closed += usize::from(status == 401);
        for secret in secrets {
            call.clone().token(secret).expect(status);
            let zoho = format!("Zoho-oauthtoken {secret}");
            call.clone().header("Authorization", &zoho).expect(status);
            call.clone()
                .header("Kong-Admin-Token", secret)
                .expect(status);
        }
    }
    assert!(
        closed > 50 && closed + 3 > paths.len(),
        "{closed} of {}",
        paths.len()
    );
}

#[test]
fn the_feed_of_a_removed_organization_ends() {
    let server = Server::start();
    server.post("/v1/organizations", &json!({ "key": "gone" }));
    let in_gone = |path: &str, body: &Value| {
        let call = server.call("POST", path).organization("gone").json(body);
        call.expect(201).value()
    };
    in_gone("/v1/applications", &json!({ "key": "konnect" }));
    let enrolled = in_gone("/v1/nodes", &json!({ "name": "edge-1" }));
    let token = text(&enrolled["enrollment_token"]);
    let node = Node::join(&server.url, &token.parse().expect("a token"));
    let feed = node.feed();
    feed.state();
    server.call("DELETE", "/v1/organizations/gone").expect(204);
    feed.end();
    node.call("GET", FEED_PATH)
        .send()
        .failure(401, "unauthorized");
}

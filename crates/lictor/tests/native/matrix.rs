//! The access matrix of the native API: every route with what each role and each scope gets there.

use serde_json::{Value, json};

use crate::http::Request;
use crate::server::{Server, Tenant, document, vendor};

/// A method and path, the path as the router has it; what to send; the status that the operator,
/// the organization's admin, its reader and another organization's admin get; and the scope that a
/// narrowed token needs for it. Whoever is not signed in gets 401.
pub(crate) type Row = (
    &'static str,
    &'static str,
    fn(&World) -> (String, Option<Value>),
    [u16; 4],
    &'static str,
);

pub(crate) const ROWS: &[Row] = &[
    (
        "GET",
        "/licenses",
        fixed,
        [200, 200, 200, 200],
        "licenses:read",
    ),
    (
        "POST",
        "/licenses",
        |_| {
            let body = json!({ "payload": document("Konnect") });
            (String::new(), Some(body))
        },
        [201, 201, 403, 201],
        "licenses:write",
    ),
    (
        "GET",
        "/licenses/{id}",
        license,
        [200, 200, 200, 404],
        "licenses:read",
    ),
    // Ids belong to an organization: the same one may be put in another.
    (
        "PUT",
        "/licenses/{id}",
        |world| {
            let body = json!({ "payload": document("Konnect") });
            (world.license(), Some(body))
        },
        [200, 200, 403, 201],
        "licenses:write",
    ),
    (
        "DELETE",
        "/licenses/{id}",
        license,
        [204, 204, 403, 404],
        "licenses:write",
    ),
    (
        "GET",
        "/applications",
        fixed,
        [200, 200, 200, 200],
        "applications:read",
    ),
    (
        "GET",
        "/applications/{key}",
        |world| {
            let body = json!({ "payload": document("Payroll") });
            world.create("/v1/licenses", &body, "id");
            ("payroll".to_owned(), None)
        },
        [200, 200, 200, 404],
        "applications:read",
    ),
    (
        "GET",
        "/organizations",
        fixed,
        [200, 200, 200, 200],
        "organizations:read",
    ),
    (
        "POST",
        "/organizations",
        |world| (String::new(), Some(json!({ "key": world.fresh() }))),
        [201, 403, 403, 403],
        "organizations:write",
    ),
    (
        "GET",
        "/organizations/{key}",
        |world| (world.acme.key.clone(), None),
        [200, 200, 200, 404],
        "organizations:read",
    ),
    (
        "PATCH",
        "/organizations/{key}",
        |world| (world.acme.key.clone(), Some(json!({ "quotas": {} }))),
        [200, 403, 403, 403],
        "organizations:write",
    ),
    (
        "DELETE",
        "/organizations/{key}",
        |world| {
            let key = world.fresh();
            world
                .server
                .post("/v1/organizations", &json!({ "key": key }));
            (key, None)
        },
        [204, 403, 403, 403],
        "organizations:write",
    ),
    ("GET", "/trust", fixed, [200, 200, 200, 200], "trust:read"),
    (
        "POST",
        "/trust",
        |world| {
            let pem = vendor(world.number()).public_key().to_pem();
            (String::new(), Some(json!({ "public_key": pem })))
        },
        [201, 403, 403, 403],
        "trust:write",
    ),
    (
        "GET",
        "/trust/{key_id}",
        key,
        [200, 200, 200, 200],
        "trust:read",
    ),
    (
        "POST",
        "/trust/{key_id}/retire",
        key,
        [200, 403, 403, 403],
        "trust:write",
    ),
    (
        "POST",
        "/trust/{key_id}/revoke",
        key,
        [200, 403, 403, 403],
        "trust:write",
    ),
    ("GET", "/tokens", fixed, [200, 200, 403, 200], "tokens:read"),
    (
        "POST",
        "/tokens",
        |_| (String::new(), Some(json!({ "scopes": ["tokens:write"] }))),
        [201, 201, 403, 201],
        "tokens:write",
    ),
    (
        "GET",
        "/tokens/{id}",
        token,
        [200, 200, 403, 404],
        "tokens:read",
    ),
    (
        "DELETE",
        "/tokens/{id}",
        token,
        [204, 204, 403, 404],
        "tokens:write",
    ),
    (
        "GET",
        "/clients",
        fixed,
        [200, 200, 403, 200],
        "clients:read",
    ),
    (
        "POST",
        "/clients",
        |_| (String::new(), Some(new_client())),
        [201, 201, 403, 201],
        "clients:write",
    ),
    (
        "GET",
        "/clients/{client}",
        client,
        [200, 200, 403, 404],
        "clients:read",
    ),
    (
        "DELETE",
        "/clients/{client}",
        client,
        [204, 204, 403, 404],
        "clients:write",
    ),
    (
        "POST",
        "/clients/{client}/codes",
        |world| (client(world).0, Some(json!({}))),
        [201, 201, 403, 404],
        "clients:write",
    ),
    ("GET", "/usage", fixed, [200, 200, 200, 200], "usage:read"),
    (
        "POST",
        "/usage",
        |_| {
            let count = json!({ "service": "orders", "count": 1 });
            (String::new(), Some(json!({ "counts": [count] })))
        },
        [200, 200, 403, 200],
        "usage:write",
    ),
    (
        "POST",
        "/usage/corrections",
        |world| {
            let month = world.counted();
            let body = json!({ "service": "meter", "month": month, "by": 1, "reason": "a test" });
            (String::new(), Some(body))
        },
        [200, 200, 403, 404],
        "corrections:write",
    ),
    ("GET", "/ledger", fixed, [200, 200, 403, 200], "ledger:read"),
    ("GET", "/report", fixed, [200, 200, 403, 200], "report:read"),
    ("GET", "/backup", fixed, [200, 403, 403, 403], "backup:read"),
    (
        "GET",
        "/backup/control-plane-key",
        fixed,
        [200, 403, 403, 403],
        "backup:read",
    ),
    ("GET", "/nodes", fixed, [200, 200, 200, 200], "nodes:read"),
    (
        "POST",
        "/nodes",
        |world| {
            let body = json!({ "name": world.fresh(), "application": world.application() });
            (String::new(), Some(body))
        },
        [201, 201, 403, 404],
        "nodes:write",
    ),
    (
        "GET",
        "/nodes/{node}",
        node,
        [200, 200, 200, 404],
        "nodes:read",
    ),
    (
        "DELETE",
        "/nodes/{node}",
        node,
        [204, 204, 403, 404],
        "nodes:write",
    ),
    (
        "GET",
        "/node-policy",
        fixed,
        [200, 200, 200, 200],
        "nodes:read",
    ),
    (
        "PUT",
        "/node-policy",
        |_| {
            let body = json!({ "stale_after": 60, "expires_after": 600, "grace": 0 });
            (String::new(), Some(body))
        },
        [200, 403, 403, 403],
        "nodes:write",
    ),
    (
        "POST",
        "/node-adoptions",
        |_| (String::new(), Some(json!({}))),
        [200, 403, 403, 403],
        "nodes:write",
    ),
    (
        "POST",
        "/applications",
        |world| (String::new(), Some(json!({ "key": world.fresh() }))),
        [201, 201, 403, 201],
        "applications:write",
    ),
    (
        "PATCH",
        "/applications/{key}",
        |world| (world.application(), Some(json!({ "name": "N" }))),
        [200, 200, 403, 404],
        "applications:write",
    ),
    (
        "DELETE",
        "/applications/{key}",
        |world| {
            let body = json!({ "key": world.fresh() });
            (world.create("/v1/applications", &body, "key"), None)
        },
        [204, 204, 403, 404],
        "applications:write",
    ),
    (
        "GET",
        "/applications/{key}/seats",
        |world| (world.application(), None),
        [200, 200, 200, 404],
        "seats:read",
    ),
    (
        "POST",
        "/applications/{key}/seats",
        |world| {
            let body = json!({ "account": world.account() });
            (world.application(), Some(body))
        },
        [201, 201, 403, 404],
        "seats:write",
    ),
    (
        "POST",
        "/applications/{key}/seats/bulk",
        |world| {
            let body = json!({ "assign": [world.account()] });
            (world.application(), Some(body))
        },
        [200, 200, 403, 404],
        "seats:write",
    ),
    (
        "DELETE",
        "/applications/{key}/seats/{account}",
        |world| {
            let (application, account) = (world.application(), world.account());
            let path = format!("/v1/applications/{application}/seats");
            let call = world.server.call("POST", &path).organization("acme");
            call.json(&json!({ "account": account })).expect(201);
            (format!("{application}/{account}"), None)
        },
        [204, 204, 403, 404],
        "seats:write",
    ),
    (
        "GET",
        "/applications/{key}/leases",
        |world| (world.application(), None),
        [200, 200, 200, 404],
        "leases:read",
    ),
    (
        "POST",
        "/applications/{key}/leases",
        |world| {
            let body = json!({ "holder": world.fresh() });
            (world.application(), Some(body))
        },
        [201, 201, 403, 404],
        "leases:write",
    ),
    (
        "GET",
        "/leases/{id}",
        |world| (world.lease(), None),
        [200, 200, 200, 404],
        "leases:read",
    ),
    (
        "POST",
        "/leases/{id}/renew",
        |world| (world.lease(), Some(json!({ "fence": 1 }))),
        [200, 200, 403, 404],
        "leases:write",
    ),
    (
        "POST",
        "/leases/{id}/release",
        |world| (world.lease(), Some(json!({ "fence": 1 }))),
        [204, 204, 403, 404],
        "leases:write",
    ),
    (
        "GET",
        "/accounts",
        fixed,
        [200, 200, 200, 200],
        "accounts:read",
    ),
    (
        "POST",
        "/accounts",
        |world| {
            let email = format!("{}@example.com", world.fresh());
            (String::new(), Some(json!({ "email": email })))
        },
        [201, 201, 403, 201],
        "accounts:write",
    ),
    (
        "POST",
        "/accounts/import",
        |world| {
            let email = format!("{}@example.com", world.fresh());
            let rows = json!([{ "email": email }]);
            (String::new(), Some(json!({ "rows": rows })))
        },
        [200, 200, 403, 200],
        "accounts:write",
    ),
    (
        "GET",
        "/accounts/{account}",
        |world| (world.account(), None),
        [200, 200, 200, 404],
        "accounts:read",
    ),
    (
        "PATCH",
        "/accounts/{account}",
        |world| (world.account(), Some(json!({ "name": "N" }))),
        [200, 200, 403, 404],
        "accounts",
    ),
    (
        "DELETE",
        "/accounts/{account}",
        |world| (world.account(), None),
        [204, 204, 403, 404],
        "accounts",
    ),
    (
        "GET",
        "/accounts/{account}/seats",
        |world| (world.account(), None),
        [200, 200, 200, 404],
        "seats:read,accounts:read",
    ),
    ("GET", "/counts", fixed, [200, 200, 200, 200], "seats:read"),
    (
        "DELETE",
        "/holders/{holder}",
        |_| ("nobody".to_owned(), None),
        [200, 200, 403, 200],
        "accounts:write",
    ),
    (
        "GET",
        "/refusals",
        fixed,
        [200, 200, 200, 200],
        "seats:read",
    ),
    ("GET", "/census", fixed, [200, 200, 403, 200], "census:read"),
    (
        "POST",
        "/census",
        |_| (String::new(), Some(json!({}))),
        [200, 200, 403, 200],
        "census:write",
    ),
];

/// A server with two organizations, whose objects are made when they are needed.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) acme: Tenant,
    pub(crate) other: Tenant,
    made: std::cell::Cell<u8>,
}

impl World {
    pub(crate) fn new() -> Self {
        let server = Server::start();
        Self {
            acme: server.tenant("acme"),
            other: server.tenant("other"),
            made: 10.into(),
            server,
        }
    }

    fn number(&self) -> u8 {
        self.made.set(self.made.get() + 1);
        self.made.get()
    }

    fn fresh(&self) -> String {
        format!("fresh-{}", self.number())
    }

    /// A new license of acme.
    fn license(&self) -> String {
        self.create(
            "/v1/licenses",
            &json!({ "payload": document("Konnect") }),
            "id",
        )
    }

    /// Creates something for acme.
    fn create(&self, path: &str, body: &Value, name: &str) -> String {
        let call = self.server.call("POST", path).organization("acme");
        let made = call.json(body).expect(201).json();
        made[name].as_str().expect("a name").to_owned()
    }

    /// An application with a license.
    fn application(&self) -> String {
        let body = json!({ "payload": document("Payroll") });
        self.create("/v1/licenses", &body, "application")
    }

    /// A new account of acme.
    fn account(&self) -> String {
        let email = format!("{}@example.com", self.fresh());
        self.create("/v1/accounts", &json!({ "email": email }), "id")
    }

    /// A new lease of acme.
    fn lease(&self) -> String {
        let path = format!("/v1/applications/{}/leases", self.application());
        self.create(&path, &json!({ "holder": self.fresh() }), "id")
    }

    /// The month in which acme has a count of the service `meter`.
    fn counted(&self) -> String {
        let call = self.server.call("POST", "/v1/usage").organization("acme");
        let count = json!({ "service": "meter", "count": 1 });
        let taken = call.json(&json!({ "counts": [count] })).expect(200).json();
        let month = taken["counts"][0]["month"].as_str();
        month.expect("a month").to_owned()
    }

    /// The row's request by the operator.
    pub(crate) fn call(&self, (method, path, make, ..): &Row) -> Request {
        let (names, body) = make(self);
        let mut names = names.split('/');
        let parts = path.split('/').map(|part| match part.starts_with('{') {
            true => names.next().expect("a name"),
            false => part,
        });
        let path = parts.collect::<Vec<_>>().join("/");
        let call = self.server.call(method, &format!("/v1{path}"));
        match body {
            Some(body) => call.json(&body),
            None => call,
        }
    }
}

fn fixed(_: &World) -> (String, Option<Value>) {
    (String::new(), None)
}

fn license(world: &World) -> (String, Option<Value>) {
    (world.license(), None)
}

fn token(world: &World) -> (String, Option<Value>) {
    (world.create("/v1/tokens", &json!({}), "id"), None)
}

/// A client of what a token may do that is narrowed to this very scope: none may have more than its
/// creator.
fn new_client() -> Value {
    json!({ "scopes": ["clients:write"] })
}

fn client(world: &World) -> (String, Option<Value>) {
    (
        world.create("/v1/clients", &new_client(), "client_id"),
        None,
    )
}

fn node(world: &World) -> (String, Option<Value>) {
    let body = json!({ "name": world.fresh(), "application": world.application() });
    (world.create("/v1/nodes", &body, "id"), None)
}

fn key(world: &World) -> (String, Option<Value>) {
    let pem = vendor(world.number()).public_key().to_pem();
    (
        world.create("/v1/trust", &json!({ "public_key": pem }), "key_id"),
        None,
    )
}

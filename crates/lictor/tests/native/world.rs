//! The objects that the requests of the access matrix are about, made when they are needed.

use lictor_testkit::{Request, Tenant, TestServer as Server, document, vendor};
use serde_json::{Value, json};

use crate::matrix::Row;

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

    pub(crate) fn number(&self) -> u8 {
        self.made.set(self.made.get() + 1);
        self.made.get()
    }

    pub(crate) fn fresh(&self) -> String {
        format!("fresh-{}", self.number())
    }

    /// A new license of acme.
    pub(crate) fn license(&self) -> String {
        self.create(
            "/v1/licenses",
            &json!({ "payload": document("Konnect") }),
            "id",
        )
    }

    /// Creates something for acme.
    pub(crate) fn create(&self, path: &str, body: &Value, name: &str) -> String {
        let call = self.server.call("POST", path).organization("acme");
        let made = call.json(body).expect(201).json();
        made[name].as_str().expect("a name").to_owned()
    }

    /// An application with a license.
    pub(crate) fn application(&self) -> String {
        let body = json!({ "payload": document("Payroll") });
        self.create("/v1/licenses", &body, "application")
    }

    /// A new account of acme.
    pub(crate) fn account(&self) -> String {
        let email = format!("{}@example.com", self.fresh());
        self.create("/v1/accounts", &json!({ "email": email }), "id")
    }

    /// A new lease of acme.
    pub(crate) fn lease(&self) -> String {
        let path = format!("/v1/applications/{}/leases", self.application());
        self.create(&path, &json!({ "holder": self.fresh() }), "id")
    }

    /// The month in which acme has a count of the service `meter`.
    pub(crate) fn counted(&self) -> String {
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

pub(crate) fn fixed(_: &World) -> (String, Option<Value>) {
    (String::new(), None)
}

pub(crate) fn license(world: &World) -> (String, Option<Value>) {
    (world.license(), None)
}

pub(crate) fn token(world: &World) -> (String, Option<Value>) {
    (world.create("/v1/tokens", &json!({}), "id"), None)
}

/// A client of what a token may do that is narrowed to this very scope: none may have more than its
/// creator.
pub(crate) fn new_client() -> Value {
    json!({ "scopes": ["clients:write"] })
}

pub(crate) fn client(world: &World) -> (String, Option<Value>) {
    (
        world.create("/v1/clients", &new_client(), "client_id"),
        None,
    )
}

pub(crate) fn node(world: &World) -> (String, Option<Value>) {
    let body = json!({ "name": world.fresh(), "application": world.application() });
    (world.create("/v1/nodes", &body, "id"), None)
}

pub(crate) fn pool(world: &World) -> (String, Option<Value>) {
    let (name, application) = (world.fresh(), world.application());
    let body = json!({ "name": name, "application": application, "limit": 3 });
    (world.create("/v1/node-pools", &body, "id"), None)
}

pub(crate) fn key(world: &World) -> (String, Option<Value>) {
    let pem = vendor(world.number()).public_key().to_pem();
    (
        world.create("/v1/trust", &json!({ "public_key": pem }), "key_id"),
        None,
    )
}

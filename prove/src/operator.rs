//! The operator of a server, in one organization, and the tenants that an experiment has made.

use anyhow::{Context as _, Result, ensure};
use lictor_testkit::{Connection, Server};
use serde_json::{Value, json};

/// A connection on which every answer is to be a success.
pub(crate) struct Operator(Connection);

impl Operator {
    pub(crate) fn of(server: &Server, organization: &str) -> Result<Self> {
        Self::at(&server.address, organization)
    }

    /// The same at a host and port.
    pub(crate) fn at(address: &str, organization: &str) -> Result<Self> {
        let mut connection = Connection::open(address)?;
        connection.act_in(organization);
        Ok(Self(connection))
    }

    /// Creates the organization that it acts in from then on.
    pub(crate) fn of_new(address: &str, organization: &str) -> Result<Self> {
        let mut operator = Self::at(address, "default")?;
        operator.post("/v1/organizations", &json!({ "key": organization }))?;
        Self::at(address, organization)
    }

    /// Sends JSON, if there is any, and returns that of the answer, if there is any.
    pub(crate) fn send(&mut self, verb: &str, path: &str, body: &Value) -> Result<Value> {
        let body = match body.is_null() {
            true => String::new(),
            false => body.to_string(),
        };
        let answer = self.0.send(verb, path, &body)?;
        let said = String::from_utf8_lossy(&answer.body);
        ensure!(answer.status < 300, "{path}: {} {said}", answer.status);
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer.body).with_context(|| path.to_owned())
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Result<Value> {
        self.send("POST", path, body)
    }

    /// The secret of a new administrator's token.
    pub(crate) fn token(&mut self) -> Result<String> {
        let token = self.post("/v1/tokens", &json!({ "role": "admin" }))?;
        text(&token, "secret")
    }
}

/// A member that is text.
pub(crate) fn text(of: &Value, member: &str) -> Result<String> {
    let text = of[member].as_str().map(str::to_owned);
    text.with_context(|| format!("no {member}"))
}

//! What the native API adds to HTTP: organizations by name, JSON, and problems.

use serde_json::Value;

use crate::http::{Answer, Request};

impl Request {
    pub(crate) fn organization(self, key: &str) -> Self {
        self.header("Lictor-Organization", key)
    }

    /// Sends, and asserts the status.
    pub(crate) fn expect(&self, status: u16) -> Answer {
        let answer = self.send();
        assert_eq!(answer.status, status, "{answer:?}");
        answer
    }

    /// Sends, and asserts a problem of this type; the `detail` must be there.
    pub(crate) fn expect_problem(&self, status: u16, name: &str) -> Value {
        self.expect(status).problem(name)
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        self.json_as("application/json")
    }

    pub(crate) fn problem(&self, name: &str) -> Value {
        let problem = self.json_as("application/problem+json");
        let expected = format!("urn:lictor:problem:{name}");
        assert_eq!(problem["type"], expected.as_str(), "{self:?}");
        assert_eq!(problem["status"], self.status, "{self:?}");
        for member in ["title", "detail"] {
            let text = problem[member].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{member}: {self:?}");
        }
        problem
    }
}

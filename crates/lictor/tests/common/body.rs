//! Bodies of requests and answers: bytes that are of a type or of none, and JSON.

use serde_json::Value;

use crate::http::{Answer, Request};

impl Request {
    /// Gives it a body without a type.
    pub(crate) fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Gives it a body and says of what type it is.
    pub(crate) fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.header("Content-Type", content_type).bytes(body)
    }

    /// Gives it a JSON body.
    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }
}

impl Answer {
    /// The JSON of an answer that must be of exactly this type.
    pub(crate) fn json_as(&self, content_type: &str) -> Value {
        assert_eq!(self.header("content-type"), Some(content_type), "{self:?}");
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

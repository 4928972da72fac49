//! What a test expects of an answer; anything else ends it.

use serde_json::Value;

use super::answer::Answer;
use super::request::Request;

impl Request {
    /// Sends, and asserts the status.
    ///
    /// # Panics
    /// It is another one, or there is no answer.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Answer {
        let answer = self.send();
        assert_eq!(answer.status, status, "{answer:?}");
        answer
    }

    /// Sends, and asserts a problem of this type.
    ///
    /// # Panics
    /// As [`Answer::problem`].
    #[track_caller]
    pub fn expect_problem(&self, status: u16, name: &str) -> Value {
        self.send().problem(status, name)
    }
}

impl Answer {
    /// The JSON of an answer that must be of exactly this type.
    ///
    /// # Panics
    /// It is not.
    #[track_caller]
    pub fn json_as(&self, content_type: &str) -> Value {
        assert_eq!(self.header("content-type"), Some(content_type), "{self:?}");
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body as JSON, of the type that the native API gives it.
    ///
    /// # Panics
    /// It is not.
    #[track_caller]
    pub fn json(&self) -> Value {
        self.json_as("application/json")
    }

    /// The body as JSON, whatever its media type.
    ///
    /// # Panics
    /// It is none.
    #[track_caller]
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Asserts a problem of this type, as the native API tells it: with its status, and in words.
    ///
    /// # Panics
    /// It is none.
    #[track_caller]
    pub fn problem(&self, status: u16, name: &str) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        let problem = self.json_as("application/problem+json");
        let expected = format!("urn:lictor:problem:{name}");
        assert_eq!(problem["type"], expected.as_str(), "{self:?}");
        assert_eq!(problem["status"], status, "{self:?}");
        for member in ["title", "detail"] {
            let text = problem[member].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{member}: {self:?}");
        }
        problem
    }

    /// Asserts a refusal in the form for nodes, and returns its message.
    ///
    /// # Panics
    /// It is none.
    #[track_caller]
    pub fn failure(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{self:?}");
        let failure = self.json();
        assert_eq!(failure["code"], code, "{self:?}");
        let message = failure["message"].as_str();
        message
            .unwrap_or_else(|| panic!("no message: {self:?}"))
            .to_owned()
    }
}

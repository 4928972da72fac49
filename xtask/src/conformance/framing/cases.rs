//! What a test case is, the parts that cases are made of, and the list of all of them.

use lictor_testkit::OPERATOR;

use super::wire::Pace;
use super::{bodies, heads};

/// Bytes, and what the server answers when they come without a proxy between.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) bytes: Vec<u8>,
    /// The answers, up to a refusal.
    pub(super) statuses: Vec<u16>,
    /// How many requests the bytes are by the standard, if not one for each answer.
    pub(super) requests: Option<usize>,
    /// What comes behind the bytes is answered too.
    pub(super) open: bool,
    pub(super) pace: Pace,
    /// The first request is a HEAD.
    pub(super) to_head: bool,
}

impl Case {
    /// Answered, and the connection goes on.
    pub(super) fn answered(name: &'static str, status: u16, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            name,
            bytes: bytes.into(),
            statuses: vec![status],
            requests: None,
            open: true,
            pace: Pace::AtOnce,
            to_head: false,
        }
    }

    /// Answered, and the connection closed.
    pub(super) fn refused(name: &'static str, status: u16, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            open: false,
            ..Self::answered(name, status, bytes)
        }
    }

    /// Not over yet: the server waits for more.
    pub(super) fn held(name: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            statuses: Vec::new(),
            ..Self::answered(name, 0, bytes)
        }
    }

    pub(super) fn is_held(&self) -> bool {
        self.open && self.statuses.is_empty()
    }

    pub(super) fn at(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }
}

/// The ids of stored licenses.
pub(super) struct Words {
    /// Asked for within cases.
    pub(super) first: String,
    /// Asked for behind each case, on the same connection.
    pub(super) marked: String,
    /// Asked for by others.
    pub(super) bystander: String,
    /// Deleted by the requests that cases try to smuggle.
    pub(super) canary: String,
}

impl Words {
    /// A good request for one license, the last of its connection.
    pub(super) fn good(&self, id: &str) -> String {
        let own = own();
        format!("GET /licenses/{id} HTTP/1.1\r\n{own}Connection: close\r\n\r\n")
    }

    /// A GET with `fields`, each of which ends with its line end.
    pub(super) fn get(&self, fields: &str) -> String {
        let (id, own) = (&self.first, own());
        format!("GET /licenses/{id} HTTP/1.1\r\n{own}{fields}\r\n")
    }

    /// The request that must never be carried out.
    pub(super) fn smuggled(&self) -> String {
        let (id, own) = (&self.canary, own());
        format!("DELETE /licenses/{id} HTTP/1.1\r\n{own}\r\n")
    }
}

/// A POST with `fields`, and with `body`, whatever the fields say of it.
pub(super) fn post(fields: &str, body: &str) -> String {
    let own = own();
    format!("POST /licenses HTTP/1.1\r\n{own}Content-Type: application/json\r\n{fields}\r\n{body}")
}

/// The fields that a request of the operator needs.
pub(super) fn own() -> String {
    format!("Host: lictor\r\nKong-Admin-Token: {OPERATOR}\r\n")
}

pub(super) fn all(words: &Words) -> Vec<Case> {
    [
        bodies::lengths(words),
        bodies::bodies_where_few_expect_them(words),
        bodies::codings(words),
        bodies::hidden_codings(words),
        bodies::chunks(),
        bodies::broken_chunks(words),
        bodies::trailers(words),
        bodies::sizes(),
        heads::lines(words),
        heads::request_lines(words),
        heads::hosts(words),
        heads::sizes(words),
        heads::versions(words),
        heads::upgrades(words),
        heads::pipelines(words),
        heads::paces(words),
    ]
    .into_iter()
    .flatten()
    .collect()
}

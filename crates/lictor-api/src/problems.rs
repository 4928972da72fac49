//! Problems: every way in which a request is refused (RFC 9457), with the facts of the case.

mod kinds;

use std::borrow::Cow;

use lictor_core::error::Kind as Missing;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::kinds::{KINDS, Kind, Of, named};
use crate::values::{KNOWN_WORDS, Text, Told, Words};

/// What the type of each problem begins with.
pub const TYPE: &str = "urn:lictor:problem:";

/// The media type of problems.
pub const MEDIA_TYPE: &str = "application/problem+json";

impl Words for Missing {
    const ALL: &'static [Self] = &Self::ALL;

    fn word(self) -> &'static str {
        self.as_str()
    }
}

/// The type of a problem, such as `urn:lictor:problem:not-found`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Type(pub String);

impl Type {
    /// The type with this name.
    pub fn named(name: &str) -> Self {
        Self(format!("{TYPE}{name}"))
    }

    /// The last word of it; none: it is no type of ours.
    pub fn name(&self) -> Option<&str> {
        self.0.strip_prefix(TYPE)
    }
}

impl Default for Type {
    fn default() -> Self {
        Self::named("internal")
    }
}

impl JsonSchema for Type {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ProblemType".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let known: Vec<Self> = KINDS.iter().map(|kind| Self::named(kind.name)).collect();
        json_schema!({ "type": "string", "format": "uri", KNOWN_WORDS: known })
    }
}

/// Why a request was refused. Which of the facts it has beside `type`, `title`, `status` and `detail` depends on its
/// type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// The key of the application; `null`: it is about the whole organization.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub application: Told<Option<String>>,
    /// The claim of the document that is wrong.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub claim: Told<String>,
    /// What it says to people. It is not stable.
    pub detail: String,
    /// Whether the request was carried out, and only its answer had no room.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub done: Told<bool>,
    /// The fence that the lease has now.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub fence: Told<u64>,
    /// The member, query parameter or header that is wrong.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub field: Told<String>,
    /// The id of what the first request made; `null`: it has none.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub id: Told<Option<Uuid>>,
    /// The key of the organization.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub key: Told<String>,
    /// The id of the key.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub key_id: Told<String>,
    /// What kind of thing it is.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub kind: Told<Text<Missing>>,
    /// The ids of the leases to release first.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub lease_ids: Told<Vec<Uuid>>,
    /// Live leases.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub leases: Told<u64>,
    /// How much there may be; `null`: unlimited.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub limit: Told<Option<u64>>,
    /// How long a body may be, in bytes.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub max_bytes: Told<u64>,
    /// The method.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub method: Told<String>,
    /// The id, key or name that was asked for.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub name: Told<String>,
    /// Nodes that the license in force grants.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub node_limit: Told<u64>,
    /// Nodes that take a place.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub nodes: Told<u64>,
    /// The id of the organization that the document is for.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub organization: Told<Uuid>,
    /// The ledger position that the decision saw.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub position: Told<u64>,
    /// The name of the quota.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub quota: Told<String>,
    /// Why, as a word: a seat or a document is refused for it.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub reason: Told<String>,
    /// In how many seconds there may be room again by itself; `null`: it takes somebody to make it.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub retry_after_seconds: Told<Option<u64>>,
    /// The revision that is stored; `null`: nothing is.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub revision: Told<Option<u64>>,
    /// The right that is missing, as a scope: `licenses:write`.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub right: Told<String>,
    /// How many rows the request had.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub rows_sent: Told<u64>,
    /// How many of them were stored, or refused each by itself.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub rows_stored: Told<u64>,
    /// Named seats.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub seats: Told<u64>,
    /// The status of the answer.
    pub status: u16,
    /// What it is called.
    pub title: String,
    /// What kind of problem it is.
    #[serde(rename = "type")]
    pub of_type: Type,
    /// How much there is.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub used: Told<u64>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn every_fact_of_a_kind_is_a_member_and_every_member_the_fact_of_a_kind() {
        let schema = schemars::schema_for!(Problem);
        let members = schema.get("properties").and_then(Value::as_object);
        let members = members.expect("members").keys().map(String::as_str);
        let always = ["detail", "status", "title", "type"];
        let facts: BTreeSet<&str> = KINDS.iter().flat_map(|kind| kind.facts).copied().collect();
        let described: BTreeSet<&str> = members.filter(|name| !always.contains(name)).collect();
        assert_eq!(facts, described);
    }

    #[test]
    fn every_kind_stands_once_with_a_status() {
        let names: BTreeSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), KINDS.len());
        for kind in KINDS {
            assert!(
                !kind.statuses.is_empty() && kind.about.ends_with('.'),
                "{}",
                kind.name
            );
        }
    }

    #[test]
    fn a_problem_of_a_type_that_is_not_known_is_read() {
        let newer = json!({ "type": "urn:lictor:problem:tired", "title": "T", "status": 418,
            "detail": "d", "hours": 8 });
        let read: Problem = serde_json::from_value(newer).expect("a problem");
        assert_eq!(read.of_type.name(), Some("tired"));
        assert_eq!(read.limit, Told::Untold);
    }
}

//! The ledger: what is answered.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::values::{Instant, KNOWN_WORDS};

/// The changes that are known so far, by the words that entries have for them.
pub const CHANGES: &[&str] = &[
    "policy_set",
    "organization_created",
    "organization_removed",
    "key_trusted",
    "key_retired",
    "key_revoked",
    "token_created",
    "token_revoked",
    "application_created",
    "license_written",
    "license_removed",
    "application_set",
    "application_removed",
    "account_created",
    "account_set",
    "account_removed",
    "seat_assigned",
    "seat_released",
    "lease_checked_out",
    "lease_ended",
    "client_created",
    "client_removed",
    "grant_created",
    "grant_revoked",
    "node_enrolled",
    "node_joined",
    "node_revoked",
    "node_left",
    "node_returned",
    "node_barred",
    "node_removed",
    "node_pool_created",
    "node_pool_revoked",
    "node_policy_set",
    "nodes_adopted",
    "usage_corrected",
    "quota_set",
];

/// An entry of the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// The id of the organization, or the nil UUID for the installation.
    pub stream: Uuid,
    /// Its position: 1 for the first, without gaps.
    pub position: u64,
    /// When it was decided, by the server's clock.
    pub at: Instant,
    /// The id of the token or client that asked for it; `null`: the server itself.
    pub actor: Option<Uuid>,
    /// What changed, as it is stored and hashed.
    pub change: Change,
}

/// What an entry changed: its `type`, and the members that this type has, as they are stored. They are ids and figures,
/// never an e-mail, and no name but the reason of a correction.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Change(Box<RawValue>);

impl Change {
    /// A change, written.
    ///
    /// # Errors
    /// None in practice: every change has a JSON form.
    pub fn of(change: &impl Serialize) -> Result<Self, serde_json::Error> {
        serde_json::value::to_raw_value(change).map(Self)
    }

    /// The change as it is stored.
    pub fn as_text(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for Change {
    fn eq(&self, other: &Self) -> bool {
        self.as_text() == other.as_text()
    }
}

impl JsonSchema for Change {
    fn schema_name() -> Cow<'static, str> {
        "Change".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "What an entry changed: its `type`, and the members that this type has. Instants in it are \
                seconds since 1970.",
            "properties": {
                "type": {
                    "type": "string",
                    "description": "What kind of change it is.",
                    KNOWN_WORDS: CHANGES,
                },
            },
            "required": ["type"],
            "additionalProperties": true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_changes_are_those_of_the_core() {
        let unknown = serde_json::from_str::<lictor_core::change::Change>(r#"{"type":"?"}"#);
        let said = unknown.expect_err("no such change").to_string();
        let names: Vec<&str> = said.split('`').skip(3).step_by(2).collect();
        assert_eq!(names, CHANGES, "{said}");
    }

    #[test]
    fn a_change_that_is_not_known_is_read_and_kept() {
        let text = r#"{"type":"moon_landed","id":7}"#;
        let change: Change = serde_json::from_str(text).expect("a change");
        assert_eq!(serde_json::to_string(&change).expect("JSON"), text);
    }
}

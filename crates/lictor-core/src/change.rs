//! What a rule decides: changes, which are the ledger's entries, and the records stored with them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::access::{Role, Scope};
use crate::keys::{KeyId, PublicKey};
use crate::time::Timestamp;
use crate::trust::TrustPolicy;
use crate::usage::UsageCount;

/// One change of one stream. It holds ids and figures, never a name or an e-mail, and it is all
/// that [`State::apply`](crate::State::apply) needs to make the state anew. Its JSON form is
/// stored for ever: variants and fields are added, never renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Change {
    /// The installation's trust policy was set.
    PolicySet {
        /// The policy.
        policy: TrustPolicy,
    },
    /// An organization was created; in the installation's stream.
    OrganizationCreated {
        /// Its id.
        id: Uuid,
        /// Its key.
        key: String,
        /// Its number.
        number: u64,
    },
    /// The organization of this stream was removed; nothing follows.
    OrganizationRemoved,
    /// A key became active.
    KeyTrusted {
        /// Its id.
        key_id: KeyId,
        /// The key itself.
        public_key: PublicKey,
    },
    /// A key signs no new licenses any more.
    KeyRetired {
        /// Its id.
        key_id: KeyId,
    },
    /// Nothing that a key signed is trusted any more.
    KeyRevoked {
        /// Its id.
        key_id: KeyId,
    },
    /// A token was created.
    TokenCreated {
        /// Its id.
        id: Uuid,
        /// Its role.
        role: Role,
        /// What it is narrowed to.
        scopes: Vec<Scope>,
        /// When it ends.
        expires_at: Option<Timestamp>,
    },
    /// A token was revoked.
    TokenRevoked {
        /// Its id.
        id: Uuid,
    },
    /// An application became known.
    ApplicationCreated {
        /// Its key.
        key: String,
    },
    /// A license was added, replaced or touched.
    LicenseWritten {
        /// Its id.
        id: Uuid,
        /// The application that its claims name.
        application: String,
        /// The SHA-256 of its payload; 64 lower-case hex digits as text.
        payload_sha256: Digest,
        /// When it was created, or what the client said of that.
        created_at: Timestamp,
        /// When it was written.
        updated_at: Timestamp,
        /// The revision of what it replaced; none: it was added.
        replaces: Option<u64>,
    },
    /// A license was removed.
    LicenseRemoved {
        /// Its id.
        id: Uuid,
    },
}

/// What is stored in the same transaction as the changes without being a part of the ledger:
/// secrets, names that may have to be erased, bytes, and counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// The exact text of a license, by its SHA-256.
    Payload {
        /// The SHA-256 of the text.
        sha256: Digest,
        /// The text.
        text: Arc<str>,
    },
    /// The hash of a token's secret, and its name.
    TokenSecret {
        /// The token's id.
        id: Uuid,
        /// The SHA-256 of the secret.
        sha256: [u8; 32],
        /// The token's name.
        name: Option<String>,
    },
    /// An organization's name.
    OrganizationName {
        /// The organization's id.
        id: Uuid,
        /// The name.
        name: String,
    },
    /// A usage count; stored if it is greater than the one that is there.
    Usage(UsageCount),
}

/// What a rule decided: nothing at all, or changes and records that are stored together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// The ledger entries to append, in order.
    pub changes: Vec<Change>,
    /// What is stored with them.
    pub records: Vec<Record>,
}

impl Decision {
    /// All is already as it was asked to be.
    pub fn nothing() -> Self {
        Self::default()
    }
}

impl From<Change> for Decision {
    fn from(change: Change) -> Self {
        Self {
            changes: vec![change],
            records: Vec::new(),
        }
    }
}

/// A SHA-256, as 64 lower-case hex digits in text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = hex::FromHexError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SigningKey;

    /// Every variant with the text that stands in ledgers. A line here is never changed; whoever
    /// adds a variant or a field adds a line, and the older lines must still be read.
    fn golden() -> Vec<(Change, &'static str)> {
        let id = Uuid::from_u128(1);
        let public_key = SigningKey::from_seed([1; 32]).public_key();
        let key_id = public_key.id();
        let scopes = ["licenses:read", "usage:write", "trust"];
        vec![
            (
                Change::PolicySet {
                    policy: TrustPolicy::Verified,
                },
                r#"{"type":"policy_set","policy":"verified"}"#,
            ),
            (
                Change::PolicySet {
                    policy: TrustPolicy::Structural,
                },
                r#"{"type":"policy_set","policy":"structural"}"#,
            ),
            (
                Change::OrganizationCreated {
                    id,
                    key: "team".to_owned(),
                    number: (1 << 53) - 1,
                },
                r#"{"type":"organization_created","id":"00000000-0000-0000-0000-000000000001","key":"team","number":9007199254740991}"#,
            ),
            (
                Change::OrganizationRemoved,
                r#"{"type":"organization_removed"}"#,
            ),
            (
                Change::KeyTrusted { key_id, public_key },
                r#"{"type":"key_trusted","key_id":"34750f98bd59fcfc","public_key":"8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"}"#,
            ),
            (
                Change::KeyRetired { key_id },
                r#"{"type":"key_retired","key_id":"34750f98bd59fcfc"}"#,
            ),
            (
                Change::KeyRevoked { key_id },
                r#"{"type":"key_revoked","key_id":"34750f98bd59fcfc"}"#,
            ),
            (
                Change::TokenCreated {
                    id,
                    role: Role::Operator,
                    scopes: Vec::new(),
                    expires_at: None,
                },
                r#"{"type":"token_created","id":"00000000-0000-0000-0000-000000000001","role":"operator","scopes":[],"expires_at":null}"#,
            ),
            (
                Change::TokenCreated {
                    id,
                    role: Role::Admin,
                    scopes: scopes
                        .iter()
                        .map(|text| text.parse().expect("a scope"))
                        .collect(),
                    expires_at: Some(i64::MAX),
                },
                r#"{"type":"token_created","id":"00000000-0000-0000-0000-000000000001","role":"admin","scopes":["licenses:read","usage:write","trust"],"expires_at":9223372036854775807}"#,
            ),
            (
                Change::TokenRevoked { id },
                r#"{"type":"token_revoked","id":"00000000-0000-0000-0000-000000000001"}"#,
            ),
            (
                Change::ApplicationCreated {
                    key: "editor".to_owned(),
                },
                r#"{"type":"application_created","key":"editor"}"#,
            ),
            (
                Change::LicenseWritten {
                    id,
                    application: "editor".to_owned(),
                    payload_sha256: Digest::of(b""),
                    created_at: -1,
                    updated_at: 1_781_524_800,
                    replaces: Some(7),
                },
                r#"{"type":"license_written","id":"00000000-0000-0000-0000-000000000001","application":"editor","payload_sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","created_at":-1,"updated_at":1781524800,"replaces":7}"#,
            ),
            (
                Change::LicenseRemoved { id },
                r#"{"type":"license_removed","id":"00000000-0000-0000-0000-000000000001"}"#,
            ),
        ]
    }

    #[test]
    fn a_change_is_stored_in_one_form_for_ever() {
        for (change, text) in golden() {
            assert_eq!(serde_json::to_string(&change).expect("it has a text"), text);
            assert_eq!(serde_json::from_str::<Change>(text).expect(text), change);
        }
    }

    #[test]
    fn every_variant_has_its_golden_text() {
        let variants = golden().into_iter().map(|(change, _)| match change {
            // A new variant stops the build here: give it a number, and a text above.
            Change::PolicySet { .. } => 0,
            Change::OrganizationCreated { .. } => 1,
            Change::OrganizationRemoved => 2,
            Change::KeyTrusted { .. } => 3,
            Change::KeyRetired { .. } => 4,
            Change::KeyRevoked { .. } => 5,
            Change::TokenCreated { .. } => 6,
            Change::TokenRevoked { .. } => 7,
            Change::ApplicationCreated { .. } => 8,
            Change::LicenseWritten { .. } => 9,
            Change::LicenseRemoved { .. } => 10,
        });
        let seen: std::collections::BTreeSet<u8> = variants.collect();
        assert_eq!(seen, (0..=10).collect());
    }

    #[test]
    fn a_change_of_a_later_version_may_have_more_fields_but_no_unknown_name() {
        let read = |text| serde_json::from_str::<Change>(text).ok();
        assert_eq!(
            read(r#"{"type":"organization_removed","why":"x"}"#),
            Some(Change::OrganizationRemoved)
        );
        assert_eq!(read(r#"{"type":"organization_renamed"}"#), None);
        assert_eq!(read(r#"{"type":"key_retired"}"#), None);
        assert_eq!(
            read(r#"{"type":"key_retired","key_id":"34750F98BD59FCFC"}"#),
            None
        );
    }
}

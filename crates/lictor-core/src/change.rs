//! What a rule decides: changes, which are the ledger's entries, and the records stored with them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::access::{Role, Scope};
use crate::account::{AccountKind, AccountStatus, Email};
use crate::application::OverLimit;
use crate::error::Error;
use crate::keys::{KeyId, PublicKey};
use crate::lease::{LeaseEnd, LeaseTerms};
use crate::seats::SeatRefusal;
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
        /// The account that owns it; none: nobody's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<Uuid>,
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
    /// What happens when an application has no seat left was set.
    ApplicationSet {
        /// Its key.
        key: String,
        /// What happens.
        over_limit: OverLimit,
    },
    /// An application was forgotten.
    ApplicationRemoved {
        /// Its key.
        key: String,
    },
    /// An account was created.
    AccountCreated {
        /// Its id.
        id: Uuid,
        /// Its number.
        number: u64,
        /// What stands behind it.
        kind: AccountKind,
        /// How far it has come.
        status: AccountStatus,
        /// Whether it administers the organization.
        administrator: bool,
        /// `xx_YY`.
        language: String,
    },
    /// An account was changed; all is given, also what stays, but names are not.
    AccountSet {
        /// Its id.
        id: Uuid,
        /// How far it has come.
        status: AccountStatus,
        /// Whether it administers the organization.
        administrator: bool,
        /// `xx_YY`.
        language: String,
    },
    /// An account was removed, its e-mail and name erased.
    AccountRemoved {
        /// Its id.
        id: Uuid,
    },
    /// An account was given a seat.
    SeatAssigned {
        /// The application's key.
        application: String,
        /// The account's id.
        account: Uuid,
        /// The limit it was decided by; none: unlimited.
        limit: Option<u32>,
        /// Seats in use after it.
        used: u64,
    },
    /// An account's seat was taken back.
    SeatReleased {
        /// The application's key.
        application: String,
        /// The account's id.
        account: Uuid,
    },
    /// A lease was checked out.
    LeaseCheckedOut {
        /// Its id.
        id: Uuid,
        /// The application's key.
        application: String,
        /// The limit it was decided by; none: unlimited.
        limit: Option<u32>,
        /// Seats in use after it.
        used: u64,
    },
    /// A lease ended.
    LeaseEnded {
        /// Its id.
        id: Uuid,
        /// The application's key.
        application: String,
        /// Why.
        reason: LeaseEnd,
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
    /// An application's name.
    ApplicationName {
        /// The application's key.
        key: String,
        /// The name.
        name: String,
    },
    /// An account's e-mail and name; what is none stays as it is.
    Identity {
        /// The account's id.
        id: Uuid,
        /// The e-mail.
        email: Option<Email>,
        /// The name.
        name: Option<String>,
    },
    /// An account's e-mail and name are erased.
    IdentityErased {
        /// The account's id.
        id: Uuid,
    },
    /// A lease's holder, fence and end.
    Lease {
        /// The lease's id.
        id: Uuid,
        /// The rest.
        terms: LeaseTerms,
    },
    /// A seat that was refused.
    Refusal(SeatRefusal),
}

/// What a rule decided: nothing at all, or changes and records that are stored together.
#[derive(Debug, Default)]
pub struct Decision {
    /// The ledger entries to append, in order.
    pub changes: Vec<Change>,
    /// What is stored with them.
    pub records: Vec<Record>,
    /// What was refused although the rest is stored: the number of the row, 0 where there is but
    /// one, and why.
    pub refused: Vec<(usize, Error)>,
}

impl Decision {
    /// All is already as it was asked to be.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Adds what was decided next.
    pub fn append(&mut self, next: Self) {
        self.changes.extend(next.changes);
        self.records.extend(next.records);
        self.refused.extend(next.refused);
    }

    /// Whether it stores nothing and refuses nothing.
    pub fn is_nothing(&self) -> bool {
        self.changes.is_empty() && self.records.is_empty() && self.refused.is_empty()
    }
}

impl FromIterator<Change> for Decision {
    fn from_iter<I: IntoIterator<Item = Change>>(changes: I) -> Self {
        Self {
            changes: changes.into_iter().collect(),
            ..Self::default()
        }
    }
}

impl From<Change> for Decision {
    fn from(change: Change) -> Self {
        Self {
            changes: vec![change],
            ..Self::default()
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
        [
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
                    account: None,
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
                    account: None,
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
        .into_iter()
        .chain(golden_of_seats(id))
        .collect()
    }

    /// The same for accounts and what they hold.
    fn golden_of_seats(id: Uuid) -> Vec<(Change, &'static str)> {
        let application = || "editor".to_owned();
        vec![
            (
                Change::TokenCreated {
                    id,
                    role: Role::Reader,
                    scopes: Vec::new(),
                    expires_at: None,
                    account: Some(id),
                },
                r#"{"type":"token_created","id":"00000000-0000-0000-0000-000000000001","role":"reader","scopes":[],"expires_at":null,"account":"00000000-0000-0000-0000-000000000001"}"#,
            ),
            (
                Change::ApplicationSet {
                    key: application(),
                    over_limit: OverLimit::Allow,
                },
                r#"{"type":"application_set","key":"editor","over_limit":"allow"}"#,
            ),
            (
                Change::ApplicationRemoved { key: application() },
                r#"{"type":"application_removed","key":"editor"}"#,
            ),
            (
                Change::AccountCreated {
                    id,
                    number: 7,
                    kind: AccountKind::Service,
                    status: AccountStatus::Invited,
                    administrator: false,
                    language: "de_DE".to_owned(),
                },
                r#"{"type":"account_created","id":"00000000-0000-0000-0000-000000000001","number":7,"kind":"service","status":"invited","administrator":false,"language":"de_DE"}"#,
            ),
            (
                Change::AccountSet {
                    id,
                    status: AccountStatus::Deactivated,
                    administrator: true,
                    language: "en_US".to_owned(),
                },
                r#"{"type":"account_set","id":"00000000-0000-0000-0000-000000000001","status":"deactivated","administrator":true,"language":"en_US"}"#,
            ),
            (
                Change::AccountRemoved { id },
                r#"{"type":"account_removed","id":"00000000-0000-0000-0000-000000000001"}"#,
            ),
            (
                Change::SeatAssigned {
                    application: application(),
                    account: id,
                    limit: Some(10),
                    used: 7,
                },
                r#"{"type":"seat_assigned","application":"editor","account":"00000000-0000-0000-0000-000000000001","limit":10,"used":7}"#,
            ),
            (
                Change::SeatReleased {
                    application: application(),
                    account: id,
                },
                r#"{"type":"seat_released","application":"editor","account":"00000000-0000-0000-0000-000000000001"}"#,
            ),
            (
                Change::LeaseCheckedOut {
                    id,
                    application: application(),
                    limit: None,
                    used: 1,
                },
                r#"{"type":"lease_checked_out","id":"00000000-0000-0000-0000-000000000001","application":"editor","limit":null,"used":1}"#,
            ),
            (
                Change::LeaseEnded {
                    id,
                    application: application(),
                    reason: LeaseEnd::Expired,
                },
                r#"{"type":"lease_ended","id":"00000000-0000-0000-0000-000000000001","application":"editor","reason":"expired"}"#,
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
            Change::ApplicationSet { .. } => 11,
            Change::ApplicationRemoved { .. } => 12,
            Change::AccountCreated { .. } => 13,
            Change::AccountSet { .. } => 14,
            Change::AccountRemoved { .. } => 15,
            Change::SeatAssigned { .. } => 16,
            Change::SeatReleased { .. } => 17,
            Change::LeaseCheckedOut { .. } => 18,
            Change::LeaseEnded { .. } => 19,
        });
        let seen: std::collections::BTreeSet<u8> = variants.collect();
        assert_eq!(seen, (0..=19).collect());
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

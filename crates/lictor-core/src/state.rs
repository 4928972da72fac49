//! The state that the ledger describes, and how each change alters it. A store loads the part that
//! a rule needs; `lictor check` makes the whole anew from the entries and compares.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::access::{Role, Scope};
use crate::change::{Change, Digest};
use crate::keys::KeyId;
use crate::time::Timestamp;
use crate::trust::{KeyStatus, TrustPolicy, TrustedKey};

/// The state of one stream: whole, or the part that a rule asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The installation's trust policy, once it is set.
    pub policy: Option<TrustPolicy>,
    /// The trusted keys, revoked ones included.
    pub keys: BTreeMap<KeyId, TrustedKey>,
    /// The organizations created in the installation.
    pub organizations: BTreeMap<Uuid, OrganizationState>,
    /// Whether the stream's own organization was removed.
    pub removed: bool,
    /// The tokens, revoked ones included.
    pub tokens: BTreeMap<Uuid, TokenState>,
    /// The keys of the known applications.
    pub applications: BTreeSet<String>,
    /// The stored licenses.
    pub licenses: BTreeMap<Uuid, LicenseState>,
    /// The greatest `updated_at` that any license of the organization ever had.
    pub newest_updated_at: Timestamp,
}

/// What the ledger knows of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationState {
    /// Its key.
    pub key: String,
    /// Its number.
    pub number: u64,
    /// When it was created.
    pub created_at: Timestamp,
}

/// What the ledger knows of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenState {
    /// Its role.
    pub role: Role,
    /// What it is narrowed to.
    pub scopes: Vec<Scope>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// What the ledger knows of a license.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenseState {
    /// The application that its claims name.
    pub application: String,
    /// The SHA-256 of its payload.
    pub payload_sha256: Digest,
    /// When it was created, or what the client said of that.
    pub created_at: Timestamp,
    /// When it was written.
    pub updated_at: Timestamp,
    /// The ledger position of its last write.
    pub revision: u64,
}

impl State {
    /// Applies the change that stands at `position` of the stream and was decided at `at`. A
    /// change to something that is not loaded here alters nothing.
    pub fn apply(&mut self, position: u64, at: Timestamp, change: &Change) {
        match change {
            Change::PolicySet { policy } => self.policy = Some(*policy),
            Change::OrganizationCreated { id, key, number } => {
                let created = OrganizationState {
                    key: key.clone(),
                    number: *number,
                    created_at: at,
                };
                self.organizations.insert(*id, created);
            }
            Change::OrganizationRemoved => self.removed = true,
            Change::KeyTrusted { key_id, public_key } => {
                let key = TrustedKey {
                    public_key: public_key.clone(),
                    status: KeyStatus::Active,
                };
                self.keys.insert(*key_id, key);
            }
            Change::KeyRetired { key_id } => self.set_key_status(*key_id, KeyStatus::Retired),
            Change::KeyRevoked { key_id } => self.set_key_status(*key_id, KeyStatus::Revoked),
            Change::TokenCreated {
                id,
                role,
                scopes,
                expires_at,
            } => {
                let token = TokenState {
                    role: *role,
                    scopes: scopes.clone(),
                    created_at: at,
                    expires_at: *expires_at,
                    revoked_at: None,
                };
                self.tokens.insert(*id, token);
            }
            Change::TokenRevoked { id } => {
                if let Some(token) = self.tokens.get_mut(id) {
                    token.revoked_at = Some(at);
                }
            }
            Change::ApplicationCreated { key } => {
                self.applications.insert(key.clone());
            }
            Change::LicenseWritten {
                id,
                application,
                payload_sha256,
                created_at,
                updated_at,
                replaces: _,
            } => {
                let license = LicenseState {
                    application: application.clone(),
                    payload_sha256: *payload_sha256,
                    created_at: *created_at,
                    updated_at: *updated_at,
                    revision: position,
                };
                self.licenses.insert(*id, license);
                self.newest_updated_at = self.newest_updated_at.max(*updated_at);
            }
            Change::LicenseRemoved { id } => {
                self.licenses.remove(id);
            }
        }
    }

    fn set_key_status(&mut self, key_id: KeyId, status: KeyStatus) {
        if let Some(key) = self.keys.get_mut(&key_id) {
            key.status = status;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SigningKey;

    const ID: Uuid = Uuid::from_u128(1);

    fn written(updated_at: Timestamp) -> Change {
        Change::LicenseWritten {
            id: ID,
            application: "editor".to_owned(),
            payload_sha256: Digest::of(b"x"),
            created_at: -3,
            updated_at,
            replaces: None,
        }
    }

    fn after(changes: &[Change]) -> State {
        let mut state = State::default();
        for (position, change) in (1..).zip(changes) {
            state.apply(position, 100, change);
        }
        state
    }

    #[test]
    fn what_is_not_loaded_is_not_altered() {
        let key_id = SigningKey::from_seed([1; 32]).public_key().id();
        for change in [
            Change::KeyRetired { key_id },
            Change::KeyRevoked { key_id },
            Change::TokenRevoked { id: ID },
            Change::LicenseRemoved { id: ID },
        ] {
            assert_eq!(
                after(std::slice::from_ref(&change)),
                State::default(),
                "{change:?}"
            );
        }
    }

    #[test]
    fn the_installation_remembers_its_policy_and_organizations() {
        let (first, second) = (TrustPolicy::Verified, TrustPolicy::Structural);
        let state = after(&[
            Change::PolicySet { policy: first },
            Change::OrganizationCreated {
                id: ID,
                key: "team".to_owned(),
                number: 5,
            },
            Change::PolicySet { policy: second },
        ]);
        let team = OrganizationState {
            key: "team".to_owned(),
            number: 5,
            created_at: 100,
        };
        let organizations = BTreeMap::from([(ID, team)]);
        assert_eq!(
            state,
            State {
                policy: Some(second),
                organizations,
                ..State::default()
            }
        );
        assert!(after(&[Change::OrganizationRemoved]).removed);
    }

    #[test]
    fn a_key_goes_through_its_statuses() {
        let public_key = SigningKey::from_seed([1; 32]).public_key();
        let key_id = public_key.id();
        let trusted = Change::KeyTrusted {
            key_id,
            public_key: public_key.clone(),
        };
        let changes = [
            trusted.clone(),
            Change::KeyRetired { key_id },
            trusted,
            Change::KeyRevoked { key_id },
        ];
        let statuses = [
            KeyStatus::Active,
            KeyStatus::Retired,
            KeyStatus::Active,
            KeyStatus::Revoked,
        ];
        for (count, status) in (1..).zip(statuses) {
            let state = after(&changes[..count]);
            let key = TrustedKey {
                public_key: public_key.clone(),
                status,
            };
            assert_eq!(
                state,
                State {
                    keys: BTreeMap::from([(key_id, key)]),
                    ..State::default()
                }
            );
        }
    }

    #[test]
    fn a_token_keeps_when_it_was_made_and_revoked() {
        let created = Change::TokenCreated {
            id: ID,
            role: Role::Admin,
            scopes: vec!["usage".parse().expect("a scope")],
            expires_at: Some(7),
        };
        let mut state = after(std::slice::from_ref(&created));
        let mut expected = TokenState {
            role: Role::Admin,
            scopes: vec!["usage".parse().expect("a scope")],
            created_at: 100,
            expires_at: Some(7),
            revoked_at: None,
        };
        assert_eq!(state.tokens[&ID], expected);
        state.apply(2, 200, &Change::TokenRevoked { id: ID });
        expected.revoked_at = Some(200);
        assert_eq!(state.tokens[&ID], expected);
    }

    #[test]
    fn a_license_has_its_last_write_and_the_newest_time_only_grows() {
        let created = Change::ApplicationCreated {
            key: "editor".to_owned(),
        };
        let state = after(&[created, written(50), written(40)]);
        let license = LicenseState {
            application: "editor".to_owned(),
            payload_sha256: Digest::of(b"x"),
            created_at: -3,
            updated_at: 40,
            revision: 3,
        };
        let expected = State {
            applications: BTreeSet::from(["editor".to_owned()]),
            licenses: BTreeMap::from([(ID, license)]),
            newest_updated_at: 50,
            ..State::default()
        };
        assert_eq!(state, expected);
        let removed = after(&[written(50), Change::LicenseRemoved { id: ID }]);
        assert_eq!(
            removed,
            State {
                newest_updated_at: 50,
                ..State::default()
            }
        );
    }
}

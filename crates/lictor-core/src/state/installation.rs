//! Applies changes of the installation: its policy, organizations and trusted keys.

use crate::change::Change;
use crate::document::keys::KeyId;
use crate::document::trust::{KeyStatus, TrustedKey};
use crate::facts::organization::OrganizationState;
use crate::state::State;
use crate::time::Timestamp;

impl State {
    /// Applies a change of the policy, an organization or a key.
    pub(super) fn apply_to_installation(&mut self, position: u64, at: Timestamp, change: &Change) {
        match change {
            Change::PolicySet { policy } => {
                self.policy = Some(*policy);
                self.basis_changed = position;
            }
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
                self.basis_changed = position;
            }
            Change::KeyRetired { key_id } => {
                self.set_key_status(position, *key_id, KeyStatus::Retired);
            }
            Change::KeyRevoked { key_id } => {
                self.set_key_status(position, *key_id, KeyStatus::Revoked);
            }
            _ => {}
        }
    }

    fn set_key_status(&mut self, position: u64, key_id: KeyId, status: KeyStatus) {
        if let Some(key) = self.keys.get_mut(&key_id) {
            key.status = status;
            self.basis_changed = position;
        }
    }
}

//! How each change alters the state: in one match that names all of them, so that a new one does not compile
//! before it is placed.

use uuid::Uuid;

use crate::change::Change;
use crate::document::keys::KeyId;
use crate::document::trust::{KeyStatus, TrustedKey};
use crate::facts::account::{AccountState, AccountStatus};
use crate::facts::application::ApplicationState;
use crate::facts::client::ClientState;
use crate::facts::grant::GrantState;
use crate::facts::lease::LeaseState;
use crate::facts::license::LicenseState;
use crate::facts::node::NodeState;
use crate::facts::organization::OrganizationState;
use crate::facts::pool::PoolState;
use crate::facts::seats::{SeatId, SeatState};
use crate::facts::token::TokenState;
use crate::feed::NodePolicy;
use crate::state::State;
use crate::time::Timestamp;

impl State {
    /// Applies the change at `position` of the stream, which was decided at `at`. A
    /// change to something that is not loaded here alters nothing.
    pub fn apply(&mut self, position: u64, at: Timestamp, change: &Change) {
        self.position = position;
        self.used.count(change);
        let place = self.group_of(change);
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
            Change::TokenCreated {
                id,
                role,
                scopes,
                expires_at,
                account,
            } => {
                let token = TokenState {
                    account: *account,
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
                self.applications
                    .insert(key.clone(), ApplicationState::default());
            }
            Change::ApplicationSet { key, over_limit } => {
                self.alter_application(key, |stored| stored.over_limit = *over_limit);
            }
            Change::ApplicationRemoved { key } => {
                self.applications.remove(key);
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
                if let Some(before) = self.licenses.insert(*id, license) {
                    self.without_license(&before);
                }
                self.alter_application(application, |application| {
                    application.licenses += 1;
                    application.license_revisions += position;
                });
                self.newest_updated_at = self.newest_updated_at.max(*updated_at);
                self.basis_changed = position;
            }
            Change::LicenseRemoved { id } => {
                if let Some(before) = self.licenses.remove(id) {
                    self.without_license(&before);
                    self.basis_changed = position;
                }
            }
            Change::AccountCreated {
                id,
                number,
                kind,
                status,
                administrator,
                language,
            } => {
                let account = AccountState {
                    number: *number,
                    kind: *kind,
                    status: *status,
                    administrator: *administrator,
                    language: language.clone(),
                    seats: 0,
                    created_at: at,
                    revision: position,
                };
                self.counts.add(&account);
                self.accounts.insert(*id, account);
            }
            Change::AccountSet {
                id,
                status,
                administrator,
                language,
            } => self.alter_account(*id, |account| {
                account.status = *status;
                account.administrator = *administrator;
                account.language.clone_from(language);
                account.revision = position;
            }),
            Change::AccountRemoved { id } => self.alter_account(*id, |account| {
                account.status = AccountStatus::Removed;
                account.revision = position;
            }),
            Change::SeatAssigned {
                application,
                account,
                limit: _,
                used: _,
            } => {
                let seat = SeatState {
                    since: at,
                    revision: position,
                };
                self.seats.insert(seat_of(application, *account), seat);
                self.alter_application(application, |application| application.seats += 1);
                self.alter_account(*account, |account| account.seats += 1);
            }
            Change::SeatReleased {
                application,
                account,
            } => {
                let seat = seat_of(application, *account);
                if self.seats.remove(&seat).is_some() {
                    self.alter_application(application, |application| application.seats -= 1);
                    self.alter_account(*account, |account| account.seats -= 1);
                }
            }
            Change::LeaseCheckedOut {
                id,
                application,
                limit: _,
                used: _,
            } => {
                let lease = LeaseState {
                    application: application.clone(),
                    since: at,
                    revision: position,
                };
                self.leases.insert(*id, lease);
                self.alter_application(application, |application| application.leases += 1);
            }
            Change::LeaseEnded {
                id,
                application,
                reason: _,
            } => {
                self.lease_terms.remove(id);
                if self.leases.remove(id).is_some() {
                    self.alter_application(application, |application| application.leases -= 1);
                }
            }
            Change::ClientCreated {
                id,
                scopes,
                account,
                application,
            } => {
                let client = ClientState {
                    account: *account,
                    application: application.clone(),
                    scopes: scopes.clone(),
                    created_at: at,
                    removed_at: None,
                };
                self.clients.insert(*id, client);
            }
            Change::ClientRemoved { id } => {
                if let Some(client) = self.clients.get_mut(id) {
                    client.removed_at = Some(at);
                }
            }
            Change::GrantCreated {
                id,
                client,
                by_code,
            } => {
                let grant = GrantState {
                    client: *client,
                    by_code: *by_code,
                    created_at: at,
                    revision: position,
                    revoked_at: None,
                };
                self.grants.insert(*id, grant);
            }
            Change::GrantRevoked { id } => {
                if let Some(grant) = self.grants.get_mut(id) {
                    grant.revoked_at = Some(at);
                }
            }
            Change::NodeEnrolled {
                id,
                application,
                pool,
                limit: _,
                enrolled: _,
            } => {
                let node = NodeState {
                    application: application.clone(),
                    pool: *pool,
                    created_at: at,
                    joined_at: None,
                    revoked_at: None,
                    left: None,
                };
                self.nodes.insert(*id, node);
            }
            Change::NodeJoined { id } => {
                self.alter_node(*id, |node| node.joined_at = Some(at));
            }
            Change::NodeRevoked { id } => {
                self.alter_node(*id, |node| node.revoked_at = Some(at));
            }
            Change::NodeLeft { id, by } => self.alter_node(*id, |node| {
                (node.revoked_at, node.left) = (Some(at), Some(*by));
            }),
            Change::NodeReturned {
                id,
                pool,
                limit: _,
                enrolled: _,
            } => self.alter_node(*id, |node| {
                (node.revoked_at, node.left, node.pool) = (None, None, Some(*pool));
            }),
            Change::NodeBarred { id } => self.alter_node(*id, |node| {
                (node.revoked_at, node.left) = (Some(at), None);
            }),
            Change::NodeRemoved { id } => {
                self.nodes.remove(id);
                self.node_identities.remove(id);
            }
            Change::NodePoolCreated {
                id,
                application,
                uses,
                forget_after,
            } => {
                let pool = PoolState {
                    application: application.clone(),
                    uses: *uses,
                    forget_after: *forget_after,
                    created_at: at,
                    revoked_at: None,
                    taken: 0,
                };
                self.node_pools.insert(*id, pool);
            }
            Change::NodePoolRevoked { id } => {
                if let Some(pool) = self.node_pools.get_mut(id) {
                    pool.revoked_at = Some(at);
                }
            }
            Change::NodePolicySet {
                stale_after,
                expires_after,
                grace,
            } => {
                self.node_settings.policy = NodePolicy {
                    stale_after: *stale_after,
                    expires_after: *expires_after,
                    grace: *grace,
                };
                self.basis_changed = position;
            }
            Change::NodesAdopted { raise } => {
                self.node_settings.raised = self.node_settings.raised.saturating_add(*raise);
                self.basis_changed = position;
            }
            Change::UsageCorrected {
                source,
                service,
                month,
                by,
                reason: _,
            } => self.correct_usage(source, service, month, *by),
            Change::QuotaSet { quota, limit } => self.quotas.set(*quota, *limit),
        }
        self.move_node(place, self.group_of(change));
    }

    fn set_key_status(&mut self, position: u64, key_id: KeyId, status: KeyStatus) {
        if let Some(key) = self.keys.get_mut(&key_id) {
            key.status = status;
            self.basis_changed = position;
        }
    }

    /// Takes a license that is there no more from the figures of its application.
    fn without_license(&mut self, license: &LicenseState) {
        self.alter_application(&license.application, |application| {
            application.licenses = application.licenses.saturating_sub(1);
            application.license_revisions = application
                .license_revisions
                .saturating_sub(license.revision);
        });
    }

    pub(super) fn alter_application(
        &mut self,
        key: &str,
        alter: impl FnOnce(&mut ApplicationState),
    ) {
        if let Some(application) = self.applications.get_mut(key) {
            alter(application);
        }
    }

    /// Alters an account, and the counts with it.
    fn alter_account(&mut self, id: Uuid, alter: impl FnOnce(&mut AccountState)) {
        if let Some(account) = self.accounts.get_mut(&id) {
            self.counts.subtract(account);
            alter(account);
            self.counts.add(account);
        }
    }

    fn alter_node(&mut self, id: Uuid, alter: impl FnOnce(&mut NodeState)) {
        if let Some(node) = self.nodes.get_mut(&id) {
            alter(node);
        }
    }
}

fn seat_of(application: &str, account: Uuid) -> SeatId {
    SeatId {
        application: application.to_owned(),
        account,
    }
}

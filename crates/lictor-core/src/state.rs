//! The state that the ledger describes, and how each change alters it. A store loads the part that
//! a rule needs; `lictor check` makes the whole anew from the entries and compares.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::access::{Role, Scope};
use crate::account::{AccountCounts, AccountState, AccountStatus};
use crate::application::{ApplicationState, OverLimit};
use crate::change::{Change, Decision, Digest, Record};
use crate::client::{ClientState, CodesMade};
use crate::elapsed::Elapsed;
use crate::grant::{Access, Code, GrantState};
use crate::keys::KeyId;
use crate::lease::{LeaseState, LeaseTerms};
use crate::license::Newest;
use crate::node::{Counting, NodeIdentity, NodeSettings, NodeState, PoolIdentity, PoolState};
use crate::quota::{Quota, Quotas, Used};
use crate::seats::{ApplicationBasis, Basis, SeatId, SeatState};
use crate::time::Timestamp;
use crate::trust::{KeyStatus, TrustPolicy, TrustedKey};
use crate::usage::{EpochState, Reported, Series, UsageKey};

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
    /// The known applications, by their keys.
    pub applications: BTreeMap<String, ApplicationState>,
    /// The stored licenses.
    pub licenses: BTreeMap<Uuid, LicenseState>,
    /// The greatest `updated_at` that any license of the organization ever had.
    pub newest_updated_at: Timestamp,
    /// The position of the last change that the state of nodes rests on: to a license
    /// or to the nodes' settings, or in the installation to a key or the policy; 0: there was none.
    pub basis_changed: u64,
    /// The accounts, removed ones included.
    pub accounts: BTreeMap<Uuid, AccountState>,
    /// How many accounts there are of each sort.
    pub counts: AccountCounts,
    /// The named seats.
    pub seats: BTreeMap<SeatId, SeatState>,
    /// The leases that have not ended.
    pub leases: BTreeMap<Uuid, LeaseState>,
    /// The clients, removed ones included.
    pub clients: BTreeMap<Uuid, ClientState>,
    /// The grants of clients, revoked ones included.
    pub grants: BTreeMap<Uuid, GrantState>,
    /// The nodes, revoked ones included.
    pub nodes: BTreeMap<Uuid, NodeState>,
    /// The pools of nodes, revoked ones included.
    pub node_pools: BTreeMap<Uuid, PoolState>,
    /// What holds for all nodes.
    pub node_settings: NodeSettings,
    /// The sums of corrections to usage counts, those that come to 0 left out.
    pub corrections: BTreeMap<UsageKey, i64>,
    /// How much of each kind of thing the organization may have.
    pub quotas: Quotas,
    /// How much it has.
    pub used: Used,
    /// Where the stream ends.
    pub position: u64,
    /// The installation's `basis_changed`. This and what follows no entry of this stream says; it is
    /// there for rules to see.
    pub trust_changed: u64,
    /// The newest licenses of applications.
    pub newest_licenses: BTreeMap<String, Newest>,
    /// The accounts that have an e-mail, by [`Email::key`](crate::Email).
    pub emails: BTreeMap<String, Uuid>,
    /// Accounts whose e-mail another account has in another spelling, or that would not be taken
    /// today, by their own spelling: they were there before such spellings were one.
    pub emails_apart: BTreeMap<String, Uuid>,
    /// The holder, fence and end of leases.
    pub lease_terms: BTreeMap<Uuid, LeaseTerms>,
    /// How many rows of refusals there are of the holder that was asked for, up to those that are
    /// forgotten at once.
    pub refusals_of_holder: u64,
    /// How many answers are kept that name this holder, up to those that are dropped at once.
    pub answers_of_holder: u64,
    /// Grant codes, by their SHA-256; so are the next two.
    pub codes: BTreeMap<Digest, Code>,
    /// The grants that refresh tokens stand for.
    pub refresh_tokens: BTreeMap<Digest, Uuid>,
    /// When grants were given.
    pub grants_given: BTreeMap<Uuid, Elapsed>,
    /// Access tokens.
    pub access_tokens: BTreeMap<Digest, Access>,
    /// What nodes are known and recognized by.
    pub node_identities: BTreeMap<Uuid, NodeIdentity>,
    /// What pools of nodes are known by.
    pub pool_identities: BTreeMap<Uuid, PoolIdentity>,
    /// How many nodes of applications have not joined, and still can at the time of the decision.
    pub nodes_to_join: BTreeMap<String, u64>,
    /// Who counts in the epochs of nodes.
    pub node_starts: BTreeMap<Uuid, Vec<Counting>>,
    /// What the counts of sources that were asked for come to, as they were reported.
    pub usage_by_source: BTreeMap<String, u64>,
    /// What was reported of usage.
    pub usage: BTreeMap<UsageKey, Reported>,
    /// The sum of all usage counts of the organization, corrected.
    pub usage_sum: u64,
    /// How many counts there are of each month that was asked for.
    pub usage_months: BTreeMap<String, u64>,
    /// By how much the sums of months have moved since the state was loaded.
    pub usage_moved: BTreeMap<String, i64>,
    /// The codes that were made for clients of late.
    pub codes_made: BTreeMap<Uuid, CodesMade>,
    /// The running totals that are remembered, by source and service, then by epoch.
    pub usage_epochs: BTreeMap<Series, BTreeMap<String, EpochState>>,
}

/// What the ledger knows of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationState {
    /// Its key.
    pub key: String,
    /// Its number.
    pub number: u64,
    /// When it was created.
    pub created_at: Timestamp,
}

/// What the ledger knows of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The account that owns it.
    pub account: Option<Uuid>,
}

/// What the ledger knows of a license.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
        self.position = position;
        self.used.count(change);
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
            Change::ApplicationSet { key, over_limit } => {
                if let Some(application) = self.applications.get_mut(key) {
                    application.over_limit = *over_limit;
                }
            }
            Change::ApplicationRemoved { key } => {
                self.applications.remove(key);
            }
            Change::AccountCreated { .. }
            | Change::AccountSet { .. }
            | Change::AccountRemoved { .. } => self.apply_to_account(position, at, change),
            Change::SeatAssigned { .. }
            | Change::SeatReleased { .. }
            | Change::LeaseCheckedOut { .. }
            | Change::LeaseEnded { .. } => self.apply_to_seats(position, at, change),
            Change::ClientCreated { .. }
            | Change::ClientRemoved { .. }
            | Change::GrantCreated { .. }
            | Change::GrantRevoked { .. } => self.apply_to_clients(position, at, change),
            Change::NodeEnrolled { .. }
            | Change::NodeJoined { .. }
            | Change::NodeRevoked { .. }
            | Change::NodeLeft { .. }
            | Change::NodeReturned { .. }
            | Change::NodeBarred { .. }
            | Change::NodeRemoved { .. }
            | Change::NodePoolCreated { .. }
            | Change::NodePoolRevoked { .. }
            | Change::NodePolicySet { .. }
            | Change::NodesAdopted { .. } => self.apply_to_nodes(position, at, change),
            Change::UsageCorrected {
                source,
                service,
                month,
                by,
                reason: _,
            } => self.correct_usage(source, service, month, *by),
            Change::QuotaSet { quota, limit } => self.quotas.set(*quota, *limit),
        }
    }

    fn correct_usage(&mut self, source: &str, service: &str, month: &str, by: i64) {
        let key = UsageKey {
            month: month.to_owned(),
            service: service.to_owned(),
            source: source.to_owned(),
        };
        self.usage_sum = self.usage_sum.saturating_add_signed(by);
        self.move_month(month, by);
        let before = self.corrections.remove(&key).unwrap_or_default();
        let sum = before.saturating_add(by);
        if sum != 0 {
            self.corrections.insert(key, sum);
        }
    }

    fn move_month(&mut self, month: &str, by: i64) {
        let moved = self.usage_moved.entry(month.to_owned()).or_default();
        *moved = moved.saturating_add(by);
    }

    fn apply_to_account(&mut self, position: u64, at: Timestamp, change: &Change) {
        match change {
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
            _ => {}
        }
    }

    fn apply_to_seats(&mut self, position: u64, at: Timestamp, change: &Change) {
        match change {
            Change::SeatAssigned {
                application,
                account,
                ..
            } => {
                let seat = SeatId {
                    application: application.clone(),
                    account: *account,
                };
                let state = SeatState {
                    since: at,
                    revision: position,
                };
                self.seats.insert(seat, state);
                self.alter_application(application, |application| application.seats += 1);
                self.alter_account(*account, |account| account.seats += 1);
            }
            Change::SeatReleased {
                application,
                account,
            } => {
                let seat = SeatId {
                    application: application.clone(),
                    account: *account,
                };
                if self.seats.remove(&seat).is_some() {
                    self.alter_application(application, |application| application.seats -= 1);
                    self.alter_account(*account, |account| account.seats -= 1);
                }
            }
            Change::LeaseCheckedOut {
                id, application, ..
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
                id, application, ..
            } => {
                self.lease_terms.remove(id);
                if self.leases.remove(id).is_some() {
                    self.alter_application(application, |application| application.leases -= 1);
                }
            }
            _ => {}
        }
    }

    pub(crate) fn alter_application(
        &mut self,
        key: &str,
        alter: impl FnOnce(&mut ApplicationState),
    ) {
        if let Some(application) = self.applications.get_mut(key) {
            alter(application);
        }
    }

    fn without_license(&mut self, license: &LicenseState) {
        self.alter_application(&license.application, |application| {
            application.licenses = application.licenses.saturating_sub(1);
            application.license_revisions = application
                .license_revisions
                .saturating_sub(license.revision);
        });
    }

    /// Alters an account, and the counts with it.
    fn alter_account(&mut self, id: Uuid, alter: impl FnOnce(&mut AccountState)) {
        if let Some(account) = self.accounts.get_mut(&id) {
            self.counts.subtract(account);
            alter(account);
            self.counts.add(account);
        }
    }

    /// Takes up what goes with the changes, as far as rules look at it.
    pub fn note(&mut self, record: &Record) {
        match record {
            Record::Identity {
                id,
                email: Some(email),
                ..
            } => {
                self.emails.insert(email.key.clone(), *id);
            }
            Record::Lease { id, terms } => {
                self.lease_terms.insert(*id, terms.clone());
            }
            Record::NodeIdentity { id, identity } => {
                self.node_identities.insert(*id, identity.clone());
            }
            Record::NodePoolIdentity { id, identity } => {
                self.pool_identities.insert(*id, identity.clone());
            }
            Record::Usage {
                key,
                reported,
                counted_in,
            } => {
                if let Some(month) = counted_in {
                    *self.usage_months.entry(month.clone()).or_default() += 1;
                }
                let before = self.usage.insert(key.clone(), *reported);
                // What is reported only rises; the sum is corrected, and may be less than a count.
                let risen = reported
                    .sum()
                    .saturating_sub(before.unwrap_or_default().sum());
                self.usage_sum = self.usage_sum.saturating_add(risen);
                self.move_month(&key.month, i64::try_from(risen).unwrap_or(i64::MAX));
            }
            Record::UsageEpoch {
                series,
                epoch,
                state,
            } => {
                let epochs = self.usage_epochs.entry(series.clone()).or_default();
                if epochs.insert(epoch.clone(), *state).is_none() {
                    self.used.more(Quota::UsageEpochs);
                }
            }
            Record::UsageMerged { from, into } => {
                let merged = self.usage.remove(from).unwrap_or_default();
                let known = self.usage.entry(from.of_source(into)).or_default();
                known.counted = known.counted.saturating_add(merged.counted);
                known.added = known.added.saturating_add(merged.added);
            }
            Record::UsageEpochForgotten { series, epoch } => {
                let epochs = self.usage_epochs.get_mut(series);
                if epochs.is_some_and(|epochs| epochs.remove(epoch).is_some()) {
                    self.used.less(Quota::UsageEpochs);
                }
            }
            _ => {}
        }
    }

    /// Foresees a decision: what a rule that decides row after row goes on from. Times are left out.
    pub fn absorb(&mut self, decision: &Decision) {
        for change in &decision.changes {
            self.apply(self.position + 1, 0, change);
        }
        for record in &decision.records {
            self.note(record);
        }
    }

    /// What an entitlement of this application must have been derived from to hold now.
    pub fn basis_of(&self, application: &ApplicationState) -> ApplicationBasis {
        ApplicationBasis {
            licenses: application.licenses,
            revisions: application.license_revisions,
            trust: self.trust_changed,
        }
    }

    /// What the state of nodes rests on now.
    pub fn basis(&self) -> Basis {
        Basis {
            licenses: self.basis_changed,
            trust: self.trust_changed,
        }
    }

    /// What is wrong with a change that was just applied, if it breaks the one rule that must never
    /// be broken: used seats exceed the limit only where the application allows it.
    pub fn breach(&self, change: &Change) -> Option<String> {
        let (Change::SeatAssigned {
            application,
            limit,
            used,
            ..
        }
        | Change::LeaseCheckedOut {
            application,
            limit,
            used,
            ..
        }) = change
        else {
            return None;
        };
        let stored = self.applications.get(application)?;
        let over = limit.is_some_and(|limit| stored.used() > u64::from(limit));
        if stored.used() != *used {
            let counted = stored.used();
            return Some(format!(
                "{application} has {counted} seats in use, not {used}"
            ));
        }
        (over && stored.over_limit == OverLimit::Refuse)
            .then(|| format!("{application} has {used} seats in use, more than its limit"))
    }

    fn set_key_status(&mut self, position: u64, key_id: KeyId, status: KeyStatus) {
        if let Some(key) = self.keys.get_mut(&key_id) {
            key.status = status;
            self.basis_changed = position;
        }
    }
}

#[cfg(test)]
mod tests;

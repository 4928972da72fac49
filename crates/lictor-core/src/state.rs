//! The state that the ledger describes, and how each change alters it. A store loads the part that
//! a rule needs; `lictor check` rebuilds all of it from the entries and compares.

mod apply;
mod basis;
mod breach;
mod node_groups;
mod quota;
mod usage;

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::digest::Digest;
use crate::document::keys::KeyId;
use crate::document::trust::{TrustPolicy, TrustedKey};
use crate::elapsed::Elapsed;
use crate::facts::account::{AccountCounts, AccountState};
use crate::facts::application::ApplicationState;
use crate::facts::client::{ClientState, CodesMade};
use crate::facts::grant::{Access, Code, GrantState};
use crate::facts::lease::{LeaseState, LeaseTerms};
use crate::facts::license::{LicenseState, Newest};
use crate::facts::node::{Counting, NodeIdentity, NodeSettings, NodeState};
use crate::facts::organization::OrganizationState;
use crate::facts::pool::{PoolIdentity, PoolState};
use crate::facts::quota::{Quota, Quotas, Used};
use crate::facts::seats::{SeatId, SeatState};
use crate::facts::token::TokenState;
use crate::facts::usage::{EpochState, Reported, Series, UsageKey};
use crate::record::Record;
use crate::time::Timestamp;

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
    /// How many accounts there are of each kind and status.
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
    /// The settings of all nodes.
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
    /// The accounts that have an e-mail, by [`Email::key`](crate::facts::email::Email).
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
    /// The grants of refresh tokens.
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

impl State {
    /// Applies a record, as far as rules read it.
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
}

#[cfg(test)]
mod tests;

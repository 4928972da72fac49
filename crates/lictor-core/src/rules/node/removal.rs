//! Removing nodes that left long ago. Their counts become their pool's. A removed node that comes back can join
//! again, and nothing is counted twice.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::change::Change;
use crate::decision::Decision;
use crate::digest::Digest;
use crate::elapsed::{Elapsed, Now};
use crate::error::{Error, Kind};
use crate::facts::entitlement::NodeTerms;
use crate::facts::node::MAX_KNOWN_EPOCHS;
use crate::facts::quota::Quota;
use crate::facts::usage::{EpochState, MAX_COUNT};
use crate::feed::KnownNode;
use crate::record::Record;
use crate::rules::node::enroll::{check_name, live_named};
use crate::rules::node::epochs::{REMOVED, is_epoch, left_source, merged};
use crate::rules::node::pools::{check_application, join_pool};
use crate::rules::quota;
use crate::state::State;
use crate::time::Timestamp;

/// Removes a node that left before an instant, in steps: each moves a part of its counts to its pool, and once
/// none are left, the node is removed. Corrected counts stay under its name. `state` contains the node, its pool,
/// its merged epochs, uncorrected counts of its sources, and the counts that they are added to.
///
/// Until the node is removed it may come back. Reports for epochs that were moved to the pool then add nothing.
pub fn remove(state: &State, id: Uuid, before: Timestamp, now: Now) -> Decision<Removal> {
    let decision = removal(state, id, before, now);
    let step = match (decision.changes.is_empty(), decision.records.is_empty()) {
        (false, _) => Removal::Done,
        (true, false) => Removal::Part,
        (true, true) => Removal::Nothing,
    };
    decision.with(move |_| Ok(step))
}

/// A step of removing a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// The node must not be removed.
    Nothing,
    /// A part of its counts was moved. There may be more.
    Part,
    /// The node is removed.
    Done,
}

fn removal(state: &State, id: Uuid, before: Timestamp, now: Now) -> Decision {
    let mut decision = Decision::nothing();
    let node = state.nodes.get(&id);
    let node = node.filter(|node| node.left.is_some());
    let Some(node) = node.filter(|node| node.revoked_at.is_some_and(|at| at < before)) else {
        return decision;
    };
    let identity = state.node_identities.get(&id);
    let pool = node.pool.and_then(|pool| state.pool_identities.get(&pool));
    let (Some(identity), Some(pool)) = (identity, pool) else {
        return decision;
    };
    let series = merged(&identity.name);
    let known = state.usage_epochs.get(&series);
    decision.records = moved(state, &identity.name, &left_source(&pool.name));
    if decision.records.is_empty() {
        let epochs = known.into_iter().flat_map(BTreeMap::keys);
        decision
            .records
            .extend(epochs.map(|epoch| Record::UsageEpochForgotten {
                series: series.clone(),
                epoch: epoch.clone(),
            }));
        decision.changes.push(Change::NodeRemoved { id });
        return decision;
    }
    let sources = decision.records.iter().filter_map(|record| match record {
        Record::UsageMerged { from, .. } => from.source.rsplit('@').next(),
        _ => None,
    });
    let is_new = |epoch: &&str| is_epoch(epoch) && known.is_none_or(|it| !it.contains_key(*epoch));
    let epochs: BTreeSet<String> = sources.filter(is_new).map(str::to_owned).collect();
    let remembered = epochs.into_iter();
    decision
        .records
        .extend(remembered.map(|epoch| remember(&series, epoch, now.elapsed())));
    decision
}

/// The counts of a node that are moved to another source, as far as no sum exceeds its maximum.
fn moved(state: &State, name: &str, into: &str) -> Vec<Record> {
    let (own, mut records) = (format!("{name}@"), Vec::new());
    let mut sums = BTreeMap::new();
    for (key, reported) in &state.usage {
        if !key.source.starts_with(&own) {
            continue;
        }
        let target = key.of_source(into);
        let stored = state.usage.get(&target).copied().unwrap_or_default();
        let corrected = state.corrections.get(&target).copied().unwrap_or_default();
        let sum: &mut u64 = sums.entry(target).or_insert(stored.sum());
        let more = sum.saturating_add(reported.sum());
        if more.max(more.saturating_add_signed(corrected)) <= MAX_COUNT {
            *sum = more;
            records.push(Record::UsageMerged {
                from: key.clone(),
                into: into.to_owned(),
            });
        }
    }
    records
}

fn remember(series: &(String, String), epoch: String, heard_at: Elapsed) -> Record {
    Record::UsageEpoch {
        series: series.clone(),
        epoch,
        state: EpochState {
            total: REMOVED,
            heard_at,
        },
    }
}

/// Lets a node rejoin with the token of a pool, if the node says who it is but is unknown here. Either it left
/// long ago and was removed, or the control plane was restored from a backup that is older than the node. It gets
/// its id and name back, and reports for the epochs that it names add nothing. `state` contains what
/// [`join_pool`] reads, and which of the node's epochs are remembered.
///
/// # Errors
/// Those of [`join_pool`], also for another application; [`Error::InvalidInput`] for an impossible name or
/// impossible epochs, [`Error::AlreadyExists`] if another node has its id or name, [`Error::QuotaReached`] if its
/// epochs cannot be remembered.
pub fn take_up(
    state: &State,
    pool: Uuid,
    node: &KnownNode,
    credential_sha256: Digest,
    terms: &NodeTerms,
    now: Elapsed,
) -> Result<Decision, Error> {
    check(node)?;
    let identity = state.node_identities.get(&node.node);
    let other = identity.is_some_and(|it| it.credential_sha256 != Some(credential_sha256));
    let named = live_named(state, &node.name);
    if other || named.is_some_and(|(id, ..)| id != node.node) {
        return Err(Error::AlreadyExists {
            kind: Kind::Node,
            name: node.name.clone(),
        });
    }
    if let Some(pool) = state.node_pools.get(&pool) {
        check_application(pool, &node.application)?;
    }
    let mut decision = join_pool(state, pool, node.node, credential_sha256, terms, now)?;
    if state.nodes.contains_key(&node.node) {
        return Ok(decision);
    }
    for record in &mut decision.records {
        if let Record::NodeIdentity { identity, .. } = record {
            identity.name.clone_from(&node.name);
        }
    }
    let epochs: BTreeSet<_> = node.epochs.iter().cloned().collect();
    let remembered = state.used.of(Quota::UsageEpochs) + epochs.len() as u64;
    if !epochs.is_empty() {
        quota::room(state, Quota::UsageEpochs, remembered - 1)?;
    }
    let series = merged(&node.name);
    let epochs = epochs.into_iter();
    decision
        .records
        .extend(epochs.map(|epoch| remember(&series, epoch, now)));
    Ok(decision)
}

/// Checks the name and epochs. The name of a pool's node ends with the last group of its id, see
/// [`name_in_pool`](crate::facts::pool::name_in_pool).
fn check(node: &KnownNode) -> Result<(), Error> {
    check_name(&node.name)?;
    let digits = node.node.simple().to_string();
    let is_own = node.name.ends_with(&format!("-{}", &digits[20..]));
    let epochs = &node.epochs;
    let reason = if !is_own {
        "it is not a name of this node"
    } else if epochs.len() > MAX_KNOWN_EPOCHS || !epochs.iter().all(|epoch| is_epoch(epoch)) {
        "its journal has too many epochs, or an invalid one; start it in a new folder"
    } else {
        return Ok(());
    };
    Err(Error::InvalidInput {
        field: "known",
        reason: reason.to_owned(),
    })
}

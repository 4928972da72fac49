//! What nodes report: what is kept of it, which counts are taken, and what is put together of earlier
//! epochs.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::decision::Decision;
use crate::elapsed::Now;
use crate::error::Error;
use crate::facts::node::{MAX_MERGED, NodeSeen};
use crate::facts::quota::Quota;
use crate::facts::usage::{EpochState, MAX_COUNT, MAX_COUNTS, Reading, UsageReport};
use crate::feed::{NodeCount, NodeReport, OTHER_SERVICES, source};
use crate::record::Record;
use crate::rules::node::epochs::{earlier, is_epoch, is_removed, merged};
use crate::rules::node::starts;
use crate::rules::quota;
use crate::rules::usage::{self, RefusedReports};
use crate::state::State;

/// The longest name of a machine that is kept, in characters.
const MAX_HOST_LENGTH: usize = 255;

/// The longest version that is kept, in characters.
const MAX_VERSION_LENGTH: usize = 64;

/// How many problems of a node are kept, and how much of each, in characters.
const MAX_PROBLEMS: usize = 16;

const MAX_PROBLEM_LENGTH: usize = 300;

/// Refuses a report whose counts no node of ours would send.
///
/// # Errors
/// [`Error::InvalidInput`] for too many counts, or a malformed epoch.
pub fn check_counts(report: &NodeReport) -> Result<(), Error> {
    if report.counts.len() > MAX_COUNTS {
        return Err(Error::InvalidInput {
            field: "counts",
            reason: format!("send at most {MAX_COUNTS} at once"),
        });
    }
    if !report.counts.iter().all(|count| is_epoch(&count.epoch)) {
        return Err(Error::InvalidInput {
            field: "epoch",
            reason: "use 16 lower-case hex digits".to_owned(),
        });
    }
    Ok(())
}

/// Takes up what a node reports: what it says of itself, if `keep` asks for that, and its counts,
/// each the greatest so far. `state` holds the node, and what [`usage::record`] looks at. A count that is not taken is
/// among the refused, by its number, and stays with the node; where [`is_without_room`] says so, the
/// node is to count it as [`OTHER_SERVICES`]. For that there is more room than for anything else: as
/// many counts in a month as there may be nodes.
///
/// # Errors
/// [`Error::InvalidInput`] for too many counts, or a malformed epoch, [`Error::Unauthenticated`] for a
/// node that was removed; then nothing is taken up.
pub fn report(
    state: &State,
    id: Uuid,
    name: &str,
    report: &NodeReport,
    keep: bool,
    now: Now,
) -> Result<Decision<RefusedReports>, Error> {
    check_counts(report)?;
    if !state.nodes.contains_key(&id) {
        return Err(Error::Unauthenticated);
    }
    let nodes = state.quotas.limit(Quota::Nodes);
    let beyond = |report: &UsageReport| match report.service == OTHER_SERVICES {
        true => nodes,
        false => 0,
    };
    // What was put together counts already, whatever is told of it again.
    let merged = state.usage_epochs.get(&merged(name));
    let is_merged =
        |count: &NodeCount| merged.is_some_and(|merged| merged.contains_key(&count.epoch));
    let told = usage_of(name, report).into_iter().enumerate();
    let told = told.filter(|(number, _)| !is_merged(&report.counts[*number]));
    let (numbers, told): (Vec<_>, Vec<_>) = told.unzip();
    let (mut decision, mut refused) = usage::record_within(state, &told, now, beyond)?;
    for (number, _) in &mut refused {
        *number = numbers[*number];
    }
    if keep {
        decision.records.push(Record::NodeSeen {
            id,
            seen: seen(report, now),
        });
    }
    Ok(decision.with(|_| Ok(refused)))
}

/// Whether a count was refused as nothing is stored of its service and there is no room for it.
pub fn is_without_room(count: &NodeCount, refused: &Error) -> bool {
    let quota = match refused {
        Error::QuotaReached { quota, .. } => *quota,
        _ => return false,
    };
    quota == Quota::UsageSeries && count.service != OTHER_SERVICES
}

/// Puts what was counted in an epoch of a node to what was in others before it: one count for each
/// service and month. The node says that all of it was taken, so that from then on what it tells of
/// that epoch again adds nothing. One that a start may still count in stays, as in a copy of the node's
/// folder. `state` holds the node, who counts in which epoch; whether the epoch was put there already, else all that
/// were; counts of its source that nobody corrected, not always all; and those they are put to.
/// Where there is no place for another epoch, nothing changes.
///
/// # Errors
/// [`Error::QuotaReached`] where no further epoch can be remembered.
pub fn merge(
    state: &State,
    id: Uuid,
    name: &str,
    epoch: &str,
    now: Now,
) -> Result<Decision<bool>, Error> {
    let mut decision = Decision::nothing();
    let nothing = || Ok(Decision::nothing().with(|_| Ok(false)));
    if !state.nodes.contains_key(&id) || starts::is_counted_in(state, id, epoch) {
        return nothing();
    }
    let series = merged(name);
    let known = state.usage_epochs.get(&series);
    if known.is_none_or(|known| !known.contains_key(epoch)) {
        // Those that were remembered as the node was removed take no place here.
        let merged = |it: &BTreeMap<String, EpochState>| {
            it.values().filter(|state| !is_removed(state)).count()
        };
        if !is_epoch(epoch) || known.map_or(0, merged) >= MAX_MERGED {
            return nothing();
        }
        let remembered = state.used.of(Quota::UsageEpochs);
        quota::room(state, Quota::UsageEpochs, remembered)?;
        let heard_at = now.elapsed();
        decision.records.push(Record::UsageEpoch {
            series,
            epoch: epoch.to_owned(),
            state: EpochState { total: 0, heard_at },
        });
    }
    let (own, into) = (source(name, epoch), earlier(name));
    let mut moved = false;
    for (key, reported) in &state.usage {
        let stored = state.usage.get(&key.of_source(&into)).copied();
        let sum = stored.unwrap_or_default().sum() + reported.sum();
        let corrected = state.corrections.get(&key.of_source(&into)).copied();
        let shown = sum.saturating_add_signed(corrected.unwrap_or_default());
        if key.source == own && sum.max(shown) <= MAX_COUNT {
            decision.records.push(Record::UsageMerged {
                from: key.clone(),
                into: into.clone(),
            });
            moved = true;
        }
    }
    Ok(decision.with(move |_| Ok(moved)))
}

/// The usage that a report tells, as a source of the node's name and its epoch says it.
pub fn usage_of(name: &str, report: &NodeReport) -> Vec<UsageReport> {
    let counts = report.counts.iter().map(|count| UsageReport {
        source: source(name, &count.epoch),
        service: count.service.clone(),
        reading: Reading::Count {
            month: count.month.clone(),
            count: count.count,
        },
    });
    counts.collect()
}

/// What is kept of a report: no more of each text than its bounds.
pub fn seen(report: &NodeReport, now: Now) -> NodeSeen {
    let plain = |text: &str, longest: usize| -> String {
        let visible = text.chars().filter(|character| !character.is_control());
        visible.take(longest).collect()
    };
    NodeSeen {
        at: now.wall(),
        heard_at: Some(now.elapsed()),
        host: plain(&report.host, MAX_HOST_LENGTH),
        version: plain(&report.version, MAX_VERSION_LENGTH),
        mode: report.mode,
        applied: report
            .applied
            .filter(|applied| applied.revision <= MAX_COUNT),
        control_plane: report.control_plane,
        license: report.license,
        requests: report.requests,
        problems: report
            .problems
            .iter()
            .take(MAX_PROBLEMS)
            .map(|problem| plain(problem, MAX_PROBLEM_LENGTH))
            .collect(),
    }
}

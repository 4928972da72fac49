//! Reports of nodes: what is stored of them, which counts are accepted, and how earlier epochs are merged.

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

/// The longest stored host name, in characters.
const MAX_HOST_LENGTH: usize = 255;

/// The longest stored version, in characters.
const MAX_VERSION_LENGTH: usize = 64;

/// The most stored problems of a node.
const MAX_PROBLEMS: usize = 16;

/// The longest stored problem, in characters.
const MAX_PROBLEM_LENGTH: usize = 300;

/// Checks the number of counts in a report and their epochs.
///
/// # Errors
/// [`Error::InvalidInput`] for too many counts or a malformed epoch.
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

/// Records a node's report: its counts, each the greatest so far, and, if `keep` is set, what it says about
/// itself. `state` contains the node and what [`usage::record`] reads.
///
/// The outcome lists the rejected counts by their numbers; they stay with the node. If [`is_without_room`] says
/// so, the node must count such a count as [`OTHER_SERVICES`]. That name has extra room: as many counts in a
/// month as there may be nodes.
///
/// # Errors
/// [`Error::InvalidInput`] for too many counts or a malformed epoch, [`Error::Unauthenticated`] for a node that
/// was removed. Then nothing is recorded.
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
    // Merged epochs are counted already, whatever is reported for them again.
    let merged = state.usage_epochs.get(&merged(name));
    let is_merged =
        |count: &NodeCount| merged.is_some_and(|merged| merged.contains_key(&count.epoch));
    let reports = usage_of(name, report).into_iter().enumerate();
    let reports = reports.filter(|(number, _)| !is_merged(&report.counts[*number]));
    let (numbers, reports): (Vec<_>, Vec<_>) = reports.unzip();
    let (mut decision, mut refused) = usage::record_within(state, &reports, now, beyond)?;
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

/// Whether a count was refused because nothing is stored for its service and there is no room for it.
pub fn is_without_room(count: &NodeCount, refused: &Error) -> bool {
    let quota = match refused {
        Error::QuotaReached { quota, .. } => *quota,
        _ => return false,
    };
    quota == Quota::UsageSeries && count.service != OTHER_SERVICES
}

/// Merges the counts of one epoch of a node into those of its earlier epochs, so that one count is left for each
/// service and month. The node says that all of them were accepted; from then on, reports for that epoch add
/// nothing. An epoch that a start may still count in is not merged, for example one in a copy of the folder. If
/// there is no room for another epoch, nothing changes.
///
/// `state` contains the node, which starts count in which epoch, and whether the epoch is already merged,
/// otherwise all merged epochs. It also contains uncorrected counts of the epoch's source, though not always all,
/// and the counts that they are merged into.
///
/// # Errors
/// [`Error::QuotaReached`] if no further epoch can be remembered.
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
        // Epochs that are remembered because the node was removed do not count here.
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

/// The usage in a report. The node's name and the epoch form the source.
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

/// What is stored of a report. Each text is cut to its maximum length.
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

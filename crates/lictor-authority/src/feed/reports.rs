//! What nodes report: what they apply, which of their starts run, and what they counted.

use std::collections::BTreeSet;
use std::sync::Arc;

use lictor_core::elapsed::Now;
use lictor_core::facts::node::{Node, NodeSeen};
use lictor_core::feed::{
    NodeCount, NodeReport, REPORT_SECONDS, RejectedCount, Reported, SettledEpochs, source,
};
use lictor_core::rules::node;
use lictor_core::{Error, facts};
use lictor_store::{Fact, Rule};

use super::super::parts::parts_of_usage;
use super::super::{Authority, usage};

/// How old what is stored of a node's last report may become while nothing in it changes but the
/// time, in seconds.
const KEPT_FOR: i64 = 300;

impl Authority {
    /// Takes up what a node reports; its counts are durable when this returns, but for those that the
    /// answer names: they stay with the node.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], or a fault of the store.
    pub async fn report_of_node(&self, node: &Node, report: NodeReport) -> Result<Reported, Error> {
        let now = self.clock.now();
        let state_revision = self
            .delivery(node.organization, &node.state.application)
            .await?
            .revision;
        let (leaving, gives_back) = (report.leaving, report.gives_back);
        let seen = node::seen(&report, now);
        let start = report.start.clone();
        let judged = match &start {
            Some(start) => Some(self.judge_start(node, start, &seen.host, now).await?),
            None => None,
        };
        let mut held = Vec::new();
        let kept = self.feed.kept(node.id);
        let keep = kept.is_none_or(|kept| is_news(&kept, &seen));
        if keep || !report.counts.is_empty() {
            held = self.write_report(node, report, keep, now).await?;
        }
        self.feed.note(node.id, seen, keep);
        if leaving {
            self.feed.note_leave(node.id);
            if let Some(start) = &start {
                self.let_start_go(node, start, now).await?;
            }
        }
        // What it could not tell it would take with it.
        let gave_back = gives_back && held.is_empty() && self.leave_pool(node, start, now).await?;
        Ok(Reported {
            instance: self.feed.instance(),
            state_revision,
            start: judged,
            rejected: held,
            beyond: self.seen_beyond(node.organization, &node.state.application),
            within: node.forget_after.and_then(within),
            gave_back,
        })
    }

    /// Writes what a node reports; gives the counts that were not taken. Those that found no room may
    /// find it once earlier epochs of the node are put together.
    async fn write_report(
        &self,
        node: &Node,
        mut report: NodeReport,
        keep: bool,
        now: Now,
    ) -> Result<Vec<RejectedCount>, Error> {
        node::check_counts(&report)?;
        let counts = std::mem::take(&mut report.counts);
        let held = self.write_counts(node, &report, counts, keep, now).await?;
        let own = |settled: &SettledEpochs| settled.instance == self.feed.instance();
        let Some(settled) = report.settled.take().filter(own) else {
            return Ok(held);
        };
        let (without_room, mut held): (Vec<_>, Vec<_>) =
            held.into_iter().partition(|held| held.as_other);
        if without_room.is_empty() || !self.merge_epochs(node, &settled.epochs, now).await? {
            held.extend(without_room);
            return Ok(held);
        }
        let again = without_room.into_iter().map(|held| held.count).collect();
        held.extend(self.write_counts(node, &report, again, false, now).await?);
        Ok(held)
    }

    /// Puts together what these epochs of a node counted, a part in each transaction; whether there
    /// was anything.
    async fn merge_epochs(&self, node: &Node, epochs: &[String], now: Now) -> Result<bool, Error> {
        let (name, mut merged) = (&node.identity.name, false);
        for epoch in epochs.iter().take(facts::node::MAX_MERGED) {
            loop {
                let facts = vec![
                    Fact::Node(node.id),
                    Fact::NodeStarts(node.id),
                    Fact::UsageEpoch {
                        series: node::merged(name),
                        epoch: epoch.clone(),
                    },
                    Fact::UsageOf {
                        source: source(name, epoch),
                        into: node::earlier(name),
                    },
                ];
                let (id, name, epoch) = (node.id, name.clone(), epoch.clone());
                let rule = Rule::new(move |state| node::merge(state, id, &name, &epoch, now));
                let written = self.write_of_node(node, facts, rule, now).await;
                let moved = match written {
                    Ok(written) => written.outcome.take()?,
                    Err(Error::QuotaReached { .. }) => false,
                    Err(error) => return Err(error),
                };
                if !moved {
                    break;
                }
                merged = true;
            }
        }
        Ok(merged)
    }

    /// Writes counts in as many parts as they have, what the node says of itself with the last; gives
    /// those that were not taken.
    async fn write_counts(
        &self,
        node: &Node,
        report: &NodeReport,
        counts: Vec<NodeCount>,
        keep: bool,
        now: Now,
    ) -> Result<Vec<RejectedCount>, Error> {
        let (id, mut held) = (node.id, Vec::new());
        for part in parts_of_usage(counts.len()) {
            let keep = keep && part.end == counts.len();
            let name = node.identity.name.clone();
            let part = Arc::new(NodeReport {
                counts: counts[part].to_vec(),
                ..report.clone()
            });
            let mut facts = usage::facts(&node::usage_of(&name, &part), now.wall());
            // It may have been removed since it signed in.
            facts.push(Fact::Node(id));
            let epochs: BTreeSet<_> = part.counts.iter().map(|count| &count.epoch).collect();
            facts.extend(epochs.into_iter().map(|epoch| Fact::UsageEpoch {
                series: node::merged(&name),
                epoch: epoch.clone(),
            }));
            let shared = Arc::clone(&part);
            let rule = Rule::new(move |state| node::report(state, id, &name, &shared, keep, now));
            let written = self.write_of_node(node, facts, rule, now).await?;
            held.extend(held_counts(&part, written.outcome.take()?));
        }
        Ok(held)
    }
}

/// Within how many seconds a node is to report that is forgotten after so many, if that is sooner than it
/// does by itself: three times, so that one report may be lost, and another one late.
fn within(forget_after: i64) -> Option<u64> {
    let third = u64::try_from(forget_after / 3).unwrap_or_default().max(1);
    (third < REPORT_SECONDS).then_some(third)
}

/// The counts that were not taken, and why.
fn held_counts(report: &NodeReport, refused: Vec<(usize, Error)>) -> Vec<RejectedCount> {
    let held = refused.into_iter().filter_map(|(number, error)| {
        let count = report.counts.get(number)?.clone();
        Some(RejectedCount {
            as_other: node::is_without_room(&count, &error),
            count,
            reason: error.to_string(),
        })
    });
    held.collect()
}

/// Whether there is more to store than that time has passed.
fn is_news(kept: &NodeSeen, seen: &NodeSeen) -> bool {
    let revision = |seen: &NodeSeen| seen.applied.map(|applied| applied.revision);
    let content = |seen: &NodeSeen| seen.applied.map(|applied| applied.content_sha256);
    seen.heard_at().since(kept.heard_at()) >= KEPT_FOR
        || (&kept.host, &kept.version, kept.mode, kept.license)
            != (&seen.host, &seen.version, seen.mode, seen.license)
        || kept.problems != seen.problems
        || kept.control_plane != seen.control_plane
        || (revision(kept), content(kept)) != (revision(seen), content(seen))
}

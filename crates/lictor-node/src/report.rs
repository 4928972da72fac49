//! Reports to the control plane: the node's status, at once when it changes, and the counts that are on disk.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use lictor_core::facts::usage::{MAX_COUNT, MAX_COUNTS};
use lictor_core::feed::{
    Applied, FailureCode, NodeCount, NodeReport, NodeStart, RejectedCount, SettledEpochs,
    SplitReason,
};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::client::RequestError;
use crate::planted;
use crate::problems::Kind;
use crate::shared::{Enforcement, Shared};

/// The most problems in a report.
const MAX_PROBLEMS: usize = 16;

/// How many counts go into a report at least, however slow the link is.
const MIN_COUNTS: usize = 20;

/// How many starts of control planes are remembered.
const MAX_EARLIER: usize = 8;

/// How long it stays a problem that two control planes answer in turn, after it was last seen.
const IN_TURN: Duration = Duration::from_secs(600);

/// Sends reports, and remembers what came of them.
pub(crate) struct Reporter {
    /// How many counts go into one report. Halved after each lost report, as on a slow link.
    most: usize,
    /// Which start of the control plane answered last.
    instance: Option<Uuid>,
    /// Which starts answered before it, the last at the end.
    earlier: Vec<Uuid>,
    /// Which start the node last said goodbye to, with everything reported.
    goodbye_to: Option<Uuid>,
    /// When an earlier start last answered again after another one.
    in_turn: Option<Instant>,
    /// The last report, without its counts.
    last: Option<NodeReport>,
    /// When it was sent.
    at: Option<Instant>,
    /// When the last report was sent, if it failed.
    lost: Option<Instant>,
    /// When counts were last rejected.
    rejected_at: Option<Instant>,
    /// The number of the last report, and of the last one that was answered.
    number: u64,
    answered: u64,
    /// Whether the control plane waits for the next report.
    awaited: bool,
    /// How soon the control plane wants the next report. `None` if the node may choose.
    within: Option<Duration>,
}

impl Default for Reporter {
    fn default() -> Self {
        Self {
            most: MAX_COUNTS,
            instance: None,
            earlier: Vec::new(),
            goodbye_to: None,
            in_turn: None,
            last: None,
            at: None,
            lost: None,
            rejected_at: None,
            number: 0,
            answered: 0,
            awaited: false,
            within: None,
        }
    }
}

/// Reports for ever.
pub(crate) async fn run(shared: Arc<Shared>, reporter: Arc<tokio::sync::Mutex<Reporter>>) {
    loop {
        let wait = {
            let mut reporter = reporter.lock().await;
            match reporter.due(&shared) {
                Some(report) => match reporter.send(&shared, report).await {
                    Ok(_) => Duration::ZERO,
                    Err(error) => {
                        tracing::debug!(%error, "a report brought nothing");
                        shared
                            .handle_failure(&error, shared.pace.report_counts)
                            .await
                    }
                },
                None => Duration::ZERO,
            }
        };
        sleep(wait).await;
        let quiet = shared
            .pace
            .report_counts
            .saturating_sub(shared.pace.debounce);
        // A change is reported at once. `due` finds out whether there is one.
        let _ = timeout(quiet, shared.changed.notified()).await;
        sleep(shared.pace.debounce).await;
    }
}

impl Reporter {
    /// Sends the last reports, with all counts, saying that the node stops. With `gives_back` the node gives up
    /// its place once everything is reported. Returns whether the place is free, or `None` without an answer.
    pub(crate) async fn finish(&mut self, shared: &Arc<Shared>, gives_back: bool) -> Option<bool> {
        let mut report = now(shared);
        report.leaving = true;
        // Another start of the control plane may not have what was reported to the one before it. So the node
        // says goodbye only to a start that has answered.
        let mut was_heard = self.goodbye_to.is_some();
        loop {
            if planted::is("goodbye-without-counts") {
                report.gives_back = gives_back;
                return self.send(shared, report).await.ok();
            }
            report.counts = shared.counters.unsent(self.most, false);
            report.gives_back = gives_back && was_heard && shared.counters.all_reported();
            let instance = self.instance;
            if report.gives_back {
                self.goodbye_to = instance;
            }
            match self.send(shared, report.clone()).await {
                // Either the place was given up and the answer was lost, or the node was silent for too long
                // and has not reported everything.
                Err(RequestError::Refused(failure)) if failure.code == FailureCode::Left => {
                    let is_it = |to| failure.instance.is_none_or(|instance| instance == to);
                    return Some(self.goodbye_to.is_some_and(is_it));
                }
                // It has no place, and no other answer will come.
                Err(RequestError::Refused(failure)) if failure.code == FailureCode::Revoked => {
                    return Some(false);
                }
                Err(_) => return None,
                Ok(true) => return Some(self.instance == instance),
                Ok(false) => was_heard = true,
            }
            let more = !shared.counters.unsent(1, false).is_empty();
            let goodbye = gives_back && !report.gives_back && shared.counters.all_reported();
            if !more && !goodbye {
                return Some(false);
            }
        }
    }

    /// Reports the counts on disk. Returns whether everything that was counted is reported and accepted.
    pub(crate) async fn report_counts(&mut self, shared: &Arc<Shared>) -> bool {
        if shared.counters.all_reported() || planted::is("goodbye-without-counts") {
            return true;
        }
        let mut report = now(shared);
        report.counts = shared.counters.unsent(self.most, true);
        match self.send(shared, report).await {
            Ok(_) => shared.counters.all_reported(),
            Err(error) => {
                sleep(shared.handle_failure(&error, Duration::ZERO).await).await;
                false
            }
        }
    }

    /// A report, if one is due: because something changed, or because the last one is long ago.
    fn due(&self, shared: &Shared) -> Option<NodeReport> {
        let mut report = now(shared);
        let is_changed = self.last.as_ref() != Some(&unnumbered(&report));
        let every = self
            .within
            .map_or(shared.pace.report, |within| shared.pace.report.min(within));
        let long = self.at.is_none_or(|at| at.elapsed() >= every);
        let again = self
            .rejected_at
            .is_some_and(|at| at.elapsed() >= shared.pace.rejected);
        report.counts = shared.counters.unsent(self.most, again);
        if !report.counts.is_empty() {
            report.settled = self.settled(shared);
        }
        (is_changed || long || self.awaited || !report.counts.is_empty()).then_some(report)
    }

    /// The epochs that the control plane may merge, because this start of it has acknowledged all their counts.
    fn settled(&self, shared: &Shared) -> Option<SettledEpochs> {
        let (instance, epochs) = (self.instance?, shared.counters.settled());
        (!epochs.is_empty()).then_some(SettledEpochs { instance, epochs })
    }

    /// Sends a report. Returns whether the node gave up its place with it.
    async fn send(
        &mut self,
        shared: &Arc<Shared>,
        mut report: NodeReport,
    ) -> Result<bool, RequestError> {
        self.number += 1;
        if let Some(start) = &mut report.start {
            (start.number, start.answered) = (self.number, self.answered);
        }
        let began = Instant::now();
        let reported = match shared.client.report(&report).await {
            Ok(reported) => reported,
            Err(error) => {
                self.note_failure(shared, &error, began);
                return Err(error);
            }
        };
        shared.note_let_in();
        shared
            .link
            .note_answer(reported.state_revision, self.lost.take());
        shared.problems.set(Kind::ReportRefused, None);
        self.note_instance(shared, reported.instance);
        if self.instance.replace(reported.instance) != Some(reported.instance) {
            // It may not have what was reported to the one before it.
            shared.counters.report_all_again();
        }
        let beyond = reported.beyond.map(|beyond| beyond.to_string());
        shared.problems.set(Kind::NodeOverage, beyond);
        let reply = reported.start.as_ref();
        if let Some(reply) = reply.filter(|reply| reply.apart == Some(SplitReason::Removed)) {
            // Nothing of that epoch was added, although nothing of it was rejected.
            report.counts.retain(|count| count.epoch != reply.epoch);
        }
        note_counts(shared, &report.counts, &reported.rejected);
        if reported.rejected.iter().any(|count| !count.as_other) {
            self.rejected_at = Some(Instant::now());
        }
        self.answered = self.number;
        self.within = reported.within.map(Duration::from_secs);
        self.awaited = reported.start.as_ref().is_some_and(|reply| reply.again);
        if let Some(start) = &report.start {
            shared.note_start_reply(start, reported.start);
        }
        self.most = self.most.saturating_mul(2).min(MAX_COUNTS);
        self.last = Some(unnumbered(&report));
        self.at = Some(Instant::now());
        Ok(reported.gave_back)
    }

    /// Notes which start of a control plane answered. A restarted control plane has a new instance id. If an
    /// old id answers after another one, or after one that does not know this node, there are two of them.
    fn note_instance(&mut self, shared: &Shared, instance: Uuid) {
        // A proxy may have dropped the node's credential for a while; that is the same control plane.
        let unknown = shared.unknown_there().take();
        let unknown = unknown.is_some_and(|refused| refused != instance);
        let again = match self.instance {
            Some(last) if last == instance => unknown,
            Some(last) => {
                self.earlier.push(last);
                let beyond = self.earlier.len().saturating_sub(MAX_EARLIER);
                self.earlier.drain(..beyond);
                self.earlier.contains(&instance)
            }
            None => false,
        };
        if again {
            self.in_turn = Some(Instant::now());
        }
        let lasts = |at: Instant| at.elapsed() < IN_TURN;
        shared.note_in_turn(self.in_turn.is_some_and(lasts));
    }

    fn note_failure(&mut self, shared: &Shared, error: &RequestError, began: Instant) {
        match error {
            RequestError::Unreachable(_) => {
                self.lost = Some(began);
                self.most = (self.most / 2).max(MIN_COUNTS);
            }
            RequestError::Refused(failure)
                if matches!(failure.code, FailureCode::Invalid | FailureCode::Other) =>
            {
                let text = format!("the control plane refused a report: {}", failure.message);
                shared.problems.set(Kind::ReportRefused, Some(text));
            }
            RequestError::Refused(_) => {}
        }
    }
}

/// Notes which counts were accepted, and names those that were rejected.
fn note_counts(shared: &Shared, sent: &[NodeCount], rejected: &[RejectedCount]) {
    let is_rejected = |count: &&NodeCount| rejected.iter().any(|other| other.count == **count);
    let accepted: Vec<_> = sent
        .iter()
        .filter(|count| !is_rejected(count))
        .cloned()
        .collect();
    shared.counters.note_reported(&accepted);
    let (as_other, rejected): (Vec<_>, Vec<_>) = rejected.iter().partition(|count| count.as_other);
    let counters = &shared.counters;
    counters.note_no_room(as_other.into_iter().map(|rejected| &rejected.count));
    counters.note_rejected(rejected.iter().map(|rejected| &rejected.count));
    let (number, first) = (shared.counters.rejected(), rejected.first());
    let text = first.map(|RejectedCount { count, reason, .. }| {
        let (service, month) = (&count.service, &count.month);
        format!(
            "the control plane refused {number} counts, which stay here and are sent again; \
             {service} in {month}: {reason}"
        )
    });
    // The reason of the last rejection stays until all counts are accepted.
    if text.is_some() || number == 0 {
        shared.problems.set(Kind::CountsRejected, text);
    }
}

/// The report without what changes all the time, such as the signing time of the same state.
fn unnumbered(report: &NodeReport) -> NodeReport {
    let signed = |applied: Applied| Applied {
        issued_at: 0,
        ..applied
    };
    NodeReport {
        requests: 0,
        counts: Vec::new(),
        settled: None,
        start: report.start.clone().map(|start| NodeStart {
            number: 0,
            answered: 0,
            counted: 0,
            ..start
        }),
        applied: report.applied.map(signed),
        ..report.clone()
    }
}

/// The start that reports, without its numbers, once the journal names it.
fn start(shared: &Shared) -> Option<NodeStart> {
    let claim = shared.counters.claim()?;
    Some(NodeStart {
        id: claim.id,
        number: 0,
        answered: 0,
        epoch: claim.epoch.to_string(),
        after: claim.after,
        ended: claim.ended,
        counted: claim.counted,
        parts: claim.parts,
        copied: shared.is_copy.load(Ordering::Relaxed),
    })
}

/// A report of the node's current status.
fn now(shared: &Shared) -> NodeReport {
    let enforcement = Enforcement::of(&shared.evaluator);
    let (state, _) = shared.evaluator.state();
    let totals = shared.counters.totals();
    let requests = totals.this_month.values();
    let mut problems = shared.problems.news();
    problems.truncate(MAX_PROBLEMS);
    NodeReport {
        host: shared.host.clone(),
        version: shared.version.clone(),
        mode: enforcement.mode,
        applied: state.map(|state| Applied::from(&state.ratchet)),
        control_plane: Some(shared.identity.control_plane_key.sha256()),
        license: enforcement.license,
        requests: requests.fold(0, |sum: u64, more| sum.saturating_add(*more).min(MAX_COUNT)),
        problems,
        counts: Vec::new(),
        settled: None,
        start: start(shared),
        leaving: false,
        gives_back: false,
    }
}

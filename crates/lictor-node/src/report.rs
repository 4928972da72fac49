//! Reports: how the node stands, at once when that changes, and what it counted, as far as that is on
//! disk.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use lictor_core::facts::usage::{MAX_COUNT, MAX_COUNTS};
use lictor_core::feed::{
    Apart, Applied, FailureCode, HeldCount, NodeCount, NodeReport, Settled, Start,
};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::client::Trouble;
use crate::planted;
use crate::problems::Kind;
use crate::shared::{Shared, Standing};

/// How many problems are reported at most.
const MAX_PROBLEMS: usize = 16;

/// How many counts are reported at least, however slow the link is.
const MIN_COUNTS: usize = 20;

/// How many starts of control planes are remembered.
const MAX_EARLIER: usize = 8;

/// For how long it is told that two control planes answer in turn, after it was seen.
const IN_TURN: Duration = Duration::from_secs(600);

/// What the reports so far have come to.
pub(crate) struct Reporter {
    /// How many counts go into one report: half as many after each that was lost, as on a slow link.
    most: usize,
    /// Which start of the control plane answered last.
    instance: Option<Uuid>,
    /// Which answered before it, the last at the end.
    earlier: Vec<Uuid>,
    /// Which the node said goodbye to last, with all told.
    goodbye_to: Option<Uuid>,
    /// When one answered again behind another one.
    in_turn: Option<Instant>,
    /// What was last reported, but for counts.
    said: Option<NodeReport>,
    at: Option<Instant>,
    /// When the last report was sent, if nothing came of it.
    lost: Option<Instant>,
    /// When counts were not taken last.
    held_at: Option<Instant>,
    /// The number of the last report, and that of the last that was answered.
    number: u64,
    answered: u64,
    /// Whether the control plane waits for the next one.
    awaited: bool,
    /// Within which time it wants to hear of the node; none: that is the node's choice.
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
            said: None,
            at: None,
            lost: None,
            held_at: None,
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
                    Err(trouble) => {
                        tracing::debug!(%trouble, "a report brought nothing");
                        shared.after(&trouble, shared.pace.report_counts).await
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
        // A change is worth a report at once; whether there is one, `due` finds.
        let _ = timeout(quiet, shared.changed.notified()).await;
        sleep(shared.pace.debounce).await;
    }
}

impl Reporter {
    /// One last report, counts and all, which says that the node leaves. With `gives_back` it gives its
    /// place back once there is nothing more to tell. Whether the place is free; none: nobody answered that.
    pub(crate) async fn finish(&mut self, shared: &Arc<Shared>, gives_back: bool) -> Option<bool> {
        let mut report = now(shared);
        report.leaving = true;
        // Another start of the control plane may know nothing of what was told to the one before it, so
        // that a goodbye is said only to one that was heard.
        let mut was_heard = self.goodbye_to.is_some();
        loop {
            if planted::is("goodbye-without-counts") {
                report.gives_back = gives_back;
                return self.send(shared, report).await.ok();
            }
            report.counts = shared.counters.unsent(self.most, false);
            report.gives_back = gives_back && was_heard && shared.counters.are_told();
            let instance = self.instance;
            if report.gives_back {
                self.goodbye_to = instance;
            }
            match self.send(shared, report.clone()).await {
                // Either it was given back and the answer to that was lost, or the node was silent for too
                // long, and has not told all that it counted.
                Err(Trouble::Refused(failure)) if failure.code == FailureCode::Left => {
                    let is_it = |to| failure.instance.is_none_or(|instance| instance == to);
                    return Some(self.goodbye_to.is_some_and(is_it));
                }
                // It takes no place, and no other answer comes.
                Err(Trouble::Refused(failure)) if failure.code == FailureCode::Revoked => {
                    return Some(false);
                }
                Err(_) => return None,
                Ok(true) => return Some(self.instance == instance),
                Ok(false) => was_heard = true,
            }
            let more = !shared.counters.unsent(1, false).is_empty();
            let goodbye = gives_back && !report.gives_back && shared.counters.are_told();
            if !more && !goodbye {
                return Some(false);
            }
        }
    }

    /// Reports what is on disk and untold; whether all that was counted is told and taken.
    pub(crate) async fn tell(&mut self, shared: &Arc<Shared>) -> bool {
        if shared.counters.are_told() || planted::is("goodbye-without-counts") {
            return true;
        }
        let mut report = now(shared);
        report.counts = shared.counters.unsent(self.most, true);
        match self.send(shared, report).await {
            Ok(_) => shared.counters.are_told(),
            Err(trouble) => {
                sleep(shared.after(&trouble, Duration::ZERO).await).await;
                false
            }
        }
    }

    /// A report, if one is due: something changed, or nothing was said for long.
    fn due(&self, shared: &Shared) -> Option<NodeReport> {
        let mut report = now(shared);
        let news = self.said.as_ref() != Some(&unnumbered(&report));
        let every = self
            .within
            .map_or(shared.pace.report, |within| shared.pace.report.min(within));
        let long = self.at.is_none_or(|at| at.elapsed() >= every);
        let again = self
            .held_at
            .is_some_and(|at| at.elapsed() >= shared.pace.held);
        report.counts = shared.counters.unsent(self.most, again);
        if !report.counts.is_empty() {
            report.settled = self.settled(shared);
        }
        (news || long || self.awaited || !report.counts.is_empty()).then_some(report)
    }

    /// What the control plane may put together, as it said at this start that it has all of it.
    fn settled(&self, shared: &Shared) -> Option<Settled> {
        let (instance, epochs) = (self.instance?, shared.counters.settled());
        (!epochs.is_empty()).then_some(Settled { instance, epochs })
    }

    /// Sends a report; whether the node gave its place back with it.
    async fn send(
        &mut self,
        shared: &Arc<Shared>,
        mut report: NodeReport,
    ) -> Result<bool, Trouble> {
        self.number += 1;
        if let Some(start) = &mut report.start {
            (start.number, start.answered) = (self.number, self.answered);
        }
        let began = Instant::now();
        let reported = match shared.client.report(&report).await {
            Ok(reported) => reported,
            Err(trouble) => {
                self.note_trouble(shared, &trouble, began);
                return Err(trouble);
            }
        };
        shared.note_let_in();
        shared
            .link
            .note_answer(reported.state_revision, self.lost.take());
        shared.problems.set(Kind::ReportRefused, None);
        self.note_instance(shared, reported.instance);
        if self.instance.replace(reported.instance) != Some(reported.instance) {
            // It may know nothing of what was told to the one before it.
            shared.counters.report_all_again();
        }
        let beyond = reported.beyond.map(|beyond| beyond.to_string());
        shared.problems.set(Kind::Beyond, beyond);
        let judged = reported.start.as_ref();
        if let Some(judged) = judged.filter(|judged| judged.apart == Some(Apart::Removed)) {
            // Of that epoch nothing was added, though nothing is among the refused.
            report.counts.retain(|count| count.epoch != judged.epoch);
        }
        note_counts(shared, &report.counts, &reported.held);
        if reported.held.iter().any(|held| !held.as_other) {
            self.held_at = Some(Instant::now());
        }
        self.answered = self.number;
        self.within = reported.within.map(Duration::from_secs);
        self.awaited = reported.start.as_ref().is_some_and(|judged| judged.again);
        if let Some(start) = &report.start {
            shared.note_judged(start, reported.start);
        }
        self.most = self.most.saturating_mul(2).min(MAX_COUNTS);
        self.said = Some(unnumbered(&report));
        self.at = Some(Instant::now());
        Ok(reported.gave_back)
    }

    /// A control plane that was started again answers under a new name. One that answers under its old one
    /// after another, or after one that does not know this node, is beside it.
    fn note_instance(&mut self, shared: &Shared, instance: Uuid) {
        // One and the same may have lost what tells who asks to a proxy, for a while.
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

    fn note_trouble(&mut self, shared: &Shared, trouble: &Trouble, began: Instant) {
        match trouble {
            Trouble::Unreachable(_) => {
                self.lost = Some(began);
                self.most = (self.most / 2).max(MIN_COUNTS);
            }
            Trouble::Refused(failure)
                if matches!(failure.code, FailureCode::Invalid | FailureCode::Other) =>
            {
                let text = format!("the control plane refused a report: {}", failure.message);
                shared.problems.set(Kind::ReportRefused, Some(text));
            }
            Trouble::Refused(_) => {}
        }
    }
}

/// Notes which counts were taken, and names those that were not.
fn note_counts(shared: &Shared, sent: &[NodeCount], held: &[HeldCount]) {
    let is_held = |count: &&NodeCount| held.iter().any(|held| held.count == **count);
    let taken: Vec<_> = sent
        .iter()
        .filter(|count| !is_held(count))
        .cloned()
        .collect();
    shared.counters.note_reported(&taken);
    let (as_other, held): (Vec<_>, Vec<_>) = held.iter().partition(|held| held.as_other);
    let counters = &shared.counters;
    counters.note_no_room(as_other.into_iter().map(|held| &held.count));
    counters.note_held(held.iter().map(|held| &held.count));
    let (number, first) = (shared.counters.held(), held.first());
    let text = first.map(|HeldCount { count, reason, .. }| {
        let (service, month) = (&count.service, &count.month);
        format!(
            "the control plane refused {number} counts, which stay here and are sent again; \
             {service} in {month}: {reason}"
        )
    });
    // The words of the last refusal stay until all are taken.
    if text.is_some() || number == 0 {
        shared.problems.set(Kind::CountsHeld, text);
    }
}

/// The report without what changes all the time, and whether a state was only signed again.
fn unnumbered(report: &NodeReport) -> NodeReport {
    let signed = |applied: Applied| Applied {
        issued_at: 0,
        ..applied
    };
    NodeReport {
        requests: 0,
        counts: Vec::new(),
        settled: None,
        start: report.start.clone().map(|start| Start {
            number: 0,
            answered: 0,
            counted: 0,
            ..start
        }),
        applied: report.applied.map(signed),
        ..report.clone()
    }
}

/// Which start reports, but for its numbers, once its journal names it.
fn start(shared: &Shared) -> Option<Start> {
    let claim = shared.counters.claim()?;
    Some(Start {
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

/// How the node stands now.
fn now(shared: &Shared) -> NodeReport {
    let standing = Standing::of(&shared.judge);
    let (held, _) = shared.judge.held();
    let totals = shared.counters.totals();
    let requests = totals.this_month.values();
    let mut problems = shared.problems.news();
    problems.truncate(MAX_PROBLEMS);
    NodeReport {
        host: shared.host.clone(),
        version: shared.version.clone(),
        mode: standing.mode,
        applied: held.map(|held| Applied::from(&held.ratchet)),
        control_plane: Some(shared.identity.control_plane_key.sha256()),
        license: standing.license,
        requests: requests.fold(0, |sum: u64, more| sum.saturating_add(*more).min(MAX_COUNT)),
        problems,
        counts: Vec::new(),
        settled: None,
        start: start(shared),
        leaving: false,
        gives_back: false,
    }
}

//! The parts of a running node, and what it notes about its control plane.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lictor_core::exposition::Section;
use lictor_core::feed::{
    Failure, FailureCode, Mode, NodeStart, OTHER_SERVICES, SplitReason, StartReply, StateError,
};
use lictor_core::{DocumentError, Timestamp};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::client::{Client, RequestError};
use crate::counters::flush::Flusher;
use crate::counters::{Counters, EpochAssignment, MAX_SERVICES};
use crate::error::{Reason, StartError};
use crate::evaluator::Evaluator;
use crate::folder::Folder;
use crate::identity::Identity;
use crate::link::Link;
use crate::options::{CountDurability, Pace};
use crate::problems::{Kind, Problems};
use crate::random;
use crate::rejoin::Rejoin;
use crate::state_store::{Accepted, StateStore};
use crate::trusted_time::Difference;

/// What the parts of a running node share.
pub(crate) struct Shared {
    pub identity: Identity,
    pub folder: Arc<Folder>,
    pub client: Client,
    /// How it rejoins its pool. `None` if it has no pool token.
    pub rejoin: Option<Rejoin>,
    pub evaluator: Evaluator,
    pub store: StateStore,
    pub counters: Arc<Counters>,
    pub flusher: Arc<Flusher>,
    pub problems: Problems,
    /// Notified when there may be something new to report.
    pub changed: Notify,
    pub link: Link,
    /// Which start of a control plane answered that it does not know this node, since the last answer of one
    /// that does. Nil if it did not name its start.
    pub unknown_there: Mutex<Option<Uuid>>,
    /// How many instances of the node run at once, as the control plane sees it.
    pub lives: AtomicU64,
    /// Whether the folder turned out to be a copy or an older one.
    pub is_copy: AtomicBool,
    pub refused: Mutex<BTreeMap<&'static str, u64>>,
    pub enforcement: Mutex<Enforcement>,
    pub durability: CountDurability,
    pub pace: Pace,
    pub host: String,
    pub version: String,
    pub more_metrics: Option<Arc<Section>>,
}

/// Whether the node allows requests. A change of this is reported at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Enforcement {
    pub mode: Mode,
    pub license: Option<Uuid>,
    pub denied: Option<Reason>,
    /// When it last changed.
    pub since: Timestamp,
}

impl Enforcement {
    /// What the evaluator decides now.
    pub(crate) fn of(evaluator: &Evaluator) -> Self {
        let decision = evaluator.decision();
        Self {
            mode: decision.mode,
            license: decision
                .license
                .as_ref()
                .map(|granted| granted.license.license),
            denied: decision.grant.as_ref().err().copied(),
            since: evaluator.times().now,
        }
    }
}

impl Shared {
    /// Accepts or refuses a state, in a thread that may wait for the disk.
    pub(crate) async fn accept_state(
        self: &Arc<Self>,
        text: String,
    ) -> Result<Accepted, StateError> {
        let shared = Arc::clone(self);
        let accepted = tokio::task::spawn_blocking(move || shared.accept_state_now(&text)).await;
        accepted.unwrap_or_else(|error| {
            tracing::error!(%error, "the task that reads a state failed");
            let why = "the node failed while it was read; its log says more";
            Err(StateError::Unreadable(why.to_owned()))
        })
    }

    fn accept_state_now(&self, text: &str) -> Result<Accepted, StateError> {
        let before = self.revision();
        let accepted = self.store.accept(text, &self.evaluator);
        match &accepted {
            Ok(new) => {
                self.problems.set(Kind::StateRefused, None);
                if *new == Accepted::New {
                    self.problems.set(Kind::StateLost, None);
                    self.problems.set(Kind::RatchetLost, None);
                    self.note_saved();
                }
            }
            Err(error) => {
                let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
                *refused.entry(error.word()).or_default() += 1;
                drop(refused);
                // An earlier signing of the current state is no problem.
                if !matches!(error, StateError::Repeated(_)) {
                    let text = format!("a state was refused: {error}");
                    self.problems.set(Kind::StateRefused, Some(text));
                }
            }
        }
        self.note_revoked();
        self.note_untrusted();
        self.refresh();
        // The same revision signed again is not worth a report.
        if accepted.is_err() || self.revision() != before {
            self.changed.notify_one();
        }
        accepted
    }

    /// The revision of the state in force.
    pub(crate) fn revision(&self) -> Option<u64> {
        let (state, _) = self.evaluator.state();
        state.map(|state| state.ratchet.revision)
    }

    /// Reads the clocks, and notes what has changed.
    pub(crate) fn refresh(&self) {
        self.evaluator.refresh();
        let now = Enforcement::of(&self.evaluator);
        let clock = self.evaluator.times().difference.map(clock_problem);
        let mut news = self.problems.set(Kind::Clock, clock);
        let denies = now.denied.map(|reason| {
            let (word, why) = (reason.as_str(), reason.message());
            format!("denies all requests: {word}: {why}")
        });
        news |= self.problems.set(Kind::Denies, denies);
        let mut known = self
            .enforcement
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let since = known.since;
        if (Enforcement { since, ..now }) != *known {
            match now.denied {
                None => tracing::info!(mode = %now.mode, license = ?now.license, "allows requests"),
                Some(reason) => tracing::warn!(mode = %now.mode, %reason, "denies requests"),
            }
            *known = now;
            news = true;
        }
        drop(known);
        if news {
            self.changed.notify_one();
        }
    }

    /// Saves the state, if that failed before, and trusted time. This waits for the disk.
    pub(crate) fn save(&self) {
        if let Err(error) = self.store.save(&self.evaluator) {
            tracing::warn!(%error, "the trusted time could not be saved");
        }
        self.note_saved();
    }

    /// Notes whether the state in force is on disk.
    pub(crate) fn note_saved(&self) {
        let text = self.store.unsaved().map(|reason| {
            format!(
                "the state could not be saved: {reason}; the node goes on with it in memory and \
                 tries again each minute"
            )
        });
        if self.problems.set(Kind::StateUnsaved, text) {
            self.changed.notify_one();
        }
    }

    /// Notes whether the node was revoked.
    pub(crate) fn note_revoked(&self) {
        let (_, revoked) = self.evaluator.state();
        let text = "this node was revoked and denies all requests; enroll another with `lictor \
                    node enroll`, in a new folder";
        self.problems
            .set(Kind::Revoked, revoked.then(|| text.to_owned()));
    }

    /// Handles a failed request. Returns how long to wait before the next one; `otherwise` if nothing special
    /// applies.
    pub(crate) async fn handle_failure(
        self: &Arc<Self>,
        error: &RequestError,
        otherwise: Duration,
    ) -> Duration {
        let failure = match error {
            RequestError::Refused(failure) => failure,
            RequestError::Unreachable(reason) => {
                self.note_unreachable(reason);
                return otherwise;
            }
        };
        self.note_reached();
        let is_unknown = failure.code == FailureCode::Unauthorized;
        if is_unknown {
            self.note_unknown(failure.instance);
        }
        // A pool's node that is no longer known was removed because it left long ago.
        let is_removed = is_unknown && self.rejoin.is_some();
        if failure.code == FailureCode::Left || is_removed {
            return self.return_to_pool(&failure.message).await;
        }
        if let Some(state) = &failure.state {
            // The outcome is noted there.
            let _ = self.accept_state(state.clone()).await;
        }
        let Some(problem) = not_let_in(failure) else {
            return otherwise;
        };
        if self.problems.set(Kind::NotLetIn, Some(problem)) {
            self.changed.notify_one();
        }
        self.pace.refused
    }

    /// Remembers which start of a control plane does not know this node. A control plane that does not name
    /// its start may have removed the node of a pool, and may let it rejoin.
    fn note_unknown(&self, instance: Option<Uuid>) {
        if instance.is_some() || self.rejoin.is_none() {
            *self.unknown_there() = Some(instance.unwrap_or_default());
        }
    }

    /// The start of a control plane that does not know this node.
    pub(crate) fn unknown_there(&self) -> MutexGuard<'_, Option<Uuid>> {
        self.unknown_there
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Rejoins the pool, if the node has the token for that. Returns how long to wait before the next request.
    async fn return_to_pool(self: &Arc<Self>, message: &str) -> Duration {
        let (problem, wait) = match &self.rejoin {
            Some(rejoin) => match rejoin.attempt(self).await {
                None => (None, Duration::ZERO),
                Some((why, wait)) => (Some(why), wait),
            },
            None => {
                let text = format!("{message}: start the node with it, as by LICTOR_ENROLL");
                (Some(text), self.pace.refused)
            }
        };
        if self.problems.set(Kind::NotLetIn, problem) {
            self.changed.notify_one();
        }
        wait
    }

    /// Notes that the control plane accepts the node.
    pub(crate) fn note_let_in(&self) {
        self.note_reached();
        if self.problems.set(Kind::NotLetIn, None) {
            self.changed.notify_one();
        }
    }

    /// Notes whether two control planes answer in turn.
    pub(crate) fn note_in_turn(&self, in_turn: bool) {
        let text = format!(
            "two control planes answer at {} in turn; have the address lead to one of them: stop \
             the other, or give it another name",
            self.client.address()
        );
        if self
            .problems
            .set(Kind::TwoControlPlanes, in_turn.then_some(text))
        {
            self.changed.notify_one();
        }
    }

    fn note_reached(&self) {
        self.link.note_reached();
        if self.problems.set(Kind::Unreachable, None) {
            self.changed.notify_one();
        }
    }

    /// Notes whether something between node and control plane holds the feed back.
    pub(crate) fn note_held_back(&self, held_back: bool) {
        if !self.link.note_held_back(held_back) {
            return;
        }
        let text = format!(
            "the control plane {} answers, but its feed does not get through: a proxy in between \
             buffers it; have it pass /v1/feed on unbuffered, in nginx with `proxy_buffering \
             off`; until then the node asks for each state",
            self.client.address()
        );
        self.problems
            .set(Kind::FeedHeldBack, held_back.then_some(text));
        self.changed.notify_one();
        self.link.ask();
    }

    /// Notes that a request failed. It becomes a problem once that lasts. The first reason stays, because later
    /// ones say the same in other words.
    fn note_unreachable(&self, reason: &str) {
        let lasts = self.link.note_lost().elapsed() >= self.pace.unreachable;
        if lasts && !self.problems.has(Kind::Unreachable) {
            let text = format!(
                "the control plane {} cannot be reached: {}; requests are decided as the last state and \
                 its policy say",
                self.client.address(),
                self.client.with_proxy(reason)
            );
            self.problems.set(Kind::Unreachable, Some(text));
        }
    }

    /// Notes whether the newest license is not valid here.
    pub(crate) fn note_untrusted(&self) {
        let (state, _) = self.evaluator.state();
        let newest = state.as_ref().and_then(|state| state.candidates.first());
        let text = newest.and_then(|license| {
            let reason = match license.signer.as_ref().err()? {
                DocumentError::UnknownKey(key) => format!(
                    "it is signed with key {key}, which this node does not trust: hand the trust on \
                     with `lictor key rotate` and `lictor trust add --rotation`"
                ),
                error => error.to_string(),
            };
            let id = license.id;
            Some(format!("the license {id} counts for nothing here: {reason}"))
        });
        self.problems.set(Kind::Untrusted, text);
    }

    /// Notes what the control plane decided about this start, for the epoch that was reported. `None` if its
    /// version does not know starts.
    pub(crate) fn note_start_reply(self: &Arc<Self>, start: &NodeStart, reply: Option<StartReply>) {
        let epoch = start.epoch.as_str();
        let (apart, own, lives) = match reply {
            Some(reply) if reply.epoch == epoch => (reply.apart, reply.own, reply.lives),
            Some(_) => return,
            None => (None, None, 1),
        };
        self.lives.store(lives, Ordering::Relaxed);
        let mut assignment = EpochAssignment::default();
        if apart.is_some() {
            // A version that does not know parts does not say where each belongs.
            let parts = start.parts.iter().map(|part| part.start);
            assignment.own = own.unwrap_or_else(|| parts.collect());
            if assignment.own.is_empty() {
                // Without randomness, the next report has it decided again.
                let Ok(epoch) = random_epoch() else { return };
                assignment.rest = Some(epoch);
            }
        }
        let is_copy = match apart {
            Some(SplitReason::Behind) => true,
            // A version that does not name its starts may have counted in between. A start that was decided
            // before gets this reply from a control plane that was restored from a backup.
            Some(SplitReason::Followed) => {
                !start.parts.is_empty() && start.after.len() >= start.parts.len()
            }
            Some(SplitReason::Unsure | SplitReason::Removed | SplitReason::Other) | None => false,
        };
        if is_copy {
            self.is_copy.store(true, Ordering::Relaxed);
        }
        if self.counters.assign(epoch, assignment) {
            let shared = Arc::clone(self);
            // There may be more to report now.
            self.flusher
                .ask(Box::new(move |_| shared.changed.notify_one()));
        }
        self.note_copied(lives);
    }

    fn note_copied(&self, lives: u64) {
        let at_once = (lives > 1)
            .then(|| format!("this node runs {lives} times at once, as its folder was copied"));
        let is_copy = self.is_copy.load(Ordering::Relaxed);
        let told_apart = is_copy.then(|| {
            "this folder is a copy, or an older one that was put back: another start counted on from it"
                .to_owned()
        });
        let found: Vec<_> = at_once.into_iter().chain(told_apart).collect();
        let text = (!found.is_empty()).then(|| {
            format!(
                "{}; each start counts by itself, and nothing is lost; enroll each machine as a node of \
                 its own",
                found.join("; ")
            )
        });
        if self.problems.set(Kind::Copied, text) {
            self.changed.notify_one();
        }
    }

    /// Notes whether there are more services than are counted under their own names, here or at the control
    /// plane.
    pub(crate) fn note_services(&self) {
        let text = match (
            self.counters.has_too_many_services(),
            self.counters.without_room(),
        ) {
            (true, _) => Some(format!(
                "more than {MAX_SERVICES} services: requests of further ones are counted as \
                 {OTHER_SERVICES}; use fewer names, such as one for each part of the product"
            )),
            (false, 0) => None,
            (false, some) => Some(format!(
                "the control plane has no room for {some} services, which it counts as \
                 {OTHER_SERVICES} this month; use fewer names, or let an operator raise \
                 max-usage-series"
            )),
        };
        if self.problems.set(Kind::Services, text) {
            self.changed.notify_one();
        }
    }
}

fn random_epoch() -> Result<Arc<str>, StartError> {
    Ok(random::epoch()?.into())
}

fn not_let_in(failure: &Failure) -> Option<String> {
    let message = &failure.message;
    match failure.code {
        FailureCode::Unauthorized => Some(
            "the control plane does not know this node; it may have been restored from a backup: \
             enroll the node again in a new folder with `lictor node enroll`"
                .to_owned(),
        ),
        FailureCode::Revoked
        | FailureCode::NoCredential
        | FailureCode::CertificateRequired
        | FailureCode::UnsupportedFormat => {
            Some(format!("the control plane refuses this node: {message}"))
        }
        FailureCode::EnrollmentRefused
        | FailureCode::Left
        | FailureCode::NoPlace
        | FailureCode::Invalid
        | FailureCode::NoRoute
        | FailureCode::Unavailable
        | FailureCode::Other => None,
    }
}

/// The difference is in whole units, so that the text does not change each second.
fn clock_problem(difference: Difference) -> String {
    match difference {
        Difference::Ahead(seconds) => format!(
            "the machine's clock is {} ahead of the control plane's time; it is ignored",
            span(seconds)
        ),
        Difference::Behind(seconds) => format!(
            "the machine's clock is {} behind the control plane's time; it is ignored, set it \
             right",
            span(seconds)
        ),
    }
}

fn span(seconds: i64) -> String {
    match seconds {
        ..120 => "more than a minute".to_owned(),
        120..7_200 => format!("about {} minutes", (seconds + 30) / 60),
        7_200..172_800 => format!("about {} hours", (seconds + 1_800) / 3_600),
        _ => format!("about {} days", (seconds + 43_200) / 86_400),
    }
}

//! What the parts of a running node share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lictor_core::exposition::Section;
use lictor_core::feed::{
    Apart, Failure, FailureCode, Judged, Mode, OTHER_SERVICES, Start, StateError,
};
use lictor_core::{DocumentError, Timestamp};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::client::{Client, Trouble};
use crate::counters::flush::Flusher;
use crate::counters::{Counters, MAX_SERVICES, Verdict};
use crate::error::{Reason, StartError};
use crate::folder::Folder;
use crate::identity::Identity;
use crate::judge::Judge;
use crate::keeper::{Keeper, Taken};
use crate::link::Link;
use crate::options::{CountDurability, Pace};
use crate::problems::{Kind, Problems};
use crate::random;
use crate::returning::Returning;
use crate::trusted::Difference;

/// What the parts of a running node share.
pub(crate) struct Shared {
    pub identity: Identity,
    pub folder: Arc<Folder>,
    pub client: Client,
    /// How it takes a place of its pool again; none: it has no pool's token.
    pub returning: Option<Returning>,
    pub judge: Judge,
    pub keeper: Keeper,
    pub counters: Arc<Counters>,
    pub flusher: Arc<Flusher>,
    pub problems: Problems,
    /// Told when there may be something new to report.
    pub changed: Notify,
    pub link: Link,
    /// Which start of a control plane answered that it knows nothing of this node, since the last that
    /// does; nil: one that does not say.
    pub unknown_there: Mutex<Option<Uuid>>,
    /// How many starts of the node run at once, as the control plane sees it.
    pub lives: AtomicU64,
    /// Whether the folder turned out to be a copy, or an older one.
    pub is_copy: AtomicBool,
    pub refused: Mutex<BTreeMap<&'static str, u64>>,
    pub standing: Mutex<Standing>,
    pub durability: CountDurability,
    pub pace: Pace,
    pub host: String,
    pub version: String,
    pub more_metrics: Option<Arc<Section>>,
}

/// How a node stands, as far as a change of it is news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub mode: Mode,
    pub license: Option<Uuid>,
    pub denied: Option<Reason>,
    /// Since when it stands so.
    pub since: Timestamp,
}

impl Standing {
    /// How the node stands now.
    pub(crate) fn of(judge: &Judge) -> Self {
        let verdict = judge.current();
        Self {
            mode: verdict.mode,
            license: verdict
                .license
                .as_ref()
                .map(|granted| granted.license.license),
            denied: verdict.standing.as_ref().err().copied(),
            since: judge.times().now,
        }
    }
}

impl Shared {
    /// Takes a state in a thread that may wait for the disk.
    pub(crate) async fn take(self: &Arc<Self>, text: String) -> Result<Taken, StateError> {
        let shared = Arc::clone(self);
        let taken = tokio::task::spawn_blocking(move || shared.take_now(&text)).await;
        taken.unwrap_or_else(|error| {
            tracing::error!(%error, "a state was not taken to its end");
            let why = "the node failed while it was read; its log says more";
            Err(StateError::Unreadable(why.to_owned()))
        })
    }

    fn take_now(&self, text: &str) -> Result<Taken, StateError> {
        let before = self.revision();
        let taken = self.keeper.take(text, &self.judge);
        match &taken {
            Ok(new) => {
                self.problems.set(Kind::StateRefused, None);
                if *new == Taken::New {
                    self.problems.set(Kind::StateLost, None);
                    self.problems.set(Kind::RatchetLost, None);
                    self.note_saved();
                }
            }
            Err(error) => {
                let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
                *refused.entry(error.word()).or_default() += 1;
                drop(refused);
                // An earlier signing of what is held tells nobody anything.
                if !matches!(error, StateError::Repeated(_)) {
                    let text = format!("a state was refused: {error}");
                    self.problems.set(Kind::StateRefused, Some(text));
                }
            }
        }
        self.note_revoked();
        self.note_untrusted();
        self.look();
        // The same revision signed again is no news.
        if taken.is_err() || self.revision() != before {
            self.changed.notify_one();
        }
        taken
    }

    /// The revision of the state in force.
    pub(crate) fn revision(&self) -> Option<u64> {
        let (held, _) = self.judge.held();
        held.map(|held| held.ratchet.revision)
    }

    /// Looks at the clocks, and whether something is news.
    pub(crate) fn look(&self) {
        self.judge.look();
        let now = Standing::of(&self.judge);
        let clock = self.judge.times().difference.map(clock_problem);
        let mut news = self.problems.set(Kind::Clock, clock);
        let denies = now.denied.map(|reason| {
            let (word, why) = (reason.as_str(), reason.message());
            format!("denies all requests: {word}: {why}")
        });
        news |= self.problems.set(Kind::Denies, denies);
        let mut known = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let since = known.since;
        if (Standing { since, ..now }) != *known {
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

    /// Writes what is kept of states and time; this waits for the disk.
    pub(crate) fn save(&self) {
        if let Err(error) = self.keeper.save(&self.judge) {
            tracing::warn!(%error, "the trusted time could not be saved");
        }
        self.note_saved();
    }

    /// Notes whether the state in force is on disk.
    pub(crate) fn note_saved(&self) {
        let text = self.keeper.unsaved().map(|reason| {
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
        let (_, revoked) = self.judge.held();
        let text = "this node was revoked and denies all requests; enroll another with `lictor \
                    node enroll`, in a new folder";
        self.problems
            .set(Kind::Revoked, revoked.then(|| text.to_owned()));
    }

    /// Takes up why a request brought nothing, and says how long to wait before the next.
    pub(crate) async fn after(
        self: &Arc<Self>,
        trouble: &Trouble,
        otherwise: Duration,
    ) -> Duration {
        let failure = match trouble {
            Trouble::Refused(failure) => failure,
            Trouble::Unreachable(reason) => {
                self.note_unreachable(reason);
                return otherwise;
            }
        };
        self.note_reached();
        let is_unknown = failure.code == FailureCode::Unauthorized;
        if is_unknown {
            self.note_unknown(failure.instance);
        }
        // One that is not known any more was removed, as it left long ago.
        let is_removed = is_unknown && self.returning.is_some();
        if failure.code == FailureCode::Left || is_removed {
            return self.return_to_pool(&failure.message).await;
        }
        if let Some(state) = &failure.state {
            // What it says is noted there, whether it is taken or refused.
            let _ = self.take(state.clone()).await;
        }
        let Some(problem) = not_let_in(failure) else {
            return otherwise;
        };
        if self.problems.set(Kind::NotLetIn, Some(problem)) {
            self.changed.notify_one();
        }
        self.pace.refused
    }

    /// Remembers which start of a control plane knows nothing of this node. One that does not say which it is
    /// may have removed a node of a pool, and take it up again.
    fn note_unknown(&self, instance: Option<Uuid>) {
        if instance.is_some() || self.returning.is_none() {
            *self.unknown_there() = Some(instance.unwrap_or_default());
        }
    }

    /// What is remembered of one that knows nothing of this node.
    pub(crate) fn unknown_there(&self) -> MutexGuard<'_, Option<Uuid>> {
        self.unknown_there
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place of the pool again, if the node has the token for it; how long to wait before the
    /// next request.
    async fn return_to_pool(self: &Arc<Self>, message: &str) -> Duration {
        let (problem, wait) = match &self.returning {
            Some(returning) => match returning.take(self).await {
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

    /// Notes that the control plane lets the node in.
    pub(crate) fn note_let_in(&self) {
        self.note_reached();
        if self.problems.set(Kind::NotLetIn, None) {
            self.changed.notify_one();
        }
    }

    /// Notes whether the answers are those of two control planes in turn.
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

    /// Notes that nothing came of a request. It is a problem once that lasts; then the first reason
    /// stays, as further ones say the same in other words.
    fn note_unreachable(&self, reason: &str) {
        let lasts = self.link.note_lost().elapsed() >= self.pace.unreachable;
        if lasts && !self.problems.has(Kind::Unreachable) {
            let text = format!(
                "the control plane {} cannot be reached: {}; requests are decided as the last state and \
                 its policy say",
                self.client.address(),
                self.client.by_its_way(reason)
            );
            self.problems.set(Kind::Unreachable, Some(text));
        }
    }

    /// Notes whether the newest license counts for nothing here.
    pub(crate) fn note_untrusted(&self) {
        let (held, _) = self.judge.held();
        let newest = held.as_ref().and_then(|held| held.candidates.first());
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

    /// Takes up what the control plane says of this start, for the epoch that it reported; none: it is
    /// of a version that knows nothing of starts.
    pub(crate) fn note_judged(self: &Arc<Self>, start: &Start, judged: Option<Judged>) {
        let epoch = start.epoch.as_str();
        let (apart, own, lives) = match judged {
            Some(judged) if judged.epoch == epoch => (judged.apart, judged.own, judged.lives),
            Some(_) => return,
            None => (None, None, 1),
        };
        self.lives.store(lives, Ordering::Relaxed);
        let mut verdict = Verdict::default();
        if apart.is_some() {
            // A version that cannot tell the parts from each other does not say where each belongs.
            let parts = start.parts.iter().map(|part| part.start);
            verdict.own = own.unwrap_or_else(|| parts.collect());
            if verdict.own.is_empty() {
                // It is judged again with the next report where there is no randomness.
                let Ok(epoch) = random_epoch() else { return };
                verdict.rest = Some(epoch);
            }
        }
        let is_copy = match apart {
            Some(Apart::Behind) => true,
            // A version that does not name its starts may have counted between. One that was judged before
            // hears so from a control plane that was put back from a backup.
            Some(Apart::Followed) => {
                !start.parts.is_empty() && start.after.len() >= start.parts.len()
            }
            Some(Apart::Unsure | Apart::Removed | Apart::Other) | None => false,
        };
        if is_copy {
            self.is_copy.store(true, Ordering::Relaxed);
        }
        if self.counters.judge(epoch, verdict) {
            let shared = Arc::clone(self);
            // What may be told now is news.
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

    /// Notes whether there are more services than are counted apart, here or at the control plane.
    pub(crate) fn note_services(&self) {
        let text = match (self.counters.are_too_many(), self.counters.without_room()) {
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

/// In whole units, so that the text does not change each second.
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

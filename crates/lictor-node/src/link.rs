//! What the parts of a node tell each other about the link to the control plane.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{Notify, watch};

/// The link to the control plane, as the feed and the reports find it.
#[derive(Default)]
pub(crate) struct Link {
    /// When the feed last brought something; none: it is not open.
    heard: Mutex<Option<Instant>>,
    /// Since when nothing came of any request; none: the last was answered.
    lost_since: Mutex<Option<Instant>>,
    /// When a request was answered last, whichever it was.
    answered: Mutex<Option<Instant>>,
    /// Whether requests are answered, and the feed brings nothing.
    held_back: AtomicBool,
    /// Told when the newest state is to be asked for.
    asked: Notify,
    /// Told when a report gets through, and the feed may not know yet that it can.
    healed: Notify,
    /// The revision of the state at the control plane, as it answers reports.
    announced: watch::Sender<u64>,
}

impl Link {
    /// Notes that the feed is open, and brought something.
    pub(crate) fn note_heard(&self) {
        *self.heard() = Some(Instant::now());
    }

    /// Notes that the feed is not open.
    pub(crate) fn note_closed(&self) {
        *self.heard() = None;
    }

    /// Whether the feed is open, as far as can be known here.
    pub(crate) fn is_open(&self) -> bool {
        self.heard().is_some()
    }

    /// Notes that a report was answered, by a control plane whose state has this revision. `lost`:
    /// when the report before was sent, if nothing came of it.
    pub(crate) fn note_answer(&self, revision: u64, lost: Option<Instant>) {
        let silent_since = |lost| self.heard().is_none_or(|heard| heard < lost);
        if lost.is_some_and(silent_since) {
            self.healed.notify_waiters();
        }
        self.announced.send_replace(revision);
    }

    /// Waits until a report gets through again, and the feed brought nothing since the last that was
    /// lost.
    pub(crate) async fn healed(&self) {
        self.healed.notified().await;
    }

    /// The revisions that reports are answered with; a change is each answer.
    pub(crate) fn announced(&self) -> watch::Receiver<u64> {
        self.announced.subscribe()
    }

    /// Notes that nothing came of a request, and says since when that is so.
    pub(crate) fn note_lost(&self) -> Instant {
        *self.lost_since().get_or_insert_with(Instant::now)
    }

    /// Notes that a request was answered.
    pub(crate) fn note_reached(&self) {
        *self.lost_since() = None;
        *self.answered() = Some(Instant::now());
    }

    /// Whether a request was answered since then.
    pub(crate) fn was_reached_since(&self, then: Instant) -> bool {
        self.answered().is_some_and(|at| at > then)
    }

    /// Notes whether something between node and control plane holds the feed back; whether that is news.
    pub(crate) fn note_held_back(&self, held_back: bool) -> bool {
        self.held_back.swap(held_back, Ordering::Relaxed) != held_back
    }

    /// Whether something holds the feed back.
    pub(crate) fn is_held_back(&self) -> bool {
        self.held_back.load(Ordering::Relaxed)
    }

    /// Has the newest state asked for.
    pub(crate) fn ask(&self) {
        self.asked.notify_one();
    }

    /// Waits until the newest state is to be asked for.
    pub(crate) async fn asked(&self) {
        self.asked.notified().await;
    }

    fn answered(&self) -> MutexGuard<'_, Option<Instant>> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lost_since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.lost_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn heard(&self) -> MutexGuard<'_, Option<Instant>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The state of the link to the control plane, shared by the feed, the poll and the reports.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{Notify, watch};

/// The link to the control plane.
#[derive(Default)]
pub(crate) struct Link {
    /// When the feed last brought something. `None` if it is not open.
    heard: Mutex<Option<Instant>>,
    /// Since when all requests have failed. `None` if the last one was answered.
    lost_since: Mutex<Option<Instant>>,
    /// When any request was last answered.
    answered: Mutex<Option<Instant>>,
    /// Whether requests are answered but the feed brings nothing.
    held_back: AtomicBool,
    /// Notified when the newest state should be requested.
    asked: Notify,
    /// Notified when a report gets through before the feed knows that the link works again.
    healed: Notify,
    /// The revision of the control plane's state, from its answers to reports.
    announced: watch::Sender<u64>,
}

impl Link {
    /// Notes that the feed is open and brought something.
    pub(crate) fn note_heard(&self) {
        *self.heard() = Some(Instant::now());
    }

    /// Notes that the feed is not open.
    pub(crate) fn note_closed(&self) {
        *self.heard() = None;
    }

    /// Whether the feed is open, as far as is known.
    pub(crate) fn is_open(&self) -> bool {
        self.heard().is_some()
    }

    /// Notes that a report was answered by a control plane whose state has this revision. `lost` is when the
    /// previous report was sent, if it failed.
    pub(crate) fn note_answer(&self, revision: u64, lost: Option<Instant>) {
        let silent_since = |lost| self.heard().is_none_or(|heard| heard < lost);
        if lost.is_some_and(silent_since) {
            self.healed.notify_waiters();
        }
        self.announced.send_replace(revision);
    }

    /// Waits until a report gets through again while the feed has brought nothing since the last failed one.
    pub(crate) async fn healed(&self) {
        self.healed.notified().await;
    }

    /// The revisions in the answers to reports. Each answer counts as a change.
    pub(crate) fn announced(&self) -> watch::Receiver<u64> {
        self.announced.subscribe()
    }

    /// Notes that a request failed. Returns since when all requests have failed.
    pub(crate) fn note_lost(&self) -> Instant {
        *self.lost_since().get_or_insert_with(Instant::now)
    }

    /// Notes that a request was answered.
    pub(crate) fn note_reached(&self) {
        *self.lost_since() = None;
        *self.answered() = Some(Instant::now());
    }

    /// Whether a request was answered after `then`.
    pub(crate) fn was_reached_since(&self, then: Instant) -> bool {
        self.answered().is_some_and(|at| at > then)
    }

    /// Notes whether something between node and control plane holds the feed back. Returns whether that is a
    /// change.
    pub(crate) fn note_held_back(&self, held_back: bool) -> bool {
        self.held_back.swap(held_back, Ordering::Relaxed) != held_back
    }

    /// Whether something holds the feed back.
    pub(crate) fn is_held_back(&self) -> bool {
        self.held_back.load(Ordering::Relaxed)
    }

    /// Requests the newest state.
    pub(crate) fn ask(&self) {
        self.asked.notify_one();
    }

    /// Waits until the newest state should be requested.
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

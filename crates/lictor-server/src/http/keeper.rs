//! When a connection has been silent, slow or idle for too long; closing it is `connection`'s.

use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use lictor_planted as planted;
use tokio::time::{Instant, Sleep};

use super::limits::ConnectionLimits;
use super::stream::Notes;

/// What to do with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing is wrong.
    Keep,
    /// Let requests in flight end, take no more.
    Retire,
    /// Cut it off.
    Close,
}

/// Decides when a connection has been silent, slow or idle for too long.
pub(crate) struct Keeper<'c> {
    notes: &'c Notes,
    limits: &'c ConnectionLimits,
    first_byte_by: Instant,
    /// The head that the alarm is set for.
    head: Option<u64>,
    begun: u64,
    idle_since: Instant,
    blocked_at: Option<u64>,
    blocked_since: Instant,
    retired: bool,
}

impl<'c> Keeper<'c> {
    pub(crate) fn new(
        notes: &'c Notes,
        limits: &'c ConnectionLimits,
        first_byte_by: Instant,
    ) -> Self {
        let now = Instant::now();
        Self {
            notes,
            limits,
            first_byte_by,
            head: None,
            begun: 0,
            idle_since: now,
            blocked_at: None,
            blocked_since: now,
            retired: false,
        }
    }

    /// Judges the connection if the alarm went off, and sets the alarm anew.
    pub(crate) fn attend(&mut self, mut alarm: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Verdict {
        while alarm.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            let (verdict, wait) = self.judge(now);
            if verdict == Verdict::Close {
                return verdict;
            }
            alarm.as_mut().reset(now + wait);
            if verdict == Verdict::Retire {
                // Polled once more, so that the alarm wakes this task.
                let _ = alarm.as_mut().poll(cx);
                return verdict;
            }
        }
        Verdict::Keep
    }

    /// Starts the clock of a head that came in part. Heads mostly come whole, so that this does
    /// nothing for most requests.
    pub(crate) fn note_head(&mut self, mut alarm: Pin<&mut Sleep>, cx: &mut Context<'_>) {
        let head = self.notes.head();
        if head.is_some() && head != self.head {
            self.head = head;
            alarm
                .as_mut()
                .reset(Instant::now() + self.limits.header_timeout);
            let _ = alarm.as_mut().poll(cx);
        }
    }

    fn judge(&mut self, now: Instant) -> (Verdict, Duration) {
        let limits = self.limits;
        if planted::is("no-deadlines") {
            return (Verdict::Keep, limits.idle_timeout);
        }
        let busy = self.notes.is_busy();
        if self.notes.is_untouched() {
            let left = self.first_byte_by.saturating_duration_since(now);
            return if left.is_zero() {
                (Verdict::Close, left)
            } else {
                (Verdict::Keep, left)
            };
        }
        if self.head.is_some() && self.head == self.notes.head() {
            return if busy {
                (Verdict::Keep, limits.header_timeout)
            } else {
                (Verdict::Close, limits.header_timeout)
            };
        }
        if self.is_stuck(now) || (self.retired && !busy) {
            return (Verdict::Close, limits.idle_timeout);
        }
        let wait = limits.idle_timeout / 4;
        if self.is_idle(busy, now) {
            self.retired = true;
            return (Verdict::Retire, wait);
        }
        (Verdict::Keep, wait)
    }

    fn is_idle(&mut self, busy: bool, now: Instant) -> bool {
        let begun = self.notes.begun();
        if busy || begun != self.begun {
            self.begun = begun;
            self.idle_since = now;
        }
        now - self.idle_since >= self.limits.idle_timeout
    }

    /// The peer takes nothing of what is sent to it.
    fn is_stuck(&mut self, now: Instant) -> bool {
        let blocked_at = self.notes.blocked_at();
        if blocked_at.is_none() || blocked_at != self.blocked_at {
            self.blocked_at = blocked_at;
            self.blocked_since = now;
        }
        now - self.blocked_since >= self.limits.idle_timeout
    }
}

//! The deadlines of a connection: when it has been silent, slow or idle for too long. Closing it is `connection`'s.

use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use lictor_planted as planted;
use tokio::time::{Instant, Sleep};

use super::connection_state::ConnectionState;
use super::limits::ConnectionLimits;
use super::pace::Pace;
use super::traffic::Cut;

/// What to do with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeadlineAction {
    /// Nothing is wrong.
    Keep,
    /// Let requests in flight end, take no more.
    Retire,
    /// Cut it off; for no fault if there is no reason.
    Close(Option<Cut>),
}

/// Decides when a connection has been silent, slow or idle for too long.
pub(crate) struct Deadlines<'c> {
    state: &'c ConnectionState,
    limits: &'c ConnectionLimits,
    first_byte_by: Instant,
    /// The head that the alarm is set for.
    head: Option<u64>,
    begun: u64,
    idle_since: Instant,
    /// How the socket takes what is written to it.
    socket: Pace,
    /// How the streams of HTTP/2, all together, are taken. Their windows are the peer's, and the
    /// socket knows nothing of them.
    streams: Pace,
    left: Option<Left>,
    retired: bool,
}

/// A peer that closed its side before it was answered.
struct Left {
    since: Instant,
    /// Bytes written by then.
    written: u64,
}

impl<'c> Deadlines<'c> {
    pub(crate) fn new(
        state: &'c ConnectionState,
        limits: &'c ConnectionLimits,
        first_byte_by: Instant,
    ) -> Self {
        let now = Instant::now();
        Self {
            state,
            limits,
            first_byte_by,
            head: None,
            begun: 0,
            idle_since: now,
            socket: Pace::new(limits.idle_timeout),
            streams: Pace::new(limits.idle_timeout),
            left: None,
            retired: false,
        }
    }

    /// Judges the connection if the alarm went off, and sets the alarm anew.
    pub(crate) fn attend(
        &mut self,
        mut alarm: Pin<&mut Sleep>,
        cx: &mut Context<'_>,
    ) -> DeadlineAction {
        while alarm.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            let (verdict, wait) = self.judge(now);
            if matches!(verdict, DeadlineAction::Close(_)) {
                return verdict;
            }
            alarm.as_mut().reset(now + wait);
            if verdict == DeadlineAction::Retire {
                // Polled once more, so that the alarm wakes this task.
                let _ = alarm.as_mut().poll(cx);
                return verdict;
            }
        }
        DeadlineAction::Keep
    }

    /// Starts the clock of a head that came in part, and of an answer whose peer has left. Heads
    /// mostly come whole, so that this does nothing for most requests.
    pub(crate) fn note(&mut self, mut alarm: Pin<&mut Sleep>, cx: &mut Context<'_>) {
        let head = self.state.head();
        if head.is_some() && head != self.head {
            self.head = head;
            let at = Instant::now() + self.limits.header_timeout;
            alarm.as_mut().reset(at);
            let _ = alarm.as_mut().poll(cx);
        }
        if self.left.is_none() && self.state.has_left() {
            let since = Instant::now();
            self.left = Some(Left {
                since,
                written: self.state.written(),
            });
            alarm.as_mut().reset(since + self.limits.left_timeout);
            let _ = alarm.as_mut().poll(cx);
        }
    }

    fn judge(&mut self, now: Instant) -> (DeadlineAction, Duration) {
        let limits = self.limits;
        let wait = limits.idle_timeout / 4;
        let close = |cut| (DeadlineAction::Close(cut), wait);
        if planted::is("no-deadlines") {
            return (DeadlineAction::Keep, limits.idle_timeout);
        }
        let busy = self.is_busy();
        if self.state.is_untouched() {
            let left = self.first_byte_by.saturating_duration_since(now);
            return if left.is_zero() {
                close(Some(Cut::Silent))
            } else {
                (DeadlineAction::Keep, left)
            };
        }
        if self.is_untaken(now) {
            return close(Some(Cut::Untaken));
        }
        if self.is_left(now) {
            return close(Some(Cut::Left));
        }
        if self.head.is_some() && self.head == self.state.head() {
            return if busy {
                (DeadlineAction::Keep, wait.min(limits.header_timeout))
            } else {
                close(Some(Cut::SlowHead))
            };
        }
        if self.retired && !busy {
            return close(None);
        }
        if self.is_idle(busy, now) {
            self.retired = true;
            return (DeadlineAction::Retire, wait);
        }
        (DeadlineAction::Keep, wait)
    }

    /// A request is in flight, or bytes of an answer wait that hyper holds as a whole.
    fn is_busy(&self) -> bool {
        let state = self.state;
        state.is_busy() || state.blocked().is_some() || state.outgoing.waiting().is_some()
    }

    /// The peer takes nothing, or next to nothing, of what is sent to it.
    fn is_untaken(&mut self, now: Instant) -> bool {
        let (state, outgoing) = (self.state, &self.state.outgoing);
        let socket = self
            .socket
            .is_too_slow(now, state.blocked(), state.written());
        let streams = self
            .streams
            .is_too_slow(now, outgoing.waiting(), outgoing.taken());
        socket || (streams && !planted::is("deadlines-by-socket"))
    }

    /// Nobody waits for the answer any more, as far as can be told: to a peer that has gone, and
    /// did not only say its last, the first bytes of an answer fail.
    fn is_left(&mut self, now: Instant) -> bool {
        if !self.state.has_left() {
            self.left = None;
        }
        self.left.as_ref().is_some_and(|left| {
            now - left.since >= self.limits.left_timeout && left.written == self.state.written()
        })
    }

    fn is_idle(&mut self, busy: bool, now: Instant) -> bool {
        let begun = self.state.begun();
        if busy || begun != self.begun {
            self.begun = begun;
            self.idle_since = now;
        }
        now - self.idle_since >= self.limits.idle_timeout
    }
}

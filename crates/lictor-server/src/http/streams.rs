//! The streams of HTTP/2, each a task that ends when its answer is not taken.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::Executor;
use lictor_planted as planted;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};

use super::outgoing::{self, Stream};
use super::pace::Pace;
use super::traffic::Cut;

/// Runs each stream as a task of its own.
///
/// hyper asks an answer for its next bytes only when it can send those it has, so an answer cannot
/// see that its peer takes nothing. The task can: it ends, and with it the stream, by a reset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streams {
    /// What a peer that takes nothing of one stream is granted.
    pub(crate) window: Duration,
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, inner: F) {
        let window = self.window;
        tokio::spawn(Timed {
            inner,
            window,
            answer: None,
            watch: None,
        });
    }
}

pin_project! {
    struct Timed<F> {
        #[pin]
        inner: F,
        window: Duration,
        answer: Option<Arc<Stream>>,
        watch: Option<Watch>,
    }
}

/// Set up when an answer first waits, which most never do.
struct Watch {
    alarm: Pin<Box<Sleep>>,
    pace: Pace,
}

impl<F: Future<Output = ()>> Future for Timed<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let polled = this.inner.poll(cx);
        if let Some(answer) = outgoing::told() {
            *this.answer = Some(answer);
        }
        let Some(answer) = this.answer else {
            return polled;
        };
        if polled.is_ready() || (this.watch.is_none() && answer.own.waiting().is_none()) {
            return polled;
        }
        let watch = this.watch.get_or_insert_with(|| Watch::begin(*this.window));
        match watch.attend(cx, answer, *this.window) {
            StreamAction::Keep => {}
            StreamAction::Rest => *this.watch = None,
            StreamAction::End => {
                answer.connection.note_cut(Cut::UntakenStream);
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }
}

enum StreamAction {
    Keep,
    /// Nothing waits.
    Rest,
    End,
}

impl Watch {
    fn begin(window: Duration) -> Self {
        Self {
            alarm: Box::pin(sleep(window / 4)),
            pace: Pace::new(window),
        }
    }

    fn attend(&mut self, cx: &mut Context<'_>, answer: &Stream, window: Duration) -> StreamAction {
        while self.alarm.as_mut().poll(cx).is_ready() {
            let waiting = answer.own.waiting();
            let now = Instant::now();
            let slow = self.pace.is_too_slow(now, waiting, answer.own.taken());
            if slow && !planted::is("no-deadlines") && !planted::is("deadlines-by-socket") {
                return StreamAction::End;
            }
            if waiting.is_none() {
                return StreamAction::Rest;
            }
            self.alarm.as_mut().reset(now + window / 4);
        }
        StreamAction::Keep
    }
}

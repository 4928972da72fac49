//! Turns of connections over which nobody has signed in: a few at a time go on, and then all that is ready of
//! others, however many strangers there are.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

/// How many go on before others do.
const AT_ONCE: usize = 4;

/// The strangers of one listener.
#[derive(Default)]
pub(crate) struct AnonymousTurns(Mutex<Line>);

#[derive(Default)]
struct Line {
    /// How many went on since others last did.
    gone_on: usize,
    waiting: VecDeque<(Arc<AtomicBool>, Waker)>,
}

/// What one connection has of a turn.
#[derive(Default)]
pub(crate) struct Turn {
    is_waiting: bool,
    is_granted: Arc<AtomicBool>,
}

impl AnonymousTurns {
    /// Whether a connection goes on now; if not, it is woken when it may.
    pub(crate) fn go_on(self: &Arc<Self>, turn: &mut Turn, cx: &Context<'_>) -> bool {
        if turn.is_waiting {
            turn.is_waiting = !turn.is_granted.swap(false, Ordering::AcqRel);
            return !turn.is_waiting;
        }
        let mut line = self.lock();
        if line.gone_on == 0 {
            self.let_others_go_first();
        }
        if line.gone_on < AT_ONCE {
            line.gone_on += 1;
            return true;
        }
        turn.is_waiting = true;
        let waiter = (Arc::clone(&turn.is_granted), cx.waker().clone());
        line.waiting.push_back(waiter);
        false
    }

    fn let_others_go_first(self: &Arc<Self>) {
        let strangers = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                tokio::task::yield_now().await;
                let mut line = strangers.lock();
                let next = line.waiting.len().min(AT_ONCE);
                line.gone_on = next;
                if next == 0 {
                    return;
                }
                let next: Vec<_> = line.waiting.drain(..next).collect();
                drop(line);
                for (is_granted, waker) in next {
                    is_granted.store(true, Ordering::Release);
                    waker.wake();
                }
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::AtomicUsize;
    use std::task::Poll;

    use super::*;

    #[tokio::test]
    async fn others_go_first_however_many_strangers_there_are() {
        let strangers = Arc::<AnonymousTurns>::default();
        let gone_on = Arc::<AtomicUsize>::default();
        let all: Vec<_> = (0..1_000)
            .map(|_| {
                let (strangers, gone_on) = (Arc::clone(&strangers), Arc::clone(&gone_on));
                tokio::spawn(async move {
                    let mut turn = Turn::default();
                    poll_fn(|cx| {
                        if strangers.go_on(&mut turn, cx) {
                            Poll::Ready(())
                        } else {
                            Poll::Pending
                        }
                    })
                    .await;
                    gone_on.fetch_add(1, Ordering::Relaxed);
                })
            })
            .collect();
        let seen = Arc::clone(&gone_on);
        let other = tokio::spawn(async move {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            seen.load(Ordering::Relaxed)
        });
        let before = other.await.expect("it ends");
        assert!(before <= 11 * AT_ONCE, "{before} went first");
        for one in all {
            one.await.expect("it ends");
        }
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        let line = strangers.lock();
        assert_eq!((line.gone_on, line.waiting.len()), (0, 0));
    }
}

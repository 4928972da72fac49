//! Work that keeps a processor busy for long. It runs on threads beside those that answer requests, one piece at a
//! time for each organization, so that no organization slows the others by asking for more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use lictor_core::Error;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::block_in_place;
use uuid::Uuid;

/// What is made of so many bytes takes long; less is done at once.
const LONG_BYTES: usize = 16 * 1024;

/// What is written of so many bytes takes long; less is done at once.
const LONG_ANSWER: usize = 128 * 1024;

/// Writes an answer of about so many bytes. It is made at once, as what it is made of takes memory
/// already; if it is a long one, another thread goes on meanwhile with all else that this one has to do.
pub fn written_in_place<T>(bytes: usize, write: impl FnOnce() -> T) -> T {
    let runtime = Handle::try_current().map(|runtime| runtime.runtime_flavor());
    match runtime {
        Ok(RuntimeFlavor::MultiThread) if bytes >= LONG_ANSWER => block_in_place(write),
        _ => write(),
    }
}

/// Turns of organizations: of each, so many are taken at a time, in the order in which they are asked for.
pub(super) struct Turns {
    lines: Arc<Lines>,
    at_once: usize,
}

type Lines = Mutex<HashMap<Uuid, Line>>;

struct Line {
    turns: Arc<Semaphore>,
    /// Those that have a turn or wait for it.
    count: usize,
}

/// A turn, until it is dropped.
pub struct Turn {
    _permit: OwnedSemaphorePermit,
    _place: Place,
}

impl Turns {
    pub(super) fn new(at_once: usize) -> Self {
        Self {
            lines: Arc::default(),
            at_once,
        }
    }

    /// So many at a time that half of the processors are left for all else.
    pub(super) fn of_half_the_processors() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self::new((processors / 2).max(1))
    }

    /// Waits for an organization's turn.
    ///
    /// # Errors
    /// None that is known of.
    pub(super) async fn take(&self, organization: Uuid) -> Result<Turn, Error> {
        let (place, turns) = Place::of(&self.lines, organization, self.at_once);
        let permit = turns.acquire_owned().await;
        Ok(Turn {
            _permit: permit.map_err(Error::internal)?,
            _place: place,
        })
    }
}

impl Turns {
    /// Does what is short, but long for many of an organization: before the next has its turn, all that
    /// is ready goes on.
    ///
    /// # Errors
    /// As [`Turns::take`].
    pub(super) async fn done<F: Future>(
        &self,
        organization: Uuid,
        work: F,
    ) -> Result<F::Output, Error> {
        let _turn = self.take(organization).await?;
        let done = work.await;
        tokio::task::yield_now().await;
        Ok(done)
    }
}

/// One that has a turn or waits for it; a line is gone with the last of them.
struct Place {
    lines: Arc<Lines>,
    organization: Uuid,
}

impl Place {
    /// The last place of an organization's line, and the turns that are waited for there.
    fn of(lines: &Arc<Lines>, organization: Uuid, at_once: usize) -> (Self, Arc<Semaphore>) {
        let mut all = lines.lock().unwrap_or_else(PoisonError::into_inner);
        let line = all.entry(organization).or_insert_with(|| Line {
            turns: Arc::new(Semaphore::new(at_once)),
            count: 0,
        });
        line.count += 1;
        let place = Self {
            lines: Arc::clone(lines),
            organization,
        };
        (place, Arc::clone(&line.turns))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = all.get_mut(&self.organization) {
            line.count -= 1;
            if line.count == 0 {
                all.remove(&self.organization);
            }
        }
    }
}

/// Whose work is being done, and who waits for it.
pub(super) struct LongWork(Turns);

impl Default for LongWork {
    fn default() -> Self {
        Self(Turns::new(1))
    }
}

impl LongWork {
    /// Does an organization's work on so many bytes.
    ///
    /// # Errors
    /// [`Error::Internal`] if it panicked, or the runtime has ended.
    pub(super) async fn done<T: Send + 'static>(
        &self,
        organization: Uuid,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        if bytes < LONG_BYTES {
            return Ok(work());
        }
        // In a box, so that the many requests that are small stay so.
        Box::pin(self.beside(organization, work)).await
    }

    async fn beside<T: Send + 'static>(
        &self,
        organization: Uuid,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let turn = self.0.take(organization).await?;
        // Whose client goes away meanwhile gives the turn back when the work ends, and not before.
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.map_err(Error::internal)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn long_work_of_one_organization_is_done_one_by_one_and_beside_the_runtime() {
        let long_work = LongWork::default();
        let (own, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let (in_work, most) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let runtime = std::thread::current().id();
        let piece = || {
            let (in_work, most) = (Arc::clone(&in_work), Arc::clone(&most));
            long_work.done(own, LONG_BYTES, move || {
                most.fetch_max(in_work.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                for _ in 0..100 {
                    std::thread::yield_now();
                }
                in_work.fetch_sub(1, Ordering::SeqCst);
                std::thread::current().id()
            })
        };
        let pieces = futures_util::future::join_all((0..50).map(|_| piece()));
        // Another one's does not wait for them.
        let (begun, has_begun) = std::sync::mpsc::channel::<()>();
        let held = long_work.done(own, LONG_BYTES, move || has_begun.recv());
        let others = async {
            let others = long_work.done(other, LONG_BYTES, || ()).await;
            begun.send(()).expect("it is held");
            others
        };
        let (held, others, threads) = tokio::join!(held, others, pieces);
        held.expect("done").expect("let go");
        others.expect("done");
        for thread in threads {
            assert_ne!(thread.expect("done"), runtime);
        }
        assert_eq!(most.load(Ordering::SeqCst), 1);
        let short = long_work.done(own, 1, || std::thread::current().id()).await;
        assert_eq!(short.expect("done"), runtime);
        let lines = long_work.0.lines.lock().expect("a map");
        assert!(lines.is_empty(), "a line is kept");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn while_a_long_answer_is_written_all_else_goes_on() {
        let (begun, has_begun) = std::sync::mpsc::channel::<()>();
        // On the only thread, what is ready beside it goes on, or this waits for ever.
        let written = tokio::spawn(async move {
            let other = tokio::spawn(async move { begun.send(()).expect("it is waited for") });
            let written = written_in_place(LONG_ANSWER, || {
                has_begun.recv_timeout(Duration::from_secs(60))
            });
            other.await.expect("it ends");
            written
        });
        assert_eq!(written.await.expect("it ends"), Ok(()));
    }

    #[tokio::test]
    async fn between_turns_of_one_organization_all_that_is_ready_goes_on() {
        let turns = Arc::new(Turns::new(1));
        let in_turn = |organization| {
            let turns = Arc::clone(&turns);
            async move {
                let work = async {
                    let began = Instant::now();
                    while began.elapsed() < Duration::from_millis(2) {
                        std::hint::spin_loop();
                    }
                };
                turns.done(organization, work).await.expect("a turn");
            }
        };
        let many: Vec<_> = (0..100)
            .map(|_| tokio::spawn(in_turn(Uuid::from_u128(1))))
            .collect();
        tokio::task::yield_now().await;
        let other = tokio::spawn(in_turn(Uuid::from_u128(2)));
        other.await.expect("it ends");
        let left = many.iter().filter(|one| !one.is_finished()).count();
        assert!(left > 90, "{left} are left");
    }

    #[test]
    fn whoever_ends_last_of_those_who_end_at_once_leaves_nothing_behind() {
        let lines = Arc::<Lines>::default();
        let ready = AtomicUsize::new(0);
        let both_are_ready = |step| {
            ready.fetch_add(1, Ordering::SeqCst);
            while ready.load(Ordering::SeqCst) < step {
                std::thread::yield_now();
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for round in 0..500_000 {
                        let place = Place::of(&lines, Uuid::from_u128(round), 1);
                        both_are_ready(2 * (round as usize + 1));
                        drop(place);
                    }
                });
            }
        });
        assert!(lines.lock().expect("a map").is_empty(), "a line is kept");
    }
}

//! How many large requests of one token are in work: one takes its place before its body is read, and
//! keeps it until it is answered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lictor_core::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use uuid::Uuid;

/// Bodies beyond so many bytes make a request a job.
pub const JOB_BYTES: u64 = 16 * 1024;

/// How many jobs of one token are in work.
pub const JOBS: usize = 32;

/// How many wait for one of those to end. They cost little, as nothing of their bodies is read; whoever is
/// refused at once comes again at once.
const WAITING: usize = 256;

/// How long one waits.
const WAIT: Duration = Duration::from_secs(1);

/// The jobs of all tokens that have any.
#[derive(Default)]
pub(super) struct Jobs(Mutex<HashMap<Uuid, OfToken>>);

struct OfToken {
    places: Arc<Semaphore>,
    /// Those in work and those who wait.
    count: usize,
}

/// A job's place, free again when it is dropped.
pub struct Job {
    jobs: Arc<Jobs>,
    token: Uuid,
    place: Option<OwnedSemaphorePermit>,
}

impl Jobs {
    /// A place for one more job of a token.
    ///
    /// # Errors
    /// [`Error::Busy`] if none came free in a second, and at once where many wait.
    pub(super) async fn begin(self: &Arc<Self>, token: Uuid) -> Result<Job, Error> {
        let (mut job, places) = self.enter(token).ok_or(Error::Busy(TOO_MANY))?;
        let place = timeout(WAIT, places.acquire_owned())
            .await
            .map_err(|_| Error::Busy(TOO_MANY))?;
        job.place = Some(place.map_err(Error::internal)?);
        Ok(job)
    }

    /// A job that has no place yet, and the places that it may have one of.
    fn enter(self: &Arc<Self>, token: Uuid) -> Option<(Job, Arc<Semaphore>)> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_token = all.entry(token).or_insert_with(|| OfToken {
            places: Arc::new(Semaphore::new(JOBS)),
            count: 0,
        });
        if of_token.count >= JOBS + WAITING {
            return None;
        }
        of_token.count += 1;
        let job = Job {
            jobs: Arc::clone(self),
            token,
            place: None,
        };
        Some((job, Arc::clone(&of_token.places)))
    }
}

const TOO_MANY: &str = "too many large requests of this token are in work; ask again in a second";

impl Drop for Job {
    fn drop(&mut self) {
        let mut all = self.jobs.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_token) = all.get_mut(&self.token) {
            of_token.count -= 1;
            if of_token.count == 0 {
                all.remove(&self.token);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_token_has_so_many_jobs_in_work_and_the_next_waits_for_a_second() {
        let jobs = Arc::<Jobs>::default();
        let (busy, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut in_work = Vec::new();
        for _ in 0..JOBS {
            in_work.push(jobs.begin(busy).await.expect("a place"));
        }
        let began = tokio::time::Instant::now();
        let refused = jobs.begin(busy).await.map(drop);
        assert!(matches!(refused, Err(Error::Busy(TOO_MANY))), "{refused:?}");
        assert_eq!(began.elapsed(), WAIT);
        assert!(jobs.begin(other).await.is_ok());
        let ends = async { drop(in_work.pop()) };
        let (next, ()) = tokio::join!(jobs.begin(busy), ends);
        in_work.push(next.expect("a place"));
        // Of many who wait for one, those beyond are refused at once.
        let waiting = futures_util::future::join_all((0..WAITING).map(|_| jobs.begin(busy)));
        let beyond = async {
            tokio::task::yield_now().await;
            let began = tokio::time::Instant::now();
            assert!(jobs.begin(busy).await.is_err());
            began.elapsed()
        };
        let (waited, at_once) = tokio::join!(waiting, beyond);
        assert_eq!(at_once, Duration::ZERO);
        assert!(waited.iter().all(Result::is_err));
        drop((waited, in_work));
        assert!(jobs.0.lock().expect("a map").is_empty(), "a token is kept");
    }

    #[test]
    fn whoever_ends_last_of_those_who_end_at_once_leaves_nothing_behind() {
        let jobs = Arc::<Jobs>::default();
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
                        let job = jobs.enter(Uuid::from_u128(round)).expect("room");
                        both_are_ready(2 * (round as usize + 1));
                        drop(job);
                    }
                });
            }
        });
        assert!(jobs.0.lock().expect("a map").is_empty(), "a token is kept");
    }
}

//! How much of one organization may wait to be written: a place is taken before there is any work. And
//! whether others write too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lictor_core::Error;
use lictor_store::RecentStreams;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use uuid::Uuid;

/// How many writes of one organization there are at most, that being written included.
const PLACES: usize = 4_096;

/// What is said where there are more.
const TOO_MANY: &str =
    "too many changes of this organization wait to be stored; ask again in a second";

/// How long is waited for a place.
const WAIT: Duration = Duration::from_secs(1);

/// The places of every organization that has written since the start.
pub(super) struct Lines {
    places: usize,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    lines: HashMap<Uuid, Arc<Semaphore>>,
    recent: RecentStreams,
}

impl Default for Lines {
    fn default() -> Self {
        Self::with(PLACES)
    }
}

impl Lines {
    fn with(places: usize) -> Self {
        Self {
            places,
            known: Mutex::default(),
        }
    }

    /// A place in the organization's line, which is free again when it is dropped.
    ///
    /// # Errors
    /// [`Error::Busy`] if none came free in time.
    pub(super) async fn enter(&self, organization: Uuid) -> Result<OwnedSemaphorePermit, Error> {
        let line = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.recent.note(organization, Instant::now());
            let line = known.lines.entry(organization);
            Arc::clone(line.or_insert_with(|| Arc::new(Semaphore::new(self.places))))
        };
        if let Ok(place) = Arc::clone(&line).try_acquire_owned() {
            return Ok(place);
        }
        let waited = timeout(WAIT, line.acquire_owned()).await;
        waited
            .map_err(|_| Error::Busy(TOO_MANY))?
            .map_err(Error::internal)
    }

    /// Whether other organizations write too, while this one is about to.
    pub(super) fn others_write(&self, organization: Uuid) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        known.recent.note(organization, now);
        known.recent.are_several(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn others_write_who_wrote_lately() {
        let [one, other] = [1, 2].map(Uuid::from_u128);
        let lines = Lines::default();
        assert!(lines.enter(one).await.is_ok());
        assert!(!lines.others_write(one), "it writes alone");
        assert!(lines.enter(other).await.is_ok());
        assert!(lines.others_write(one));
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_takes_so_many_and_lets_the_next_wait_for_a_second() {
        let (full, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let lines = Lines::with(2);
        let places = [lines.enter(full).await, lines.enter(full).await];
        assert!(places.iter().all(Result::is_ok));
        let began = tokio::time::Instant::now();
        let refused = lines.enter(full).await.map(drop);
        assert!(matches!(refused, Err(Error::Busy(_))), "{refused:?}");
        assert_eq!(began.elapsed(), WAIT);
        assert!(lines.enter(other).await.is_ok());
        assert_eq!(began.elapsed(), WAIT);
        let waits = async { lines.enter(full).await.is_ok() };
        let leaves = async { drop(places) };
        let (came_in, ()) = tokio::join!(waits, leaves);
        assert!(came_in);
        assert_eq!(began.elapsed(), WAIT);
    }
}

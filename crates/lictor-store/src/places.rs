//! Places for reads in work: one that becomes free goes to the stream that has the fewest, and no
//! stream ever has all, so that nobody waits for how much another reads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use lictor_core::Error;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::turns::Turns;

/// The places, shared by who has one.
#[derive(Clone)]
pub(crate) struct Places(Arc<Mutex<Inner>>);

struct Inner {
    free: usize,
    in_work: HashMap<Uuid, usize>,
    waiting: Turns<Waiting>,
}

struct Waiting {
    stream: Uuid,
    place: oneshot::Sender<Place>,
}

/// A place, free again when it is dropped.
pub(crate) struct Place {
    all: Places,
    stream: Uuid,
    since: Instant,
}

impl Places {
    /// So many, at least 2.
    pub(crate) fn new(count: usize) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            free: count,
            in_work: HashMap::new(),
            waiting: Turns::default(),
        })))
    }

    /// Waits for a place.
    ///
    /// # Errors
    /// [`Error::Internal`] if it was lost, which would be a fault of ours.
    pub(crate) async fn take(&self, stream: Uuid) -> Result<Place, Error> {
        let given = {
            let mut inner = self.lock();
            // Who waits has no place open to it, so that nobody is passed over.
            if inner.has_room_for(stream) {
                inner.take_up(stream);
                return Ok(self.place(stream));
            }
            let (place, given) = oneshot::channel();
            inner.waiting.push(stream, Waiting { stream, place });
            given
        };
        given.await.map_err(Error::internal)
    }

    fn place(&self, stream: Uuid) -> Place {
        Place {
            all: self.clone(),
            stream,
            since: Instant::now(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// The last place is for a stream that has none.
    fn has_room_for(&self, stream: Uuid) -> bool {
        self.free > 1 || self.free == 1 && !self.in_work.contains_key(&stream)
    }

    fn take_up(&mut self, stream: Uuid) {
        self.free -= 1;
        *self.in_work.entry(stream).or_default() += 1;
    }

    fn give_back(&mut self, stream: Uuid) {
        self.free += 1;
        if let Some(count) = self.in_work.get_mut(&stream) {
            *count -= 1;
            if *count == 0 {
                self.in_work.remove(&stream);
            }
        }
    }

    /// Who gets a place now, if anybody waits who may have one; it is theirs then.
    fn next(&mut self) -> Option<Waiting> {
        loop {
            let (in_work, free) = (&self.in_work, self.free);
            let count = |stream: &Uuid| in_work.get(stream).copied().unwrap_or_default();
            let fits = |next: &Waiting| {
                next.place.is_closed() || free > 1 || free == 1 && count(&next.stream) == 0
            };
            let next = self.waiting.next_by(count, fits)?;
            // Who went away needs none.
            if !next.place.is_closed() {
                self.take_up(next.stream);
                return Some(next);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inner = self.all.lock();
        inner.give_back(self.stream);
        inner.waiting.charge(self.stream, self.since.elapsed());
        while let Some(next) = inner.next() {
            drop(inner);
            // Where it comes too late the place comes back, and is dropped here.
            let _ = next.place.send(self.all.place(next.stream));
            inner = self.all.lock();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAVY: Uuid = Uuid::from_u128(1);
    const LIGHT: Uuid = Uuid::from_u128(2);

    #[tokio::test]
    async fn one_stream_never_has_all_places() {
        let places = Places::new(3);
        let first = places.take(HEAVY).await.expect("a place");
        let second = places.take(HEAVY).await.expect("a place");
        let third = tokio::spawn({
            let places = places.clone();
            async move { places.take(HEAVY).await.map(drop) }
        });
        tokio::task::yield_now().await;
        assert!(!third.is_finished());
        let light = places.take(LIGHT).await.expect("a place");
        drop((first, second, light));
        third.await.expect("ends").expect("a place");
    }

    #[tokio::test]
    async fn a_free_place_goes_to_who_has_the_fewest() {
        let places = Places::new(2);
        let held = places.take(HEAVY).await.expect("a place");
        let (ended, mut order) = tokio::sync::mpsc::unbounded_channel();
        let wait = |stream| {
            let (places, ended) = (places.clone(), ended.clone());
            tokio::spawn(async move {
                let place = places.take(stream).await.expect("a place");
                ended.send(stream).expect("heard");
                place
            })
        };
        let light = places.take(LIGHT).await.expect("a place");
        let all: Vec<_> = [HEAVY, HEAVY, LIGHT].into_iter().map(wait).collect();
        tokio::task::yield_now().await;
        // Of the two who have none or one each, it is the one that has none.
        drop(light);
        assert_eq!(order.recv().await, Some(LIGHT));
        drop(held);
        assert_eq!(order.recv().await, Some(HEAVY));
        drop(all);
    }

    #[tokio::test]
    async fn who_goes_away_leaves_no_place_taken() {
        let places = Places::new(2);
        for _ in 0..3 {
            let held = places.take(HEAVY).await.expect("a place");
            let waits = tokio::spawn({
                let places = places.clone();
                async move { places.take(HEAVY).await.map(drop) }
            });
            tokio::task::yield_now().await;
            waits.abort();
            let _ = waits.await;
            drop(held);
        }
        let inner = places.lock();
        assert_eq!((inner.free, inner.in_work.len()), (2, 0));
    }
}

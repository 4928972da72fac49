//! Places for connections: who holds them, and who gives one up when there are no more; what is said on a connection is `connection`'s.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lictor_planted as planted;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, Id};
use tokio::time::Instant;

use super::notes::Notes;
use super::shares::Shortage;
use super::traffic::Cut;

/// When there is no place left, this part of all is made free, so that looking for them is not done
/// for each new connection.
const MADE_FREE: usize = 64;

/// The connections of one listener.
pub(crate) struct Places {
    most: usize,
    /// How long a connection has to sign in before its place may be taken.
    grace: Duration,
    held: HashMap<Id, Held>,
}

struct Held {
    notes: Arc<Notes>,
    task: AbortHandle,
}

impl Places {
    pub(crate) fn new(most: usize, grace: Duration) -> Self {
        Self {
            most,
            grace,
            held: HashMap::new(),
        }
    }

    pub(crate) fn add(&mut self, notes: Arc<Notes>, task: AbortHandle) {
        self.held.insert(task.id(), Held { notes, task });
    }

    pub(crate) fn remove(&mut self, task: Id) {
        self.held.remove(&task);
    }

    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether there is a place, which those who have not signed in give up if need be, the longest
    /// idle first.
    pub(crate) fn find(&mut self) -> bool {
        if self.held.len() >= self.most {
            let many = (self.most / MADE_FREE).max(1);
            let mut found = self.not_signed_in(Notes::idle_since);
            found.sort_unstable_by_key(|(since, _)| *since);
            found.truncate(many);
            for (_, task) in found {
                self.close(task);
            }
        }
        self.held.len() < self.most
    }

    /// Closes those who have not signed in and have the most streams in work, until half of all such
    /// streams are gone.
    pub(crate) fn disperse(&mut self) {
        let mut found = self.not_signed_in(Notes::crowding);
        found.sort_unstable_by_key(|(streams, _)| std::cmp::Reverse(*streams));
        let half = found.iter().map(|(streams, _)| streams).sum::<usize>() / 2;
        let mut gone = 0;
        for (streams, task) in found {
            if gone >= half || streams == 0 {
                break;
            }
            gone += streams;
            self.close(task);
        }
    }

    /// Closes those who hold memory that others lack, and have sent and taken nothing for so long, the
    /// longest still first.
    pub(crate) fn relieve(&mut self, mut shortage: Shortage, least: Duration) {
        let now = Instant::now();
        let still = |(task, held): (&Id, &Held)| {
            let still = held.notes.standing.holding.still(now, least)?;
            Some((still, *task))
        };
        let mut found: Vec<_> = self.held.iter().filter_map(still).collect();
        found.sort_unstable_by_key(|(still, _)| still.since);
        for (still, task) in found {
            if shortage.takes(&still) {
                self.close(task);
            }
        }
    }

    /// Those who had time to sign in and have not, each with what tells how they are to be sorted.
    fn not_signed_in<T>(&self, by: impl Fn(&Notes) -> T) -> Vec<(T, Id)> {
        let now = Instant::now();
        let late =
            |notes: &Notes| !notes.standing.has_signed_in() && now - notes.opened() >= self.grace;
        let held = self.held.iter().filter(|(_, held)| late(&held.notes));
        held.map(|(task, held)| (by(&held.notes), *task)).collect()
    }

    fn close(&mut self, task: Id) {
        if planted::is("no-deadlines") {
            return;
        }
        if let Some(held) = self.held.remove(&task) {
            held.notes.note_cut(Cut::NoRoom);
            held.task.abort();
        }
    }
}

/// The crowds on all connections of a listener.
#[derive(Debug)]
pub(crate) struct Crowds {
    /// Of those who have not signed in, from each connection as many streams as there were at once.
    pub(crate) anonymous: Arc<Crowd>,
    /// Of those who have, the streams in work.
    pub(crate) signed_in: Arc<Crowd>,
}

/// Streams of HTTP/2 on all connections, of which there may be so many.
#[derive(Debug)]
pub(crate) struct Crowd {
    most: usize,
    streams: AtomicUsize,
    full: Notify,
}

/// The streams of one connection in a crowd.
#[derive(Debug)]
pub(crate) struct InCrowd {
    crowd: Arc<Crowd>,
    streams: usize,
}

impl Crowd {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            streams: AtomicUsize::new(0),
            full: Notify::new(),
        })
    }

    /// Ready when somebody did not get in.
    pub(crate) async fn is_full(&self) {
        self.full.notified().await;
    }
}

impl InCrowd {
    pub(crate) fn of(crowd: &Arc<Crowd>) -> Self {
        Self {
            crowd: Arc::clone(crowd),
            streams: 0,
        }
    }

    /// Counts one more, unless there are too many, which whoever waits for that is told.
    pub(crate) fn grow(&mut self) -> bool {
        let crowd = &self.crowd;
        let before = crowd.streams.fetch_add(1, Ordering::Relaxed);
        if before >= crowd.most && !planted::is("no-deadlines") {
            crowd.streams.fetch_sub(1, Ordering::Relaxed);
            crowd.full.notify_one();
            return false;
        }
        self.streams += 1;
        true
    }
}

impl Drop for InCrowd {
    fn drop(&mut self) {
        let streams = &self.crowd.streams;
        streams.fetch_sub(self.streams, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::budget::{Budgets, Limits, Owner};
    use super::*;

    const GRACE: Duration = Duration::from_secs(1);

    /// A connection that only its place ends.
    fn connect(places: &mut Places) -> Arc<Notes> {
        let notes = Arc::new(Notes::new(None));
        let task = tokio::spawn(std::future::pending::<()>());
        places.add(Arc::clone(&notes), task.abort_handle());
        notes
    }

    fn holds(places: &Places, notes: &Arc<Notes>) -> bool {
        places
            .held
            .values()
            .any(|held| Arc::ptr_eq(&held.notes, notes))
    }

    async fn pass(time: Duration) {
        tokio::time::advance(time).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_idle_that_has_not_signed_in_gives_up_its_place() {
        let mut places = Places::new(3, GRACE);
        let signed_in = connect(&mut places);
        signed_in
            .standing
            .of(async { lictor_authority::answering::signed_in() })
            .await;
        pass(GRACE).await;
        let idle = connect(&mut places);
        assert!(places.find(), "there is one left");
        let asking = connect(&mut places);
        assert!(!places.find(), "all may still sign in");
        pass(GRACE).await;
        drop(asking.begin());
        assert!(places.find());
        assert!(holds(&places, &signed_in) && holds(&places, &asking));
        assert!(!holds(&places, &idle));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_else_gives_up_a_place() {
        let mut places = Places::new(2, GRACE);
        for _ in 0..2 {
            let notes = connect(&mut places);
            notes
                .standing
                .of(async { lictor_authority::answering::signed_in() })
                .await;
        }
        pass(GRACE * 100).await;
        assert!(!places.find());
        assert_eq!(places.len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn who_stands_still_with_memory_that_others_lack_is_closed_the_longest_still_first() {
        let budgets = Budgets::new(Limits::default());
        let (one, other) = (Owner::Organization(Uuid::from_u128(1)), Owner::Anonymous);
        let mut places = Places::new(100, GRACE);
        let hold = async |notes: &Arc<Notes>, owner, is_with_peer: bool| {
            let held = async {
                let mut hold = budgets.try_hold(owner, 10_000_000).expect("room");
                if is_with_peer {
                    hold.wait_for_peer();
                }
                hold
            };
            let held = notes.standing.of(held).await;
            pass(GRACE).await;
            held
        };
        let [working, still, beside, moving] = [(); 4].map(|()| connect(&mut places));
        let _working = hold(&working, one, false).await;
        let held_still = hold(&still, one, true).await;
        let _beside = hold(&beside, other, true).await;
        let lacking = tokio::spawn({
            let budgets = budgets.clone();
            async move { budgets.hold(one, 2_000_000).await.is_ok() }
        });
        budgets.is_short().await;
        places.relieve(budgets.shortage(), GRACE * 100);
        assert!(holds(&places, &still), "not for that long");
        places.relieve(budgets.shortage(), GRACE);
        assert!(!holds(&places, &still));
        for notes in [&working, &beside, &moving] {
            assert!(holds(&places, notes));
        }
        drop(held_still);
        assert!(lacking.await.expect("it ends"));
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_crowd_those_with_the_most_streams_are_closed() {
        let crowds = Crowds {
            anonymous: Crowd::new(20),
            signed_in: Crowd::new(0),
        };
        let mut places = Places::new(100, GRACE);
        let few = connect(&mut places);
        let many = connect(&mut places);
        let enter = |notes: &Arc<Notes>, count| -> Vec<_> {
            let enter = |_| notes.begin_stream(&crowds);
            (0..count).filter_map(enter).collect()
        };
        assert_eq!(enter(&few, 7).len(), 7);
        assert_eq!(enter(&few, 7).len(), 7, "there were as many at once before");
        let many_streams = enter(&many, 100);
        assert_eq!(many_streams.len(), 4 + 17);
        assert!(many.is_crowding_others() && !few.is_crowding_others());
        crowds.anonymous.is_full().await;
        places.disperse();
        assert!(holds(&places, &many), "it may still sign in");
        pass(GRACE).await;
        places.disperse();
        assert!(holds(&places, &few) && !holds(&places, &many));
        drop((many_streams, many));
        let other = connect(&mut places);
        assert_eq!(enter(&other, 20).len(), 20, "their places are free again");
        other
            .standing
            .of(async { lictor_authority::answering::signed_in() })
            .await;
        assert_eq!(enter(&other, 100).len(), 4, "they have a sum of their own");
        assert_eq!(other.crowding(), 0);
    }
}

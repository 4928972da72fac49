//! Slots for connections: who has them, and who gives one up when there are no more; what is said on a connection is `connection`'s.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lictor_planted as planted;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, Id};
use tokio::time::Instant;

use super::connection_state::ConnectionState;
use super::shares::Shortage;
use super::traffic::Cut;

/// When there is no place left, this part of all is made free, so that looking for them is not done
/// for each new connection.
const MADE_FREE: usize = 64;

/// The connections of one listener.
pub(crate) struct ConnectionSlots {
    most: usize,
    /// How long a connection has to sign in before its place may be taken.
    grace: Duration,
    held: HashMap<Id, Held>,
}

struct Held {
    state: Arc<ConnectionState>,
    task: AbortHandle,
}

impl ConnectionSlots {
    pub(crate) fn new(most: usize, grace: Duration) -> Self {
        Self {
            most,
            grace,
            held: HashMap::new(),
        }
    }

    pub(crate) fn add(&mut self, state: Arc<ConnectionState>, task: AbortHandle) {
        self.held.insert(task.id(), Held { state, task });
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
            let mut found = self.not_signed_in(ConnectionState::idle_since);
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
        let mut found = self.not_signed_in(ConnectionState::crowding);
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
            let still = held.state.standing.holding.still(now, least)?;
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
    fn not_signed_in<T>(&self, by: impl Fn(&ConnectionState) -> T) -> Vec<(T, Id)> {
        let now = Instant::now();
        let late = |state: &ConnectionState| {
            !state.standing.has_signed_in() && now - state.opened() >= self.grace
        };
        let held = self.held.iter().filter(|(_, held)| late(&held.state));
        held.map(|(task, held)| (by(&held.state), *task)).collect()
    }

    fn close(&mut self, task: Id) {
        if planted::is("no-deadlines") {
            return;
        }
        if let Some(held) = self.held.remove(&task) {
            held.state.note_cut(Cut::NoRoom);
            held.task.abort();
        }
    }
}

/// The limits of streams on all connections of a listener.
#[derive(Debug)]
pub(crate) struct StreamLimits {
    /// Of those who have not signed in, from each connection as many streams as there were at once.
    pub(crate) anonymous: Arc<StreamLimit>,
    /// Of those who have, the streams in work.
    pub(crate) signed_in: Arc<StreamLimit>,
}

/// Streams of HTTP/2 on all connections, of which there may be so many.
#[derive(Debug)]
pub(crate) struct StreamLimit {
    most: usize,
    streams: AtomicUsize,
    full: Notify,
}

/// The streams of one connection that count toward a limit.
#[derive(Debug)]
pub(crate) struct CountedStreams {
    limit: Arc<StreamLimit>,
    streams: usize,
}

impl StreamLimit {
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

impl CountedStreams {
    pub(crate) fn of(limit: &Arc<StreamLimit>) -> Self {
        Self {
            limit: Arc::clone(limit),
            streams: 0,
        }
    }

    /// Counts one more, unless there are too many, which whoever waits for that is told.
    pub(crate) fn grow(&mut self) -> bool {
        let limit = &self.limit;
        let before = limit.streams.fetch_add(1, Ordering::Relaxed);
        if before >= limit.most && !planted::is("no-deadlines") {
            limit.streams.fetch_sub(1, Ordering::Relaxed);
            limit.full.notify_one();
            return false;
        }
        self.streams += 1;
        true
    }
}

impl Drop for CountedStreams {
    fn drop(&mut self) {
        let streams = &self.limit.streams;
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
    fn connect(places: &mut ConnectionSlots) -> Arc<ConnectionState> {
        let state = Arc::new(ConnectionState::new(None));
        let task = tokio::spawn(std::future::pending::<()>());
        places.add(Arc::clone(&state), task.abort_handle());
        state
    }

    fn holds(places: &ConnectionSlots, state: &Arc<ConnectionState>) -> bool {
        places
            .held
            .values()
            .any(|held| Arc::ptr_eq(&held.state, state))
    }

    async fn pass(time: Duration) {
        tokio::time::advance(time).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_idle_that_has_not_signed_in_gives_up_its_place() {
        let mut places = ConnectionSlots::new(3, GRACE);
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
        let mut places = ConnectionSlots::new(2, GRACE);
        for _ in 0..2 {
            let state = connect(&mut places);
            state
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
        let mut places = ConnectionSlots::new(100, GRACE);
        let hold = async |state: &Arc<ConnectionState>, owner, is_with_peer: bool| {
            let held = async {
                let mut hold = budgets.try_hold(owner, 10_000_000).expect("room");
                if is_with_peer {
                    hold.wait_for_peer();
                }
                hold
            };
            let held = state.standing.of(held).await;
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
        for state in [&working, &beside, &moving] {
            assert!(holds(&places, state));
        }
        drop(held_still);
        assert!(lacking.await.expect("it ends"));
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_crowd_those_with_the_most_streams_are_closed() {
        let stream_limits = StreamLimits {
            anonymous: StreamLimit::new(20),
            signed_in: StreamLimit::new(0),
        };
        let mut places = ConnectionSlots::new(100, GRACE);
        let few = connect(&mut places);
        let many = connect(&mut places);
        let enter = |state: &Arc<ConnectionState>, count| -> Vec<_> {
            let enter = |_| state.begin_stream(&stream_limits);
            (0..count).filter_map(enter).collect()
        };
        assert_eq!(enter(&few, 7).len(), 7);
        assert_eq!(enter(&few, 7).len(), 7, "there were as many at once before");
        let many_streams = enter(&many, 100);
        assert_eq!(many_streams.len(), 4 + 17);
        assert!(many.is_crowding_others() && !few.is_crowding_others());
        stream_limits.anonymous.is_full().await;
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

//! Memory for the bodies of requests and answers: what all of them may hold together, what those
//! who have not signed in may, and what one organization may. What they say is the dialects'.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lictor_planted as planted;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

use super::shares::{Shares, Shortage, Want};
pub use crate::holding::Owner;
use crate::standing::Standing;

/// A megabyte, as the options count.
pub(super) const MEGABYTE: usize = 1_000_000;

/// What a client that found no room is told to wait, in seconds, as the field `Retry-After`.
pub const RETRY_AFTER: &str = "1";

/// How much memory bodies may take, in bytes, and how long they wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of everybody together.
    pub all: usize,
    /// Of those who have not signed in, within that.
    pub anonymous: usize,
    /// Of each organization, within that.
    pub organization: usize,
    /// How long a request waits for memory before it is turned away.
    pub longest_wait: Duration,
}

impl Limits {
    /// The least that can be set, so that the largest request of each kind finds room.
    pub const LEAST: Self = Self {
        all: 32 * MEGABYTE,
        anonymous: MEGABYTE,
        organization: 24 * MEGABYTE,
        longest_wait: Duration::ZERO,
    };
}

impl Default for Limits {
    /// 96, 16 and 24 MB, and a second.
    fn default() -> Self {
        Self {
            all: 96 * MEGABYTE,
            anonymous: 16 * MEGABYTE,
            organization: 24 * MEGABYTE,
            longest_wait: Duration::from_secs(1),
        }
    }
}

/// What such a client is told, in words.
pub const NO_ROOM: &str =
    "the server has no memory left for this request now; ask again in a second";

/// There was no room, nor did any come free in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{NO_ROOM}")]
pub struct NoRoom;

/// The memory of all bodies. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Budgets(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    longest_wait: Duration,
    shares: Mutex<Shares>,
    /// How many wait.
    waiting: AtomicUsize,
    /// Somebody began to wait.
    short: Notify,
}

/// Memory that is held until this is dropped.
#[derive(Debug)]
pub struct Hold {
    shared: Arc<Shared>,
    held: Want,
    /// It waits for the peer, who is to send or to take it.
    is_with_peer: bool,
}

impl Budgets {
    /// Nothing held yet.
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Shared {
            longest_wait: limits.longest_wait,
            shares: Mutex::new(Shares::new(limits)),
            ..Shared::default()
        }))
    }

    /// What all hold together, in bytes.
    pub fn held(&self) -> usize {
        self.0.lock().all
    }

    /// Room for `bytes`, if there is any.
    pub fn try_hold(&self, owner: Owner, bytes: usize) -> Option<Hold> {
        let want = Want::now(owner, bytes);
        self.0.take(&want).then(|| self.holding(want))
    }

    /// Room for `bytes`, which others may have to give back first.
    ///
    /// # Errors
    /// [`NoRoom`] after the longest wait, and at once where too many wait or that much is never granted.
    pub async fn hold(&self, owner: Owner, bytes: usize) -> Result<Hold, NoRoom> {
        let want = Want::now(owner, bytes);
        self.0.take_in_time(&want, false).await?;
        Ok(self.holding(want))
    }

    /// Room for `bytes` that are there already.
    ///
    /// # Errors
    /// As [`Budgets::hold`], and at once where 8 MB of such wait.
    pub async fn hold_made(&self, owner: Owner, bytes: usize) -> Result<Hold, NoRoom> {
        let want = Want::now(owner, bytes);
        self.0.take_in_time(&want, true).await?;
        Ok(self.holding(want))
    }

    fn holding(&self, held: Want) -> Hold {
        Hold {
            shared: Arc::clone(&self.0),
            held,
            is_with_peer: false,
        }
    }

    /// Ready when somebody waits for memory.
    pub(crate) async fn is_short(&self) {
        loop {
            let mut begun = std::pin::pin!(self.0.short.notified());
            begun.as_mut().enable();
            if self.0.waiting.load(Ordering::SeqCst) > 0 {
                return;
            }
            begun.await;
        }
    }

    /// What those who wait lack.
    pub(crate) fn shortage(&self) -> Shortage {
        self.0.lock().shortage()
    }
}

impl Want {
    /// Asked for by the connection whose request is being answered.
    fn now(owner: Owner, bytes: usize) -> Self {
        Self {
            owner,
            bytes,
            holder: Standing::current(),
        }
    }

    /// As much of it.
    fn part(&self, bytes: usize) -> Self {
        Self {
            owner: self.owner,
            bytes,
            holder: self.holder.clone(),
        }
    }
}

impl Hold {
    /// How much is held, in bytes.
    pub fn bytes(&self) -> usize {
        self.held.bytes
    }

    /// From now on it waits for the peer, who is to send or to take it; if nothing comes of that while
    /// others need the room, the connection is closed.
    pub(super) fn wait_for_peer(&mut self) {
        self.set_with_peer(true);
    }

    /// From now on it waits for the server.
    pub(super) fn wait_for_server(&mut self) {
        self.set_with_peer(false);
    }

    fn set_with_peer(&mut self, is_with_peer: bool) {
        if let Some(holder) = &self.held.holder
            && is_with_peer != self.is_with_peer
        {
            let bytes = self.held.bytes;
            if is_with_peer {
                holder.holding.add_with_peer(self.held.owner, bytes);
            } else {
                holder.holding.take_from_peer(bytes);
            }
        }
        self.is_with_peer = is_with_peer;
    }

    /// The peer has sent or taken some of it.
    pub(super) fn note_moved(&self) {
        if let Some(holder) = &self.held.holder {
            holder.holding.note_moved();
        }
    }

    /// Holds so much more.
    ///
    /// # Errors
    /// As [`Budgets::hold`]; what is held already stays so.
    pub async fn grow(&mut self, more: usize) -> Result<(), NoRoom> {
        let was_with_peer = self.is_with_peer;
        // Whoever waits for memory does not wait for its peer.
        self.wait_for_server();
        self.shared
            .take_in_time(&self.held.part(more), false)
            .await?;
        self.held.bytes += more;
        self.set_with_peer(was_with_peer);
        Ok(())
    }

    /// Parts `bytes` of it off, or all if it is less.
    pub fn split(&mut self, bytes: usize) -> Self {
        let held = self.held.part(bytes.min(self.held.bytes));
        self.held.bytes -= held.bytes;
        Self {
            shared: Arc::clone(&self.shared),
            held,
            is_with_peer: self.is_with_peer,
        }
    }

    /// Gives back what is held beyond `bytes`.
    pub fn shrink_to(&mut self, bytes: usize) {
        if self.held.bytes > bytes {
            drop(self.split(self.held.bytes - bytes));
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.wait_for_server();
        if self.held.bytes > 0 {
            self.shared.change(|shares| shares.give_back(&self.held));
        }
    }
}

/// A place among those who wait, which ends with what is granted to it unless that is taken.
struct Place<'s> {
    shared: &'s Shared,
    want: &'s Want,
    number: u64,
    granted: oneshot::Receiver<()>,
    is_taken: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.is_taken {
            self.shared
                .change(|shares| shares.leave(self.number, self.want));
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Shares> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is held or who waits.
    fn change<T>(&self, change: impl FnOnce(&mut Shares) -> T) -> T {
        let mut shares = self.lock();
        let changed = change(&mut shares);
        self.waiting.store(shares.waiting(), Ordering::SeqCst);
        changed
    }

    fn take(&self, want: &Want) -> bool {
        if planted::is("bodies-unbounded") {
            self.lock().add(want);
            return true;
        }
        self.lock().take(want)
    }

    async fn take_in_time(&self, want: &Want, is_made: bool) -> Result<(), NoRoom> {
        if self.take(want) {
            return Ok(());
        }
        let mut place = self.line_up(want, is_made).ok_or(NoRoom)?;
        self.short.notify_waiters();
        let granted = timeout(self.longest_wait, &mut place.granted).await;
        // Its sender is dropped only with the place.
        place.is_taken = matches!(granted, Ok(Ok(())));
        if place.is_taken { Ok(()) } else { Err(NoRoom) }
    }

    fn line_up<'s>(&'s self, want: &'s Want, is_made: bool) -> Option<Place<'s>> {
        let lined_up = self.change(|shares| {
            let is_grantable = shares.is_grantable(want);
            is_grantable.then(|| shares.line_up(want, is_made))
        });
        let (number, granted) = lined_up.flatten()?;
        Some(Place {
            shared: self,
            want,
            number,
            granted,
            is_taken: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use uuid::Uuid;

    use super::super::shares::{MOST_MADE, MOST_OF_AN_OWNER};
    use super::*;

    const SMALL: Limits = Limits {
        all: 100,
        anonymous: 20,
        organization: 50,
        longest_wait: Duration::from_secs(30),
    };

    fn organization(number: u128) -> Owner {
        Owner::Organization(Uuid::from_u128(number))
    }

    #[test]
    fn nobody_holds_more_than_its_share_and_all_together_no_more_than_the_sum() {
        let budgets = Budgets::new(SMALL);
        let (one, other, third) = (organization(1), organization(2), organization(3));
        assert!(budgets.try_hold(one, 51).is_none());
        let first = budgets.try_hold(one, 50).expect("its share");
        assert!(budgets.try_hold(one, 1).is_none());
        assert!(budgets.try_hold(Owner::Anonymous, 21).is_none());
        let anonymous = budgets.try_hold(Owner::Anonymous, 20).expect("their share");
        let _second = budgets
            .try_hold(other, 30)
            .expect("what is left of the sum");
        assert!(budgets.try_hold(third, 1).is_none());
        drop(anonymous);
        assert!(budgets.try_hold(third, 21).is_none());
        let _third = budgets.try_hold(third, 20).expect("what came free");
        drop(first);
        assert_eq!(budgets.held(), 50);
    }

    #[test]
    fn what_is_given_back_is_forgotten() {
        let budgets = Budgets::new(SMALL);
        for number in 0..1_000 {
            let mut hold = budgets.try_hold(organization(number), 50).expect("room");
            hold.shrink_to(10);
            assert_eq!((hold.bytes(), budgets.held()), (10, 10));
        }
        assert_eq!(budgets.held(), 0);
        assert!(budgets.0.lock().owners.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_room_waits_for_it_and_no_longer_than_is_granted() {
        let one = organization(1);
        let budgets = Budgets::new(SMALL);
        let hold = budgets.hold(one, 50).await.expect("room");
        let begun = tokio::time::Instant::now();
        assert_eq!(budgets.hold(one, 1).await.err(), Some(NoRoom));
        assert_eq!(begun.elapsed(), SMALL.longest_wait);

        let mut waiting = Box::pin(budgets.hold(one, 1));
        assert!((&mut waiting).now_or_never().is_none());
        drop(hold);
        let granted = waiting.now_or_never().expect("it is granted");
        assert_eq!(granted.expect("room").bytes(), 1);
        // What is never granted is refused at once.
        let never = budgets.hold(one, 51).now_or_never();
        assert_eq!(never.expect("no wait").err(), Some(NoRoom));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_memory_has_a_place_in_the_line_of_its_owner_and_of_its_kind() {
        let budgets = Budgets::new(Limits {
            longest_wait: Duration::from_secs(1),
            ..Limits::default()
        });
        let full = |number| {
            let share = Limits::default().organization;
            let large = budgets.try_hold(organization(number), share - share / 10);
            let rest =
                (0..share / 10 / 60_000).map(|_| budgets.try_hold(organization(number), 60_000));
            (
                large.expect("nine tenths"),
                rest.collect::<Option<Vec<_>>>().expect("the rest"),
            )
        };
        let _held = [full(1), full(2)];
        let ask = |number, bytes| budgets.hold(organization(number), bytes);
        let all = (0..MOST_OF_AN_OWNER + 3)
            .flat_map(|_| [ask(1, 60_000), ask(1, 100_000), ask(2, 60_000)]);
        let mut asking: Vec<_> = all.map(Box::pin).collect();
        let refused = asking.iter_mut().filter_map(FutureExt::now_or_never);
        assert_eq!(refused.filter(Result::is_err).count(), 3 * 3);
        assert_eq!(
            budgets.0.waiting.load(Ordering::SeqCst),
            3 * MOST_OF_AN_OWNER
        );
        drop(asking);
        assert_eq!(budgets.0.waiting.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn no_more_waits_that_is_there_already_than_is_granted() {
        let budgets = Budgets::new(Limits::default());
        let share = Limits::default().organization;
        let one = organization(1);
        let _hold = budgets.try_hold(one, share - share / 10).expect("room");
        let asking = (0..MOST_MADE / MEGABYTE + 2).map(|_| budgets.hold_made(one, MEGABYTE));
        let mut asking: Vec<_> = asking.map(Box::pin).collect();
        let refused = asking.iter_mut().filter_map(FutureExt::now_or_never);
        assert_eq!(refused.filter(Result::is_err).count(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_free_goes_to_the_first_whom_it_is_enough_for_and_none_is_lost() {
        let budgets = Budgets::new(SMALL);
        let [one, other] = [organization(1), organization(2)];
        let (first, second) = (budgets.try_hold(one, 50), budgets.try_hold(other, 50));
        let mut large = Box::pin(budgets.hold(one, 40));
        let mut behind = Box::pin(budgets.hold(one, 10));
        let mut beside = Box::pin(budgets.hold(other, 10));
        assert!((&mut large).now_or_never().is_none());
        assert!((&mut behind).now_or_never().is_none());
        assert!((&mut beside).now_or_never().is_none());
        let mut first = first.expect("room");
        first.shrink_to(30);
        assert!(
            (&mut behind).now_or_never().is_none(),
            "it overtakes nobody of its own"
        );
        drop(second);
        assert!((&mut beside).now_or_never().is_some());
        drop(large);
        assert!(
            (&mut behind)
                .now_or_never()
                .is_some_and(|granted| granted.is_ok())
        );
        // Whoever is gone when it is granted something gives that back.
        let second = budgets.try_hold(other, 50).expect("room");
        let mut gone = Box::pin(budgets.hold(other, 50));
        assert!((&mut gone).now_or_never().is_none());
        drop(second);
        assert_eq!(budgets.held(), 30 + 50);
        drop((gone, first));
        assert_eq!(budgets.held(), 0);
    }

    #[tokio::test]
    async fn a_tenth_is_kept_for_connections_that_hold_little() {
        let budgets = Budgets::new(Limits::default());
        let share = Limits::default().organization;
        let one = organization(1);
        let standing = Arc::<Standing>::default();
        let as_one_connection = standing.of(async {
            let large = budgets
                .try_hold(one, share - share / 10)
                .expect("nine tenths");
            assert!(budgets.try_hold(one, 1).is_none(), "it holds much");
            large
        });
        let _large = as_one_connection.await;
        let held: Vec<_> = (0..).map_while(|_| budgets.try_hold(one, 60_000)).collect();
        assert_eq!(held.len(), share / 10 / 60_000);
        assert!(budgets.try_hold(organization(2), 60_000).is_some());
    }
}

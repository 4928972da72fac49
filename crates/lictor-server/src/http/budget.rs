//! Memory for the bodies of requests and answers: what all of them may hold together, what those
//! who have not signed in may, and what one organization may. What they say is the dialects'.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lictor_planted as planted;
use tokio::sync::Notify;
use tokio::time::timeout;
use uuid::Uuid;

/// A megabyte, as the options count.
const MEGABYTE: usize = 1_000_000;

/// How many requests wait at once. Each holds what the HTTP library has read of it: a head, and a
/// window's worth of its body.
const MOST_WAITING: usize = 256;

/// How much may wait for room that is there already, in bytes: answers, which were made before it was
/// known how long they are.
const MOST_MADE: usize = 8 * MEGABYTE;

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

/// Who memory is held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Somebody who has not signed in.
    Anonymous,
    /// The organization that a request is about.
    Organization(Uuid),
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
    limits: Limits,
    held: Mutex<Held>,
    waiting: AtomicUsize,
    /// Of what waits, the bytes that are there already.
    made: AtomicUsize,
    freed: Notify,
}

/// What is held, in bytes.
#[derive(Debug, Default)]
struct Held {
    all: usize,
    anonymous: usize,
    /// Of those that hold anything.
    organizations: HashMap<Uuid, usize>,
}

/// Memory that is held until this is dropped.
#[derive(Debug)]
pub struct Hold {
    shared: Arc<Shared>,
    owner: Owner,
    bytes: usize,
}

impl Budgets {
    /// Nothing held yet.
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Shared {
            limits,
            ..Shared::default()
        }))
    }

    /// What all hold together, in bytes.
    pub fn held(&self) -> usize {
        self.0.lock().all
    }

    /// Room for `bytes`, if there is any.
    pub fn try_hold(&self, owner: Owner, bytes: usize) -> Option<Hold> {
        self.0.take(owner, bytes).then(|| Hold {
            shared: Arc::clone(&self.0),
            owner,
            bytes,
        })
    }

    /// Room for `bytes`, which others may have to give back first.
    ///
    /// # Errors
    /// [`NoRoom`] after the longest wait, and at once where too many wait or that much is never granted.
    pub async fn hold(&self, owner: Owner, bytes: usize) -> Result<Hold, NoRoom> {
        self.0.take_in_time(owner, bytes, 0).await?;
        Ok(Hold {
            shared: Arc::clone(&self.0),
            owner,
            bytes,
        })
    }

    /// Room for `bytes` that are there already.
    ///
    /// # Errors
    /// As [`Budgets::hold`], and at once where 8 MB of such wait.
    pub async fn hold_made(&self, owner: Owner, bytes: usize) -> Result<Hold, NoRoom> {
        self.0.take_in_time(owner, bytes, bytes).await?;
        Ok(Hold {
            shared: Arc::clone(&self.0),
            owner,
            bytes,
        })
    }
}

impl Hold {
    /// How much is held, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Holds so much more.
    ///
    /// # Errors
    /// As [`Budgets::hold`]; what is held already stays so.
    pub async fn grow(&mut self, more: usize) -> Result<(), NoRoom> {
        self.shared.take_in_time(self.owner, more, 0).await?;
        self.bytes += more;
        Ok(())
    }

    /// Parts `bytes` of it off, or all if it is less.
    pub fn split(&mut self, bytes: usize) -> Self {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Self {
            shared: Arc::clone(&self.shared),
            owner: self.owner,
            bytes,
        }
    }

    /// Gives back what is held beyond `bytes`.
    pub fn shrink_to(&mut self, bytes: usize) {
        if let Some(less) = self.bytes.checked_sub(bytes) {
            self.bytes = bytes;
            self.shared.give_back(self.owner, less);
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.shared.give_back(self.owner, self.bytes);
    }
}

/// A place among those who wait.
struct Waiting<'s> {
    shared: &'s Shared,
    made: usize,
}

impl<'s> Waiting<'s> {
    /// With so many bytes that are there already, unless too many or too much waits.
    fn begin(shared: &'s Shared, made: usize) -> Option<Self> {
        let places = shared.waiting.fetch_add(1, Ordering::SeqCst);
        let bytes = shared.made.fetch_add(made, Ordering::Relaxed);
        let waiting = Self { shared, made };
        let fits = places < MOST_WAITING && bytes + made <= MOST_MADE.max(made);
        fits.then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
        self.shared.made.fetch_sub(self.made, Ordering::Relaxed);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, owner: Owner, bytes: usize) -> bool {
        if planted::is("bodies-unbounded") {
            return true;
        }
        let fits = |held: usize, most: usize| most.saturating_sub(held) >= bytes;
        let mut held = self.lock();
        if !fits(held.all, self.limits.all) {
            return false;
        }
        match owner {
            Owner::Anonymous => {
                if !fits(held.anonymous, self.limits.anonymous) {
                    return false;
                }
                held.anonymous += bytes;
            }
            Owner::Organization(id) => {
                let own = held.organizations.get(&id).copied().unwrap_or_default();
                if !fits(own, self.limits.organization) {
                    return false;
                }
                held.organizations.insert(id, own + bytes);
            }
        }
        held.all += bytes;
        true
    }

    fn give_back(&self, owner: Owner, bytes: usize) {
        let mut held = self.lock();
        held.all = held.all.saturating_sub(bytes);
        match owner {
            Owner::Anonymous => held.anonymous = held.anonymous.saturating_sub(bytes),
            Owner::Organization(id) => {
                if let Entry::Occupied(mut own) = held.organizations.entry(id) {
                    *own.get_mut() = own.get().saturating_sub(bytes);
                    if *own.get() == 0 {
                        own.remove();
                    }
                }
            }
        }
        drop(held);
        // Who begins to wait looks once more before it sleeps, so that none is missed.
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.freed.notify_waiters();
        }
    }

    async fn take_in_time(&self, owner: Owner, bytes: usize, made: usize) -> Result<(), NoRoom> {
        if self.take(owner, bytes) {
            return Ok(());
        }
        let share = match owner {
            Owner::Anonymous => self.limits.anonymous,
            Owner::Organization(_) => self.limits.organization,
        };
        if bytes > share.min(self.limits.all) {
            return Err(NoRoom);
        }
        let _place = Waiting::begin(self, made).ok_or(NoRoom)?;
        let granted = async {
            loop {
                let freed = self.freed.notified();
                let mut freed = std::pin::pin!(freed);
                freed.as_mut().enable();
                if self.take(owner, bytes) {
                    return;
                }
                freed.await;
            }
        };
        let in_time = timeout(self.limits.longest_wait, granted);
        in_time.await.map_err(|_| NoRoom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Limits = Limits {
        all: 100,
        anonymous: 20,
        organization: 50,
        longest_wait: Duration::from_secs(30),
    };

    /// Nobody waits for long.
    const IMPATIENT: Limits = Limits {
        longest_wait: Duration::from_millis(20),
        ..SMALL
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
        assert!(budgets.0.lock().organizations.is_empty());
    }

    #[tokio::test]
    async fn who_finds_no_room_waits_for_it_and_no_longer_than_is_granted() {
        let one = organization(1);
        let budgets = Budgets::new(IMPATIENT);
        let _hold = budgets.hold(one, 50).await.expect("room");
        assert_eq!(budgets.hold(one, 1).await.err(), Some(NoRoom));

        let budgets = Budgets::new(SMALL);
        let hold = budgets.hold(one, 50).await.expect("room");
        let freeing = async {
            while budgets.0.waiting.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
            drop(hold);
        };
        let (granted, ()) = tokio::join!(budgets.hold(one, 1), freeing);
        assert_eq!(granted.expect("room").bytes(), 1);
        let begun = tokio::time::Instant::now();
        let never = budgets.hold(one, 51).await;
        assert!(never.is_err() && begun.elapsed() < SMALL.longest_wait);
    }

    #[tokio::test]
    async fn no_more_wait_than_there_are_places() {
        let budgets = Budgets::new(SMALL);
        let one = organization(1);
        let hold = budgets.hold(one, 50).await.expect("room");
        let ask = || async { budgets.hold(one, 1).await.err() };
        let asking = futures_util::future::join_all((0..MOST_WAITING + 3).map(|_| ask()));
        let freeing = async {
            while budgets.0.waiting.load(Ordering::SeqCst) < MOST_WAITING {
                tokio::task::yield_now().await;
            }
            drop(hold);
        };
        let (asked, ()) = tokio::join!(asking, freeing);
        let refused = asked.iter().filter(|refused| refused.is_some()).count();
        assert_eq!(refused, 3);
        assert_eq!(budgets.0.waiting.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn what_is_there_already_waits_only_up_to_a_sum() {
        let budgets = Budgets::new(Limits {
            longest_wait: SMALL.longest_wait,
            ..Limits::default()
        });
        let one = organization(1);
        let hold = budgets.hold(one, Limits::default().organization).await;
        let ask = || async { budgets.hold_made(one, MEGABYTE).await };
        let asking = futures_util::future::join_all((0..20).map(|_| ask()));
        let freeing = async {
            while budgets.0.waiting.load(Ordering::SeqCst) < MOST_MADE / MEGABYTE {
                tokio::task::yield_now().await;
            }
            drop(hold);
        };
        let (asked, ()) = tokio::join!(asking, freeing);
        let granted = asked.iter().filter(|granted| granted.is_ok()).count();
        assert_eq!(granted, MOST_MADE / MEGABYTE);
        assert_eq!(budgets.0.made.load(Ordering::Relaxed), 0);
    }
}

//! The shares of the memory for bodies: who holds how much, who waits for more, and who is granted it next.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::budget::{Limits, MEGABYTE};
use crate::holding::{Owner, Still};
use crate::standing::Standing;

/// What a connection may hold in all and still counts as one that holds little, in bytes.
const LITTLE: usize = 64 * 1024;

/// Of each share and of the sum, this part is kept for connections that hold little.
const KEPT: usize = 10;

/// How many wait at once, of those that ask for little and of the others; and how many of one owner.
/// Each holds what the HTTP library has read of it: a head, and a window's worth of its body.
pub(super) const MOST_WAITING: usize = 128;
pub(super) const MOST_OF_AN_OWNER: usize = 48;

/// How much may wait for room that is there already, in bytes: answers, which were made before it was
/// known how long they are. Those of a connection that holds little are bounded by their count.
pub(super) const MOST_MADE: usize = 8 * MEGABYTE;

/// Of a share, so much is made free beyond what is waited for, when those who stand still give way.
const MADE_FREE: usize = 8;

/// Memory that somebody asks for.
#[derive(Debug, Clone)]
pub(super) struct Want {
    pub(super) owner: Owner,
    pub(super) bytes: usize,
    /// The connection, if it is known.
    pub(super) holder: Option<Arc<Standing>>,
}

impl Want {
    /// Whether the connection would hold more than little with it.
    fn is_large(&self) -> bool {
        let held = self.holder.as_ref();
        held.map_or(0, |holder| holder.holding.bytes()) + self.bytes > LITTLE
    }
}

/// Somebody who waits for memory.
#[derive(Debug)]
struct Waiter {
    number: u64,
    want: Want,
    is_large: bool,
    granted: oneshot::Sender<()>,
}

/// What those who wait lack.
#[derive(Debug, Default)]
pub(crate) struct Shortage {
    /// What is to be made free of each owner's, in bytes.
    pub(crate) of: HashMap<Owner, usize>,
    /// What is to be made free by any of those who hold at least an equal part of all.
    pub(crate) of_all: usize,
    pub(crate) may_give: Vec<Owner>,
}

impl Shortage {
    /// Whether what this one holds is to be made free, which then is counted.
    pub(crate) fn takes(&mut self, still: &Still) -> bool {
        if let Some(left) = self.of.get_mut(&still.owner).filter(|left| **left > 0) {
            *left = left.saturating_sub(still.bytes);
            return true;
        }
        let gives = self.of_all > 0 && self.may_give.contains(&still.owner);
        if gives {
            self.of_all = self.of_all.saturating_sub(still.bytes);
        }
        gives
    }
}

/// What is held, in bytes, and who waits.
#[derive(Debug, Default)]
pub(super) struct Shares {
    limits: Limits,
    pub(super) all: usize,
    /// Of those that hold anything.
    pub(super) owners: HashMap<Owner, usize>,
    waiting: Vec<Waiter>,
    last: u64,
}

impl Shares {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn share_of(&self, owner: Owner) -> usize {
        match owner {
            Owner::Anonymous => self.limits.anonymous,
            Owner::Organization(_) => self.limits.organization,
        }
    }

    fn held_for(&self, owner: Owner) -> usize {
        self.owners.get(&owner).copied().unwrap_or_default()
    }

    /// Whether there may ever be room.
    pub(super) fn is_grantable(&self, want: &Want) -> bool {
        let most = self.share_of(want.owner).min(self.limits.all);
        want.bytes <= usable(most, want.is_large())
    }

    fn fits_share(&self, want: &Want, is_large: bool) -> bool {
        let share = usable(self.share_of(want.owner), is_large);
        share.saturating_sub(self.held_for(want.owner)) >= want.bytes
    }

    fn fits(&self, want: &Want, is_large: bool) -> bool {
        let all = usable(self.limits.all, is_large);
        all.saturating_sub(self.all) >= want.bytes && self.fits_share(want, is_large)
    }

    /// Room for this, if there is any.
    pub(super) fn take(&mut self, want: &Want) -> bool {
        let fits = self.fits(want, want.is_large());
        if fits {
            self.add(want);
        }
        fits
    }

    /// Counts it, whether there is room or not.
    pub(super) fn add(&mut self, want: &Want) {
        self.all += want.bytes;
        *self.owners.entry(want.owner).or_default() += want.bytes;
        if let Some(holder) = &want.holder {
            holder.holding.add(want.bytes);
        }
    }

    /// Takes back what was held, and grants it to those who wait.
    pub(super) fn give_back(&mut self, held: &Want) {
        self.all = self.all.saturating_sub(held.bytes);
        if let Some(own) = self.owners.get_mut(&held.owner) {
            *own = own.saturating_sub(held.bytes);
            if *own == 0 {
                self.owners.remove(&held.owner);
            }
        }
        if let Some(holder) = &held.holder {
            holder.holding.give_back(held.bytes);
        }
        self.grant();
    }

    /// A place in line, with a number, unless too many wait.
    pub(super) fn line_up(
        &mut self,
        want: &Want,
        is_made: bool,
    ) -> Option<(u64, oneshot::Receiver<()>)> {
        let is_large = want.is_large();
        let (mut places, mut of_owner, mut made) = (0, 0, 0);
        for other in self.waiting.iter().filter(|w| w.is_large == is_large) {
            places += 1;
            made += other.want.bytes;
            of_owner += usize::from(other.want.owner == want.owner);
        }
        let too_much = is_made && is_large && made > 0 && made + want.bytes > MOST_MADE;
        if places >= MOST_WAITING || of_owner >= MOST_OF_AN_OWNER || too_much {
            return None;
        }
        let (granted, receiver) = oneshot::channel();
        self.last += 1;
        self.waiting.push(Waiter {
            number: self.last,
            want: want.clone(),
            is_large,
            granted,
        });
        Some((self.last, receiver))
    }

    /// Gives up a place in line, or what was granted meanwhile.
    pub(super) fn leave(&mut self, number: u64, want: &Want) {
        let place = self.waiting.iter().position(|w| w.number == number);
        if let Some(place) = place {
            self.waiting.remove(place);
            self.grant();
        } else {
            self.give_back(want);
        }
    }

    /// Grants what is free in the order of the line. Who finds no room holds up those of the same
    /// owner that ask for as much or as little, and nobody else.
    fn grant(&mut self) {
        let mut held_up: Vec<(Owner, bool)> = Vec::new();
        let mut place = 0;
        while let Some(Waiter { want, is_large, .. }) = self.waiting.get(place) {
            let line = (want.owner, *is_large);
            if held_up.contains(&line) {
                place += 1;
            } else if self.fits(want, want.is_large()) {
                let Waiter { want, granted, .. } = self.waiting.remove(place);
                self.add(&want);
                // Whoever waits takes its place out of the line before it goes.
                let _ = granted.send(());
            } else {
                held_up.push(line);
                place += 1;
            }
        }
    }

    /// What those who wait lack.
    pub(super) fn shortage(&self) -> Shortage {
        let mut shortage = Shortage::default();
        for Waiter { want, .. } in &self.waiting {
            if self.fits_share(want, want.is_large()) {
                shortage.of_all += want.bytes;
            } else {
                let ahead = self.share_of(want.owner) / MADE_FREE;
                *shortage.of.entry(want.owner).or_insert(ahead) += want.bytes;
            }
        }
        if shortage.of_all > 0 {
            shortage.of_all += self.limits.all / MADE_FREE;
            let part = self.all / self.owners.len().max(1);
            let great = self.owners.iter().filter(|(_, held)| **held >= part);
            shortage.may_give = great.map(|(owner, _)| *owner).collect();
        }
        shortage
    }
}

/// What may be held of a share by who asks.
fn usable(share: usize, is_large: bool) -> usize {
    if is_large {
        share - share / KEPT
    } else {
        share
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::time::Instant;

    use super::*;
    use crate::holding::MUCH;

    #[tokio::test]
    async fn no_more_is_read_for_a_connection_that_takes_nothing() {
        let mut shares = Shares::new(Limits::default());
        let standing = Arc::<Standing>::default();
        let of = |bytes| Want {
            owner: Owner::Anonymous,
            bytes,
            holder: Some(Arc::clone(&standing)),
        };
        let untaken = of(MUCH + 1);
        assert!(shares.take(&untaken));
        let mut reading = [(); 3].map(|()| Box::pin(standing.holding.turn_to_read()));
        for one in &mut reading {
            assert!(one.now_or_never().is_none());
        }
        shares.give_back(&untaken);
        let [first, second, third] = &mut reading;
        let turns = [first, second].map(|one| one.now_or_never().flatten().expect("a turn"));
        assert!(third.now_or_never().is_none(), "little is read at once");
        drop(turns);
        assert!(third.now_or_never().is_some());
    }

    #[test]
    fn those_give_way_who_lack_it_themselves_and_others_only_for_the_sum() {
        let mut shares = Shares::new(Limits::default());
        let of = |number, bytes| Want {
            owner: Owner::Organization(uuid::Uuid::from_u128(number)),
            bytes,
            holder: None,
        };
        let still = |number, bytes| Still {
            since: Instant::now(),
            owner: of(number, 0).owner,
            bytes,
        };
        shares.add(&of(1, 24 * MEGABYTE));
        shares.add(&of(2, MEGABYTE));
        let _waits = shares.line_up(&of(1, 1_000), false);
        let mut shortage = shares.shortage();
        assert!(!shortage.takes(&still(2, MEGABYTE)), "it lacks nothing");
        assert!(shortage.takes(&still(1, 2 * MEGABYTE)));
        assert!(shortage.takes(&still(1, 2 * MEGABYTE)));
        assert!(
            !shortage.takes(&still(1, 2 * MEGABYTE)),
            "an eighth is enough"
        );
        for number in 3..6 {
            shares.add(&of(number, 24 * MEGABYTE));
        }
        let _waits = shares.line_up(&of(6, 1_000), false);
        let mut shortage = shares.shortage();
        assert!(shortage.takes(&still(3, MEGABYTE)), "the sum is used up");
        assert!(
            !shortage.takes(&still(2, MEGABYTE)),
            "it holds less than others"
        );
    }
}

//! A pool of seats that serves one request at a time: the specification that histories are checked against.

use todc_utils::Specification;

use super::client::{Asked, LeaseId, Outcome, Use};

/// The seats of each pool.
pub(super) const LIMIT: u32 = 5;

/// A pool of seats, and the requests and answers that are right for it.
pub(super) struct Pool;

/// Who has seats. Few do, so that lists are small.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Held {
    /// Accounts in order.
    accounts: Vec<usize>,
    /// By holder.
    leases: Vec<Lease>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Lease {
    holder: usize,
    id: LeaseId,
    fence: u64,
}

impl Held {
    fn used(&self) -> u64 {
        (self.accounts.len() + self.leases.len()) as u64
    }

    /// The state after an answer, or none if the answer is wrong.
    fn after(&self, asked: Asked, outcome: &Outcome) -> Option<Self> {
        match asked {
            Asked::CheckOut { holder, .. } => self.check_out(holder, outcome),
            Asked::Renew { lease, fence } => self.about(lease, Some(fence), outcome, false),
            Asked::Release { lease, fence } => self.about(lease, Some(fence), outcome, true),
            Asked::Force { lease } => self.about(lease, None, outcome, true),
            Asked::Assign { account } => self.assign(account, outcome),
            Asked::Unassign { account } => self.unassign(account, outcome),
            Asked::Count => {
                let (seats, leases) = (self.accounts.len() as u64, self.leases.len() as u64);
                (*outcome == Outcome::Counted { seats, leases }).then(|| self.clone())
            }
        }
    }

    fn check_out(&self, holder: usize, outcome: &Outcome) -> Option<Self> {
        let held = self.leases.iter().position(|lease| lease.holder == holder);
        let out = match outcome {
            Outcome::CheckedOut(out) => *out,
            _ => return self.refuse(held.is_some(), outcome),
        };
        let mut after = self.clone();
        let right = match held {
            Some(place) => {
                let lease = &mut after.leases[place];
                lease.fence += 1;
                (out.lease, out.fence) == (lease.id, lease.fence)
            }
            None => {
                after.leases.push(Lease {
                    holder,
                    id: out.lease,
                    fence: 1,
                });
                after.leases.sort_unstable();
                out.fence == 1
            }
        };
        (right && after.agrees(out.after)).then_some(after)
    }

    fn assign(&self, account: usize, outcome: &Outcome) -> Option<Self> {
        let place = self.accounts.binary_search(&account);
        let mut after = self.clone();
        let now = match (outcome, place) {
            (Outcome::Had(now), Ok(_)) => now,
            (Outcome::Assigned(now), Err(place)) => {
                after.accounts.insert(place, account);
                now
            }
            _ => return self.refuse(place.is_ok(), outcome),
        };
        after.agrees(*now).then_some(after)
    }

    fn unassign(&self, account: usize, outcome: &Outcome) -> Option<Self> {
        let mut after = self.clone();
        match (outcome, self.accounts.binary_search(&account)) {
            (Outcome::Done, Ok(place)) => {
                after.accounts.remove(place);
            }
            (Outcome::NotFound, Err(_)) => {}
            _ => return None,
        }
        Some(after)
    }

    fn about(
        &self,
        id: LeaseId,
        fence: Option<u64>,
        outcome: &Outcome,
        ends: bool,
    ) -> Option<Self> {
        let place = self.leases.iter().position(|lease| lease.id == id);
        let current = place.map(|place| self.leases[place].fence);
        let opens = fence.is_none() || fence == current;
        let mut after = self.clone();
        let right = match (outcome, place) {
            (Outcome::Done, Some(place)) if ends => {
                after.leases.remove(place);
                opens
            }
            (Outcome::Renewed { fence: now }, Some(_)) => !ends && opens && Some(*now) == current,
            (Outcome::FenceMismatch { current: now }, Some(_)) => !opens && Some(*now) == current,
            (Outcome::NotFound, None) => true,
            _ => false,
        };
        right.then_some(after)
    }

    /// Only a full pool refuses, and never whoever has a seat.
    fn refuse(&self, has_a_seat: bool, outcome: &Outcome) -> Option<Self> {
        let Outcome::Refused(refusal) = outcome else {
            return None;
        };
        let full = self.used() == u64::from(LIMIT) && self.agrees(refusal.then);
        (full && !has_a_seat && refusal.reason == "exhausted").then(|| self.clone())
    }

    fn agrees(&self, said: Use) -> bool {
        let within = self.used() <= u64::from(LIMIT);
        within && said.limit == Some(u64::from(LIMIT)) && said.used == self.used()
    }
}

impl Specification for Pool {
    type State = Held;
    type Operation = (Asked, Outcome);

    fn init() -> Held {
        Held::default()
    }

    fn apply((asked, outcome): &(Asked, Outcome), state: &Held) -> (bool, Held) {
        match state.after(*asked, outcome) {
            Some(after) => (true, after),
            None => (false, state.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seats::client::{CheckedOut, Refusal};

    fn after(used: u64) -> Use {
        Use {
            limit: Some(u64::from(LIMIT)),
            used,
        }
    }

    fn out(lease: u64, fence: u64, used: u64) -> Outcome {
        Outcome::CheckedOut(CheckedOut {
            lease: LeaseId(lease.into()),
            fence,
            position: 1,
            after: after(used),
        })
    }

    fn check_out(holder: usize) -> Asked {
        Asked::CheckOut {
            holder,
            ttl_seconds: 60,
        }
    }

    /// The state after these, or none if one of them is wrong.
    fn play(steps: &[(Asked, Outcome)]) -> Option<Held> {
        steps
            .iter()
            .try_fold(Held::default(), |held, (asked, outcome)| {
                held.after(*asked, outcome)
            })
    }

    #[test]
    fn right_answers_are_followed() {
        let release = |fence| Asked::Release {
            lease: LeaseId(7),
            fence,
        };
        let steps = [
            (Asked::Assign { account: 3 }, Outcome::Assigned(after(1))),
            (Asked::Assign { account: 3 }, Outcome::Had(after(1))),
            (check_out(0), out(7, 1, 2)),
            (check_out(0), out(7, 2, 2)),
            (release(1), Outcome::FenceMismatch { current: 2 }),
            (release(2), Outcome::Done),
            (Asked::Force { lease: LeaseId(7) }, Outcome::NotFound),
            (
                Asked::Count,
                Outcome::Counted {
                    seats: 1,
                    leases: 0,
                },
            ),
            (Asked::Unassign { account: 3 }, Outcome::Done),
        ];
        assert_eq!(play(&steps), Some(Held::default()));
    }

    #[test]
    fn a_refusal_is_right_only_when_the_pool_is_full() {
        let refusal = |used| {
            let (reason, position) = ("exhausted".to_owned(), 1);
            let then = after(used);
            Outcome::Refused(Refusal {
                reason,
                then,
                position,
            })
        };
        let limit = u64::from(LIMIT);
        let mut steps: Vec<_> = (1..limit)
            .map(|used| (check_out(used as usize), out(used, 1, used)))
            .collect();
        assert!(play(&steps).is_some());
        let refused = [(check_out(0), refusal(limit))];
        assert_eq!(play(&[&steps[..], &refused].concat()), None);
        steps.push((
            Asked::Assign { account: 0 },
            Outcome::Assigned(after(limit)),
        ));
        assert!(play(&[&steps[..], &refused].concat()).is_some());
        let over = (check_out(0), out(99, 1, limit + 1));
        assert_eq!(play(&[&steps[..], &[over]].concat()), None);
    }

    #[test]
    fn wrong_answers_are_not_followed() {
        let first = (check_out(0), out(7, 1, 1));
        let wrong = [
            (check_out(0), out(8, 1, 2)),
            (check_out(0), out(7, 1, 1)),
            (check_out(1), out(8, 1, 1)),
            (
                Asked::Release {
                    lease: LeaseId(7),
                    fence: 2,
                },
                Outcome::Done,
            ),
            (
                Asked::Renew {
                    lease: LeaseId(7),
                    fence: 1,
                },
                Outcome::NotFound,
            ),
            (Asked::Unassign { account: 0 }, Outcome::Done),
            (
                Asked::Count,
                Outcome::Counted {
                    seats: 1,
                    leases: 0,
                },
            ),
        ];
        for step in wrong {
            assert_eq!(play(&[first.clone(), step.clone()]), None, "{step:?}");
        }
    }
}

//! Compares what clients were told with what is stored, and both with the limit. Each promise is a function that names what breaks it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use super::super::promise::Promise;
use super::client::{Asked, LeaseId, Outcome, Refusal, Use};
use super::hot::{Heard, Seen};
use super::ledger::{Event, Ledger, Written};

/// The clients' side, the server's side, and what is true of both.
pub(super) struct Case<'a> {
    pub(super) heard: &'a Heard,
    pub(super) written: &'a Written,
    /// The ids of the accounts, by their numbers.
    pub(super) accounts: &'a [String],
    pub(super) limit: u64,
}

impl Case<'_> {
    /// Every promise.
    pub(super) fn promises(&self) -> Vec<Promise> {
        vec![
            ("no request fails", self.heard.failed.clone()),
            ("seats in use never pass the limit", self.over_the_limit()),
            (
                "each entry says the limit and the use",
                self.wrong_entries(),
            ),
            (
                "nobody is refused while there is room",
                self.refused_in_vain(),
            ),
            ("each refusal is counted once", self.refusals_miscounted()),
            (
                "the ledger has what was answered, once",
                self.answers_and_entries(),
            ),
            (
                "no answer shows seats in use beyond the limit",
                self.wrong_uses(),
            ),
            ("no answer is older than one given before", self.outdated()),
            (
                "each fence is handed out once and opens alone",
                self.wrong_fences(),
            ),
            ("a lease that is not found has ended", self.lost_leases()),
            (
                "/v1/counts is what the ledger adds up to",
                self.wrong_counts(),
            ),
        ]
    }

    fn ledger(&self) -> &Ledger {
        &self.written.ledger
    }

    fn refusals(&self) -> impl Iterator<Item = &Refusal> {
        self.heard
            .seen
            .iter()
            .filter_map(|seen| match &seen.outcome {
                Outcome::Refused(refusal) => Some(refusal),
                _ => None,
            })
    }

    fn over_the_limit(&self) -> Vec<String> {
        let used = (0..).zip(&self.ledger().used);
        let over = used.filter(|(_, (seats, leases))| seats + leases > self.limit);
        over.map(|(position, used)| format!("position {position}: {used:?}"))
            .collect()
    }

    fn wrong_entries(&self) -> Vec<String> {
        let wrong = self
            .ledger()
            .events()
            .filter(|(position, event)| match event {
                Event::CheckedOut { after, .. } | Event::Assigned { after, .. } => {
                    after.limit != Some(self.limit)
                        || Some(after.used) != self.ledger().used_at(*position)
                }
                Event::Ended { .. } | Event::Unassigned { .. } => false,
            });
        wrong
            .map(|(position, event)| format!("position {position}: {event:?}"))
            .collect()
    }

    /// What clients were told, and what was recorded for operators.
    fn refused_in_vain(&self) -> Vec<String> {
        let recorded = self.written.refusals.iter().map(|listed| &listed.last);
        let all = self.refusals().chain(recorded);
        let full = Use {
            limit: Some(self.limit),
            used: self.limit,
        };
        let wrong = all.filter(|refusal| {
            refusal.reason != "exhausted"
                || refusal.then != full
                || self.ledger().used_at(refusal.position) != Some(self.limit)
        });
        wrong
            .map(|refusal| {
                let used = self.ledger().used_at(refusal.position);
                format!("{refusal:?}, counted anew: {used:?}")
            })
            .collect()
    }

    fn refusals_miscounted(&self) -> Vec<String> {
        let told = self.refusals().count() as u64;
        let recorded = self
            .written
            .refusals
            .iter()
            .map(|listed| listed.count)
            .sum();
        differ(told, recorded)
    }

    /// Nobody is told of what ends by itself, so that is left out.
    fn answers_and_entries(&self) -> Vec<String> {
        let mut balance: BTreeMap<Event, i64> = BTreeMap::new();
        for (_, event) in self.ledger().events() {
            if !matches!(event, Event::Ended { reason, .. } if reason == "expired") {
                *balance.entry(event.clone()).or_default() += 1;
            }
        }
        for seen in &self.heard.seen {
            if let Some(event) = self.event(seen) {
                *balance.entry(event).or_default() -= 1;
            }
        }
        let unequal = balance.iter().filter(|(_, times)| **times != 0);
        unequal
            .map(|(event, times)| format!("{event:?}: {times} more in the ledger"))
            .collect()
    }

    /// The entry that an answer promises.
    fn event(&self, seen: &Seen) -> Option<Event> {
        let ended = |lease, reason: &str| Event::Ended {
            lease,
            reason: reason.to_owned(),
        };
        let account = |number: usize| self.accounts[number].clone();
        Some(match (seen.asked, &seen.outcome) {
            (_, Outcome::CheckedOut(out)) if out.fence == 1 => Event::CheckedOut {
                lease: out.lease,
                position: out.position,
                after: out.after,
            },
            (Asked::Assign { account: number }, Outcome::Assigned(after)) => Event::Assigned {
                account: account(number),
                after: *after,
            },
            (Asked::Unassign { account: number }, Outcome::Done) => Event::Unassigned {
                account: account(number),
            },
            (Asked::Release { lease, .. }, Outcome::Done) => ended(lease, "released"),
            (Asked::Force { lease }, Outcome::Done) => ended(lease, "forced"),
            _ => return None,
        })
    }

    fn wrong_uses(&self) -> Vec<String> {
        let wrong = self.heard.seen.iter().filter(|seen| match &seen.outcome {
            Outcome::CheckedOut(out) => !self.is_possible(out.after),
            Outcome::Assigned(after) | Outcome::Had(after) => !self.is_possible(*after),
            _ => false,
        });
        wrong.map(shown).collect()
    }

    fn is_possible(&self, after: Use) -> bool {
        after.limit == Some(self.limit) && (1..=self.limit).contains(&after.used)
    }

    fn outdated(&self) -> Vec<String> {
        let older = self.heard.seen.iter().filter(|seen| match &seen.outcome {
            Outcome::CheckedOut(out) => out.fence == 1 && out.position <= seen.told_before,
            Outcome::Refused(refusal) => refusal.position < seen.told_before,
            _ => false,
        });
        older
            .map(|seen| format!("{}, after {} was told", shown(seen), seen.told_before))
            .collect()
    }

    fn wrong_fences(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut handed_out: BTreeMap<LeaseId, Vec<u64>> = BTreeMap::new();
        for seen in &self.heard.seen {
            match (seen.asked, &seen.outcome) {
                (_, Outcome::CheckedOut(out)) => {
                    handed_out.entry(out.lease).or_default().push(out.fence);
                }
                (Asked::Renew { fence, .. }, Outcome::Renewed { fence: now }) if fence == *now => {}
                (
                    Asked::Renew { fence, .. } | Asked::Release { fence, .. },
                    Outcome::FenceMismatch { current },
                ) if fence != *current => {}
                (_, Outcome::Renewed { .. } | Outcome::FenceMismatch { .. }) => {
                    wrong.push(shown(seen));
                }
                _ => {}
            }
        }
        for (lease, mut fences) in handed_out {
            fences.sort_unstable();
            if !fences.iter().copied().eq(1..=fences.len() as u64) {
                wrong.push(format!("lease {lease:?}: {fences:?}"));
            }
        }
        wrong
    }

    fn lost_leases(&self) -> Vec<String> {
        let ended: BTreeSet<LeaseId> = self
            .ledger()
            .events()
            .filter_map(|(_, event)| match event {
                Event::Ended { lease, .. } => Some(*lease),
                _ => None,
            })
            .collect();
        let lost = self.heard.seen.iter().filter(|seen| {
            let (Asked::Renew { lease, .. }
            | Asked::Release { lease, .. }
            | Asked::Force { lease }) = seen.asked
            else {
                return false;
            };
            seen.outcome == Outcome::NotFound && !ended.contains(&lease)
        });
        lost.map(shown).collect()
    }

    fn wrong_counts(&self) -> Vec<String> {
        differ(self.written.counts, self.ledger().at_the_end())
    }
}

fn differ<T: PartialEq + Debug>(told: T, recounted: T) -> Vec<String> {
    if told == recounted {
        return Vec::new();
    }
    vec![format!("told {told:?}, counted {recounted:?}")]
}

fn shown(seen: &Seen) -> String {
    format!("{:?} was answered {:?}", seen.asked, seen.outcome)
}

#[cfg(test)]
mod tests;

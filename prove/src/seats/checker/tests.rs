//! A small history that is correct, and damaged copies of it, each of which the checker must find.

use super::*;
use crate::seats::client::CheckedOut;
use crate::seats::ledger::Listed;

const LEASE: LeaseId = LeaseId(7);

fn one(used: u64) -> Use {
    Use {
        limit: Some(1),
        used,
    }
}

fn seen(asked: Asked, outcome: Outcome, told_before: u64) -> Seen {
    Seen {
        asked,
        outcome,
        told_before,
    }
}

fn check_out(outcome: Outcome, told_before: u64) -> Seen {
    let asked = Asked::CheckOut {
        holder: 0,
        ttl_seconds: 60,
    };
    seen(asked, outcome, told_before)
}

fn refusal(position: u64) -> Refusal {
    Refusal {
        reason: "exhausted".to_owned(),
        then: one(1),
        position,
    }
}

/// A pool of one: a lease is checked out at 1, somebody is refused, it is released at 2.
fn right() -> (Heard, Written) {
    let out = CheckedOut {
        lease: LEASE,
        fence: 1,
        position: 1,
        after: one(1),
    };
    let release = Asked::Release {
        lease: LEASE,
        fence: 1,
    };
    let heard = Heard {
        seen: vec![
            check_out(Outcome::CheckedOut(out), 0),
            check_out(Outcome::Refused(refusal(1)), 1),
            seen(release, Outcome::Done, 1),
            seen(release, Outcome::NotFound, 1),
        ],
        ..Heard::default()
    };
    let checked_out = Event::CheckedOut {
        lease: LEASE,
        position: 1,
        after: one(1),
    };
    let ended = Event::Ended {
        lease: LEASE,
        reason: "released".to_owned(),
    };
    let written = Written {
        ledger: Ledger {
            events: vec![Some(checked_out), Some(ended)],
            used: vec![(0, 0), (0, 1), (0, 0)],
        },
        refusals: vec![Listed {
            count: 1,
            last: refusal(1),
        }],
        counts: (0, 0),
    };
    (heard, written)
}

/// The promises that are broken after `damage`, by their places.
fn broken(damage: impl FnOnce(&mut Heard, &mut Written)) -> Vec<usize> {
    let (mut heard, mut written) = right();
    damage(&mut heard, &mut written);
    let case = Case {
        heard: &heard,
        written: &written,
        accounts: &[],
        limit: 1,
    };
    let promises = (0..).zip(case.promises());
    let broken = promises.filter(|(_, (_, broken))| !broken.is_empty());
    broken.map(|(place, _)| place).collect()
}

#[test]
fn each_promise_can_be_broken() {
    assert!(broken(|_, _| {}).is_empty());
    let failed = |heard: &mut Heard, _: &mut Written| heard.failed.push("500".to_owned());
    assert_eq!(broken(failed), [0]);
    assert_eq!(
        broken(|_, written| written.ledger.used[2] = (1, 1)),
        [1, 10]
    );
    assert_eq!(broken(|_, written| written.ledger.used[1] = (0, 0)), [2, 3]);
    assert_eq!(
        broken(|_, written| written.refusals[0].last.position = 2),
        [3]
    );
    assert_eq!(broken(|_, written| written.refusals[0].count = 2), [4]);
    assert_eq!(
        broken(|heard, _| heard.seen[2].outcome = Outcome::NotFound),
        [5]
    );
    let over = |heard: &mut Heard, _: &mut Written| {
        heard.seen.push(check_out(Outcome::Had(one(2)), 1));
    };
    assert_eq!(broken(over), [6]);
    assert_eq!(broken(|heard, _| heard.seen[1].told_before = 2), [7]);
    let current = |heard: &mut Heard, _: &mut Written| {
        heard.seen[3].outcome = Outcome::FenceMismatch { current: 1 };
    };
    assert_eq!(broken(current), [8]);
    let elsewhere = |heard: &mut Heard, _: &mut Written| {
        heard.seen[3].asked = Asked::Force { lease: LeaseId(8) };
    };
    assert_eq!(broken(elsewhere), [9]);
    assert_eq!(broken(|_, written| written.counts = (0, 1)), [10]);
}

//! Which starts of a node run now. Two of them at once are two copies of its folder; two of them one
//! after the other are a restart.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use lictor_core::elapsed::Elapsed;
use lictor_core::feed::{NodeStart, REPORT_SECONDS, StartReply};
use lictor_core::rules::node::StartDecision;
use uuid::Uuid;

/// For how many seconds a report tells that a start runs: two that are due, and half as long.
const HOLDS: i64 = REPORT_SECONDS.cast_signed() * 5 / 2;

/// How many starts of one node are remembered. Of more that run at once the others are not counted, so
/// that those that are remembered can be told from each other.
const REMEMBERED: usize = 32;

/// The starts of this server's nodes.
#[derive(Default)]
pub(super) struct Lives(Mutex<HashMap<Uuid, Vec<Life>>>);

/// A start, as its reports tell of it.
#[derive(Clone)]
struct Life {
    start: Uuid,
    /// The machine that it runs on.
    host: String,
    /// Whether its folder is a copy, or an older one that was put back.
    copied: bool,
    /// The epoch that it was judged for, and how.
    judged: Option<(String, StartDecision)>,
    /// The order in which it was first heard of.
    first: u64,
    /// Its last report: the number, when it came, and its place among all reports.
    last: (u64, Elapsed, u64),
    /// The place of the last report whose answer it has heard: it ran then.
    ran: Option<u64>,
}

impl Life {
    fn is_heard(&self, now: Elapsed) -> bool {
        now.since(self.last.1) < HOLDS
    }

    fn is_copied(&self, now: Elapsed) -> bool {
        self.copied && self.is_heard(now)
    }

    /// Whether it ran when the other was heard of already. A report that comes late tells nothing: only
    /// who hears answers runs.
    fn ran_beside(&self, other: &Self) -> bool {
        let ran = |one: &Self, other: &Self| one.ran.is_some_and(|ran| ran >= other.first);
        self.start != other.start && ran(self, other) && ran(other, self)
    }
}

impl Lives {
    /// Notes a report of a start.
    pub(super) fn note(&self, node: Uuid, start: &NodeStart, host: &str, now: Elapsed) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lives = all.entry(node).or_default();
        let place = lives.iter().map(|life| life.last.2).max().unwrap_or(0) + 1;
        let Some(life) = lives.iter_mut().find(|life| life.start == start.id) else {
            if lives.len() == REMEMBERED {
                let silent = lives.iter().enumerate();
                let silent = silent.filter(|(_, life)| !life.is_heard(now));
                let Some((longest, _)) = silent.min_by_key(|(_, life)| life.last.2) else {
                    return;
                };
                lives.remove(longest);
            }
            lives.push(Life {
                start: start.id,
                host: host.to_owned(),
                copied: start.copied,
                judged: None,
                first: place,
                last: (start.number, now, place),
                ran: None,
            });
            return;
        };
        if start.answered >= life.last.0 {
            life.ran = Some(life.last.2);
        }
        // One that is sent again, or late, tells nothing new.
        if start.number > life.last.0 {
            life.last = (start.number, now, place);
            life.copied = start.copied;
            host.clone_into(&mut life.host);
        }
    }

    /// How a start was judged for the epoch that it counts in, if it was since this server began.
    pub(super) fn judged(&self, node: Uuid, start: &NodeStart) -> Option<StartDecision> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let life = all.get(&node)?.iter().find(|life| life.start == start.id)?;
        let (epoch, judgment) = life.judged.as_ref()?;
        (*epoch == start.epoch).then(|| judgment.clone())
    }

    /// Notes how it was judged. Who was let go on took the epoch from whoever had it, and has ended.
    pub(super) fn judge(&self, node: Uuid, start: &NodeStart, judgment: StartDecision) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lives = all.entry(node).or_default();
        let goes_on = |life: &Life| {
            let judged = life.judged.as_ref();
            judged.is_some_and(|(epoch, was)| *epoch == start.epoch && was.apart.is_none())
        };
        let follows = judgment.apart.is_none();
        lives.retain(|life| life.start == start.id || !follows || !goes_on(life));
        if let Some(life) = lives.iter_mut().find(|life| life.start == start.id) {
            life.judged = Some((start.epoch.clone(), judgment));
        }
    }

    /// Forgets a node that is gone.
    pub(super) fn forget(&self, node: Uuid) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&node);
    }

    /// What a start is told.
    pub(super) fn answer(
        &self,
        node: Uuid,
        start: &NodeStart,
        judgment: StartDecision,
        now: Elapsed,
    ) -> StartReply {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lives = all.get(&node).map(Vec::as_slice).unwrap_or_default();
        let own = lives.iter().find(|life| life.start == start.id);
        let others = lives.iter().filter(|life| life.start != start.id);
        let unsure = |own: &Life| {
            let mut heard = others.filter(|life| life.is_heard(now));
            heard.any(|other| own.ran.is_none_or(|ran| ran < other.first))
        };
        StartReply {
            epoch: start.epoch.clone(),
            apart: judgment.apart,
            own: (judgment.apart.is_some() && !start.parts.is_empty()).then_some(judgment.own),
            lives: at_once(lives, now).count().max(1) as u64,
            again: own.is_some_and(unsure),
        }
    }

    /// The machines of the starts that run at once; none: no more than one does.
    pub(super) fn at_once(&self, node: Uuid, now: Elapsed) -> Vec<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lives = all.get(&node).map(Vec::as_slice).unwrap_or_default();
        at_once(lives, now).map(|life| life.host.clone()).collect()
    }

    /// The machines of the starts of a node whose folder is a copy, or an older one that was put back, as
    /// they were told.
    pub(super) fn put_back(&self, node: Uuid, now: Elapsed) -> Vec<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lives = all.get(&node).map(Vec::as_slice).unwrap_or_default();
        let copied = lives.iter().filter(|life| life.is_copied(now));
        copied.map(|life| life.host.clone()).collect()
    }

    /// How many nodes run more than once, or in a folder that is a copy.
    pub(super) fn copied(&self, now: Elapsed) -> usize {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let copied = |lives: &&Vec<Life>| {
            lives.iter().any(|life| life.is_copied(now)) || at_once(lives, now).next().is_some()
        };
        all.values().filter(copied).count()
    }
}

fn at_once(lives: &[Life], now: Elapsed) -> impl Iterator<Item = &Life> {
    let heard = move |life: &&Life| life.is_heard(now);
    let beside = move |life: &&Life| {
        let mut others = lives.iter().filter(heard);
        others.any(|other| life.ran_beside(other))
    };
    lives.iter().filter(heard).filter(beside)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: Uuid = Uuid::from_u128(1);

    fn start(id: u128, number: u64, answered: u64) -> NodeStart {
        NodeStart {
            id: Uuid::from_u128(id),
            number,
            answered,
            epoch: String::new(),
            after: Vec::new(),
            ended: false,
            counted: 0,
            parts: Vec::new(),
            copied: false,
        }
    }

    /// Reports of starts: the number of the start, of the report, and of the last that was answered.
    fn heard(reports: &[(u128, u64, u64)], now: i64) -> (Lives, usize) {
        let (lives, now) = (Lives::default(), Elapsed::from_seconds(now));
        for (id, number, answered) in reports {
            let start = start(*id, *number, *answered);
            lives.note(NODE, &start, "host", Elapsed::from_seconds(1));
        }
        let count = lives.at_once(NODE, now).len();
        (lives, count)
    }

    #[test]
    fn two_starts_that_hear_answers_at_once_are_copies() {
        let both = [(1, 1, 0), (1, 2, 1), (2, 1, 0), (1, 3, 2), (2, 2, 1)];
        let (_, count) = heard(&both, 2);
        assert_eq!(count, 0, "1 may have ended before 2 was heard of");
        let proof = [&both[..], &[(1, 4, 3)]].concat();
        let (lives, count) = heard(&proof, 2);
        assert_eq!((count, lives.copied(Elapsed::from_seconds(2))), (2, 1));
        assert_eq!(heard(&proof, 1 + HOLDS).1, 0, "silent since");
    }

    #[test]
    fn a_folder_that_was_put_back_is_one_life_and_is_named_until_it_is_silent() {
        let (lives, _) = heard(&[(1, 1, 0), (1, 2, 1)], 2);
        let at = Elapsed::from_seconds;
        assert_eq!(lives.copied(at(2)), 0);
        let told = NodeStart {
            copied: true,
            ..start(2, 1, 0)
        };
        lives.note(NODE, &told, "host", at(1));
        assert_eq!(lives.at_once(NODE, at(2)), Vec::<String>::new());
        assert_eq!(lives.put_back(NODE, at(2)), ["host"]);
        assert_eq!(lives.copied(at(2)), 1);
        assert_eq!(lives.copied(at(1 + HOLDS)), 0);
    }

    #[test]
    fn a_restart_is_one_life_and_late_reports_of_the_one_before_change_nothing() {
        let restarted = [(1, 1, 0), (1, 2, 1), (2, 1, 0), (2, 2, 1), (2, 3, 2)];
        assert_eq!(heard(&restarted, 2).1, 0);
        // What 1 sent before it ended, in any order and twice.
        let late = [(1, 4, 2), (1, 3, 2), (1, 4, 2), (1, 5, 2), (2, 4, 3)];
        assert_eq!(heard(&[&restarted[..], &late].concat(), 2).1, 0);
    }

    #[test]
    fn one_of_two_that_was_started_again_is_counted_once() {
        let both = [
            (1, 1, 0),
            (2, 1, 0),
            (1, 2, 1),
            (2, 2, 1),
            (1, 3, 2),
            (2, 3, 2),
        ];
        let (lives, count) = heard(&both, 2);
        assert_eq!(count, 2);
        lives.judge(NODE, &start(1, 3, 2), StartDecision::default());
        let now = Elapsed::from_seconds(1);
        for (number, answered) in [(1, 0), (2, 1), (3, 2)] {
            let again = start(3, number, answered);
            lives.note(NODE, &again, "host", now);
            lives.judge(NODE, &again, StartDecision::default());
        }
        lives.note(NODE, &start(2, 4, 3), "host", now);
        lives.note(NODE, &start(2, 5, 4), "host", now);
        assert_eq!(lives.at_once(NODE, now).len(), 2);
    }

    #[test]
    fn no_more_starts_are_remembered_than_have_their_place() {
        let many: Vec<_> = (0..100).map(|id| (id, 1, 0)).collect();
        let (lives, _) = heard(&many, 2);
        assert_eq!(lives.0.lock().expect("whole")[&NODE].len(), REMEMBERED);
        // Once they are silent another one takes a place.
        let later = Elapsed::from_seconds(1 + HOLDS);
        lives.note(NODE, &start(200, 1, 0), "host", later);
        let all = lives.0.lock().expect("whole");
        assert_eq!(all[&NODE].len(), REMEMBERED);
        let is_known = |life: &Life| life.start == Uuid::from_u128(200);
        assert!(all[&NODE].iter().any(is_known));
    }

    #[test]
    fn however_many_copies_run_they_are_named() {
        let rounds = [(1, 0), (2, 1), (3, 2), (4, 3)];
        let copies = REMEMBERED as u128 + 2;
        let reports =
            rounds.map(|(number, answered)| (0..copies).map(move |id| (id, number, answered)));
        let reports: Vec<_> = reports.into_iter().flatten().collect();
        assert_eq!(heard(&reports, 2).1, REMEMBERED);
    }
}

//! What is gathered for one commit: as much as there is while one stream writes alone, and little
//! enough that nobody waits long while several do.

use std::time::{Duration, Instant};

use lictor_core::Error;
use lictor_core::facts::organization::INSTALLATION;
use lictor_planted as planted;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::queue::Queue;
use crate::{Write, Written};

/// How many writes share a commit at most.
const BATCH: usize = 512;

/// How long a batch of one stream grows at most.
const LONGEST: Duration = Duration::from_millis(100);

/// How long a batch grows while others wait, unless a commit takes longer.
const SHARED: Duration = Duration::from_millis(4);

/// How many facts are gathered before the clock and the queue are looked at again.
const PART: usize = 128;

/// Who waits for a write: taken when it is answered.
pub(super) type Waiting = Option<oneshot::Sender<Result<Written, Error>>>;

/// What became of each write of a batch.
pub(super) type Outcomes = Vec<Result<Written, Error>>;

/// A write, and who waits for it.
pub(super) struct Job {
    pub(super) write: Write,
    pub(super) done: oneshot::Sender<Result<Written, Error>>,
}

/// The writes of one batch.
pub(super) struct Gathered {
    /// The writes, in the order in which they run.
    pub(super) writes: Vec<Write>,
    /// Who waits for each.
    pub(super) waiting: Vec<Waiting>,
    most: usize,
    since: Instant,
    /// How long it grows while others wait.
    shared: Duration,
    count: usize,
    /// What still fits before the clock is looked at.
    room: usize,
    /// The stream of the last one, and whether there were others.
    stream: Option<Uuid>,
    mixed: bool,
}

impl Gathered {
    /// Nothing yet. `commit` is how long one takes: where that is long, at least half of
    /// the time is for work. `mixed`: others wrote lately, and are likely to come while it grows.
    pub(super) fn new(commit: Duration, mixed: bool) -> Self {
        // The planted fault is the design that group commit is measured against.
        let alone = planted::is("one-commit-per-write");
        let most = if alone { 1 } else { BATCH };
        Self {
            writes: Vec::with_capacity(most),
            waiting: Vec::with_capacity(most),
            most,
            since: Instant::now(),
            shared: SHARED.max(commit),
            count: 0,
            room: 0,
            stream: None,
            mixed,
        }
    }

    /// One write alone.
    pub(super) fn of(write: Write, waiting: Waiting) -> Self {
        Self {
            writes: vec![write],
            waiting: vec![waiting],
            ..Self::new(Duration::ZERO, false)
        }
    }

    /// Each of the writes alone.
    pub(super) fn one_by_one(self) -> impl Iterator<Item = Self> {
        let each = self.writes.into_iter().zip(self.waiting);
        each.map(|(write, waiting)| Self::of(write, waiting))
    }

    /// Answers each with its outcome.
    pub(super) fn acknowledge(&mut self, outcomes: Outcomes) {
        acknowledge(&mut self.waiting, outcomes);
    }

    /// The fault `early-ack`: acknowledges before the commit, which the test that kills the server must find. The
    /// installation's own writes are spared, or no server would start.
    pub(super) fn acknowledge_early(&mut self, outcomes: &mut Outcomes) {
        let is_own = |write: &Write| write.stream == INSTALLATION;
        if planted::is("early-ack") && !self.writes.iter().any(is_own) {
            acknowledge_and_keep(&mut self.waiting, outcomes);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Takes the next part of the queue; false: there is nothing, or it has to wait for the next
    /// batch.
    pub(super) fn grow(&mut self, queue: &Queue<Job>) -> bool {
        let before = self.count;
        let grown = self.since.elapsed();
        self.room = PART;
        for job in queue.take(|job, streams| self.counts_in(&job.write, streams, grown)) {
            self.writes.push(job.write);
            self.waiting.push(Some(job.done));
        }
        self.count > before
    }

    fn counts_in(&mut self, write: &Write, streams: usize, grown: Duration) -> bool {
        let weight = write.facts.len() + 1;
        let is_other = self.stream.is_some_and(|stream| stream != write.stream);
        let is_shared = streams > 1 || is_other || self.mixed;
        let fits = match is_shared {
            // What is large would keep those before it waiting for their commit.
            true => grown < self.shared && weight <= PART,
            false => grown < LONGEST,
        };
        let has_room = self.room == PART || weight <= self.room;
        if self.count > 0 && !(fits && has_room && self.count < self.most) {
            return false;
        }
        self.count += 1;
        self.room = self.room.saturating_sub(weight);
        self.mixed |= is_other;
        self.stream = Some(write.stream);
        true
    }
}

fn acknowledge(waiting: &mut [Waiting], outcomes: Outcomes) {
    for (done, outcome) in waiting.iter_mut().zip(outcomes) {
        if let Some(done) = done.take() {
            // Whoever asked may have gone away; the write counts all the same.
            let _ = done.send(outcome);
        }
    }
}

/// Acknowledges, and keeps what observers are to be told: there is no second fault beside the planted one.
fn acknowledge_and_keep(waiting: &mut [Waiting], outcomes: &mut Outcomes) {
    let stored = outcomes.iter().map(|outcome| {
        let Ok(written) = outcome else {
            return Ok(Written::default());
        };
        Ok(Written {
            entries: written.entries.clone(),
            records: written.records.clone(),
            applications: written.applications.clone(),
            ..Written::default()
        })
    });
    let stored = stored.collect();
    acknowledge(waiting, std::mem::replace(outcomes, stored));
}

#[cfg(test)]
mod tests {
    use lictor_core::decision::Decision;
    use lictor_core::elapsed::Now;
    use lictor_core::record::Record;

    use super::*;

    #[test]
    fn a_batch_is_short_where_others_wrote_lately() {
        let write = Write {
            stream: Uuid::nil(),
            actor: None,
            now: Now::at(0),
            facts: Vec::new(),
            rule: crate::Rule::new(|_| Ok(Decision::nothing())),
            idempotent: None,
        };
        for (mixed, fits) in [(false, true), (true, false)] {
            let mut gathered = Gathered::new(Duration::ZERO, mixed);
            gathered.room = PART;
            assert!(gathered.counts_in(&write, 1, Duration::ZERO));
            assert_eq!(gathered.counts_in(&write, 1, SHARED), fits);
        }
    }
    #[test]
    fn what_is_acknowledged_early_is_told_all_the_same() {
        let record = Record::ExpiredDropped;
        let written = Written {
            records: vec![record.clone()],
            ..Written::default()
        };
        let (done, mut answer) = oneshot::channel();
        let mut outcomes = vec![Ok(written)];
        acknowledge_and_keep(&mut [Some(done)], &mut outcomes);
        let answer = answer.try_recv().expect("it is acknowledged");
        for written in [answer, outcomes.remove(0)] {
            assert_eq!(
                written.expect("stored").records,
                std::slice::from_ref(&record)
            );
        }
    }
}

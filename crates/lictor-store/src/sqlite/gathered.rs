//! What is gathered for one commit: as much as there is while one stream writes alone, and little
//! enough that nobody waits long while several do.

use std::time::{Duration, Instant};

use lictor_core::Error;
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

#[cfg(test)]
mod tests {
    use lictor_core::decision::Decision;
    use lictor_core::elapsed::Now;

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
}

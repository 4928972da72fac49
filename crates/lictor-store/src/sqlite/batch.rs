//! What a write does inside the batch's transaction, in the order that every backend keeps: head
//! row, facts, rule, rows, entries, records; and the head row at the end of the batch.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use lictor_core::{Decision, Entry, Error, INSTALLATION, State, quota};
use rusqlite::Connection;
use uuid::Uuid;

use super::heads::{self, HeadRow};
use super::rows::{self, DecodedKeys, Sql};
use super::{accounts, answers, facts, seats, usage};
use crate::{Idempotent, Write, Written};

/// Why a write was not stored.
pub(super) enum Fault {
    /// The rule or the store refuses it, before anything of it was written; the batch goes on.
    Refused(Error),
    /// The batch is to be rolled back.
    Batch(BatchError),
}

/// Why a batch was not stored. Some of it may have been written.
#[derive(Debug)]
pub(super) enum BatchError {
    /// What one write does is wrong in this way: a fault of ours.
    Write(String),
    /// The database failed.
    Database(rusqlite::Error),
}

impl BatchError {
    /// What the log says.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Write(reason) => reason.clone(),
            Self::Database(error) => error.to_string(),
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Batch(error.into())
    }
}

impl From<rusqlite::Error> for BatchError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

/// A batch whose transaction has begun.
pub(super) struct Batch<'a> {
    database: &'a Connection,
    /// The head rows of the streams touched so far. SQLite has one writer, which is their lock.
    heads: HashMap<Uuid, HeadRow>,
    /// What the writes so far have read of the trusted keys.
    decoded: DecodedKeys,
}

impl<'a> Batch<'a> {
    /// Begins within the transaction of `database`.
    pub(super) fn new(database: &'a Connection) -> Self {
        Self {
            database,
            heads: HashMap::new(),
            decoded: DecodedKeys::default(),
        }
    }

    /// Runs one write. There is no savepoint: SQLite would copy each page before its first change.
    pub(super) fn run(&mut self, write: &Write) -> Result<Written, Fault> {
        let head = self.head(write.stream)?;
        if let Some(idempotent) = &write.idempotent {
            self.check_unanswered(idempotent, write)?;
        }
        let state = facts::load(
            self.database,
            write.stream,
            &head,
            &write.facts,
            &mut self.decoded,
        )?;
        let decision = decide(write, &state).map_err(Fault::Refused)?;
        if write.stream != INSTALLATION {
            quota::admit(&state, &decision.changes).map_err(Fault::Refused)?;
        }
        self.store(write, head, state, decision)
            .map_err(Fault::Batch)
    }

    fn store(
        &mut self,
        write: &Write,
        mut head: HeadRow,
        mut state: State,
        decision: Decision,
    ) -> Result<Written, BatchError> {
        let licenses_before = seats::licenses(&state);
        let counts_before = state.counts;
        let usage_before = state.usage_sum;
        let mut entries = Vec::with_capacity(decision.changes.len());
        for change in decision.changes {
            let position = head.head.position + 1;
            let (stream, at, actor) = (write.stream, write.now.wall(), write.actor);
            state.apply(position, at, &change);
            if let Some(breach) = state.breach(&change) {
                return Err(BatchError::Write(breach));
            }
            rows::persist(self.database, stream, at, &state, &change)?;
            let entry = Entry {
                stream,
                position,
                at,
                actor,
                change,
            };
            let body = entry
                .to_body()
                .map_err(|error| BatchError::Write(error.to_string()))?;
            head.head = head.head.next(&body);
            rows::append(self.database, &entry, head.head.hash, &body)?;
            entries.push(entry);
        }
        for record in &decision.records {
            rows::record(self.database, write.stream, &write.now, &state, record)?;
            state.note(record);
        }
        seats::put_licenses(self.database, write.stream, &state, &licenses_before)?;
        if state.counts != counts_before {
            accounts::put_counts(self.database, write.stream, &state.counts)?;
        }
        if state.usage_sum != usage_before {
            usage::put_sum(self.database, write.stream, state.usage_sum)?;
        }
        let written = Written {
            entries,
            records: decision.records,
            refused: decision.refused,
            state,
        };
        // A refusal is no answer to keep: the next request may find room.
        if let Some(idempotent) = &write.idempotent
            && (written.refused.is_empty() || !written.entries.is_empty())
        {
            self.keep_answer(idempotent, write, &written)?;
        }
        head.take_up(&written.state);
        self.heads.insert(write.stream, head);
        Ok(written)
    }

    /// The head row, which every write of the stream goes through.
    fn head(&self, stream: Uuid) -> Result<HeadRow, Fault> {
        let known = match self.heads.get(&stream) {
            Some(head) => Some(*head),
            None => heads::one(self.database, stream)?,
        };
        let live = known.filter(|head| !head.removed);
        live.ok_or_else(|| Fault::Refused(Error::no_organization(stream.to_string())))
    }

    /// Stores where the streams end now.
    pub(super) fn store_heads(&self) -> Sql<()> {
        heads::put(self.database, &self.heads)
    }

    fn check_unanswered(&self, idempotent: &Idempotent, write: &Write) -> Result<(), Fault> {
        let taken = answers::is_taken(self.database, &idempotent.key, write.now.elapsed())?;
        if taken {
            Err(Fault::Refused(Error::IdempotencyTwin))
        } else {
            Ok(())
        }
    }

    fn keep_answer(
        &self,
        idempotent: &Idempotent,
        write: &Write,
        written: &Written,
    ) -> Result<(), BatchError> {
        let answer = guarded(|| (idempotent.render)(written)).map_err(BatchError::Write)?;
        answers::keep(self.database, &idempotent.key, &answer, write, written)?;
        Ok(())
    }
}

fn decide(write: &Write, state: &State) -> Result<Decision, Error> {
    guarded(|| (write.rule)(state)).map_err(Error::internal)?
}

/// A fault in a rule is the fault of one write, not the end of the writer.
fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        format!("a rule panicked: {}", text.unwrap_or_default())
    })
}

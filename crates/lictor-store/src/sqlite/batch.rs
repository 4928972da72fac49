//! What a write does inside the batch's transaction, in the order that every backend keeps: head
//! row, facts, rule, rows, entries, records; and the head row at the end of the batch.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use lictor_core::Error;
use lictor_core::change::Change;
use lictor_core::decision::Decision;
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::facts::quota::Quota;
use lictor_core::ledger::Entry;
use lictor_core::rules::quota;
use lictor_core::state::State;
use rusqlite::Connection;
use uuid::Uuid;

use super::answers::Found;
use super::heads::{HeadRow, Heads};
use super::rows::{self, DecodedKeys, Sql};
use super::{answers, ended};
use crate::effects::{
    self, Before, Counted, Database, Figured, carry_out_change, carry_out_figures, carry_out_record,
};
use crate::{Fact, Idempotent, Outcome, Write, Written, facts};

/// Why a write was not stored.
pub(super) enum Fault {
    /// The rule or the store refuses it, before anything of it was written; the batch goes on.
    Refused(Error),
    /// The batch is to be rolled back.
    Batch(BatchError),
}

/// Why a batch was not stored.
pub(super) type BatchError = effects::BatchError<rusqlite::Error>;

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Batch(error.into())
    }
}

/// A batch whose transaction has begun.
pub(super) struct Batch<'a> {
    pub(super) database: &'a Connection,
    /// The head rows. SQLite has one writer, which is their lock.
    heads: &'a mut Heads,
    /// What the writes so far have read of the trusted keys.
    pub(super) decoded: DecodedKeys,
    /// Whether something that named somebody was erased.
    has_erased: bool,
}

impl<'a> Batch<'a> {
    /// Begins within the transaction of `database`.
    pub(super) fn new(database: &'a Connection, heads: &'a mut Heads) -> Self {
        Self {
            database,
            heads,
            decoded: DecodedKeys::default(),
            has_erased: false,
        }
    }

    /// Runs one write. There is no savepoint: SQLite would copy each page before its first change.
    pub(super) fn run(&mut self, write: &Write) -> Result<Written, Fault> {
        let mut head = self.head(write.stream)?;
        head.begin_day(write.now.elapsed());
        let mut replaces = false;
        if let Some(idempotent) = &write.idempotent {
            replaces = self.check_unanswered(idempotent, write, &head)?;
        }
        let mut state = Box::<State>::default();
        head.give(&mut state);
        state.trust_changed = self.trust_changed(&write.facts)?;
        facts::load(self, write.stream, &write.facts, &mut state)?;
        let decision = decide(write, &state).map_err(Fault::Refused)?;
        if write.stream != INSTALLATION {
            quota::admit(&state, &decision.changes).map_err(Fault::Refused)?;
            // What the server does by itself ends things.
            if write.actor.is_some() {
                let now = write.now.elapsed();
                quota::admit_entries(&state, &decision.changes, now).map_err(Fault::Refused)?;
            }
        }
        let mut counted = Counted::default();
        let (mut head, mut state, written) = self
            .store(write, head, state, decision, &mut counted)
            .map_err(Fault::Batch)?;
        let used = &mut state.used;
        for (quota, by) in counted.take(write.stream) {
            used.add(quota, by);
        }
        head.grown.payload_bytes += counted.payload_bytes;
        let most = state.quotas.limit(Quota::EndedLeases);
        if used.of(Quota::EndedLeases) > most {
            let more = used.of(Quota::EndedLeases) - most;
            let gone = ended::drop_oldest(self.database, write.stream, more)?;
            used.add(Quota::EndedLeases, -i64::try_from(gone).unwrap_or_default());
            head.grown.ended_leases_dropped += gone as u64;
            counted.has_erased |= gone > 0;
        }
        self.has_erased |= counted.has_erased;
        if self.keep_answer(write, &written).map_err(Fault::Batch)? && !replaces {
            state.used.more(Quota::KeptAnswers);
        }
        head.take_up(&state);
        self.heads.put(write.stream, head);
        self.count_elsewhere(counted)?;
        Ok(written)
    }

    /// Counts what came and went of other organizations than the write's.
    fn count_elsewhere(&mut self, mut counted: Counted) -> Result<(), Fault> {
        for organization in counted.organizations() {
            if let Some(mut head) = self.heads.get(self.database, organization)? {
                for (quota, by) in counted.take(organization) {
                    head.used.add(quota, by);
                }
                self.heads.put(organization, head);
            }
        }
        Ok(())
    }

    fn store(
        &mut self,
        write: &Write,
        mut head: HeadRow,
        mut state: Box<State>,
        decision: Decision<Outcome>,
        counted: &mut Counted,
    ) -> Result<(HeadRow, Box<State>, Written), BatchError> {
        let figured = Figured::before(&state);
        let (decision, outcome) = decision.split();
        let mut entries = Vec::with_capacity(decision.changes.len());
        for change in decision.changes {
            let position = head.head.position + 1;
            let (stream, at, actor) = (write.stream, write.now.wall(), write.actor);
            let before = Before::of(&state, &change);
            state.apply(position, at, &change);
            if let Some(breach) = state.breach(&change) {
                return Err(BatchError::Write(breach));
            }
            carry_out_change(self, stream, at, &before, &state, &change)?;
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
            head.grown.entry_bytes += body.len() as u64;
            head.grown.entries += 1;
            state.used.more(Quota::EntriesPerDay);
            if matches!(entry.change, Change::LeaseEnded { .. }) {
                state.used.more(Quota::EndedLeases);
            }
            rows::append(self.database, &entry, head.head.hash, &body)?;
            entries.push(entry);
        }
        for record in &decision.records {
            let (stream, now) = (write.stream, &write.now);
            carry_out_record(self, stream, now, &state, record, counted)?;
            state.note(record);
        }
        carry_out_figures(self, write.stream, &figured, &state)?;
        let outcome = guarded(|| outcome(&state)).map_err(BatchError::Write)?;
        let applications = match entries.is_empty() {
            true => Vec::new(),
            false => state.applications.keys().cloned().collect(),
        };
        let written = Written {
            outcome: outcome.map_err(|error| BatchError::Write(error.to_string()))?,
            entries,
            records: decision.records,
            over_quota: decision.over_quota,
            applications,
        };
        Ok((head, state, written))
    }

    /// The head row, which every write of the stream goes through.
    fn head(&mut self, stream: Uuid) -> Result<HeadRow, Fault> {
        let known = self.heads.get(self.database, stream)?;
        let live = known.filter(|head| !head.removed);
        live.ok_or_else(|| Fault::Refused(Error::no_organization(stream.to_string())))
    }

    /// The installation's `basis_changed`, if it is asked for.
    fn trust_changed(&mut self, facts: &[Fact]) -> Sql<u64> {
        if !facts.iter().any(|fact| matches!(fact, Fact::Trust)) {
            return Ok(0);
        }
        let installation = self.heads.get(self.database, INSTALLATION)?;
        Ok(installation.map_or(0, |row| row.basis_changed))
    }

    /// Whether something that named somebody was erased, of which nothing may be left.
    pub(super) fn has_erased(&self) -> bool {
        self.has_erased
    }

    /// Stores where the streams end now.
    pub(super) fn store_heads(&self) -> Sql<()> {
        self.heads.store(self.database)
    }

    /// Refuses a twin, and a request whose answer cannot be kept; says whether the answer will take the
    /// place of one that has ended.
    fn check_unanswered(
        &self,
        idempotent: &Idempotent,
        write: &Write,
        head: &HeadRow,
    ) -> Result<bool, Fault> {
        match answers::find(self.database, &idempotent.key, write.now.elapsed())? {
            Found::Kept => Err(Fault::Refused(Error::IdempotencyTwin)),
            Found::Ended => Ok(true),
            Found::Nothing if write.stream == INSTALLATION => Ok(false),
            Found::Nothing => {
                let room = quota::room_for_answer(&head.quotas, &head.used);
                room.map_err(Fault::Refused).map(|()| false)
            }
        }
    }

    /// Keeps the answer to an idempotent request, and says whether there was one to keep.
    fn keep_answer(&self, write: &Write, written: &Written) -> Result<bool, BatchError> {
        let Some(idempotent) = &write.idempotent else {
            return Ok(false);
        };
        let before = idempotent.before.iter().map(Arc::as_ref);
        let parts: Vec<&Written> = before.chain([written]).collect();
        let answer = guarded(|| (idempotent.render)(&parts)).map_err(BatchError::Write)?;
        if let Some(answer) = &answer {
            answers::keep(self.database, &idempotent.key, answer, write, &parts)?;
        }
        Ok(answer.is_some())
    }
}

impl Database for Batch<'_> {
    type Error = rusqlite::Error;
}

fn decide(write: &Write, state: &State) -> Result<Decision<Outcome>, Error> {
    guarded(|| write.rule.decide(state)).map_err(Error::internal)?
}

/// A fault in a rule is the fault of one write, not the end of the writer.
fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        format!("a rule panicked: {}", text.unwrap_or_default())
    })
}

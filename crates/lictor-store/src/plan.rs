//! The order of a write, once for every backend: head row, idempotency, facts, rule, and for each change the
//! state, its breach, the rows and the entry; then records, figures, the kept answer and the head row.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use lictor_core::change::Change;
use lictor_core::decision::Decision;
use lictor_core::digest::Digest;
use lictor_core::elapsed::Elapsed;
use lictor_core::facts::lease::holder_key;
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::facts::quota::Quota;
use lictor_core::ledger::Entry;
use lictor_core::record::Record;
use lictor_core::rules::quota;
use lictor_core::state::State;
use lictor_core::{Error, Timestamp};
use uuid::Uuid;

use crate::at_once::DROPPED_ENDED_LEASES;
use crate::effects::{
    Add, BatchError, Before, Counted, Figured, Put, Rows, carry_out_change, carry_out_figures,
    carry_out_record,
};
use crate::facts::{self, FactReads};
use crate::head_row::HeadRow;
use crate::{ANSWER_KEPT_SECONDS, Answer, IdempotencyKey, Idempotent, Outcome, Write, Written};

/// What a backend can do within the transaction of a batch. A write is under the lock of the head row of its
/// stream. What it changes of another organization says which head row it locks besides, such as
/// [`Add::Used`](crate::effects::Add::Used).
pub(crate) trait Backend: FactReads + Rows {
    /// Locks the head row of the write's stream until the commit, and gives it as the batch has left it; none if
    /// there is no such stream. Every write of the stream begins with this, and waits here for the one before it.
    fn lock_head(&mut self, stream: Uuid) -> Result<Option<HeadRow>, Self::Error>;

    /// Takes the changed head row, which is stored at the end of the batch at the latest. A write ends with this
    /// if it has changes, records or an answer to keep, and not if it decided nothing: so a number that a backend
    /// raises here rises with all that is stored.
    fn put_head(&mut self, stream: Uuid, row: HeadRow) -> Result<(), Self::Error>;

    /// Whether there is an answer of a stream under an idempotency key. The lock of the head row keeps a request
    /// and its twin apart: the second of them finds the answer of the first.
    fn find_answer(
        &mut self,
        stream: Uuid,
        key: &IdempotencyKey,
        now: Elapsed,
    ) -> Result<Found, Self::Error>;

    /// Stores an answer, in the place of one that has expired.
    fn keep_answer(&mut self, kept: &KeptAnswer<'_>) -> Result<(), Self::Error>;

    /// Appends an entry, whose text is `body`, to its ledger.
    fn append(&mut self, entry: &Entry, hash: Digest, body: &str) -> Result<(), Self::Error>;

    /// Drops at most so many of the leases that ended, the oldest of the application that has the oldest; gives
    /// when each of them ended.
    fn drop_oldest_ended(&mut self, stream: Uuid, most: u64)
    -> Result<Vec<Timestamp>, Self::Error>;

    /// Notes that a name was erased, so that no copy of it may stay in the files of the database.
    fn note_erased(&mut self);
}

/// Whether there is an answer under an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// No answer.
    Nothing,
    /// One that has expired; a new one takes its place.
    Expired,
    /// One that is still valid.
    Valid,
}

/// An answer as it is stored.
#[derive(Debug)]
pub(crate) struct KeptAnswer<'a> {
    /// The stream that was written to.
    pub(crate) stream: Uuid,
    /// The key by which it is found.
    pub(crate) key: &'a IdempotencyKey,
    /// The answer itself.
    pub(crate) answer: &'a Answer,
    /// When it expires.
    pub(crate) expires_at: Elapsed,
    /// Whose name is in it.
    pub(crate) subject: Option<Subject>,
}

/// Whose name is in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// That of the holder of leases with this key.
    Holder(String),
    /// That of an account.
    Account(Uuid),
}

/// Why a write was not stored.
pub(crate) enum Fault<E> {
    /// The rule or the store refuses it, before anything of it was written; the batch goes on.
    Refused(Error),
    /// The batch is to be rolled back.
    Batch(BatchError<E>),
}

impl<E> From<E> for Fault<E> {
    fn from(error: E) -> Self {
        Self::Batch(BatchError::Database(error))
    }
}

/// Runs one write within the transaction of its batch. It changes nothing before it refuses, so that a batch
/// needs no savepoints.
///
/// # Errors
/// [`Fault`]: this write is refused, or the whole batch is lost.
pub(crate) fn run<B: Backend>(backend: &mut B, write: &Write) -> Result<Written, Fault<B::Error>> {
    let live = backend.lock_head(write.stream)?;
    let live = live.filter(|head| !head.removed);
    let unknown = || Fault::Refused(Error::no_organization(write.stream.to_string()));
    let mut head = live.ok_or_else(unknown)?;
    head.begin_day(write.now.elapsed());
    let mut replaces = false;
    if let Some(idempotent) = &write.idempotent {
        replaces = check_unanswered(backend, idempotent, write, &head)?;
    }
    let mut state = Box::<State>::default();
    head.give(&mut state);
    facts::load(backend, write.stream, &write.facts, &mut state)?;
    let decision = decide(write, &state).map_err(Fault::Refused)?;
    admit(write, &state, &decision).map_err(Fault::Refused)?;
    let mut counted = Counted::default();
    let written = store(
        backend,
        write,
        &mut head,
        &mut state,
        decision,
        &mut counted,
    )
    .map_err(Fault::Batch)?;
    let is_kept = keep_answer(backend, write, &written).map_err(Fault::Batch)?;
    if is_kept && !replaces {
        state.used.more(Quota::KeptAnswers);
    }
    if is_kept || !written.entries.is_empty() || !written.records.is_empty() {
        end(backend, write.stream, (head, state), counted).map_err(Fault::Batch)?;
    }
    Ok(written)
}

/// Ends a write that has stored something: with the figures of its organization and of others.
fn end<B: Backend>(
    backend: &mut B,
    stream: Uuid,
    (mut head, mut state): (HeadRow, Box<State>),
    mut counted: Counted,
) -> Result<(), BatchError<B::Error>> {
    head.grown.payload_bytes += counted.payload_bytes;
    count_own(backend, stream, &mut head, &mut state, &mut counted)?;
    if counted.has_erased {
        backend.note_erased();
    }
    head.take_up(&state);
    backend.put_head(stream, head)?;
    for (organization, quota, by) in counted.rest() {
        backend.add(stream, &Add::Used(organization, quota, by))?;
    }
    Ok(())
}

/// Refuses what goes beyond a quota.
fn admit(write: &Write, state: &State, decision: &Decision<Outcome>) -> Result<(), Error> {
    if write.stream == INSTALLATION {
        return Ok(());
    }
    quota::admit(state, &decision.changes)?;
    // What the server does by itself ends things.
    match write.actor {
        Some(_) => quota::admit_entries(state, &decision.changes, write.now.elapsed()),
        None => Ok(()),
    }
}

/// Applies and stores what was decided.
fn store<B: Backend>(
    backend: &mut B,
    write: &Write,
    head: &mut HeadRow,
    state: &mut State,
    decision: Decision<Outcome>,
    counted: &mut Counted,
) -> Result<Written, BatchError<B::Error>> {
    let (stream, at, actor) = (write.stream, write.now.wall(), write.actor);
    let figured = Figured::before(state);
    let (decision, outcome) = decision.split();
    let mut entries = Vec::with_capacity(decision.changes.len());
    for change in decision.changes {
        let position = head.head.position + 1;
        let before = Before::of(state, &change);
        state.apply(position, at, &change);
        if let Some(breach) = state.breach(&change) {
            return Err(BatchError::Write(breach));
        }
        carry_out_change(backend, stream, at, &before, state, &change)?;
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
        backend.append(&entry, head.head.hash, &body)?;
        entries.push(entry);
    }
    for record in &decision.records {
        carry_out_record(backend, stream, &write.now, state, record, counted)?;
        state.note(record);
    }
    carry_out_figures(backend, stream, &figured, state)?;
    let outcome = guarded(|| outcome(state)).map_err(BatchError::Write)?;
    let applications = match entries.is_empty() {
        true => Vec::new(),
        false => state.applications.keys().cloned().collect(),
    };
    Ok(Written {
        outcome: outcome.map_err(|error| BatchError::Write(error.to_string()))?,
        entries,
        records: decision.records,
        over_quota: decision.over_quota,
        applications,
    })
}

/// Adds what the records have counted to the usage of the write's own organization. Where there are more ended leases
/// than their quota, the oldest are dropped.
fn count_own<B: Backend>(
    backend: &mut B,
    stream: Uuid,
    head: &mut HeadRow,
    state: &mut State,
    counted: &mut Counted,
) -> Result<(), BatchError<B::Error>> {
    let used = &mut state.used;
    for (quota, by) in counted.take(stream) {
        used.add(quota, by);
    }
    let most = state.quotas.limit(Quota::EndedLeases);
    if used.of(Quota::EndedLeases) > most {
        let more = used.of(Quota::EndedLeases) - most;
        let ends = backend.drop_oldest_ended(stream, more.min(DROPPED_ENDED_LEASES as u64))?;
        if let Some(last) = ends.iter().max() {
            backend.put(
                stream,
                &Put::EndedLeasesKept(stream, last.saturating_add(1)),
            )?;
        }
        let gone = ends.len();
        used.add(Quota::EndedLeases, -i64::try_from(gone).unwrap_or_default());
        head.grown.ended_leases_dropped += gone as u64;
        counted.has_erased |= gone > 0;
    }
    Ok(())
}

/// Refuses a twin, and a request whose answer cannot be kept; returns whether the answer will take the place of one
/// that has expired.
fn check_unanswered<B: Backend>(
    backend: &mut B,
    idempotent: &Idempotent,
    write: &Write,
    head: &HeadRow,
) -> Result<bool, Fault<B::Error>> {
    match backend.find_answer(write.stream, &idempotent.key, write.now.elapsed())? {
        Found::Valid => Err(Fault::Refused(Error::IdempotencyTwin)),
        Found::Expired => Ok(true),
        Found::Nothing if write.stream == INSTALLATION => Ok(false),
        Found::Nothing => {
            let room = quota::room_for_answer(&head.quotas, &head.used);
            room.map_err(Fault::Refused).map(|()| false)
        }
    }
}

/// Keeps the answer to an idempotent request; returns whether there was one to keep.
fn keep_answer<B: Backend>(
    backend: &mut B,
    write: &Write,
    written: &Written,
) -> Result<bool, BatchError<B::Error>> {
    let Some(idempotent) = &write.idempotent else {
        return Ok(false);
    };
    let before = idempotent.before.iter().map(Arc::as_ref);
    let parts: Vec<&Written> = before.chain([written]).collect();
    let answer = guarded(|| (idempotent.render)(&parts)).map_err(BatchError::Write)?;
    if let Some(answer) = &answer {
        backend.keep_answer(&KeptAnswer {
            stream: write.stream,
            key: &idempotent.key,
            answer,
            expires_at: write.now.elapsed().plus(ANSWER_KEPT_SECONDS),
            subject: subject(parts.iter().flat_map(|part| &part.records)),
        })?;
    }
    Ok(answer.is_some())
}

/// Whose name is in the answer to a write: that of the one lease or the one account that it stored. Of many
/// accounts none is named; such answers are kept without their e-mails.
fn subject<'a>(records: impl Iterator<Item = &'a Record>) -> Option<Subject> {
    let mut named = records.filter_map(|record| match record {
        Record::Lease { terms, .. } => Some(Subject::Holder(holder_key(&terms.holder))),
        Record::Identity { id, .. } => Some(Subject::Account(*id)),
        _ => None,
    });
    let first = named.next();
    first.filter(|_| named.next().is_none())
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

//! A batch of writes in one transaction: what the order of a write asks of SQLite.

use lictor_core::Timestamp;
use lictor_core::digest::Digest;
use lictor_core::elapsed::Elapsed;
use lictor_core::ledger::Entry;
use rusqlite::Connection;
use uuid::Uuid;

use super::heads::Heads;
use super::rows::{self, DecodedKeys, Sql};
use super::{answers, ended};
use crate::IdempotencyKey;
use crate::effects::{self, Database};
use crate::head_row::HeadRow;
use crate::plan::{Backend, Found, KeptAnswer};

/// Why a batch was not stored.
pub(super) type BatchError = effects::BatchError<rusqlite::Error>;

/// A transaction that has begun. There are no savepoints in it: SQLite would copy each page before its first
/// change.
pub(super) struct Transaction<'a> {
    pub(super) database: &'a Connection,
    /// The head rows. SQLite has one writer, which is their lock.
    heads: &'a mut Heads,
    /// What the writes so far have read of the trusted keys.
    pub(super) decoded: DecodedKeys,
    /// Whether something that named somebody was erased.
    has_erased: bool,
}

impl<'a> Transaction<'a> {
    /// That of `database`.
    pub(super) fn new(database: &'a Connection, heads: &'a mut Heads) -> Self {
        Self {
            database,
            heads,
            decoded: DecodedKeys::default(),
            has_erased: false,
        }
    }

    /// Whether something that named somebody was erased, of which nothing may be left.
    pub(super) fn has_erased(&self) -> bool {
        self.has_erased
    }

    /// Stores where the streams end now.
    pub(super) fn store_heads(&self) -> Sql<()> {
        self.heads.store(self.database)
    }
}

impl Database for Transaction<'_> {
    type Error = rusqlite::Error;
}

impl Backend for Transaction<'_> {
    fn head(&mut self, stream: Uuid) -> Sql<Option<HeadRow>> {
        self.heads.get(self.database, stream)
    }

    fn put_head(&mut self, stream: Uuid, row: HeadRow) -> Sql<()> {
        self.heads.put(stream, row);
        Ok(())
    }

    fn find_answer(&mut self, key: &IdempotencyKey, now: Elapsed) -> Sql<Found> {
        answers::find(self.database, key, now)
    }

    fn keep_answer(&mut self, kept: &KeptAnswer<'_>) -> Sql<()> {
        answers::keep(self.database, kept).map(drop)
    }

    fn append(&mut self, entry: &Entry, hash: Digest, body: &str) -> Sql<()> {
        rows::append(self.database, entry, hash, body)
    }

    fn drop_oldest_ended(&mut self, stream: Uuid, most: u64) -> Sql<Vec<Timestamp>> {
        ended::drop_oldest(self.database, stream, most)
    }

    fn note_erased(&mut self) {
        self.has_erased = true;
    }
}

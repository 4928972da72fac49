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
use crate::effects::{self, HasError};
use crate::head_row::HeadRow;
use crate::plan::{Backend, Found, KeptAnswer};

/// Why a batch was not stored.
pub(super) type BatchError = effects::BatchError<rusqlite::Error>;

/// A transaction that has begun. There are no savepoints in it: SQLite would copy each page before its first
/// change.
pub(super) struct Transaction<'a> {
    pub(super) database: &'a Connection,
    /// The head rows. SQLite has one writer, which is their lock.
    pub(super) heads: &'a mut Heads,
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

impl HasError for Transaction<'_> {
    type Error = rusqlite::Error;
}

impl Backend for Transaction<'_> {
    fn lock_head(&mut self, stream: Uuid) -> Sql<Option<HeadRow>> {
        self.heads.get(self.database, stream)
    }

    fn put_head(&mut self, stream: Uuid, row: HeadRow) -> Sql<()> {
        self.heads.put(stream, row);
        Ok(())
    }

    // An answer is found by its key alone, whose route names the organization.
    fn find_answer(&mut self, _: Uuid, key: &IdempotencyKey, now: Elapsed) -> Sql<Found> {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lictor_core::decision::Decision;
    use lictor_core::elapsed::Now;
    use lictor_core::facts::organization::INSTALLATION;
    use lictor_core::record::Record;

    use super::*;
    use crate::sqlite::open;
    use crate::{Answer, Fact, Idempotent, Rule, Write, plan};

    /// How many rows the write of a rule changes that decides these records.
    fn changed(records: Vec<Record>, idempotent: Option<Idempotent>) -> u64 {
        let database = open::migrated(open::known_schema()).expect("migrates");
        let before = database.total_changes();
        let write = Write {
            stream: INSTALLATION,
            actor: None,
            now: Now::at(0),
            facts: vec![Fact::Trust],
            rule: Rule::new(move |_| {
                let mut decision = Decision::nothing();
                decision.records.clone_from(&records);
                Ok(decision)
            }),
            idempotent,
        };
        let mut heads = Heads::default();
        let mut transaction = Transaction::new(&database, &mut heads);
        assert!(plan::run(&mut transaction, &write).is_ok());
        transaction.store_heads().expect("writes");
        database.total_changes() - before
    }

    #[test]
    fn a_head_row_is_changed_by_what_is_stored_alone() {
        assert_eq!(changed(Vec::new(), None), 0);
        assert_eq!(changed(vec![Record::ExpiredDropped], None), 1);
        let kept = Idempotent {
            key: IdempotencyKey {
                token: Uuid::nil(),
                route: "POST /v1/x".to_owned(),
                key: "k".to_owned(),
                request_sha256: [0; 32],
            },
            render: Arc::new(|_| {
                let body = String::new();
                Some(Answer { status: 200, body })
            }),
            before: Vec::new(),
        };
        assert_eq!(changed(Vec::new(), Some(kept)), 2, "the answer, too");
    }
}

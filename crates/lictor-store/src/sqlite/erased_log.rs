//! SQLite's log after something was erased: what it was stands there until the log is emptied, which is seen
//! to within a minute.

use std::time::{Duration, Instant};

use rusqlite::Connection;

/// How long the log is left alone once it was emptied, so that who erases much does not stop the rest.
const REST: Duration = Duration::from_secs(20);

/// When it is tried again where somebody still reads what is in the log.
const AGAIN: Duration = Duration::from_secs(5);

/// How long it is waited for those who still read what is in the log: whoever begins to read meanwhile reads
/// the file alone, so short reads are over by then, however many there are.
const PATIENCE: Duration = Duration::from_millis(20);

/// What is to be done about the log.
#[derive(Default)]
pub(super) struct ErasedLog {
    due: Option<Instant>,
    emptied: Option<Instant>,
}

impl ErasedLog {
    /// What is to be done after a start: the log of a process that was killed may hold what it had erased.
    pub(super) fn after_start(database: &Connection) -> Self {
        let mut log = Self {
            due: Some(Instant::now()),
            emptied: None,
        };
        log.empty_if_due(database);
        // What is erased next need not wait for it.
        log.emptied = None;
        log
    }

    /// Notes that the log holds something that was erased.
    pub(super) fn note_erased(&mut self) {
        let now = Instant::now();
        let rested = self.emptied.map_or(now, |emptied| now.max(emptied + REST));
        self.due.get_or_insert(rested);
    }

    /// When it is to be emptied next.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Moves what is in the log into the file and cuts it off, if it is time.
    pub(super) fn empty_if_due(&mut self, database: &Connection) {
        let now = Instant::now();
        if self.due.is_none_or(|due| now < due) {
            return;
        }
        self.due = match empty(database) {
            Ok(true) => {
                self.emptied = Some(now);
                None
            }
            Ok(false) => Some(now + AGAIN),
            Err(error) => {
                tracing::warn!(%error, "the log still holds what was erased");
                Some(now + AGAIN)
            }
        };
    }
}

/// Whether it could be emptied. Nobody is waited for longer: all writes wait with it.
fn empty(database: &Connection) -> rusqlite::Result<bool> {
    let usual: u32 = database.pragma_query_value(None, "busy_timeout", |row| row.get(0))?;
    database.busy_timeout(PATIENCE)?;
    let emptied = database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        row.get(0).map(|busy: bool| !busy)
    });
    database.busy_timeout(Duration::from_millis(usual.into()))?;
    emptied
}

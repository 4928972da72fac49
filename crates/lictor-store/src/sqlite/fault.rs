//! What SQLite and the migrations refuse, in our words and with what to do next. What they say themselves goes
//! to the log alone.

use std::error::Error;

use rusqlite::{ErrorCode, ffi};

use crate::open_error::{DatabaseErrorKind, OpenError};

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        tracing::debug!(%error, "SQLite refused");
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt(DAMAGED_PAGES.to_owned())
            }
            _ => Self::Database {
                reason: of_sqlite(&error),
                kind: kind(&error),
                source: error.into(),
            },
        }
    }
}

/// What follows from an error of SQLite.
fn kind(error: &rusqlite::Error) -> DatabaseErrorKind {
    if extended(error) == Some(ffi::SQLITE_IOERR_GETTEMPPATH) {
        return DatabaseErrorKind::NoTemporaryFolder;
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => DatabaseErrorKind::DiskFull,
        _ => DatabaseErrorKind::Other,
    }
}

impl From<refinery::Error> for OpenError {
    fn from(error: refinery::Error) -> Self {
        tracing::debug!(%error, "a migration failed");
        Self::Migration {
            reason: of_migration(&error),
            source: error.into(),
        }
    }
}

/// How far an error of SQLite reaches.
pub(super) enum Severity {
    /// The disk is full; room may be made.
    Full,
    /// The disk or the file cannot be trusted any more.
    Disk,
    /// A fault of ours, or another process that has locked the database.
    Other,
}

/// How far an error of SQLite reaches.
pub(super) fn severity(error: &rusqlite::Error) -> Severity {
    let Some(error) = error.sqlite_error() else {
        return Severity::Other;
    };
    match (error.code, error.extended_code) {
        // The index of the log could not grow: the same full disk by another name.
        (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => Severity::Full,
        (
            ErrorCode::SystemIoFailure
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::ReadOnly,
            _,
        ) => Severity::Disk,
        _ => Severity::Other,
    }
}

/// What is said of a database whose pages are not what they were.
pub(super) const DAMAGED_PAGES: &str = "its pages no longer fit together";

/// Why SQLite refuses, for who runs the server.
pub(super) fn of_sqlite(error: &rusqlite::Error) -> &'static str {
    match extended(error) {
        Some(ffi::SQLITE_IOERR_LOCK | ffi::SQLITE_IOERR_RDLOCK | ffi::SQLITE_IOERR_UNLOCK) => {
            return "its file system refuses to lock files, as network file systems do (NFS without \
                    locks, SMB); put the folder on a local one, such as ext4 or XFS";
        }
        Some(ffi::SQLITE_IOERR_SHMMAP | ffi::SQLITE_IOERR_SHMLOCK) => {
            return "its file system refuses memory that processes share, as network file systems do \
                    (9p, SMB); put the folder on a local one, such as ext4 or XFS";
        }
        Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC) => {
            return "its file system refuses to sync files, as network file systems do, or the disk \
                    fails; look at the system's log, and put the folder on a local one, such as ext4 \
                    or XFS";
        }
        _ => {}
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full; make room on it",
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            "its file or folder may not be read or written by who runs this; change their owner or \
             mode"
        }
        Some(ErrorCode::SystemIoFailure) => {
            "the disk fails; look at it and at the system's log, and restore a backup on another one"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program has it open, such as one that copies it; stop that"
        }
        Some(ErrorCode::OutOfMemory) => "there is no memory left; make some free",
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "its pages no longer fit together; restore a backup into a new folder"
        }
        _ => {
            "what is in it cannot be read; run `lictor check --data DIR`, and restore a backup into a \
             new folder if it finds damage"
        }
    }
}

/// SQLite's own code, in full.
fn extended(error: &rusqlite::Error) -> Option<i32> {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => Some(failure.extended_code),
        _ => None,
    }
}

/// Why a migration failed, for who runs the server.
pub(super) fn of_migration(error: &refinery::Error) -> &'static str {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<rusqlite::Error>() {
            return of_sqlite(error);
        }
        cause = error.source();
    }
    "its list of migrations is not what this version made; restore a backup into a new folder"
}

/// What a line of SQLite's own check says.
pub(super) fn of_integrity(line: &str) -> String {
    let name_after = |words: &str| {
        let (_, rest) = line.rsplit_once(words)?;
        let name = rest.split([' ', '.', ':']).next()?;
        Some(name.escape_debug().to_string())
    };
    if let Some(index) = name_after(" index ") {
        return format!("the database file: the index {index} is not what its table holds");
    }
    if let Some(table) = name_after("constraint failed in ").or_else(|| name_after(" value in ")) {
        return format!("the database file: the table {table} holds what it may not");
    }
    format!("the database file: {DAMAGED_PAGES}")
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn every_refusal_of_sqlite_has_words_of_ours_and_what_to_do() {
        for code in 1..=26 {
            let failure = ffi::Error::new(code);
            let error = rusqlite::Error::SqliteFailure(failure, Some("SQL logic error".to_owned()));
            let said = of_sqlite(&error);
            assert!(said.contains("; "), "{code}: {said}");
            assert!(!said.contains("SQL"), "{code}: {said}");
        }
    }

    #[test]
    fn a_file_system_that_does_not_lock_sync_or_share_is_named_by_what_sqlite_says() {
        for (code, refused) in [
            (ffi::SQLITE_IOERR_LOCK, "refuses to lock"),
            (ffi::SQLITE_IOERR_RDLOCK, "refuses to lock"),
            (ffi::SQLITE_IOERR_SHMMAP, "refuses memory"),
            (ffi::SQLITE_IOERR_SHMLOCK, "refuses memory"),
            (ffi::SQLITE_IOERR_FSYNC, "refuses to sync"),
            (ffi::SQLITE_IOERR_DIR_FSYNC, "refuses to sync"),
        ] {
            let said = of_sqlite(&rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
            let advice = "put the folder on a local one";
            assert!(
                said.contains(refused) && said.contains(advice),
                "{code}: {said}"
            );
        }
    }

    #[test]
    fn a_check_without_room_for_what_it_puts_aside_blames_no_database() {
        let of = |code| {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            OpenError::from(error).of_check()
        };
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_GETTEMPPATH] {
            let said = of(code).to_string();
            assert!(said.contains("TMPDIR"), "{code}: {said}");
        }
        let said = of(ffi::SQLITE_IOERR_READ).to_string();
        assert!(said.contains("the disk fails"), "{said}");
    }

    #[test]
    fn what_the_check_of_sqlite_finds_is_named_by_index_and_table() {
        let database = Connection::open_in_memory().expect("opens");
        database
            .execute_batch(
                "CREATE TABLE numbers (n INTEGER NOT NULL CHECK (n > 0)) STRICT;
                 CREATE INDEX by_number ON numbers (n);
                 PRAGMA ignore_check_constraints = 1;
                 INSERT INTO numbers VALUES (7), (-1);
                 PRAGMA writable_schema = 1;
                 DELETE FROM sqlite_schema WHERE name = 'by_number';
                 PRAGMA writable_schema = RESET;
                 INSERT INTO numbers VALUES (8);
                 PRAGMA writable_schema = 1;
                 INSERT INTO sqlite_schema VALUES
                     ('index', 'by_number', 'numbers', 3, 'CREATE INDEX by_number ON numbers (n)');
                 PRAGMA writable_schema = RESET;
                 PRAGMA ignore_check_constraints = 0;",
            )
            .expect("damages");
        let mut check = database.prepare("PRAGMA integrity_check").expect("is SQL");
        let lines = check.query_map([], |row| row.get::<_, String>(0));
        let said: Vec<String> = lines
            .expect("checks")
            .map(|line| of_integrity(&line.expect("a line")))
            .collect();
        for words in [
            "the index by_number is not what its table holds",
            "the table numbers holds what it may not",
        ] {
            assert!(said.iter().any(|line| line.ends_with(words)), "{said:?}");
        }
        let page = "*** in database main ***\nTree 5 page 5: btreeInitPage() returns error code 11";
        assert!(of_integrity(page).ends_with(DAMAGED_PAGES));
    }
}

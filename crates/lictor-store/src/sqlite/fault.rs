//! Why a data folder cannot be opened, copied into or checked, in our words and with what to do next.
//! What SQLite and the migrations say themselves goes to the log alone.

use std::error::Error;
use std::path::PathBuf;

use rusqlite::{ErrorCode, ffi};

/// Why a data folder could not be opened, copied into or checked.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("{folder} is in use by {holder}; stop it first, or choose another folder")]
    InUse {
        /// The data folder.
        folder: PathBuf,
        /// What the holder wrote about itself, such as `process 17, listening on 0.0.0.0:8001`.
        holder: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file has another one's name in its place.
    #[error(
        "{0} is a symbolic link, and nothing is written through one: put the file itself there, or name the folder that it is in"
    )]
    Link(PathBuf),
    /// What was written last is in a log that cannot be read where nothing can be written.
    #[error("{} holds what was written last, and cannot be read where nothing can be written: copy the whole folder to where it can be, and check the copy", log.display())]
    Unreadable {
        /// The log.
        log: PathBuf,
    },
    /// There is no database in the folder.
    #[error("there is no database in {0}")]
    Missing(PathBuf),
    /// There is a database in the folder already.
    #[error("{0} holds a database already; choose an empty folder")]
    Exists(PathBuf),
    /// A restore into the folder was cut off, so that its database is missing.
    #[error("a restore into {} was cut off, and nothing is in force there: run `lictor restore FILE --data {}` again, or remove {} to begin with nothing", folder.display(), folder.display(), draft.display())]
    HalfRestored {
        /// The folder.
        folder: PathBuf,
        /// The copy that has no name yet.
        draft: PathBuf,
    },
    /// There is something in a folder without a database, in which a new one would begin.
    #[error("{} holds {name:?} and no database: choose the folder of a server or an empty one, restore a backup into one, or start with --new if a new installation is to begin there", folder.display())]
    NotNew {
        /// The folder.
        folder: PathBuf,
        /// One of the names in it.
        name: String,
    },
    /// There is something else in a folder that must be empty.
    #[error("{} is not empty: it contains {name:?}; choose an empty folder, or one that does not \
             exist", folder.display())]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
        /// One of the names in it.
        name: String,
    },
    /// The file is no database of Lictor's.
    #[error("{0} is not a Lictor database, or no longer one: choose another file, or a backup")]
    Foreign(PathBuf),
    /// The database was written by a newer version.
    #[error("the database has schema {found}, this version knows {known}; run a newer version")]
    NewerSchema {
        /// The schema of the database.
        found: i64,
        /// The newest schema that this build knows.
        known: i64,
    },
    /// The database is damaged.
    #[error("the database is damaged ({0}); restore a backup into a new folder")]
    Corrupt(String),
    /// A backup is whole, but its rows are not what its ledger says.
    #[error("the backup does not agree with itself: {first} ({count} differences)")]
    Differs {
        /// The first difference.
        first: String,
        /// How many there are.
        count: usize,
    },
    /// It was told to stop.
    #[error("told to stop")]
    Stopped,
    /// There is no room for what a check puts aside, or no place.
    #[error(
        "nothing was found out: what a check puts aside cannot be written into the folder for temporary files; make room there, or name another folder in TMPDIR"
    )]
    NothingAside,
    /// SQLite refused something else.
    #[error("the database could not be opened: {}", of_sqlite(.0))]
    Database(rusqlite::Error),
    /// A migration failed; the database is as it was before.
    #[error(
        "the database could not be brought to the form of this version, and is as it was: {}",
        of_migration(.0)
    )]
    Migration(refinery::Error),
}

impl OpenError {
    /// Whether making room on the disk would help.
    pub(super) fn is_full_disk(&self) -> bool {
        match self {
            Self::Database(error) => error.sqlite_error_code() == Some(ErrorCode::DiskFull),
            Self::File { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
            _ => false,
        }
    }
}

/// Why a check ended, which writes nothing but what it puts aside.
pub(super) fn of_check(error: OpenError) -> OpenError {
    let is_placeless = match &error {
        OpenError::Database(error) => extended(error) == Some(ffi::SQLITE_IOERR_GETTEMPPATH),
        _ => false,
    };
    match is_placeless || error.is_full_disk() {
        true => OpenError::NothingAside,
        false => error,
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        tracing::debug!(%error, "SQLite refused");
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt(DAMAGED_PAGES.to_owned())
            }
            _ => Self::Database(error),
        }
    }
}

impl From<refinery::Error> for OpenError {
    fn from(error: refinery::Error) -> Self {
        tracing::debug!(%error, "a migration failed");
        Self::Migration(error)
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
    use rustix::io::Errno;

    use super::super::open::of_file_system;
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
    fn a_file_system_that_does_not_lock_sync_or_share_is_named() {
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
        for errno in [Errno::NOLCK, Errno::NOTSUP, Errno::NOSYS, Errno::INVAL] {
            let said = of_file_system(errno.into()).to_string();
            assert!(said.contains("refuses to lock or to sync"), "{said}");
        }
        for errno in [Errno::NOSPC, Errno::ACCESS, Errno::IO] {
            let said = of_file_system(errno.into()).to_string();
            assert!(!said.contains("file system"), "{said}");
        }
    }

    #[test]
    fn a_check_without_room_for_what_it_puts_aside_blames_no_database() {
        let of = |code| {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            of_check(OpenError::Database(error))
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

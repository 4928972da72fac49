//! Opening a database: it is made, recognized and migrated, and the end of its ledger is looked at. It reads no
//! business rows and changes none.

use std::fs::{File, OpenOptions};
use std::path::Path;

use lictor_core::digest::Digest;
use lictor_core::ledger::Head;
use lictor_planted as planted;
use refinery::{Migration, Target};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _};
use uuid::Uuid;

use super::connection::{configured, immutable, inspector, is_read_only, reader};
use super::folder::{
    BESIDE, DATABASE_FILE, beside, private, refuse_what_is_there, remove_left, sync_folder,
};
use super::{functions, restore};
use crate::New;
use crate::open_error::{OpenError, at, of_file_system};

mod embedded {
    refinery::embed_migrations!("migrations/sqlite");
}

/// `LICT`, as the foundation migration sets it.
const APPLICATION_ID: i64 = 1_279_869_780;

/// The newest schema this build knows: the number of its last migration.
pub(super) fn known_schema() -> i64 {
    let runner = embedded::migrations::runner();
    let versions = runner.get_migrations().iter().map(Migration::version);
    versions.max().map_or(0, i64::from)
}

/// How many of the last entries are looked at when a database is opened.
const QUICK_CHECK_ENTRIES: u64 = 1_000;

/// Opens the database for its writer: makes it if there is none, migrates it, looks at its end.
pub(super) fn writer(folder: &Path, new: New<'_>) -> Result<Connection, OpenError> {
    let path = folder.join(DATABASE_FILE);
    for ending in BESIDE {
        let file = beside(&path, ending);
        if file.is_symlink() {
            return Err(OpenError::Link(file));
        }
    }
    if !path.try_exists().map_err(at(&path))? {
        restore::refuse_half_restored(folder)?;
        if let New::Beside(known) = new {
            refuse_what_is_there(folder, &path, known)?;
        }
        create(folder, &path)?;
    }
    existing(&path)
}

/// The file gets its name only when it is complete, so that an empty or half-made `lictor.db` is
/// never taken for a new one.
fn create(folder: &Path, path: &Path) -> Result<(), OpenError> {
    let log = beside(path, "-wal");
    if log.try_exists().map_err(at(&log))? {
        let reason = format!("{} is there, but not its database", log.display());
        return Err(OpenError::Corrupt(reason));
    }
    let draft = beside(path, ".new");
    remove_left(&draft)?;
    private(OpenOptions::new().write(true).create_new(true))
        .open(&draft)
        .map_err(at(&draft))?;
    planted::point("create.drafted");
    let mut connection = configured(&draft)?;
    migrate(&mut connection)?;
    planted::point("create.migrated");
    empty_log(&connection)?;
    connection.close().map_err(|(_, error)| error)?;
    put_log_away(&draft)?;
    planted::point("create.synced");
    std::fs::rename(&draft, path).map_err(at(path))?;
    planted::point("create.renamed");
    sync_folder(folder)
}

/// Opens a database that is there for its writer, and migrates it.
pub(super) fn existing(path: &Path) -> Result<Connection, OpenError> {
    let found = schema(path)?;
    let mut connection = configured(path)?;
    if found < known_schema() {
        migrate(&mut connection)?;
    }
    quick_check(&connection)?;
    Ok(connection)
}

/// Makes a database that nobody has open whole without a log beside it, durably.
pub(super) fn put_log_away(path: &Path) -> Result<(), OpenError> {
    let log = beside(path, "-wal");
    if log.try_exists().map_err(at(&log))? {
        let connection = configured(path)?;
        empty_log(&connection)?;
        connection.close().map_err(|(_, error)| error)?;
    }
    File::open(path)
        .and_then(|file| file.sync_all().map_err(of_file_system))
        .map_err(at(path))
}

/// Moves what is in the log into the file, or says why not: closing a connection does so too, but
/// keeps to itself that it failed.
fn empty_log(connection: &Connection) -> Result<(), OpenError> {
    let busy: bool =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy {
        let reason = "the log could not be moved into the new database".to_owned();
        return Err(OpenError::Corrupt(reason));
    }
    Ok(())
}

/// An empty database in memory, with the schema of this number.
pub(super) fn migrated(schema: i64) -> Result<Connection, OpenError> {
    let mut connection = Connection::open_in_memory()?;
    functions::register(&connection)?;
    embedded::migrations::runner()
        .set_grouped(true)
        .set_target(Target::Version(schema.try_into().unwrap_or_default()))
        .run(&mut connection)?;
    Ok(connection)
}

/// The database as this build would migrate it: a copy, gone when the folder is dropped.
pub(super) fn migrated_copy(
    connection: &Connection,
) -> Result<(tempfile::TempDir, Connection), OpenError> {
    let parent = std::env::temp_dir();
    let folder = tempfile::Builder::new()
        .prefix("lictor-check-")
        .tempdir_in(&parent)
        .map_err(at(&parent))?;
    let path = folder.path().join(DATABASE_FILE);
    connection.execute("VACUUM INTO ?1", [path.to_string_lossy()])?;
    let mut copy = configured(&path)?;
    migrate(&mut copy)?;
    Ok((folder, copy))
}

/// Brings a database to the newest schema.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    // All in one transaction: killed at any point, the old schema is still there.
    embedded::migrations::runner()
        .set_grouped(true)
        .run(connection)?;
    Ok(())
}

/// The database's schema, 1 to [`known_schema`], without touching the file.
pub(super) fn schema(path: &Path) -> Result<i64, OpenError> {
    recognized(&reader(path)?, path)
}

/// The schema of what is open here, if it is a database of Lictor's.
fn recognized(connection: &Connection, path: &Path) -> Result<i64, OpenError> {
    if std::fs::metadata(path).map_err(at(path))?.len() == 0 {
        return Err(OpenError::Corrupt(format!("{} is empty", path.display())));
    }
    let application: rusqlite::Result<i64> =
        connection.pragma_query_value(None, "application_id", |row| row.get(0));
    match application {
        Ok(APPLICATION_ID) => {}
        Ok(_) => return Err(OpenError::Foreign(path.to_owned())),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            return Err(OpenError::Foreign(path.to_owned()));
        }
        Err(error) => return Err(error.into()),
    }
    let known = known_schema();
    match connection.pragma_query_value(None, "user_version", |row| row.get(0))? {
        found if (1..=known).contains(&found) => Ok(found),
        found if found > known => Err(OpenError::NewerSchema { found, known }),
        found => Err(OpenError::Corrupt(format!("it has schema {found}"))),
    }
}

/// A connection for a check, also where nothing can be written, as on a file system that was mounted
/// to be read alone. There SQLite has no place to say what it reads.
pub(super) fn for_check(path: &Path) -> Result<Connection, OpenError> {
    let connection = inspector(path)?;
    match recognized(&connection, path) {
        Err(error) if wants_to_write(&error) && is_read_only(path) => {
            let connection = immutable(path)?;
            recognized(&connection, path)?;
            Ok(connection)
        }
        found => found.map(|_| connection),
    }
}

/// Whether SQLite could not write what it needs beside a database to read it.
fn wants_to_write(error: &OpenError) -> bool {
    let OpenError::Database { source, .. } = error else {
        return false;
    };
    let error = source.downcast_ref::<rusqlite::Error>();
    matches!(
        error.and_then(rusqlite::Error::sqlite_error_code),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)
    )
}

/// Looks at the last entries of the longest streams: that they are there, and chained.
fn quick_check(connection: &Connection) -> Result<(), OpenError> {
    let mut left = QUICK_CHECK_ENTRIES;
    let mut heads = connection
        .prepare("SELECT stream, position, hash FROM heads ORDER BY position DESC LIMIT ?1")?;
    let mut rows = heads.query([QUICK_CHECK_ENTRIES])?;
    while let (Some(row), true) = (rows.next()?, left > 0) {
        let head = Head {
            position: row.get(1)?,
            hash: Digest(row.get(2)?),
        };
        let first = head.position.saturating_sub(left);
        check_end(connection, row.get(0)?, first, head)?;
        left -= head.position - first;
    }
    Ok(())
}

fn check_end(
    connection: &Connection,
    stream: Uuid,
    after: u64,
    head: Head,
) -> Result<(), OpenError> {
    let broken = || OpenError::Corrupt(format!("the ledger of {stream} is broken near its end"));
    let before: Option<[u8; 32]> = connection
        .prepare_cached("SELECT hash FROM entries WHERE stream = ?1 AND position = ?2")?
        .query_row((stream, after), |row| row.get(0))
        .optional()?;
    let mut end = match before {
        Some(hash) => Head {
            position: after,
            hash: Digest(hash),
        },
        None if after == 0 => Head::EMPTY,
        None => return Err(broken()),
    };
    let mut entries = connection.prepare_cached(
        "SELECT body FROM entries WHERE stream = ?1 AND position > ?2 ORDER BY position",
    )?;
    let mut rows = entries.query((stream, after))?;
    while let Some(row) = rows.next()? {
        end = end.next(row.get_ref(0)?.as_str().map_err(|_| broken())?);
    }
    if end == head { Ok(()) } else { Err(broken()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::folder::make_folder;

    #[test]
    fn what_nothing_can_change_is_read_without_writing_beside_it() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("100 %? #1&é");
        make_folder(&folder).unwrap();
        writer(&folder, New::Beside(&[])).unwrap().close().unwrap();
        let path = folder.join(DATABASE_FILE);
        let (log, index) = (beside(&path, "-wal"), beside(&path, "-shm"));
        let connection = immutable(&path).unwrap();
        assert_eq!(recognized(&connection, &path).unwrap(), known_schema());
        assert!(!log.exists() && !index.exists());
        std::fs::write(&log, "").unwrap();
        assert!(immutable(&path).is_ok());
        std::fs::write(&log, "what was written last").unwrap();
        let refused = immutable(&path).unwrap_err().to_string();
        assert!(refused.contains("copy the whole folder"), "{refused}");
    }

    #[test]
    fn what_has_no_place_beside_a_database_is_told_apart_from_all_else() {
        use rusqlite::ffi::{self, SQLITE_BUSY, SQLITE_CANTOPEN, SQLITE_FULL, SQLITE_READONLY};
        for (code, wants) in [
            (SQLITE_CANTOPEN, true),
            (SQLITE_READONLY, true),
            (SQLITE_FULL, false),
            (SQLITE_BUSY, false),
        ] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!(wants_to_write(&error.into()), wants, "{code}");
        }
        assert!(!wants_to_write(&OpenError::Stopped));
    }
}

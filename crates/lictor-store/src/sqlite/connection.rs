//! Connections to a database file, each with the settings for what it is used for.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use lictor_planted as planted;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use rustix::fs::StatVfsMountFlags;

use super::folder::beside;
use super::functions;
use crate::Watch;
use crate::open_error::{OpenError, at};

/// How long the log of writes grows before it goes into the database, in pages: 16 MiB. What is written
/// again and again until then is written once.
const CHECKPOINT_PAGES: i64 = 4_096;

/// How much of the database the writer keeps in memory at most, in KiB. SQLite walks through all of
/// it after most commits, so that more is slower; what is not here the kernel has.
const WRITER_CACHE_KIB: i64 = 8_192;

/// How many statements a connection keeps planned: more than one is ever used for.
const STATEMENTS: usize = 256;

/// After how many steps of SQLite's it is looked whether it is to end: some dozens of rows, each of which may
/// be large.
const LOOKED_EVERY: i32 = 100;

/// A connection for the writer, of a file that is there.
pub(super) fn configured(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = connect(path, flags)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", synchronous())?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    // Always, not only while something is erased: rows move as others come and go, and leave copies.
    connection.pragma_update(None, "secure_delete", true)?;
    Ok(connection)
}

/// Every commit is flushed to the disk. The planted faults are what the test with power cuts must
/// find out.
fn synchronous() -> &'static str {
    if planted::is("synchronous-off") {
        "off"
    } else if planted::is("synchronous-normal") {
        "normal"
    } else {
        "full"
    }
}

/// A connection that cannot change the database.
pub(super) fn reader(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    connect(path, flags)
}

/// A connection that writes nothing, but for which SQLite reads what each column may hold: it leaves
/// that out of the schema of a file that it opens to be read alone (3.53, November 2026).
pub(super) fn inspector(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = connect(path, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Whatever runs on the connection ends soon after it is told to stop.
pub(super) fn end_when_told(database: &mut Connection, watch: &Watch) -> Result<(), OpenError> {
    let watch = watch.clone();
    database.progress_handler(LOOKED_EVERY, Some(move || watch.is_stopped()))?;
    Ok(())
}

/// The folder that a file is in may be reached through links, the file itself may be none.
fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, OpenError> {
    let (folder, name) = (path.parent(), path.file_name().unwrap_or_default());
    let folder = folder.filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new(".")).canonicalize();
    let file = folder.map_err(at(path))?.join(name);
    let flags = flags | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(&file, flags).map_err(|error| {
        if file.is_symlink() {
            OpenError::Link(path.to_owned())
        } else {
            error.into()
        }
    })?;
    settle(&connection)?;
    Ok(connection)
}

/// A connection to a database that nothing can change.
pub(super) fn immutable(path: &Path) -> Result<Connection, OpenError> {
    let log = beside(path, "-wal");
    if log.metadata().is_ok_and(|log| log.len() > 0) {
        return Err(OpenError::Unreadable { log });
    }
    let mut address = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' => address.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => address.push(char::from(*byte)),
            byte => address.push_str(&format!("%{byte:02x}")),
        }
    }
    address.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(address, flags)?;
    settle(&connection)?;
    Ok(connection)
}

/// Whether the file system was mounted to be read alone.
pub(super) fn is_read_only(path: &Path) -> bool {
    let mount = rustix::fs::statvfs(path);
    mount.is_ok_and(|mount| mount.f_flag.contains(StatVfsMountFlags::RDONLY))
}

/// The settings that all connections have.
fn settle(connection: &Connection) -> Result<(), OpenError> {
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    // Else SQLite plans a statement with `LIMIT ?` again each time that it is used.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    functions::register(connection)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_statement_is_planned_once_whatever_its_parameters_are() {
        let connection = Connection::open_in_memory().unwrap();
        settle(&connection).unwrap();
        connection
            .execute_batch("CREATE TABLE numbers (n INTEGER); INSERT INTO numbers VALUES (1), (2)")
            .unwrap();
        let mut page = connection
            .prepare("SELECT n FROM numbers WHERE n > ?1 LIMIT ?2")
            .unwrap();
        for limit in [1, 2, 3] {
            let rows = page
                .query_map([0, limit], |row| row.get::<_, i64>(0))
                .unwrap();
            assert_eq!(rows.count(), usize::try_from(limit.min(2)).unwrap());
        }
        assert_eq!(page.get_status(StatementStatus::RePrepare), 0);
    }
}

//! Opening a data folder: files and their modes, connection settings, the schema's version, and a
//! quick look at the ledger's end. It reads no business rows and changes none.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lictor_core::digest::Digest;
use lictor_core::ledger::Head;
use lictor_planted as planted;
use refinery::Target;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _};
use rustix::fs::{OFlags, StatVfsMountFlags};
use rustix::io::Errno;
use uuid::Uuid;

use super::fault::OpenError;
use super::lock::LOCK_FILE;
use super::{functions, restore};
use crate::Watch;

mod embedded {
    refinery::embed_migrations!("migrations/sqlite");
}

/// The database in the data folder.
pub const DATABASE_FILE: &str = "lictor.db";

/// What SQLite puts beside a file that it reads, and the file itself.
pub(super) const BESIDE: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// What a file system puts into its first folder.
pub(super) const LOST_AND_FOUND: &str = "lost+found";

/// `LICT`, as the foundation migration sets it.
const APPLICATION_ID: i64 = 1_279_869_780;

/// The newest schema this build knows: the number of its last migration.
pub(super) const KNOWN_SCHEMA: i64 = 24;

/// How long the log of writes grows before it goes into the database, in pages: 16 MiB. What is written
/// again and again until then is written once.
const CHECKPOINT_PAGES: i64 = 4_096;

/// How much of the database the writer keeps in memory at most, in KiB. SQLite walks through all of
/// it after most commits, so that more is slower; what is not here the kernel has.
const WRITER_CACHE_KIB: i64 = 8_192;

/// How many statements a connection keeps planned: more than one is ever used for.
const STATEMENTS: usize = 256;

/// How many of the last entries are looked at when a database is opened.
const QUICK_CHECK_ENTRIES: u64 = 1_000;

/// After how many steps of SQLite's it is looked whether it is to end: some dozens of rows, each of which may
/// be large.
const LOOKED_EVERY: i32 = 100;

/// How much room must be found on a disk that was full.
const PROBE_BYTES: usize = 256 * 1024;

/// Says at which path an I/O error happened.
pub(super) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| match source.raw_os_error() {
        Some(code) if code == Errno::LOOP.raw_os_error() => OpenError::Link(path),
        _ => OpenError::File { path, source },
    }
}

/// Only the owner may read what is created, and nothing is created or changed through a link.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    let no_links = OFlags::NOFOLLOW.bits().cast_signed();
    options.mode(0o600).custom_flags(no_links)
}

/// Whether there is room for some writes: a file as large as a batch or two is made, and removed.
pub(super) fn probe_room(folder: &Path) -> Result<(), OpenError> {
    let file = tempfile::Builder::new()
        .prefix(".probe-")
        .tempfile_in(folder);
    let written = file.and_then(|mut file| {
        file.write_all(&[0; PROBE_BYTES])?;
        file.as_file().sync_all().map_err(of_file_system)
    });
    written.map_err(at(folder))
}

/// Makes the data folder, readable to its owner alone, if it is not there.
pub(super) fn make_folder(folder: &Path) -> Result<(), OpenError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(folder).map_err(at(folder))
}

/// Tells the log of a folder in which everybody could put other files in the place of these.
pub(super) fn warn_if_shared(folder: &Path) -> Result<(), OpenError> {
    let mode = folder.metadata().map_err(at(folder))?.permissions().mode();
    if mode & 0o002 != 0 {
        tracing::warn!(
            folder = %folder.display(),
            "everybody can write to the data folder, and so replace what is in it; run `chmod o-w` \
             on it"
        );
    }
    Ok(())
}

/// Says what is wrong where a file system refuses to lock or to sync what others can.
pub fn of_file_system(error: std::io::Error) -> std::io::Error {
    let code = error.raw_os_error();
    let refusals = [Errno::NOLCK, Errno::NOTSUP, Errno::NOSYS, Errno::INVAL];
    if !refusals
        .iter()
        .any(|errno| code == Some(errno.raw_os_error()))
    {
        return error;
    }
    std::io::Error::new(
        error.kind(),
        format!(
            "its file system refuses to lock or to sync files ({error}), as network file systems do \
             (NFS without locks, SMB): put the folder on a local one, such as ext4 or XFS"
        ),
    )
}

/// Makes names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<(), OpenError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all().map_err(of_file_system))
        .map_err(at(folder))
}

/// A file that is written beside `path` under another name until it is whole.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Where a new database may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum New<'a> {
    /// Where nothing is but files of these names.
    Beside(&'a [&'a str]),
    /// Beside whatever is in the folder.
    Anywhere,
}

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

/// Refuses a folder with anything in it that no start of a server leaves before there is a database.
fn refuse_what_is_there(folder: &Path, path: &Path, known: &[&str]) -> Result<(), OpenError> {
    let draft = beside(path, ".new");
    for entry in std::fs::read_dir(folder).map_err(at(folder))? {
        let name = entry.map_err(at(folder))?.file_name();
        let of_draft = BESIDE
            .iter()
            .any(|ending| beside(&draft, ending).ends_with(&name));
        // A log without its database is told of as damage.
        let of_log = beside(path, "-wal").ends_with(&name);
        let is_known = known.iter().any(|known| name == *known);
        if !of_draft && !of_log && !is_known && name != LOCK_FILE && name != LOST_AND_FOUND {
            return Err(OpenError::NotNew {
                folder: folder.to_owned(),
                name: name.to_string_lossy().into_owned(),
            });
        }
    }
    Ok(())
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

/// Removes what is left of a draft whose process was killed: SQLite would take its log for the log of the
/// next one. The lock of the folder says that nobody uses it.
pub(super) fn remove_left(draft: &Path) -> Result<(), OpenError> {
    for ending in BESIDE {
        let left_over = beside(draft, ending);
        // A link that leads nowhere is there, too.
        if left_over.symlink_metadata().is_ok() {
            std::fs::remove_file(&left_over).map_err(at(&left_over))?;
        }
    }
    Ok(())
}

/// Opens a database that is there for its writer, and migrates it.
pub(super) fn existing(path: &Path) -> Result<Connection, OpenError> {
    let found = schema(path)?;
    let mut connection = configured(path)?;
    if found < KNOWN_SCHEMA {
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

/// The database's schema, 1 to [`KNOWN_SCHEMA`], without touching the file.
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
    match connection.pragma_query_value(None, "user_version", |row| row.get(0))? {
        found @ 1..=KNOWN_SCHEMA => Ok(found),
        found if found > KNOWN_SCHEMA => Err(OpenError::NewerSchema {
            found,
            known: KNOWN_SCHEMA,
        }),
        found => Err(OpenError::Corrupt(format!("it has schema {found}"))),
    }
}

fn configured(path: &Path) -> Result<Connection, OpenError> {
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
fn immutable(path: &Path) -> Result<Connection, OpenError> {
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

/// A connection for a check, also where nothing can be written, as on a file system that was mounted
/// to be read alone. There SQLite has no place to say what it reads.
pub(super) fn for_check(path: &Path) -> Result<Connection, OpenError> {
    let connection = inspector(path)?;
    match recognized(&connection, path) {
        Err(OpenError::Database(error)) if is_out_of_place(&error) && is_read_only(path) => {
            let connection = immutable(path)?;
            recognized(&connection, path)?;
            Ok(connection)
        }
        found => found.map(|_| connection),
    }
}

/// SQLite could not write what it needs beside a database to read it.
fn is_out_of_place(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

fn is_read_only(path: &Path) -> bool {
    let mount = rustix::fs::statvfs(path);
    mount.is_ok_and(|mount| mount.f_flag.contains(StatVfsMountFlags::RDONLY))
}

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

    #[test]
    fn what_nothing_can_change_is_read_without_writing_beside_it() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("100 %? #1&é");
        make_folder(&folder).unwrap();
        writer(&folder, New::Beside(&[])).unwrap().close().unwrap();
        let path = folder.join(DATABASE_FILE);
        let (log, index) = (beside(&path, "-wal"), beside(&path, "-shm"));
        let connection = immutable(&path).unwrap();
        assert_eq!(recognized(&connection, &path).unwrap(), KNOWN_SCHEMA);
        assert!(!log.exists() && !index.exists());
        std::fs::write(&log, "").unwrap();
        assert!(immutable(&path).is_ok());
        std::fs::write(&log, "what was written last").unwrap();
        let refused = immutable(&path).unwrap_err().to_string();
        assert!(refused.contains("copy the whole folder"), "{refused}");
    }
}

//! SQLite, the embedded default: one process per data folder, one writer with group commit, and
//! readers beside it. What is decided is decided elsewhere.

mod accounts;
mod answering;
mod answers;
mod apart;
mod applications;
mod backup;
mod check;
mod clients;
mod clock;
mod connection;
mod effects;
mod ended;
mod erased_log;
mod erasures;
mod expired;
mod facts;
mod fault;
mod folder;
mod functions;
mod gathered;
mod heads;
mod left;
mod lock;
mod looks;
mod node_pools;
mod nodes;
mod open;
mod pool;
#[cfg(test)]
mod query_plans;
mod reads;
mod refusals;
mod removed;
mod restore;
mod rows;
mod seats;
mod sizes;
mod store;
mod sums;
mod transaction;
mod usage;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lictor_core::Error;
use rusqlite::Connection;
use tokio::sync::Mutex;
use uuid::Uuid;

use self::folder::DATABASE_FILE;
use self::lock::FolderLock;
use self::pool::Readers;
use self::rows::Sql;
use self::writer::Writer;
use crate::New;
use crate::open_error::{OpenError, at};

pub(crate) use self::check::watched_check;
pub(crate) use self::erasures::removed_accounts;
pub(crate) use self::restore::{Restored, checked as checked_backup};

/// Whether there is a database in the folder `data`.
pub(crate) fn is_in(data: &Path) -> bool {
    data.join(DATABASE_FILE).exists()
}

/// A store in one SQLite database.
pub(crate) struct SqliteStore {
    // Dropped in this order: the folder is given back when the database is closed.
    readers: Readers,
    writer: Writer,
    /// `None` if the caller has it.
    lock: Option<FolderLock>,
    folder: PathBuf,
    path: PathBuf,
    /// Locked for as long as a backup is made or fetched.
    copied: Arc<Mutex<()>>,
    _temporary: Option<tempfile::TempDir>,
}

impl SqliteStore {
    /// Opens the database in `folder`, as [`crate::open`] says.
    pub(crate) fn open(folder: &Path, new: New<'_>) -> Result<Self, OpenError> {
        folder::make_folder(folder)?;
        folder::warn_if_shared(folder)?;
        let lock = FolderLock::take(folder)?;
        backup::remove_unfinished(folder)?;
        let database = open::writer(folder, new)?;
        apart::log(&database)?;
        Self::with(database, Some(lock), folder, folder.join(DATABASE_FILE))
    }

    /// Opens the database at `path` in `folder`, whose lock the caller has.
    fn over(folder: &Path, path: PathBuf) -> Result<Self, OpenError> {
        Self::with(open::existing(&path)?, None, folder, path)
    }

    fn with(
        database: Connection,
        lock: Option<FolderLock>,
        folder: &Path,
        path: PathBuf,
    ) -> Result<Self, OpenError> {
        let readers = Readers::open(&path)?;
        let writer = Writer::start(database).map_err(at(&path))?;
        Ok(Self {
            readers,
            writer,
            lock,
            folder: folder.to_owned(),
            path,
            copied: Arc::default(),
            _temporary: None,
        })
    }

    /// Opens a new store that is gone when it is dropped, in memory where the system has a file system there.
    pub(crate) fn temporary() -> Result<Self, OpenError> {
        let shared = Path::new("/dev/shm");
        let parent = if shared.is_dir() {
            shared.to_owned()
        } else {
            std::env::temp_dir()
        };
        let folder = tempfile::Builder::new()
            .prefix("lictor-")
            .tempdir_in(&parent)
            .map_err(at(&parent))?;
        let store = Self::open(folder.path(), New::Beside(&[]))?;
        Ok(Self {
            _temporary: Some(folder),
            ..store
        })
    }

    async fn read<T: Send + 'static>(
        &self,
        stream: Uuid,
        read: impl FnOnce(&Connection) -> Sql<T> + Send + 'static,
    ) -> Result<T, Error> {
        self.readers
            .run(stream, move |database| {
                read(database).map_err(Error::internal)
            })
            .await
    }
}

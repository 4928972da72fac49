//! SQLite, the embedded default: one process per data folder, one writer with group commit, and
//! readers beside it. What is decided is decided elsewhere.

mod accounts;
mod answering;
mod answers;
mod apart;
mod backup;
mod batch;
mod check;
mod clients;
mod clock;
mod effects;
mod ended;
mod erased_log;
mod erasures;
mod expired;
mod facts;
mod fault;
mod functions;
mod gathered;
mod heads;
mod left;
mod lock;
mod looks;
mod node_pools;
mod nodes;
mod open;
#[cfg(test)]
mod plans;
mod pool;
mod reads;
mod refusals;
mod removed;
mod restore;
mod rows;
mod seats;
mod sizes;
mod store;
mod sums;
mod usage;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lictor_core::Error;
use rusqlite::Connection;
use tokio::sync::Mutex;
use uuid::Uuid;

use self::lock::FolderLock;
use self::pool::Readers;
use self::rows::Sql;
use self::writer::Writer;

pub use self::check::{check_folder, watched_check};
pub use self::erasures::removed_accounts;
pub use self::fault::OpenError;
pub use self::open::{DATABASE_FILE, New, of_file_system};
pub use self::restore::{Restored, checked, restore};

/// A store in one SQLite database.
pub struct SqliteStore {
    // Dropped in this order: the folder is given back when the database is closed.
    readers: Readers,
    writer: Writer,
    /// None: somebody else holds it for this one.
    lock: Option<FolderLock>,
    folder: PathBuf,
    path: PathBuf,
    /// Held by who has a copy.
    copied: Arc<Mutex<()>>,
    _temporary: Option<tempfile::TempDir>,
}

impl SqliteStore {
    /// Opens the database in `folder`; makes both, readable to their owner alone, if they are not
    /// there and the folder is empty. Migrates an older database and looks at the end of its ledger.
    ///
    /// # Errors
    /// [`OpenError`]: in use, not empty, foreign, newer, damaged, or what the operating system said.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        Self::open_new(folder, New::Beside(&[]))
    }

    /// The same, with a word on where a new database may begin.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn open_new(folder: &Path, new: New<'_>) -> Result<Self, OpenError> {
        open::make_folder(folder)?;
        open::warn_if_shared(folder)?;
        let lock = FolderLock::take(folder)?;
        backup::remove_unfinished(folder)?;
        let database = open::writer(folder, new)?;
        apart::log(&database)?;
        Self::with(database, Some(lock), folder, folder.join(DATABASE_FILE))
    }

    /// Opens the database at `path` in `folder`, whose lock the caller holds.
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
        let writer = Writer::start(database).map_err(open::at(&path))?;
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

    /// Opens a new store that is gone when it is dropped: for tests and demonstrations. It lies in
    /// memory where the system has a file system there.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn in_memory() -> Result<Self, OpenError> {
        let shared = Path::new("/dev/shm");
        let parent = if shared.is_dir() {
            shared.to_owned()
        } else {
            std::env::temp_dir()
        };
        let folder = tempfile::Builder::new()
            .prefix("lictor-")
            .tempdir_in(&parent)
            .map_err(open::at(&parent))?;
        let store = Self::open(folder.path())?;
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

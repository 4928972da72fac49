//! What is done with a database as a whole from outside: opened, looked for, checked, restored. The only file
//! above the backends that knows which there are.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use crate::open_error::{OpenError, at};
use crate::sqlite::{self, SqliteStore};
use crate::{CheckReport, Store, Watch};

/// Where a new database may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum New<'a> {
    /// In a folder with nothing in it but files of these names.
    Beside(&'a [&'a str]),
    /// Beside whatever is in the folder.
    Anywhere,
}

/// Opens the database in the folder `data`; makes both, readable to their owner alone, where there is nothing
/// yet and `new` allows it. Migrates an older database and looks at the end of its ledger.
///
/// # Errors
/// [`OpenError`]: in use, not empty, foreign, newer, damaged, or what the operating system said.
pub fn open(data: &Path, new: New<'_>) -> Result<Arc<dyn Store>, OpenError> {
    Ok(Arc::new(SqliteStore::open(data, new)?))
}

/// Opens a new database that is gone when it is dropped: for tests and demonstrations.
///
/// # Errors
/// As [`open`].
pub fn open_temporary() -> Result<Arc<dyn Store>, OpenError> {
    Ok(Arc::new(SqliteStore::temporary()?))
}

/// Whether there is a database in the folder `data`.
pub fn is_in(data: &Path) -> bool {
    sqlite::is_in(data)
}

/// Checks the database in the folder `data`, also while a server uses it. Changes nothing. `watch` is told how
/// far it is, and can end it.
///
/// # Errors
/// [`OpenError`] if there is no database that can be read, or [`OpenError::Stopped`].
pub fn watched_check(data: &Path, watch: &Watch) -> Result<CheckReport, OpenError> {
    sqlite::watched_check(data, watch)
}

/// A checked copy of a backup that has no name yet in its folder. Dropped before it is installed, it leaves
/// nothing, folders that were made for it included. Only a database that is a folder is restored by Lictor.
pub struct Restored(sqlite::Restored);

impl Restored {
    /// The copy as a store, to be written before it has its name: what is written then is there from its
    /// first moment on. It is migrated with that. Only this one may be open, and none when it is
    /// installed.
    ///
    /// # Errors
    /// As [`open`].
    pub fn store(&self) -> Result<Arc<dyn Store>, OpenError> {
        Ok(Arc::new(self.0.store()?))
    }

    /// Gives the copy its name, durably: from now on the folder is a server's.
    ///
    /// # Errors
    /// [`OpenError::File`]; nothing is left then.
    pub fn install(self) -> Result<(), OpenError> {
        self.0.install()
    }
}

/// Copies a backup, which is open and has this name, into `folder`, which must be empty or not exist, and checks
/// the copy as [`watched_check`] does. The folder may hold what a restore that was cut off has left, and files
/// of these `known` names.
///
/// # Errors
/// [`OpenError::InUse`], [`OpenError::Exists`], [`OpenError::NotEmpty`], [`OpenError::Differs`],
/// [`OpenError::Stopped`], and what [`open`] would say of the backup.
pub fn checked_backup(
    backup: (File, &Path),
    folder: &Path,
    known: &[&str],
    watch: &Watch,
) -> Result<Restored, OpenError> {
    sqlite::checked_backup(backup, folder, known, watch).map(Restored)
}

/// Puts a backup into `folder`, which must be empty or not exist.
///
/// # Errors
/// As [`checked_backup`] and [`Restored::install`].
pub fn restore(backup_file: &Path, folder: &Path) -> Result<(), OpenError> {
    let source = File::open(backup_file).map_err(at(backup_file))?;
    checked_backup((source, backup_file), folder, &[], &Watch::default())?.install()
}

/// The accounts that were removed according to the ledger of this database or backup, each with its
/// organization: by themselves, or with that. The file is not changed.
///
/// # Errors
/// As [`watched_check`], of what cannot be read as a database of Lictor's.
pub fn removed_accounts(file: &Path) -> Result<Vec<(Uuid, Uuid)>, OpenError> {
    sqlite::removed_accounts(file)
}

//! The kernel lock that gives a data folder to one process, and nothing about the database in it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom, Write as _};
use std::path::Path;

use super::folder::private;
use crate::open_error::{OpenError, at, of_file_system};

/// The locked file in the data folder.
pub(super) const LOCK_FILE: &str = "lictor.lock";

/// Held as long as the store is open. The kernel gives it back even if the process is killed.
pub(super) struct FolderLock {
    file: File,
}

impl FolderLock {
    /// Takes the lock and writes this process's id into the file, for whoever is refused.
    pub(super) fn take(folder: &Path) -> Result<Self, OpenError> {
        let path = folder.join(LOCK_FILE);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = private(&mut options).open(&path).map_err(at(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::InUse {
                    folder: folder.to_owned(),
                    holder: holder(&path),
                });
            }
            Err(TryLockError::Error(error)) => return Err(at(&path)(of_file_system(error))),
        }
        let lock = Self { file };
        if let Err(error) = lock.say("") {
            // The lock is held all the same; a full disk must not keep the reads away.
            tracing::warn!(%error, "the lock file does not say who holds it");
        }
        Ok(lock)
    }

    /// Adds the address on which the holder listens.
    pub(super) fn note_address(&self, address: &str) -> std::io::Result<()> {
        self.say(&format!(", listening on {address}"))
    }

    fn say(&self, more: &str) -> std::io::Result<()> {
        let mut file = &self.file;
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        writeln!(file, "process {}{more}", std::process::id())
    }
}

fn holder(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        "another process".to_owned()
    } else {
        line.to_owned()
    }
}

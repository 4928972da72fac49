//! A backup becomes a data folder: into an empty one, checked first, and with nothing left behind
//! where it is refused.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use lictor_planted as planted;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::folder::{self, BESIDE, DATABASE_FILE, LOST_AND_FOUND, beside};
use super::lock::{FolderLock, LOCK_FILE};
use super::{SqliteStore, check, connection, open};
use crate::open_error::{OpenError, at, of_file_system};
use crate::{Step, Watch};

/// How much of a backup is copied at once, in bytes.
const PART: u64 = 8 << 20;

/// The same of what comes through a pipe.
const PIPED: usize = 256 << 10;

/// How often it is looked whether to stop while nothing comes through it: every 200 ms.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};

/// A checked copy of a backup, as [`crate::Restored`] says.
pub(crate) struct Restored {
    folder: PathBuf,
    lock: Option<FolderLock>,
    /// Whether the lock's file was made for this.
    has_made_lock: bool,
    /// The folders that were made for this, the innermost first.
    made: Vec<PathBuf>,
    is_installed: bool,
}

/// Copies and checks a backup, as [`crate::checked_backup`] says.
pub(crate) fn checked(
    (mut source, backup_file): (File, &Path),
    folder: &Path,
    known: &[&str],
    watch: &Watch,
) -> Result<Restored, OpenError> {
    let missing = folder.ancestors().take_while(|part| {
        // A relative path ends in an empty one, which is there.
        *part != Path::new("") && part.symlink_metadata().is_err()
    });
    let mut restored = Restored {
        folder: folder.to_owned(),
        lock: None,
        has_made_lock: folder.join(LOCK_FILE).symlink_metadata().is_err(),
        made: missing.map(Path::to_owned).collect(),
        is_installed: false,
    };
    if restored.made.is_empty() {
        if !restored.has_made_lock {
            restored.lock = Some(FolderLock::take(folder)?);
        }
        refuse_what_is_there(folder, known)?;
    }
    folder::make_folder(folder)?;
    if restored.lock.is_none() {
        restored.lock = Some(FolderLock::take(folder)?);
    }
    let copied = copy(&mut source, &restored.draft(), watch);
    copied.map_err(|error| match error {
        // The user knows the backup by its own name.
        OpenError::Foreign(_) => OpenError::Foreign(backup_file.to_owned()),
        OpenError::Corrupt(_) if is_empty(&restored.draft()) => {
            OpenError::Corrupt(format!("{} is empty", backup_file.display()))
        }
        error => error,
    })?;
    Ok(restored)
}

fn is_empty(file: &Path) -> bool {
    file.metadata().is_ok_and(|file| file.len() == 0)
}

/// The copy in `folder` that has no name yet.
fn draft(folder: &Path) -> PathBuf {
    beside(&folder.join(DATABASE_FILE), ".restored")
}

/// Refuses a folder without a database that a restore was to put one into: a new one would be taken
/// for the restored one.
pub(super) fn refuse_half_restored(folder: &Path) -> Result<(), OpenError> {
    let draft = draft(folder);
    if draft.symlink_metadata().is_err() {
        return Ok(());
    }
    Err(OpenError::HalfRestored {
        folder: folder.to_owned(),
        draft,
    })
}

fn refuse_what_is_there(folder: &Path, known: &[&str]) -> Result<(), OpenError> {
    let database = [DATABASE_FILE.to_owned(), format!("{DATABASE_FILE}-wal")];
    let draft = BESIDE.map(|ending| format!("{DATABASE_FILE}.restored{ending}"));
    let mut other = None;
    for entry in std::fs::read_dir(folder).map_err(at(folder))? {
        let name = entry.map_err(at(folder))?.file_name();
        let name = name.to_string_lossy().into_owned();
        if database.contains(&name) {
            return Err(OpenError::Exists(folder.to_owned()));
        }
        let is_known = [LOCK_FILE, LOST_AND_FOUND].contains(&&*name) || known.contains(&&*name);
        if !is_known && !draft.contains(&name) {
            other = Some(name);
        }
    }
    match other {
        Some(name) => Err(OpenError::NotEmpty {
            folder: folder.to_owned(),
            name,
        }),
        None => Ok(()),
    }
}

fn copy(source: &mut File, draft: &Path, watch: &Watch) -> Result<(), OpenError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    folder::remove_left(draft)?;
    let mut target = folder::private(&mut options)
        .open(draft)
        .map_err(at(draft))?;
    copy_bytes(source, &mut target, draft, watch)?;
    planted::point("restore.copied");
    let synced = target.sync_all().map_err(of_file_system);
    synced.map_err(at(draft))?;
    open::schema(draft)?;
    let report = check::check(&mut connection::inspector(draft)?, watch)?;
    if let Some(first) = report.differences.first() {
        let count = report.differences.len();
        return Err(OpenError::Differs {
            first: first.clone(),
            count,
        });
    }
    planted::point("restore.checked");
    Ok(())
}

fn copy_bytes(
    source: &mut File,
    target: &mut File,
    draft: &Path,
    watch: &Watch,
) -> Result<(), OpenError> {
    let metadata = source.metadata().ok();
    let is_file = metadata.as_ref().is_some_and(std::fs::Metadata::is_file);
    // Of a pipe it is not known.
    let of = metadata.map_or(0, |source| source.len());
    let mut done = 0;
    loop {
        watch.tell(Step::Copy { done, of });
        if watch.is_stopped() {
            return Err(OpenError::Stopped);
        }
        let copied = match is_file {
            true => io::copy(&mut Read::take(&mut *source, PART), target).map(Some),
            false => copy_what_came(source, target),
        };
        match copied.map_err(at(draft))? {
            Some(0) => return Ok(()),
            copied => done += copied.unwrap_or_default(),
        }
    }
}

/// Copies what has come through a pipe, and returns how much; `None` if nothing has. A blocking read could not be
/// told to stop.
fn copy_what_came(source: &mut File, target: &mut File) -> io::Result<Option<u64>> {
    match poll(&mut [PollFd::new(source, PollFlags::IN)], Some(&LOOK)) {
        Ok(0) | Err(Errno::INTR) => return Ok(None),
        come => come?,
    };
    let mut part = vec![0; PIPED];
    let read = source.read(&mut part)?;
    target.write_all(&part[..read])?;
    Ok(Some(read as u64))
}

impl Restored {
    /// The copy as a store.
    pub(crate) fn store(&self) -> Result<SqliteStore, OpenError> {
        SqliteStore::over(&self.folder, self.draft())
    }

    /// Gives the copy its name.
    pub(crate) fn install(mut self) -> Result<(), OpenError> {
        let path = self.folder.join(DATABASE_FILE);
        open::put_log_away(&self.draft())?;
        std::fs::rename(self.draft(), &path).map_err(at(&path))?;
        self.is_installed = true;
        planted::point("restore.renamed");
        folder::sync_folder(&self.folder)
    }

    fn draft(&self) -> PathBuf {
        draft(&self.folder)
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        // Without the lock the folder is another process's. What cannot be removed stays.
        let Some(lock) = self.lock.take() else {
            return;
        };
        for ending in BESIDE {
            let _ = std::fs::remove_file(beside(&self.draft(), ending));
        }
        if self.is_installed {
            return;
        }
        if self.has_made_lock {
            let _ = std::fs::remove_file(self.folder.join(LOCK_FILE));
        }
        drop(lock);
        for folder in &self.made {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

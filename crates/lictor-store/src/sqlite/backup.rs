//! Copies of the whole database: made while the server runs, and put into an empty folder.

use std::fs::{File, OpenOptions};
use std::path::Path;

use lictor_planted as planted;

use super::check;
use super::lock::FolderLock;
use super::open::{self, DATABASE_FILE, OpenError, at, beside};

/// What the names of unfinished copies begin with.
const COPY: &str = ".backup-";

/// Copies the database at `path`, which is in `folder`, as it stands at one instant. The copy has
/// no name any more when it is handed out, so nothing is left of it once it is closed.
pub(super) fn write(folder: &Path, path: &Path) -> Result<File, OpenError> {
    // It can be read by its owner alone, and its name goes with it if it is dropped on the way.
    let made = tempfile::Builder::new().prefix(COPY).tempfile_in(folder);
    let (file, name) = made.map_err(at(folder))?.into_parts();
    copy(path, &name)?;
    planted::point("backup.copied");
    let shown = name.to_path_buf();
    name.close().map_err(at(&shown))?;
    Ok(file)
}

fn copy(path: &Path, name: &Path) -> Result<(), OpenError> {
    let name = name.to_str().ok_or_else(|| {
        at(name)(std::io::Error::other(
            "the file's name is not valid Unicode",
        ))
    })?;
    // It reads every page through its tree, so that damage is found rather than copied, and leaves
    // out what was deleted.
    open::reader(path)?.execute("VACUUM INTO ?1", [name])?;
    Ok(())
}

/// Removes the copies that a killed process was making in `folder`. Whoever calls holds its lock,
/// so that nobody is making one now.
pub(super) fn remove_unfinished(folder: &Path) -> Result<(), OpenError> {
    for entry in std::fs::read_dir(folder).map_err(at(folder))? {
        let path = entry.map_err(at(folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.starts_with(COPY)) && path.is_file() {
            std::fs::remove_file(&path).map_err(at(&path))?;
        }
    }
    Ok(())
}

/// Puts a backup into `folder`, which no server may be using and which must hold no database. The
/// copy is checked as `lictor check` does before it gets its name.
///
/// # Errors
/// [`OpenError::InUse`], [`OpenError::Exists`], [`OpenError::Differs`], and what
/// [`SqliteStore::open`](super::SqliteStore::open) would say of the backup.
pub fn restore(backup_file: &Path, folder: &Path) -> Result<(), OpenError> {
    open::make_folder(folder)?;
    let _lock = FolderLock::take(folder)?;
    let path = folder.join(DATABASE_FILE);
    for present in [path.clone(), beside(&path, "-wal")] {
        if present.try_exists().map_err(at(&present))? {
            return Err(OpenError::Exists(folder.to_owned()));
        }
    }
    let draft = beside(&path, ".restored");
    let installed = install(backup_file, &draft, &path);
    // What is left after a failure, and what SQLite puts beside a file that it reads.
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(beside(&draft, ending));
    }
    installed.map_err(|error| match error {
        // The user knows the backup by its own name.
        OpenError::Foreign(_) => OpenError::Foreign(backup_file.to_owned()),
        error => error,
    })?;
    open::sync_folder(folder)
}

fn install(backup_file: &Path, draft: &Path, path: &Path) -> Result<(), OpenError> {
    let mut source = File::open(backup_file).map_err(at(backup_file))?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    // Left over from a restore that was cut off; the lock says that nobody uses it.
    let _ = std::fs::remove_file(draft);
    let mut target = open::private(&mut options).open(draft).map_err(at(draft))?;
    std::io::copy(&mut source, &mut target).map_err(at(draft))?;
    planted::point("restore.copied");
    target.sync_all().map_err(at(draft))?;
    open::schema(draft)?;
    let report = check::check(&open::reader(draft)?)?;
    if let Some(first) = report.differences.first() {
        let count = report.differences.len();
        return Err(OpenError::Differs {
            first: first.clone(),
            count,
        });
    }
    planted::point("restore.checked");
    std::fs::rename(draft, path).map_err(at(path))?;
    planted::point("restore.renamed");
    Ok(())
}

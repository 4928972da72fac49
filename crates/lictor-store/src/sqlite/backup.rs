//! Copies of the whole database: made while the server runs, and put into an empty folder.

use std::fs::{File, OpenOptions};
use std::path::Path;

use super::check;
use super::lock::FolderLock;
use super::open::{self, DATABASE_FILE, OpenError, at, beside};

/// Copies the database at `path` into `file`, which must not exist, as it stands at one instant.
pub(super) fn write(path: &Path, file: &Path) -> Result<(), OpenError> {
    open::private(OpenOptions::new().write(true).create_new(true))
        .open(file)
        .map_err(at(file))?;
    let copied = copy(path, file);
    if copied.is_err() {
        // Nobody must take the beginning of a copy for a copy.
        let _ = std::fs::remove_file(file);
    }
    copied
}

fn copy(path: &Path, file: &Path) -> Result<(), OpenError> {
    let name = file.to_str().ok_or_else(|| {
        at(file)(std::io::Error::other(
            "the file's name is not valid Unicode",
        ))
    })?;
    // It reads every page through its tree, so that damage is found rather than copied, and leaves
    // out what was deleted.
    open::reader(path)?.execute("VACUUM INTO ?1", [name])?;
    File::open(file)
        .and_then(|file| file.sync_all())
        .map_err(at(file))?;
    open::sync_folder(folder_of(file))
}

fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
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
    installed?;
    open::sync_folder(folder)
}

fn install(backup_file: &Path, draft: &Path, path: &Path) -> Result<(), OpenError> {
    let mut source = File::open(backup_file).map_err(at(backup_file))?;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    let mut target = open::private(&mut options).open(draft).map_err(at(draft))?;
    std::io::copy(&mut source, &mut target).map_err(at(draft))?;
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
    std::fs::rename(draft, path).map_err(at(path))
}

//! Copies of the whole database, made while the server runs. How one becomes a data folder again is in
//! `restore.rs`.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use lictor_core::Error;
use lictor_planted as planted;

use super::pool::off_the_runtime;
use super::{SqliteStore, connection};
use crate::open_error::{OpenError, at};
use crate::watch::EndsWith;
use crate::{DatabaseCopy, Watch};

/// What is said to who wants a second copy at once.
const ANOTHER_COPY: &str = "another backup is being made or fetched, and only one is made at a \
                            time: its copy takes room on the disk; ask again when it has ended";

/// What the names of unfinished copies begin with.
const COPY: &str = ".backup-";

/// Copies the database of a store, unless another copy is being made. It ends with whoever waits for it.
pub(super) async fn alone(store: &SqliteStore) -> Result<DatabaseCopy, Error> {
    let alone = Arc::clone(&store.copied).try_lock_owned();
    let alone = alone.map_err(|_| Error::Busy(ANOTHER_COPY))?;
    let (folder, path) = (store.folder.clone(), store.path.clone());
    let ends = EndsWith(Watch::default());
    let watch = ends.0.clone();
    off_the_runtime(move || {
        let file = write(&folder, &path, &watch)?;
        Ok(DatabaseCopy {
            file,
            _alone: alone,
        })
    })
    .await
}

/// Copies the database at `path`, which is in `folder`, as it stands at one instant. The copy has
/// no name any more when it is handed out, so nothing is left of it once it is closed.
///
/// # Errors
/// [`OpenError::Stopped`] if it is told to, and what the database or the disk says.
pub(super) fn write(folder: &Path, path: &Path, watch: &Watch) -> Result<File, OpenError> {
    // It can be read by its owner alone, and its name goes with it if it is dropped on the way.
    let made = tempfile::Builder::new().prefix(COPY).tempfile_in(folder);
    let (file, name) = made.map_err(at(folder))?.into_parts();
    copy(path, &name, watch)?;
    planted::point("backup.copied");
    let shown = name.to_path_buf();
    name.close().map_err(at(&shown))?;
    Ok(file)
}

fn copy(path: &Path, name: &Path, watch: &Watch) -> Result<(), OpenError> {
    let name = name.to_str().ok_or_else(|| {
        at(name)(std::io::Error::other(
            "the file's name is not valid Unicode",
        ))
    })?;
    // It reads every page through its tree, so that damage is found rather than copied, and leaves
    // out what was deleted.
    let mut database = connection::reader(path)?;
    connection::end_when_told(&mut database, watch)?;
    let copied = database.execute("VACUUM INTO ?1", [name]);
    if watch.is_stopped() {
        return Err(OpenError::Stopped);
    }
    copied?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::EndsWith;

    #[test]
    fn a_copy_that_nobody_wants_ends_after_some_rows_however_large_they_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lictor.db");
        let database = rusqlite::Connection::open(&path).expect("opens");
        let fill = "PRAGMA synchronous = OFF; CREATE TABLE large (bytes BLOB);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
             INSERT INTO large SELECT zeroblob(65536) FROM n";
        database.execute_batch(fill).expect("fills");
        let whole = path.metadata().expect("is there").len();
        let watch = Watch::default();
        watch.stop();
        let name = folder.path().join("copy");
        let copied = copy(&path, &name, &watch);
        assert!(matches!(copied, Err(OpenError::Stopped)), "{copied:?}");
        let copied = name.metadata().map_or(0, |file| file.len());
        assert!(copied < whole / 4, "{copied} of {whole} bytes");
    }

    #[test]
    fn a_copy_ends_with_who_wants_it_and_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lictor.db");
        let database = rusqlite::Connection::open(&path).expect("opens");
        let fill = "CREATE TABLE many (text TEXT);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
             INSERT INTO many SELECT 'some text ' || i FROM n";
        database.execute_batch(fill).expect("fills");
        let ends = EndsWith(Watch::default());
        let watch = ends.0.clone();
        assert!(write(folder.path(), &path, &watch).is_ok());
        drop(ends);
        let copied = write(folder.path(), &path, &watch);
        assert!(matches!(copied, Err(OpenError::Stopped)), "{copied:?}");
        let left = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 1);
    }
}

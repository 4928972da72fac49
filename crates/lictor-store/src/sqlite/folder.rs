//! The data folder: the names and modes of its files, and what makes them durable. Nothing here knows SQL.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::lock::LOCK_FILE;
use crate::open_error::{OpenError, at, of_file_system};

/// The database in the data folder.
pub(super) const DATABASE_FILE: &str = "lictor.db";

/// What SQLite puts beside a file that it reads, and the file itself.
pub(super) const BESIDE: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// What a file system puts into its first folder.
pub(super) const LOST_AND_FOUND: &str = "lost+found";

/// How much room must be found on a disk that was full.
const PROBE_BYTES: usize = 256 * 1024;

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

/// Refuses a folder with anything in it that no start of a server leaves before there is a database.
pub(super) fn refuse_what_is_there(
    folder: &Path,
    path: &Path,
    known: &[&str],
) -> Result<(), OpenError> {
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

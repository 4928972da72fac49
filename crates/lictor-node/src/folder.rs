//! The data folder: one process at a time, private files, and how a file is replaced so that a crash
//! leaves the old one or the new one.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::OFlags;
use rustix::io::Errno;
use uuid::Uuid;

use crate::error::StartError;

/// The identity of the node.
pub(crate) const NODE: &str = "node.json";
/// What it remembers of the states that it took.
pub(crate) const RATCHET: &str = "ratchet.json";
/// The state that it took last.
pub(crate) const STATE: &str = "state.json";
/// The one before it.
pub(crate) const PREVIOUS: &str = "state.previous.json";
/// What it counted.
pub(crate) const JOURNAL: &str = "counters.log";
/// A journal that was damaged, kept for people.
pub(crate) const DAMAGED: &str = "counters.damaged.log";

const LOCK: &str = "lock";

/// An open data folder, locked for this process.
pub(crate) struct Folder {
    path: PathBuf,
    lock: File,
}

impl Folder {
    /// Creates the folder if it is not there, and takes it.
    ///
    /// # Errors
    /// It cannot be made or written, or another process has it.
    pub(crate) fn open(path: &Path) -> Result<Self, StartError> {
        let failed = |error| StartError::Folder {
            path: path.to_owned(),
            error,
        };
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(path).map_err(failed)?;
        warn_if_shared(path).map_err(failed)?;
        let lock = opened(private().truncate(false), &path.join(LOCK)).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StartError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(failed(of_file_system(error))),
        }
        // Found out before a token is used up.
        for name in [NODE, RATCHET, STATE, PREVIOUS, JOURNAL, DAMAGED] {
            for file in [path.join(name), path.join(beside(name))] {
                if file.is_symlink() {
                    return Err(failed(link(&file)));
                }
            }
        }
        Ok(Self {
            path: path.to_owned(),
            lock,
        })
    }

    /// Lets another process have the folder.
    pub(crate) fn unlock(&self) {
        // It is given back when the file is closed, at the latest.
        let _ = self.lock.unlock();
    }

    /// Which lock this process has, in this boot of the machine: a copy of the folder has another one.
    /// `None` if nobody knows.
    pub(crate) fn lock_location(&self, boot: Option<Uuid>) -> Option<String> {
        let (boot, lock) = (boot?, self.lock.metadata().ok()?);
        let made = lock.created().ok();
        let made = made.and_then(|made| made.duration_since(SystemTime::UNIX_EPOCH).ok());
        let made = match made {
            Some(made) => made.as_nanos().to_string(),
            // Not every file system knows when a file was made. Nobody changes the lock, so that the last
            // change of it was that.
            None => format!("{}.{}", lock.ctime(), lock.ctime_nsec()),
        };
        Some(format!("{boot} {} {} {made}", lock.dev(), lock.ino()))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of a file. `None` if it is not there.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let mut options = OpenOptions::new();
        match opened(
            options.read(true).custom_flags(no_links()),
            &self.path.join(name),
        ) {
            Ok(mut file) => {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes)?;
                Ok(Some(bytes))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes a file's new bytes beside it, durably; returns the open file, at its end.
    ///
    /// # Errors
    /// It cannot be written, as where the disk is full.
    pub(crate) fn write_beside(&self, name: &str, bytes: &[u8]) -> io::Result<File> {
        let path = self.path.join(beside(name));
        let mut file = opened(private().truncate(true), &path)?;
        file.write_all(bytes)?;
        file.sync_all().map_err(of_file_system)?;
        Ok(file)
    }

    /// Replaces a file by the one that was written beside it. It is durable after [`Folder::sync`].
    ///
    /// # Errors
    /// It cannot be renamed.
    pub(crate) fn put_in_place(&self, name: &str) -> io::Result<()> {
        self.rename(&beside(name), name)
    }

    /// Renames a file.
    ///
    /// # Errors
    /// It cannot be renamed.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    /// Gives a file a second name, under which it is still there when it is replaced.
    ///
    /// # Errors
    /// It cannot be given one.
    pub(crate) fn keep_as(&self, name: &str, kept: &str) -> io::Result<()> {
        match fs::remove_file(self.path.join(kept)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        fs::hard_link(self.path.join(name), self.path.join(kept))
    }

    /// Makes the names in the folder durable.
    ///
    /// # Errors
    /// The disk fails.
    pub(crate) fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all().map_err(of_file_system)
    }

    /// Replaces a file, durably; returns the open file, at its end.
    ///
    /// # Errors
    /// It cannot be written; then the old one is still there.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<File> {
        let file = self.write_beside(name, bytes)?;
        self.put_in_place(name)?;
        self.sync()?;
        Ok(file)
    }
}

/// The name under which a file is written before it takes its place.
pub(crate) fn beside(name: &str) -> String {
    format!("{name}.new")
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    options.custom_flags(no_links());
    options
}

/// Nothing is read or written through a link.
fn no_links() -> i32 {
    OFlags::NOFOLLOW.bits().cast_signed()
}

/// Opens a file, or says what to do where it is a link.
fn opened(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let is_link = |error: &io::Error| error.raw_os_error() == Some(Errno::LOOP.raw_os_error());
    let opened = options.open(path);
    opened.map_err(|error| if is_link(&error) { link(path) } else { error })
}

fn link(path: &Path) -> io::Error {
    let what = "is a symbolic link, and none is followed: put the file itself there";
    io::Error::other(format!("{} {what}", path.display()))
}

/// Says what is wrong where a file system refuses to lock or to sync what others can.
pub(crate) fn of_file_system(error: io::Error) -> io::Error {
    let code = error.raw_os_error();
    let refusals = [Errno::NOLCK, Errno::NOTSUP, Errno::NOSYS, Errno::INVAL];
    if !refusals
        .iter()
        .any(|errno| code == Some(errno.raw_os_error()))
    {
        return error;
    }
    io::Error::new(
        error.kind(),
        format!(
            "its file system refuses to lock or to sync files ({error}), as network file systems do \
             (NFS without locks, SMB): put the folder on a local one, such as ext4 or XFS"
        ),
    )
}

/// Why nothing could be written, with what to do.
pub(crate) fn with_advice(error: &io::Error) -> String {
    let advice = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; free space on its disk",
        // It is no longer the system's own word, and says itself what to do.
        _ if error.raw_os_error().is_none() => "",
        _ => "; look at its disk, and at the system's log",
    };
    format!("{error}{advice}")
}

fn warn_if_shared(folder: &Path) -> io::Result<()> {
    if folder.metadata()?.permissions().mode() & 0o002 != 0 {
        tracing::warn!(
            folder = %folder.display(),
            "everybody can write to the folder, and so replace what is in it; run `chmod o-w` on it"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_private_and_has_one_owner() {
        let parent = tempfile::tempdir().expect("a folder");
        let path = parent.path().join("a/node");
        let folder = Folder::open(&path).expect("a folder");
        let mode = |path: &Path| {
            let metadata = fs::metadata(path).expect("it is there");
            metadata.permissions().mode() & 0o777
        };
        assert_eq!(mode(&path), 0o700);
        folder.replace(NODE, b"x").expect("written");
        assert_eq!(mode(&path.join(NODE)), 0o600);
        assert_eq!(folder.read(NODE).expect("read"), Some(b"x".to_vec()));
        assert_eq!(folder.read(STATE).expect("read"), None);
        let second = Folder::open(&path);
        assert!(matches!(second, Err(StartError::InUse(_))));
        folder.unlock();
        assert!(Folder::open(&path).is_ok());
    }

    #[test]
    fn a_file_system_that_does_not_lock_or_sync_is_named() {
        for errno in [Errno::NOLCK, Errno::NOTSUP, Errno::NOSYS, Errno::INVAL] {
            let said = of_file_system(errno.into()).to_string();
            assert!(said.contains("NFS") && said.contains("os error"), "{said}");
        }
        for errno in [Errno::NOSPC, Errno::ACCESS, Errno::IO] {
            let said = of_file_system(errno.into()).to_string();
            assert!(!said.contains("file system"), "{said}");
        }
    }

    #[test]
    fn nothing_is_read_or_written_through_a_link() {
        let parent = tempfile::tempdir().expect("a folder");
        let (path, other) = (parent.path().join("node"), parent.path().join("other"));
        fs::write(&other, "theirs").expect("written");
        let link =
            |name: &str| std::os::unix::fs::symlink(&other, path.join(name)).expect("a link");
        let folder = Folder::open(&path).expect("a folder");
        for name in [NODE, RATCHET, STATE, PREVIOUS, JOURNAL, DAMAGED] {
            link(&beside(name));
            let refused = folder.replace(name, b"ours").expect_err(name).to_string();
            assert!(refused.contains("put the file itself there"), "{refused}");
            link(name);
            assert!(folder.read(name).is_err(), "{name}");
        }
        drop(folder);
        fs::remove_file(path.join(LOCK)).expect("removed");
        link(LOCK);
        let refused = Folder::open(&path)
            .map(|_| ())
            .expect_err("refused")
            .to_string();
        assert!(refused.contains("lock is a symbolic link"), "{refused}");
        assert_eq!(fs::read(&other).expect("there"), b"theirs");
    }
}

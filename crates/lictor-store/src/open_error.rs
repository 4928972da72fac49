//! Why a database cannot be opened, copied or checked, in our words and with what to do next. What the database
//! itself says is the source of an error, for the log.

use std::error::Error;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// Why a data folder could not be opened, copied into or checked.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("{folder} is in use by {holder}; stop it first, or choose another folder")]
    InUse {
        /// The data folder.
        folder: PathBuf,
        /// What the holder wrote about itself, such as `process 17, listening on 0.0.0.0:8001`.
        holder: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file has another one's name in its place.
    #[error(
        "{0} is a symbolic link, and nothing is written through one: put the file itself there, or name the folder that it is in"
    )]
    Link(PathBuf),
    /// What was written last is in a log that cannot be read where nothing can be written.
    #[error("{} holds what was written last, and cannot be read where nothing can be written: copy the whole folder to where it can be, and check the copy", log.display())]
    Unreadable {
        /// The log.
        log: PathBuf,
    },
    /// There is no database in the folder.
    #[error("there is no database in {0}")]
    Missing(PathBuf),
    /// There is a database in the folder already.
    #[error("{0} holds a database already; choose an empty folder")]
    Exists(PathBuf),
    /// A restore into the folder was cut off, so that its database is missing.
    #[error("a restore into {} was cut off, and nothing is in force there: run `lictor restore FILE --data {}` again, or remove {} to begin with nothing", folder.display(), folder.display(), draft.display())]
    HalfRestored {
        /// The folder.
        folder: PathBuf,
        /// The copy that has no name yet.
        draft: PathBuf,
    },
    /// There is something in a folder without a database, in which a new one would begin.
    #[error("{} holds {name:?} and no database: choose the folder of a server or an empty one, restore a backup into one, or start with --new if a new installation is to begin there", folder.display())]
    NotNew {
        /// The folder.
        folder: PathBuf,
        /// One of the names in it.
        name: String,
    },
    /// There is something else in a folder that must be empty.
    #[error("{} is not empty: it contains {name:?}; choose an empty folder, or one that does not \
             exist", folder.display())]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
        /// One of the names in it.
        name: String,
    },
    /// The file is no database of Lictor's.
    #[error("{0} is not a Lictor database, or no longer one: choose another file, or a backup")]
    Foreign(PathBuf),
    /// The database was written by a newer version.
    #[error("the database has schema {found}, this version knows {known}; run a newer version")]
    NewerSchema {
        /// The schema of the database.
        found: i64,
        /// The newest schema that this build knows.
        known: i64,
    },
    /// The database is damaged.
    #[error("the database is damaged ({0}); restore a backup into a new folder")]
    Corrupt(String),
    /// A backup is whole, but its rows are not what its ledger says.
    #[error("the backup does not agree with itself: {first} ({count} differences)")]
    Differs {
        /// The first difference.
        first: String,
        /// How many there are.
        count: usize,
    },
    /// It was told to stop.
    #[error("told to stop")]
    Stopped,
    /// There is no room for the temporary files of a check, or no folder.
    #[error(
        "nothing was found out: what a check puts aside cannot be written into the folder for temporary files; make room there, or name another folder in TMPDIR"
    )]
    NothingAside,
    /// What a check put aside did not come back as it was. That says nothing about the database.
    #[error(
        "nothing was found out: what the check put aside did not come back as it was, which is no fault of the database; run it again, and if that does not help, name a folder on another disk in TMPDIR"
    )]
    UnreadableAside {
        /// What could not be read.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The database refused something else.
    #[error("the database could not be opened: {reason}")]
    Database {
        /// Why, and what to do about it.
        reason: &'static str,
        /// What follows from it.
        kind: DatabaseErrorKind,
        /// What the database said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A migration failed; the database is as it was before.
    #[error(
        "the database could not be brought to the form of this version, and is as it was: {reason}"
    )]
    Migration {
        /// Why, and what to do about it.
        reason: &'static str,
        /// What the migration said.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// What a caller does about an error of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseErrorKind {
    /// Makes room on the disk.
    DiskFull,
    /// Names another folder for temporary files.
    NoTemporaryFolder,
    /// Does what the reason says.
    Other,
}

impl OpenError {
    /// Whether making room on the disk would help.
    pub(crate) fn is_full_disk(&self) -> bool {
        match self {
            Self::Database { kind, .. } => *kind == DatabaseErrorKind::DiskFull,
            Self::File { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
            _ => false,
        }
    }

    /// The same as the error of a check, which writes nothing but temporary files.
    pub(crate) fn of_check(self) -> Self {
        let has_no_place = match &self {
            Self::Database { kind, .. } => *kind == DatabaseErrorKind::NoTemporaryFolder,
            _ => false,
        };
        match has_no_place || self.is_full_disk() {
            true => Self::NothingAside,
            false => self,
        }
    }
}

/// Says at which path an I/O error happened.
pub(crate) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| match source.raw_os_error() {
        Some(code) if code == Errno::LOOP.raw_os_error() => OpenError::Link(path),
        _ => OpenError::File { path, source },
    }
}

/// Says what is wrong where a file system refuses to lock or to sync what others can.
pub fn of_file_system(error: std::io::Error) -> std::io::Error {
    let code = error.raw_os_error();
    let refusals = [Errno::NOLCK, Errno::NOTSUP, Errno::NOSYS, Errno::INVAL];
    if !refusals
        .iter()
        .any(|errno| code == Some(errno.raw_os_error()))
    {
        return error;
    }
    std::io::Error::new(
        error.kind(),
        format!(
            "its file system refuses to lock or to sync files ({error}), as network file systems do \
             (NFS without locks, SMB): put the folder on a local one, such as ext4 or XFS"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_that_does_not_lock_or_sync_is_named() {
        for errno in [Errno::NOLCK, Errno::NOTSUP, Errno::NOSYS, Errno::INVAL] {
            let said = of_file_system(errno.into()).to_string();
            assert!(said.contains("refuses to lock or to sync"), "{said}");
        }
        for errno in [Errno::NOSPC, Errno::ACCESS, Errno::IO] {
            let said = of_file_system(errno.into()).to_string();
            assert!(!said.contains("file system"), "{said}");
        }
    }
}

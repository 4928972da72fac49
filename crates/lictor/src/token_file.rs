//! The file that the first operator token goes to. One that this server did not write is never
//! replaced: the data folder notes the hash of what is written, until the token is stored.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use lictor_core::digest::Digest;
use lictor_planted as planted;
use lictor_store::of_file_system;

use crate::files::{folder_of, sync_folder_of};

/// The file in the data folder with the SHA-256 of each token that was written and is not stored yet.
pub(crate) const NOTE: &str = "operator.token.sha256";

/// The file, and the data folder of the server that it is for.
pub(crate) struct TokenFile {
    path: PathBuf,
    note: PathBuf,
}

/// What is there before a token is written.
enum Existing {
    Nothing,
    /// A token of a start of this server that was cut off, by its hash.
    Own(String),
}

impl TokenFile {
    /// The file at `path` of the server with its data in `data`.
    pub(crate) fn new(path: &Path, data: &Path) -> Self {
        Self {
            path: path.to_owned(),
            note: data.join(NOTE),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether [`TokenFile::write`] would be refused, found out without a token.
    pub(crate) fn check(&self) -> io::Result<()> {
        self.there()?;
        draft(&self.path)?.close()
    }

    /// Writes a token, all at once and readable to its owner alone.
    pub(crate) fn write(&self, token: &str) -> io::Result<()> {
        let there = self.there()?;
        let mut file = draft(&self.path)?;
        planted::point("token.drafted");
        writeln!(file, "{token}")?;
        file.as_file().sync_all().map_err(of_file_system)?;
        planted::point("token.synced");
        let hash = hash_of(token);
        match there {
            Existing::Nothing => {
                self.note(&hash)?;
                file.persist_noclobber(&self.path)
            }
            Existing::Own(old) => {
                // Both, as the old one is there until the new one has its name.
                self.note(&format!("{old}\n{hash}"))?;
                file.persist(&self.path)
            }
        }
        .map_err(|failed| match failed.error.kind() {
            io::ErrorKind::AlreadyExists => foreign("another process has just written the file"),
            _ => failed.error,
        })?;
        planted::point("token.renamed");
        sync_folder_of(&self.path)
    }

    /// Forgets what was written: the token is stored by now.
    pub(crate) fn forget(&self) {
        // A note that stays says the truth all the same.
        let _ = std::fs::remove_file(&self.note);
    }

    fn there(&self) -> io::Result<Existing> {
        match self.path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Existing::Nothing),
            Err(error) => return Err(error),
            Ok(found) if !found.is_file() => {
                return Err(foreign("it exists and is not a regular file"));
            }
            // None of this server's is: a token gets its name when it is whole.
            Ok(found) if found.len() == 0 => return Err(foreign("it exists and is empty")),
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&std::fs::read(&self.path)?).into_owned();
        let noted = match self.note.is_symlink() {
            // Somebody else's words.
            true => String::new(),
            false => std::fs::read_to_string(&self.note).unwrap_or_default(),
        };
        let hash = hash_of(text.trim_end());
        if noted.lines().any(|line| line == hash) {
            return Ok(Existing::Own(hash));
        }
        Err(foreign(if text.starts_with("lictor_") {
            "the file holds a token that another server wrote, or this one for other data"
        } else {
            "the file exists and holds no token"
        }))
    }

    fn note(&self, text: &str) -> io::Result<()> {
        let mut note = draft(&self.note)?;
        writeln!(note, "{text}")?;
        note.as_file().sync_all().map_err(of_file_system)?;
        note.persist(&self.note).map_err(|failed| failed.error)?;
        sync_folder_of(&self.note)
    }
}

fn foreign(what: &str) -> io::Error {
    let text = format!("{what}; it is left as it is: choose another name for the token file");
    io::Error::new(io::ErrorKind::AlreadyExists, text)
}

fn hash_of(token: &str) -> String {
    Digest::of(token.as_bytes()).to_string()
}

/// A new file beside `path` that nobody else could have put there, gone unless it gets that name.
fn draft(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new()
        .prefix(".token-")
        .tempfile_in(folder_of(path))
}

//! Files as commands read and write them: secrets readable to their owner alone, nothing ever
//! overwritten by accident.

use std::fs::{File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use lictor_store::of_file_system;

use crate::document_files;
use crate::exit::{Failure, Outcome};

/// Reads a text file, without a byte-order mark; `-` is standard input.
pub(crate) fn read_text(path: &Path) -> Outcome<String> {
    document_files::text_of(path, read_bytes(path)?)
}

/// Reads a file; `-` is standard input.
pub(crate) fn read_bytes(path: &Path) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = open(path)?.read_to_end(&mut bytes);
    read.map_err(|error| cannot("read", path, &error))?;
    Ok(bytes)
}

/// Opens a file to read it; `-` is standard input, which can be read once.
pub(crate) fn open(path: &Path) -> Outcome<File> {
    static READ: AtomicBool = AtomicBool::new(false);
    let opened = match is_standard(path) {
        true if READ.swap(true, Ordering::Relaxed) => {
            return Err(Failure::Usage(
                "`-` is standard input, which can be read only once: give the others as files"
                    .to_owned(),
            ));
        }
        true => io::stdin().as_fd().try_clone_to_owned().map(File::from),
        false => File::open(path),
    };
    opened.map_err(|error| cannot("read", path, &error))
}

/// Whether a path is `-`: standard input, or standard output.
pub(crate) fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// What a message calls a file.
pub(crate) fn shown(path: &Path) -> String {
    match is_standard(path) {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    }
}

/// Takes a path that has to be a file's or a folder's.
///
/// # Errors
/// A sentence for the user: it is `-`.
pub(crate) fn named(path: PathBuf) -> Result<PathBuf, &'static str> {
    if is_standard(&path) {
        return Err(
            "`-` means standard input or output, which cannot be used here; give a name, or \
             `./-` for a file of that name",
        );
    }
    Ok(path)
}

/// Reads a private key's file, which nobody but its owner may be able to read; `-` is standard input.
pub(crate) fn read_secret(path: &Path) -> Outcome<String> {
    let mut file = open(path)?;
    // The opened file is asked, not its name: the two could differ by now.
    let metadata = file
        .metadata()
        .map_err(|error| cannot("read", path, &error))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)
        .map_err(|error| cannot("read", path, &error))?;
    let text = document_files::text_of(path, bytes).map_err(Failure::into_usage)?;
    // First of all: nobody is told to change the permissions of some other file.
    if !text.contains("PRIVATE KEY-----") {
        let hint = match text.contains("PUBLIC KEY-----") {
            true => "; it is a public key, and the private one is in the file that ends in `.key`",
            false => "",
        };
        let text = format!("{} is not a private key in PEM form{hint}", shown(path));
        return Err(Failure::Usage(text));
    }
    let is_file = metadata.is_file() || !is_standard(path);
    if is_file && metadata.permissions().mode() & 0o077 != 0 {
        let file = if is_standard(path) {
            "FILE".to_owned()
        } else {
            shown(path)
        };
        let path = shown(path);
        return Err(Failure::Usage(format!(
            "{path} can be read by others than its owner; run `chmod 600 {file}`, \
             and make a new key if somebody may have read it"
        )));
    }
    Ok(text)
}

/// Creates a file that is not there yet, with these permissions, durably and all at once: whatever
/// fails, no part of it is left under its name.
pub(crate) fn create(path: &Path, text: &str, mode: u32) -> Outcome {
    let created = || -> io::Result<()> {
        let mut draft = tempfile::Builder::new()
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(folder_of(path))?;
        draft.write_all(text.as_bytes())?;
        draft.as_file().sync_all().map_err(of_file_system)?;
        draft
            .persist_noclobber(path)
            .map_err(|failed| failed.error)?;
        sync_folder_of(path)
    };
    created().map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => taken(path),
        _ => cannot("write", path, &error),
    })
}

/// Makes the name of a file durable.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = File::open(folder_of(path))?;
    folder.sync_all().map_err(of_file_system)
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// The refusal of a name that is taken.
pub(crate) fn taken(path: &Path) -> Failure {
    Failure::Usage(format!(
        "{} exists already and is never overwritten; choose another name",
        path.display()
    ))
}

/// What went wrong with a file.
pub(crate) fn cannot(verb: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::Usage(format!("cannot {verb} {}: {error}", shown(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_that_does_not_sync_is_named() {
        let refused = sync_folder_of(Path::new("/proc/a-file")).expect_err("it cannot be synced");
        let said = refused.to_string();
        assert!(
            said.contains("its file system refuses to lock or to sync files"),
            "{said}"
        );
    }
}

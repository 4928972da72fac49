//! The folder of one test: removed after the test, kept if the test fails.

#![expect(
    clippy::expect_used,
    reason = "what a test cannot go on without ends it"
)]

use std::path::Path;

use tempfile::TempDir;

/// A new, empty folder of its own.
#[derive(Debug)]
pub struct Folder(TempDir);

impl Folder {
    /// Makes it where the system keeps what is temporary.
    ///
    /// # Panics
    /// It cannot be made.
    #[expect(clippy::new_without_default, reason = "it makes something")]
    pub fn new() -> Self {
        Self(TempDir::new().expect("a folder"))
    }

    /// Makes it in memory where the system has a file system there: for tests that are not about
    /// durability.
    ///
    /// # Panics
    /// It cannot be made.
    pub fn in_memory() -> Self {
        let shared = Path::new("/dev/shm");
        if !shared.is_dir() {
            return Self::new();
        }
        Self(tempfile::tempdir_in(shared).expect("a folder"))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        self.path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.disable_cleanup(true);
            eprintln!("kept for a look: {}", self.path().display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_kept_only_when_its_test_is_red() {
        let (green, red) = (Folder::new(), Folder::new());
        let paths = [green.path().to_owned(), red.path().to_owned()];
        drop(green);
        let failed = std::thread::spawn(move || {
            let _kept = red;
            panic!("planted");
        });
        assert!(failed.join().is_err());
        assert_eq!(paths.each_ref().map(|path| path.exists()), [false, true]);
        std::fs::remove_dir(&paths[1]).unwrap();
    }
}

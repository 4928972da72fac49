//! The folder of one run: removed after a green run, kept otherwise.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::report::Tally;

/// The folder of one run. If it is dropped instead of ended, it is kept and its path is printed.
pub struct Scratch {
    folder: PathBuf,
    is_kept: bool,
}

impl Scratch {
    /// A fresh, empty folder at this path.
    pub(crate) fn at(folder: PathBuf) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(Self {
            folder,
            is_kept: true,
        })
    }

    /// Ends the run: removes the folder if nothing failed.
    ///
    /// # Errors
    /// The folder cannot be removed.
    pub fn end(self, tally: Tally) -> Result<Tally> {
        if tally.failed == 0 {
            self.remove()?;
        }
        Ok(tally)
    }

    /// Removes the folder, whatever was found.
    ///
    /// # Errors
    /// The folder cannot be removed.
    pub fn remove(mut self) -> Result<()> {
        self.is_kept = false;
        fs::remove_dir_all(&self.folder).with_context(|| self.folder.display().to_string())
    }
}

impl Deref for Scratch {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.is_kept {
            println!("kept for a look: {}", self.folder.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_kept_when_something_failed() {
        let name = format!("lictor-testkit-{}", std::process::id());
        let place = std::env::temp_dir().join(name);
        for (failed, kept) in [(1, true), (0, false)] {
            let scratch = Scratch::at(place.clone()).unwrap();
            fs::write(scratch.join("file"), "x").unwrap();
            let tally = Tally { passed: 1, failed };
            assert_eq!(scratch.end(tally).unwrap(), tally);
            assert_eq!(place.join("file").exists(), kept);
        }
    }
}

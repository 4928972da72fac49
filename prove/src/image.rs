//! A file system in a file, mounted for as long as the value lives, that can be cut off as by a power failure: whatever was not synced by then is lost.

use std::fmt;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use lictor_testkit::programs::shown;

/// The file systems that servers run on most.
#[derive(Clone, Copy)]
pub(super) enum FileSystem {
    Ext4,
    Xfs,
}

/// What happens to the journal of the file system.
#[derive(Clone, Copy)]
pub(super) enum Cut {
    /// Its end is lost too.
    Hard,
    /// It is written first, without the data that was not synced.
    AfterTheJournal,
}

impl FileSystem {
    pub(super) fn alternately(n: u64) -> Self {
        if n.is_multiple_of(2) {
            Self::Ext4
        } else {
            Self::Xfs
        }
    }

    /// Whole megabytes. XFS refuses less.
    fn size(self) -> u64 {
        match self {
            Self::Ext4 => 64,
            Self::Xfs => 320,
        }
    }

    fn make(self, file: &Path) -> Command {
        let mut make = match self {
            Self::Ext4 => {
                let mut make = Command::new("mkfs.ext4");
                make.args(["-q", "-F"]);
                make
            }
            Self::Xfs => {
                let mut make = Command::new("mkfs.xfs");
                make.args(["-q", "-f"]);
                make
            }
        };
        make.arg(file);
        make
    }
}

impl Cut {
    pub(super) fn alternately(n: u64) -> Self {
        if n.is_multiple_of(2) {
            Self::Hard
        } else {
            Self::AfterTheJournal
        }
    }
}

/// A mounted image. Dropping it takes it down, also after a failure.
pub(super) struct Image {
    kind: FileSystem,
    file: PathBuf,
    pub(super) mount: PathBuf,
}

impl Image {
    /// Makes and mounts one at `mount`; its file stands beside that.
    pub(super) fn create(mount: &Path, kind: FileSystem) -> Result<Self> {
        let image = Self {
            kind,
            file: mount.with_extension("img"),
            mount: mount.to_owned(),
        };
        fs::create_dir_all(mount)?;
        // It is sparse: only what is written takes room.
        fs::File::create(&image.file)?.set_len(kind.size() << 20)?;
        run(&mut kind.make(&image.file))?;
        image.mount()?;
        Ok(image)
    }

    fn mount(&self) -> Result<()> {
        let mut mount = Command::new("mount");
        run(mount.args(["-o", "loop"]).arg(&self.file).arg(&self.mount))
    }

    /// From now on it can be read alone.
    pub(super) fn mount_read_only(&self) -> Result<()> {
        run(Command::new("umount").arg(&self.mount))?;
        let mut mount = Command::new("mount");
        run(mount
            .args(["-o", "loop,ro"])
            .arg(&self.file)
            .arg(&self.mount))
    }

    /// Makes durable what is there.
    pub(super) fn sync(&self) -> Result<()> {
        run(Command::new("sync").arg("-f").arg(&self.mount))
    }

    /// From now on every access fails, and nothing more reaches the image.
    pub(super) fn cut_off(&self, cut: Cut) -> Result<()> {
        let command = match cut {
            Cut::Hard => "shutdown",
            Cut::AfterTheJournal => "shutdown -f",
        };
        run(Command::new("xfs_io")
            .args(["-x", "-c", command])
            .arg(&self.mount))
    }

    /// What a machine does after the power is back.
    pub(super) fn mount_again(&self) -> Result<()> {
        run(Command::new("umount").arg(&self.mount))?;
        self.mount()
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // Lazily: whoever still has a file open there must not keep it mounted.
        let mut umount = Command::new("umount");
        umount.arg("--lazy").arg(&self.mount).stderr(Stdio::null());
        if umount.status().is_ok_and(|status| status.success()) {
            // Both fail only if somebody has removed them already.
            fs::remove_dir(&self.mount).ok();
            fs::remove_file(&self.file).ok();
        }
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            FileSystem::Ext4 => "ext4",
            FileSystem::Xfs => "xfs",
        })
    }
}

/// Writes until nothing more fits.
pub(super) fn fill(ballast: &Path) -> Result<()> {
    let mut file = fs::File::create(ballast)?;
    for size in [1 << 20, 1 << 12, 1] {
        let block = vec![0; size];
        loop {
            match file.write_all(&block).and_then(|()| file.sync_data()) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => return Err(error.into()),
            }
            if size == 1 {
                break;
            }
        }
    }
    Ok(())
}

/// Runs a command that says nothing unless it fails.
fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    let output = command.output().with_context(|| shown.clone())?;
    let said = String::from_utf8_lossy(&output.stderr);
    let status = output.status;
    ensure!(status.success(), "{shown} ended with {status}: {said}");
    Ok(())
}

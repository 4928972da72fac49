//! True time for experiments, and processes with a false clock: libfaketime reads it from a file each time the process asks.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use jiff::Timestamp;

/// Seconds in a day.
const DAY: i64 = 86_400;

/// Seconds since 1970.
pub(crate) type Seconds = f64;

/// The time that is true at a site: it passes as fast as the real one, from where it was set.
#[derive(Clone, Copy)]
pub(crate) struct TrueTime {
    began: Instant,
    at: Seconds,
}

impl TrueTime {
    /// The time of this machine, and so many seconds more.
    pub(crate) fn ahead_by(seconds: i64) -> Self {
        Self {
            began: Instant::now(),
            at: machine() + seconds as Seconds,
        }
    }

    pub(crate) fn now(&self) -> Seconds {
        self.at + self.began.elapsed().as_secs_f64()
    }

    /// Sleeps until it is so late.
    pub(crate) fn wait_until(&self, time: Seconds) {
        let left = Duration::try_from_secs_f64(time - self.now());
        std::thread::sleep(left.unwrap_or_default());
    }
}

/// What this machine's clock says.
#[expect(
    clippy::disallowed_methods,
    reason = "a node's trusted time is compared with the time that is true here"
)]
pub(crate) fn machine() -> Seconds {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

/// The next midnight by this machine's clock, in seconds since 1970, and how far away it is.
pub(crate) fn next_midnight() -> (i64, i64) {
    let now = machine() as i64;
    let midnight = (now.div_euclid(DAY) + 1) * DAY;
    (midnight, midnight - now)
}

/// The day of a time, as `2026-11-25`.
pub(crate) fn date(time: i64) -> Result<String> {
    Ok(Timestamp::from_second(time)?.strftime("%F").to_string())
}

/// A clock that can be turned while a process reads it. The time since boot stays as it is.
pub(crate) struct TurnedClock {
    file: PathBuf,
    library: PathBuf,
}

impl TurnedClock {
    /// A clock that is this far ahead of the machine's.
    pub(crate) fn create(file: &Path, ahead: i64) -> Result<Self> {
        let clock = Self {
            file: file.to_owned(),
            library: library()?,
        };
        clock.turn(ahead)?;
        Ok(clock)
    }

    /// Turns it, at once also for a process that runs.
    pub(crate) fn turn(&self, ahead: i64) -> Result<()> {
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{ahead:+}\n"))?;
        // In one step: nobody may read half of it.
        Ok(fs::rename(new, &self.file)?)
    }

    /// What puts a process under it.
    pub(crate) fn environment(&self) -> [(&'static str, String); 5] {
        [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("NO_FAKE_STAT", "1".to_owned()),
        ]
    }
}

/// Debian has it in a folder that is named after the machine.
fn library() -> Result<PathBuf> {
    let folders = fs::read_dir("/usr/lib")?;
    let mut files = folders
        .flatten()
        .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    files
        .find(|file| file.exists())
        .context("there is no libfaketimeMT.so.1 below /usr/lib")
}

/// A killed process leaves what libfaketime shares with its children.
pub(crate) fn forget_process(id: u32) {
    for name in ["faketime_shm_", "sem.faketime_sem_"] {
        // It is not there where the process was not under it.
        fs::remove_file(format!("/dev/shm/{name}{id}")).ok();
    }
}

/// Reads `2026-11-25T00:00:00Z` as seconds since 1970.
pub(crate) fn seconds_of(text: &str) -> Option<i64> {
    text.parse().ok().map(Timestamp::as_second)
}

//! A process's memory and CPU time, from the kernel.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;

use anyhow::{Context as _, Result, ensure};

/// Processes report their time in hundredths of a second: Linux on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// What a process has used so far.
pub struct Usage {
    /// As [`cpu_seconds`].
    pub cpu_seconds: f64,
    /// Its peak memory.
    pub peak_megabytes: f64,
    /// Held now.
    pub megabytes: f64,
}

impl Usage {
    /// Looks at a process.
    ///
    /// # Errors
    /// It is gone.
    pub fn of(process: u32) -> Result<Self> {
        Ok(Self {
            cpu_seconds: cpu_seconds(process)?,
            peak_megabytes: megabytes(process, "VmHWM")?,
            megabytes: megabytes(process, "VmRSS")?,
        })
    }
}

/// The CPU-seconds, user and system, of a process with all its threads, of its children, of
/// theirs, and of those of them that have ended.
///
/// # Errors
/// It is gone.
pub fn cpu_seconds(root: u32) -> Result<f64> {
    let processes = processes()?;
    ensure!(processes.contains_key(&root), "process {root} is gone");
    let belongs = |mut id: u32| loop {
        if id == root {
            return true;
        }
        match processes.get(&id) {
            Some(process) => id = process.parent,
            None => return false,
        }
    };
    let own = processes.iter().filter(|(id, _)| belongs(**id));
    let ticks: u64 = own.map(|(_, process)| process.ticks).sum();
    Ok(ticks as f64 / TICKS_PER_SECOND)
}

#[derive(Debug, PartialEq)]
struct Stat {
    parent: u32,
    ticks: u64,
}

fn processes() -> Result<BTreeMap<u32, Stat>> {
    let mut processes = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(id) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let line = match fs::read_to_string(entry.path().join("stat")) {
            Ok(line) => line,
            // It ended just now.
            Err(error)
                if error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(3) =>
            {
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        processes.insert(id, stat(&line).with_context(|| line.clone())?);
    }
    Ok(processes)
}

/// The name in parentheses may hold anything; what follows its end is counted from the state on.
fn stat(line: &str) -> Option<Stat> {
    let fields: Vec<&str> = line.rsplit_once(") ")?.1.split(' ').collect();
    let times = fields.get(11..15)?;
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        ticks: times
            .iter()
            .map(|time| time.parse::<u64>().ok())
            .sum::<Option<u64>>()?,
    })
}

/// A figure of `/proc/PID/status` in megabytes, such as `VmRSS`.
///
/// # Errors
/// It is gone, or has no such figure.
pub fn megabytes(process: u32, name: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    Ok(kibibytes.with_context(|| format!("no {name} of process {process}"))? * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let line = "7 (a) b (c) S 3 7 7 0 -1 4194560 1 2 3 4 10 20 300 4000 20 0 1 0 9";
        let expected = Stat {
            parent: 3,
            ticks: 4330,
        };
        assert_eq!(stat(line), Some(expected));
        assert_eq!(stat("7 (a) S 3"), None);
    }

    #[test]
    fn this_process_has_a_size_and_a_time() {
        let own = std::process::id();
        assert!(megabytes(own, "VmRSS").unwrap() > 0.1);
        assert!(megabytes(own, "VmNothing").is_err());
        assert!(cpu_seconds(own).unwrap() >= 0.0);
    }
}

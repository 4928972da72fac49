//! A process that takes part: pinned to the server's core, its CPU time read from the kernel, ended at the latest when dropped.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::{run, shown};

/// The core of whatever is measured, and the core of the load.
pub(super) const SERVER_CORE: &str = "0";
pub(super) const LOAD_CORE: &str = "1";

const READY: Duration = Duration::from_secs(30);

/// Processes report their time in hundredths of a second: Linux on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// A running process that is no Lictor.
pub(super) struct Process(Child);

impl Process {
    /// Starts the command on the server's core.
    pub(super) fn start(command: &Command) -> Result<Self> {
        let mut pinned = pinned(SERVER_CORE, command);
        pinned.stdin(Stdio::null()).stdout(Stdio::null());
        let child = pinned.spawn().with_context(|| shown(command))?;
        Ok(Self(child))
    }

    pub(super) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Waits until it accepts connections at this address.
    pub(super) fn answers_at(&mut self, address: &str) -> Result<()> {
        self.wait_until(|| TcpStream::connect(address).is_ok())
    }

    /// Waits until this is so; a process that ends first is an error.
    pub(super) fn wait_until(&mut self, ready: impl Fn() -> bool) -> Result<()> {
        let started = Instant::now();
        while !ready() {
            if let Some(status) = self.0.try_wait()? {
                bail!("the process ended by itself: {status}");
            }
            ensure!(started.elapsed() < READY, "the process was never ready");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if the process is gone already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The command on one core, where it stays.
pub(super) fn pinned(core: &str, command: &Command) -> Command {
    let mut pinned = Command::new("taskset");
    pinned
        .args(["--cpu-list", core])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => pinned.env(name, value),
            None => pinned.env_remove(name),
        };
    }
    pinned
}

/// Moves every thread of a running process to the server's core.
pub(super) fn pin(process: u32) -> Result<()> {
    let id = process.to_string();
    let mut command = Command::new("taskset");
    command.args(["--all-tasks", "--cpu-list", "--pid", SERVER_CORE, &id]);
    run(command.stdout(Stdio::null()))
}

/// An address on which nothing listens. Another process could take it before it is used; then the
/// contestant ends, which is told.
pub(super) fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

/// The CPU-seconds, user and system, of a process with all its threads, of its children, of
/// theirs, and of those of them that have ended.
pub(super) fn cpu_seconds(root: u32) -> Result<f64> {
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
pub(super) fn megabytes(process: u32, name: &str) -> Result<f64> {
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

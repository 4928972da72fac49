//! Limits of this process: its open files, which every process inherits that is started here, and which of its threads
//! give way to others, and whether it may do what only root may.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::programs::run;

/// Raises this process's own limit on open files, which the server inherits. A process may do so up
/// to its hard limit; util-linux does it without unsafe code here.
///
/// # Errors
/// The hard limit is lower.
pub fn allow_files(files: u64) -> Result<()> {
    let (own, wanted) = (std::process::id().to_string(), files * 11 / 10);
    let limits = fs::read_to_string("/proc/self/limits")?;
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let line = line.context("no limit on open files")?;
    let mut figures = line.split_whitespace().skip(3);
    let mut figure = || {
        figures
            .next()
            .and_then(|f| f.parse().ok())
            .unwrap_or(u64::MAX)
    };
    let (soft, hard) = (figure(), figure());
    if soft >= wanted {
        return Ok(());
    }
    ensure!(
        hard >= wanted,
        "{wanted} open files are needed, and the hard limit is {hard}"
    );
    let limit = format!("--nofile={wanted}:{hard}");
    run(Command::new("prlimit").args(["--pid", &own, &limit]))
}

/// Lets this thread run only where others leave it a processor: it represents another machine, which
/// has processors of its own.
///
/// # Errors
/// The system does not let it.
pub fn give_way() -> Result<()> {
    let thread = fs::read_link("/proc/thread-self")?;
    let id = thread.file_name().context("a thread without number")?;
    run(Command::new("chrt").args(["--idle", "--pid", "0"]).arg(id))
}

/// The same for a program that is to be started, with its arguments to be added.
pub fn giving_way(program: &str) -> Command {
    let mut command = Command::new("chrt");
    command.args(["--idle", "0", program]);
    command
}

/// Whether this process is root's. `id` tells, without a crate or unsafe code for one system call.
///
/// # Errors
/// There is no `id`.
pub fn is_root() -> Result<bool> {
    let output = Command::new("id")
        .arg("--user")
        .output()
        .context("running id")?;
    Ok(output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The 41st field of what the kernel tells of a process or a thread.
    fn policy(stat: &str) -> &str {
        let (_, fields) = stat.rsplit_once(')').unwrap();
        fields.split_whitespace().nth(38).unwrap()
    }

    #[test]
    fn a_thread_gives_way_alone() {
        const IDLE: &str = "5";
        let own = || fs::read_to_string("/proc/thread-self/stat").unwrap();
        let before = own();
        let other = std::thread::spawn(move || {
            give_way().unwrap();
            own()
        });
        let other = other.join().unwrap();
        assert_eq!(policy(&other), IDLE);
        assert_eq!(policy(&own()), policy(&before));
        let told = giving_way("cat").arg("/proc/self/stat").output().unwrap();
        assert_eq!(policy(&String::from_utf8(told.stdout).unwrap()), IDLE);
    }
}

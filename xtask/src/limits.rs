//! The limit on open files, which every process inherits that is started here.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::workspace::run;

/// Raises this process's own limit on open files, which the server inherits. A process may do so up
/// to its hard limit; util-linux does it without unsafe code here.
pub(crate) fn allow_files(files: u64) -> Result<()> {
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

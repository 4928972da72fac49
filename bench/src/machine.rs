//! What the figures were measured on: processor, kernel, and how long the disk takes to flush.

use std::fs::{self, File};
use std::io::Write as _;
use std::time::Instant;

use anyhow::{Context, Result};

use super::Bench;
use super::rounds::{Figure, Samples};

const FLUSHES: usize = 200;

pub(super) fn describe(bench: &Bench) -> Result<String> {
    let processor = fs::read_to_string("/proc/cpuinfo")?;
    let model = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("an unnamed processor", |(_, model)| model);
    let cores = std::thread::available_parallelism()?;
    let memory = fs::read_to_string("/proc/meminfo")?;
    let kibibytes: f64 = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB"))
        .context("no size of memory")?
        .parse()?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let kernel = kernel.split('-').next().unwrap_or_default().trim();
    let commit = commit(bench)?;
    let flush = flush_microseconds(bench)?;
    let quick = Figure(flush.median());
    let gigabytes = Figure(kibibytes * 1024.0 / 1e9);
    Ok(format!(
        "{model}, {cores} cores, {gigabytes} GB, Linux {kernel}; an append of 4 KiB with fdatasync \
         takes {quick} µs (median of {FLUSHES}). Commit {commit}."
    ))
}

fn commit(bench: &Bench) -> Result<String> {
    let output = std::process::Command::new("git")
        .args(["describe", "--always"])
        .current_dir(&bench.workspace.root)
        .output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn flush_microseconds(bench: &Bench) -> Result<Samples> {
    let mut file = File::create(bench.scratch.join("flushed"))?;
    let mut took = Vec::with_capacity(FLUSHES);
    for _ in 0..FLUSHES {
        let begun = Instant::now();
        file.write_all(&[1; 4096])?;
        file.sync_data()?;
        took.push(begun.elapsed());
    }
    Ok(Samples::of(&took, |took| took.as_secs_f64() * 1e6))
}

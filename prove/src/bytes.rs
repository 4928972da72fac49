//! `prove bytes`: fuzzes everything that parses untrusted bytes, and damages database files; nothing may panic, hang, or accept what is invalid.

mod databases;

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use lictor_testkit::programs::run as succeed;
use lictor_testkit::{Tally, Workspace};

use super::{Experiment, Trial};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "bytes",
    release: 60_000_000,
    faults: &["unchecked-signatures", "payloads-unchecked"],
    run,
};

/// Executions of the fuzzer for each database with changed bytes.
const EXECUTIONS_PER_DATABASE: u64 = 60_000;

/// Targets that run at once.
const AT_ONCE: usize = 2;

/// What libFuzzer needs of the compiler, as `cargo fuzz` gives it, without a sanitizer: there is no
/// unsafe code of ours for one to look at.
const INSTRUMENTS: [&str; 6] = [
    "--cfg fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Where a target is, and where it runs.
struct Target {
    name: String,
    binary: PathBuf,
    /// Inputs that are kept with the sources.
    seeds: PathBuf,
    /// Its folder for this run.
    scratch: PathBuf,
}

/// What came of a target.
struct Outcome {
    executions: u64,
    seconds: f64,
    fault: Option<String>,
}

/// Tries the databases, then the fuzzer.
fn run(workspace: &Workspace, trial: &Trial) -> Result<Tally> {
    let databases = trial.count.div_ceil(EXECUTIONS_PER_DATABASE);
    let mut tally = databases::run(workspace, trial, databases)?;
    tally.add(run_fuzzer(workspace, trial)?);
    Ok(tally)
}

/// Builds the targets and runs them, two at a time. One passed test per target that held.
fn run_fuzzer(workspace: &Workspace, trial: &Trial) -> Result<Tally> {
    let scratch = workspace.scratch("bytes")?;
    let targets = build(workspace, &scratch)?;
    let each = trial.count.div_ceil(targets.len() as u64);
    let queue = Mutex::new(VecDeque::from(targets));
    let mut outcomes = thread::scope(|scope| -> Result<Vec<(Target, Outcome)>> {
        let workers: Vec<_> = (0..AT_ONCE)
            .map(|_| scope.spawn(|| work(&queue, each, trial)))
            .collect();
        let mut all = Vec::new();
        for worker in workers {
            all.extend(worker.join().map_err(|_| anyhow!("a worker panicked"))??);
        }
        Ok(all)
    })?;
    outcomes.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));

    println!("{:<12} {:>12} {:>9}", "target", "executions", "seconds");
    let mut tally = Tally::default();
    let mut total = 0;
    for (target, outcome) in &outcomes {
        let (name, executions) = (&target.name, outcome.executions);
        println!("{name:<12} {executions:>12} {:>9.1}", outcome.seconds);
        if let Some(fault) = &outcome.fault {
            println!("FAIL {name}: {fault}");
        }
        tally.count(outcome.fault.is_none());
        total += executions;
    }
    println!("executions {total}, seed {}", trial.seed);
    if tally.failed == 0 {
        ensure!(total >= trial.count, "fewer executions than asked for");
    }
    scratch.end(tally)
}

/// Builds everything in `fuzz/`, for the machine it runs on: named, so that build scripts get none
/// of the instruments.
fn build(workspace: &Workspace, scratch: &Path) -> Result<Vec<Target>> {
    let fuzz = workspace.root.join("fuzz");
    let version = Command::new("rustc").arg("-vV").output()?;
    let version = String::from_utf8(version.stdout)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc names no host")?;
    let target = workspace.target.join("fuzz");
    let mut build = workspace.cargo(&["build", "--release", "--locked", "--target", host]);
    build.arg("--target-dir").arg(&target).current_dir(&fuzz);
    succeed(build.env("RUSTFLAGS", INSTRUMENTS.join(" ")))?;

    let mut names = Vec::new();
    for entry in fs::read_dir(fuzz.join("fuzz_targets"))? {
        let path = entry?.path();
        names.extend(
            path.file_stem()
                .map(|name| name.to_string_lossy().into_owned()),
        );
    }
    names.sort();
    let target = |name: String| Target {
        binary: target.join(host).join("release").join(&name),
        seeds: fuzz.join("corpus").join(&name),
        scratch: scratch.join(&name),
        name,
    };
    Ok(names.into_iter().map(target).collect())
}

fn work(
    queue: &Mutex<VecDeque<Target>>,
    executions: u64,
    trial: &Trial,
) -> Result<Vec<(Target, Outcome)>> {
    let next = || {
        queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    };
    let mut done = Vec::new();
    while let Some(target) = next() {
        let outcome = fuzz(&target, executions, trial)?;
        done.push((target, outcome));
    }
    Ok(done)
}

fn fuzz(target: &Target, executions: u64, trial: &Trial) -> Result<Outcome> {
    let corpus = target.scratch.join("corpus");
    fs::create_dir_all(&corpus)?;
    let mut command = Command::new(&target.binary);
    // libFuzzer takes 32 bits, and 0 for a seed of its own.
    let seed = (trial.seed % u64::from(u32::MAX)).max(1);
    command.args([format!("-runs={executions}"), format!("-seed={seed}")]);
    command.args(["-max_len=4096", "-timeout=10", "-rss_limit_mb=1024"]);
    command.args(["-print_final_stats=1", "-verbosity=0"]);
    command.arg(format!("-artifact_prefix={}/", target.scratch.display()));
    command.arg(&corpus);
    if target.seeds.exists() {
        command.arg(&target.seeds);
    }
    command.envs(trial.environment());
    let begun = Instant::now();
    let output = command.output().with_context(|| target.name.clone())?;
    let said = String::from_utf8_lossy(&output.stderr);
    let executed = said
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units: "));
    let why = said
        .lines()
        .find(|line| line.contains("panicked") || line.contains("ERROR"));
    let fault = (!output.status.success()).then(|| {
        let why = why.unwrap_or("it ended by itself");
        let kept = target.scratch.display();
        format!(
            "{why}; repeat it with {} and the file in {kept}",
            target.binary.display()
        )
    });
    Ok(Outcome {
        executions: executed
            .and_then(|count| count.trim().parse().ok())
            .unwrap_or(0),
        seconds: begun.elapsed().as_secs_f64(),
        fault,
    })
}

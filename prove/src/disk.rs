//! `prove disk`: a fixed script runs again and again, and each time another of its file operations fails; nothing acknowledged may be lost, and nothing may panic.

mod full;
mod log;
mod node;
mod programs;
mod script;

use std::fmt;

use anyhow::{Result, ensure};
use lictor_testkit::{Installation, Tally, Workspace};

use self::programs::{Program, Programs};
use super::{Experiment, Trial};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "disk",
    // More than there are: a release fails every call.
    release: 2_000,
    faults: &[
        "flush-ignored",
        "full-is-final",
        "log-panics",
        "node-flush-ignored",
    ],
    run,
};

/// The kinds of calls, as the preloaded library names them.
const KINDS: [&str; 6] = ["open", "write", "sync", "rename", "truncate", "remove"];

/// What a failing call reports: EIO and ENOSPC, by their numbers on Linux.
const ERRORS: [(&str, u32); 2] = [("EIO", 5), ("ENOSPC", 28)];

/// One call of one program, and how it fails.
#[derive(Clone, Copy)]
struct Fault {
    program: Program,
    kind: &'static str,
    /// Which call of this kind, from 1.
    number: usize,
    error: (&'static str, u32),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            program,
            kind,
            number,
            error: (name, _),
        } = self;
        write!(f, "{program}: {kind} number {number} fails with {name}")
    }
}

/// Counts the calls, fails them, and looks. One passed test per failed call that did no harm.
fn run(workspace: &Workspace, trial: &Trial) -> Result<Tally> {
    let scratch = workspace.scratch("disk")?;
    let installation = Installation::create(&trial.binary, &scratch)?;
    let source = workspace.root.join("prove/src/disk/fail_call.c");
    let programs = Programs::prepare(&installation, trial, &source)?;
    let faults = all_faults(&programs)?;
    // Odd, or only one of the two errors would be chosen.
    let step = (faults.len() as u64).div_ceil(trial.count).max(1) | 1;
    let chosen = faults
        .iter()
        .skip((trial.seed % step) as usize)
        .step_by(step as usize);

    let mut tally = Tally::default();
    let mut unreached = 0;
    for fault in chosen {
        match programs.run(fault.program, Some(fault)) {
            Ok(calls) => {
                tally.count(true);
                unreached += usize::from(!calls.failed);
            }
            Err(error) => {
                println!("FAIL {fault}: {error:#}");
                tally.count(false);
            }
        }
    }
    let (failed, of) = (tally.passed + tally.failed, faults.len());
    println!("failed {failed} of {of} calls, one at a time; {unreached} of them did not come");
    ensure!(
        unreached * 10 < failed,
        "too many calls did not come a second time"
    );
    full::prove(&installation, trial, &mut tally)?;
    log::prove(&installation, trial, &mut tally)?;
    scratch.end(tally)
}

/// Runs every program once without a fault and counts what there is to fail.
fn all_faults(programs: &Programs) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for program in Program::ALL {
        let calls = programs.run(program, None)?;
        let counts: Vec<String> = KINDS
            .iter()
            .map(|kind| format!("{kind} {}", calls.count(kind)))
            .collect();
        println!("{program}: {}", counts.join(", "));
        for kind in KINDS {
            for number in 1..=calls.count(kind) {
                faults.extend(ERRORS.map(|error| Fault {
                    program,
                    kind,
                    number,
                    error,
                }));
            }
        }
    }
    Ok(faults)
}

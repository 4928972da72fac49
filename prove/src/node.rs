//! `prove node`: a node is cut off, killed and given wrong clocks; it decides by its license and policy all the same, and catches up.

mod catching_up;
mod endings;
mod expiry;
mod modes;
mod network;
mod outages;
mod rounds;
mod site;
mod time_checks;
mod watch;

use std::path::Path;
use std::thread;

use anyhow::{Result, anyhow, ensure};
use lictor_testkit::limits::is_root;
use lictor_testkit::{Tally, Workspace};

use super::clock;
use super::promise::{Promise, count};
use super::{Experiment, Trial};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "node",
    release: 150,
    faults: &["node-wall-clock", "node-state-in-memory"],
    run,
};

/// A part: its promises, and its figures in one line.
type Part = fn(&Trial, &Path) -> Result<(Vec<Promise>, String)>;

const PARTS: [(&str, Part); 6] = [
    ("cuts", rounds::run),
    ("outages", outages::working),
    ("idle", outages::idle),
    ("modes", modes::run),
    ("expiry", expiry::run),
    ("endings", endings::run),
];

/// All parts at the same time, as each waits most of its time. One passed test per promise.
fn run(workspace: &Workspace, trial: &Trial) -> Result<Tally> {
    ensure!(
        is_root()?,
        "this experiment makes network namespaces, which needs root"
    );
    let scratch = workspace.scratch("node")?;
    let mut tally = Tally::default();
    let outcomes = thread::scope(|scope| {
        let running = PARTS.map(|(_, part)| {
            let scratch = &scratch;
            scope.spawn(move || part(trial, scratch))
        });
        running.map(|part| part.join().unwrap_or_else(|_| Err(anyhow!("it panicked"))))
    });
    for ((name, _), outcome) in PARTS.iter().zip(outcomes) {
        match outcome {
            Ok((promises, figures)) => {
                println!("{name}: {figures}");
                promises
                    .into_iter()
                    .for_each(|promise| count(&mut tally, promise));
            }
            Err(error) => {
                println!("FAIL {name}: {error:#}");
                tally.count(false);
            }
        }
    }
    scratch.end(tally)
}

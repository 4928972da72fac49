//! `prove kill`: processes are killed at random moments and at every named point of each write path; nothing acknowledged may be lost.

mod points;

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Result, ensure};
use lictor_testkit::{Installation, Tally, Workspace};

use self::points::Points;
use super::folder::{Figures, Folder};
use super::{Experiment, Trial};

/// After this many kills the folder starts afresh, so that early moments are hit again too.
const KILLS_PER_FOLDER: u64 = 8;

/// The writers get at least this long, and at most that much longer.
const SHORTEST_MILLISECONDS: u64 = 5;
const SPREAD_MILLISECONDS: u64 = 60;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "kill",
    release: 2_000,
    faults: &["early-ack"],
    run,
};

/// Kills, restarts and looks, as often as asked. One passed test per kill that lost nothing.
fn run(workspace: &Workspace, trial: &Trial) -> Result<Tally> {
    let scratch = workspace.scratch("kill")?;
    let installation = Installation::create(&trial.binary, &scratch)?;

    let points = Points::new(&installation, workspace.faulty_binary()?);

    let mut tally = Tally::default();
    let mut figures = Figures::default();
    let mut folder = Folder::new(installation, trial)?;
    let mut begun = None;
    for round in 0..trial.count {
        if begun.is_none_or(|first| round - first == KILLS_PER_FOLDER) {
            folder.begin(scratch.join(format!("data-{round}")))?;
            begun = Some(round);
        }
        // Every second one at a point.
        let killed = match round % 2 {
            0 => kill_once(&mut folder, &mut figures),
            _ => points.end_at(round / 2, &mut folder, &mut figures),
        };
        match killed {
            Ok(()) => tally.count(true),
            Err(error) => {
                println!("FAIL kill {}: {error:#}", round + 1);
                tally.count(false);
                begun = None;
            }
        }
    }
    let Figures { acknowledged, lost } = figures;
    let found = acknowledged - lost;
    let (kills, seed) = (tally.passed + tally.failed, trial.seed);
    println!("acknowledged {acknowledged}, found {found}, lost {lost}, kills {kills}, seed {seed}");
    ensure!(
        acknowledged > 0,
        "no write was acknowledged, so nothing was proven"
    );
    drop(folder);
    scratch.end(tally)
}

/// Writes, kills, starts again and compares.
fn kill_once(folder: &mut Folder, figures: &mut Figures) -> Result<()> {
    let wait = SHORTEST_MILLISECONDS + folder.random.below(SPREAD_MILLISECONDS);
    folder.write_until(figures, true, |server, ending| {
        std::thread::sleep(Duration::from_millis(wait));
        ending.store(true, Ordering::SeqCst);
        server.kill()
    })?;
    folder.compare(figures)
}

//! `prove power`: the file system under a server is cut off as a power cut would, while licenses are written; what was acknowledged must be there afterwards.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lictor_testkit::limits::is_root;
use lictor_testkit::{Installation, Tally, Workspace};

use super::folder::{Figures, Folder};
use super::image::{Cut, FileSystem, Image};
use super::{Experiment, Trial};

/// After this many cuts a new image is made, of the other file system.
const CUTS_PER_IMAGE: u64 = 8;

/// The writers get at least this long, and at most that much longer.
const SHORTEST_MILLISECONDS: u64 = 5;
const SPREAD_MILLISECONDS: u64 = 150;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "power",
    release: 500,
    faults: &["synchronous-off", "synchronous-normal"],
    run,
};

/// Cuts, mounts again, restarts and looks. One passed test per cut that lost nothing.
fn run(workspace: &Workspace, trial: &Trial) -> Result<Tally> {
    ensure!(
        is_root()?,
        "only root can mount the file systems that are cut off: run this as root"
    );
    let scratch = workspace.scratch("power")?;
    let installation = Installation::create(&trial.binary, &scratch)?;
    let mut tally = Tally::default();
    let mut figures = Figures::default();
    let mut folder = Folder::new(installation, trial)?;
    let mut current: Option<Image> = None;
    for round in 0..trial.count {
        if round % CUTS_PER_IMAGE == 0 || current.is_none() {
            folder.stop();
            drop(current.take());
            let kind = FileSystem::alternately(round / CUTS_PER_IMAGE);
            let image = Image::create(&scratch.join(format!("image-{round}")), kind)?;
            folder.begin(image.mount.join("data"))?;
            // The making of the folder is not what is cut off here.
            image.sync()?;
            current = Some(image);
        }
        let image = current.as_ref().context("there is no image")?;
        match cut_once(&mut folder, image, Cut::alternately(round), &mut figures) {
            Ok(()) => tally.count(true),
            Err(error) => {
                println!("FAIL cut {} of {image}: {error:#}", round + 1);
                tally.count(false);
                folder.stop();
                current = None;
            }
        }
    }
    folder.stop();
    drop(current);
    let Figures { acknowledged, lost } = figures;
    let found = acknowledged - lost;
    let (cuts, seed) = (tally.passed + tally.failed, trial.seed);
    println!("acknowledged {acknowledged}, found {found}, lost {lost}, cuts {cuts}, seed {seed}");
    ensure!(
        acknowledged > 0,
        "no write was acknowledged, so nothing was proven"
    );
    scratch.end(tally)
}

/// Writes, cuts, mounts and starts again, and compares.
fn cut_once(folder: &mut Folder, image: &Image, cut: Cut, figures: &mut Figures) -> Result<()> {
    let wait = SHORTEST_MILLISECONDS + folder.random.below(SPREAD_MILLISECONDS);
    // A flush may be reported done while the cut is made, and be lost: Linux does so.
    let exact = false;
    folder.write_until(figures, exact, |server, ending| {
        std::thread::sleep(Duration::from_millis(wait));
        ending.store(true, Ordering::SeqCst);
        image.cut_off(cut)?;
        // It may have ended already: memory shared with a file that is gone cannot be read.
        drop(server);
        Ok(())
    })?;
    image.mount_again()?;
    folder.compare(figures)
}

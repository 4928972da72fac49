//! The link stays cut for minutes, in each way, for a busy node and for an idle one: it decides as before, and catches up soon after.

use std::path::Path;

use anyhow::Result;

use super::super::random::Random;
use super::catching_up::CatchingUp;
use super::clock::Seconds;
use super::network::Cut;
use super::site::{Site, TURNS};
use super::watch::Watch;
use crate::Trial;
use crate::promise::Promise;

/// How long the first outage of the working node lasts, in others.
const LONGEST: u64 = 3;

/// What is done to the node is done in steps.
const STEP: Seconds = 1.0;

/// One step in so many restarts the node, and one turns its clock.
const RARELY: u64 = 8;

/// The policy is the one that nobody has set. Each count of the trial is a second of an outage.
pub(super) fn working(trial: &Trial, scratch: &Path) -> Result<(Vec<Promise>, String)> {
    let mut random = Random::new(trial.seed ^ 3);
    let mut site = Site::create(trial, scratch, "outages", 0)?;
    site.license("2025-01-01", "2099-12-31")?;
    site.join()?;
    let mut caught_up = CatchingUp::default();
    let (time, address) = (site.time, site.address());
    let seen = Watch::during(time, address, |watch| {
        let sabotage = |site: &mut Site, random: &mut Random| {
            let turned = TURNS[random.below(4) as usize];
            match random.below(RARELY) {
                0 => site.turn_clock(turned),
                1 => site.restart(watch, turned),
                _ => Ok(()),
            }
        };
        let cut = Cut::pick(&Cut::ALL, &mut random);
        let first = Outage {
            cut,
            lasts: LONGEST * trial.count,
        };
        first.happen(&mut site, &mut random, &mut caught_up, sabotage)?;
        // The process goes on, with the connections that it had.
        each_way(&mut site, trial, &mut random, &mut caught_up)
    })?;
    let figures = format!(
        "outages of {} and {} s, restarts {}, decisions {}, slowest to catch up {:.1} s",
        LONGEST * trial.count,
        trial.count,
        seen.restarts,
        seen.told.len(),
        caught_up.longest
    );
    let mut promises = vec![
        (
            "every decision in an outage allows the request",
            seen.denied(),
        ),
        caught_up.promise("the newest state is applied within 5 s of an outage"),
    ];
    promises.extend(seen.promises());
    Ok((promises, figures))
}

/// Nobody asks this node for anything, so that it has nothing to report.
pub(super) fn idle(trial: &Trial, scratch: &Path) -> Result<(Vec<Promise>, String)> {
    let mut random = Random::new(trial.seed ^ 4);
    let mut site = Site::create(trial, scratch, "idle", 0)?;
    let license = site.license("2025-01-01", "2099-12-31")?;
    site.join()?;
    site.up_to_date(&license, 10.0)?;
    let mut caught_up = CatchingUp::default();
    each_way(&mut site, trial, &mut random, &mut caught_up)?;
    let figures = format!(
        "outages of {} s, slowest to catch up {:.1} s",
        trial.count, caught_up.longest
    );
    let promise = caught_up.promise("an idle node has the newest state within 5 s of an outage");
    Ok((vec![promise], figures))
}

fn each_way(
    site: &mut Site,
    trial: &Trial,
    random: &mut Random,
    caught_up: &mut CatchingUp,
) -> Result<()> {
    for cut in Cut::ALL {
        let outage = Outage {
            cut,
            lasts: trial.count,
        };
        outage.happen(site, random, caught_up, |_, _| Ok(()))?;
    }
    Ok(())
}

struct Outage {
    cut: Cut,
    /// In seconds.
    lasts: u64,
}

impl Outage {
    /// Cuts the link, stores a license in the first half of the time, and heals.
    fn happen(
        &self,
        site: &mut Site,
        random: &mut Random,
        caught_up: &mut CatchingUp,
        mut meanwhile: impl FnMut(&mut Site, &mut Random) -> Result<()>,
    ) -> Result<()> {
        site.link.cut(self.cut)?;
        let began = site.time.now();
        let over = began + self.lasts as Seconds;
        let renewed_at = began + random.below(1_000 * self.lasts) as Seconds / 2_000.0;
        let mut newest = None;
        while site.time.now() < over {
            let next = site.time.now() + STEP;
            site.time.wait_until(next.min(over));
            if newest.is_none() && site.time.now() >= renewed_at {
                newest = Some(site.license("2025-01-01", "2099-12-31")?);
            }
            meanwhile(site, random)?;
        }
        let newest = match newest {
            Some(newest) => newest,
            None => site.license("2025-01-01", "2099-12-31")?,
        };
        let cut = format!("{:?} for {} s", self.cut, self.lasts);
        caught_up.heal(site, &newest, &cut)
    }
}

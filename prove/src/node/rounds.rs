//! The link is cut again and again, while the node is killed and its clock is changed: it decides as before, and catches up once the link is back.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::super::random::Random;
use super::catching_up::CatchingUp;
use super::network::Cut;
use super::site::{Site, TURNS};
use super::watch::Watch;
use crate::Trial;
use crate::promise::Promise;

/// What happens in each cut, and the time from one to the next in milliseconds.
const STEPS: u64 = 4;
const SHORTEST_STEP: u64 = 500;
const SPREAD: u64 = 1_500;

/// Runs the rounds, and judges.
pub(super) fn run(trial: &Trial, scratch: &Path) -> Result<(Vec<Promise>, String)> {
    let mut random = Random::new(trial.seed);
    let mut site = Site::create(trial, scratch, "cuts", 0)?;
    let mut newest = site.license("2025-01-01", "2099-12-31")?;
    site.join()?;
    let mut caught_up = CatchingUp::default();
    let (time, address) = (site.time, site.address());
    let seen = Watch::during(time, address, |watch| {
        for round in 1..=trial.count {
            let cut = round_of(&mut site, watch, &mut random, &mut newest)?;
            caught_up.heal(&site, &newest, &format!("round {round}, {cut}"))?;
        }
        Ok(())
    })?;
    let figures = format!(
        "cuts {}, restarts {}, decisions {}, slowest to catch up {:.1} s",
        trial.count,
        seen.restarts,
        seen.told.len(),
        caught_up.longest
    );
    let mut promises = vec![
        ("every decision allows the request", seen.denied()),
        caught_up.promise("the newest state is applied within 5 s"),
    ];
    promises.extend(seen.promises());
    Ok((promises, figures))
}

/// Cuts the link and does what the seed says; how it was cut last.
fn round_of(
    site: &mut Site,
    watch: &Watch,
    random: &mut Random,
    newest: &mut String,
) -> Result<String> {
    let mut cut = Cut::pick(&Cut::ALL, random);
    site.link.cut(cut)?;
    let renewed_at = random.below(STEPS);
    for step in 0..STEPS {
        std::thread::sleep(Duration::from_millis(SHORTEST_STEP + random.below(SPREAD)));
        if step == renewed_at {
            *newest = site.license("2025-01-01", "2099-12-31")?;
        }
        let turned = TURNS[random.below(4) as usize];
        match random.below(5) {
            0 | 1 => site.turn_clock(turned)?,
            2 | 3 => site.restart(watch, turned)?,
            _ => {
                cut = Cut::pick(&Cut::ALL, random);
                site.link.cut(cut)?;
            }
        }
    }
    Ok(format!("{cut:?}"))
}

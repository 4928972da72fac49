//! Licenses that end: an expired one that is written last does not hide the one in force, and when a short one ends a longer one takes over at once.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::super::random::Random;
use super::catching_up::CAUGHT_UP;
use super::clock::{Seconds, date, next_midnight};
use super::expiry::unless;
use super::network::Cut;
use super::site::Site;
use super::time_checks::TOLERANCE;
use super::watch::Watch;
use crate::Trial;
use crate::promise::Promise;

/// So long before the shorter license's end the site begins to exist.
const BEFORE: i64 = 60;

/// How long the ended license is the one written last.
const HIDDEN: Seconds = 8.0;

/// What was in force after each step: how long the node took, if it came to be.
#[derive(Default)]
struct Taken {
    behind_ended: Option<Seconds>,
    shorter: Option<Seconds>,
    longer_again: Option<Seconds>,
}

/// Writes an ended and a shorter license after a longer one, and judges.
pub(super) fn run(trial: &Trial, scratch: &Path) -> Result<(Vec<Promise>, String)> {
    let mut random = Random::new(trial.seed ^ 3);
    let (midnight, left) = next_midnight();
    let mut site = Site::create(trial, scratch, "endings", left - BEFORE)?;
    let longer = site.license("2025-01-01", "2199-12-31")?;
    site.join()?;
    let (time, end) = (site.time, midnight as Seconds);
    let mut taken = Taken::default();
    let seen = Watch::during(time, site.address(), |_| {
        let joined = site.up_to_date(&longer, CAUGHT_UP)?;
        joined.context("the node does not have its first license")?;
        site.license("2020-01-01", "2021-01-01")?;
        time.wait_until(time.now() + HIDDEN);
        taken.behind_ended = site.up_to_date(&longer, CAUGHT_UP)?;
        let shorter = site.license("2025-01-01", &date(midnight)?)?;
        taken.shorter = site.up_to_date(&shorter, CAUGHT_UP)?;
        ensure!(
            time.now() < end - 2.0,
            "the site was made too slowly to prove anything"
        );
        // What follows the node knows by itself.
        site.link.cut(Cut::pick(&Cut::DEAF, &mut random))?;
        time.wait_until(end);
        taken.longer_again = site.up_to_date(&longer, CAUGHT_UP)?;
        time.wait_until(end + TOLERANCE + 2.0);
        site.link.heal()
    })?;
    let figures = format!(
        "decisions {}, the longer one in force {:.1} s after the shorter one's end",
        seen.told.len(),
        taken.longer_again.unwrap_or(Seconds::NAN)
    );
    let at_once = taken.longer_again.is_some_and(|took| took <= TOLERANCE);
    let mut promises = vec![
        ("no request is denied, whatever else ended", seen.denied()),
        (
            "an ended license that is written last leaves the longer one in force",
            unless(taken.behind_ended.is_some(), "it did not"),
        ),
        (
            "a shorter license that is written last is in force",
            unless(taken.shorter.is_some(), "it was not"),
        ),
        (
            "when it ends the longer one is in force at once, without the control plane",
            unless(at_once, "it was not"),
        ),
    ];
    promises.extend(seen.promises());
    Ok((promises, figures))
}

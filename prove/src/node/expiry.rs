//! A license expires while the node is cut off, its clock is changed and its process killed: the node honors it until then, and no longer.

use std::path::Path;

use anyhow::{Result, ensure};

use super::super::random::Random;
use super::clock::{Seconds, date, next_midnight};
use super::network::Cut;
use super::site::{Site, TURNS};
use super::time_checks::TOLERANCE;
use super::watch::{ClientAnswer, Seen, Watch};
use crate::Trial;
use crate::promise::Promise;

/// So long before the license's end the site begins to exist.
const BEFORE: i64 = 75;

/// The machine's clock may end a license so much too early.
const EARLY: Seconds = 60.0;

/// The link is cut, and the node's clock set ten years ahead, until that is over.
const AHEAD_UNTIL: Seconds = -59.0;

/// When the node is killed.
const KILLS: [Seconds; 2] = [-52.0, -44.0];

/// When its clock is set back by a year, to stay there.
const BACK_AT: Seconds = -8.0;

/// Runs until the license has expired for the node too, and judges.
pub(super) fn run(trial: &Trial, scratch: &Path) -> Result<(Vec<Promise>, String)> {
    let mut random = Random::new(trial.seed ^ 2);
    // Midnight comes soon, in a world of its own.
    let (midnight, left) = next_midnight();
    let mut site = Site::create(trial, scratch, "expiry", left - BEFORE)?;
    site.license("2025-01-01", &date(midnight)?)?;
    site.join()?;
    let (time, midnight) = (site.time, midnight as Seconds);
    let mut healed = Seconds::MAX;
    let seen = Watch::during(time, site.address(), |watch| {
        site.link.cut(Cut::pick(&Cut::DEAF, &mut random))?;
        site.turn_clock(TURNS[3])?;
        ensure!(
            time.now() < midnight - EARLY - 2.0,
            "the site was made too slowly to prove anything"
        );
        time.wait_until(midnight + AHEAD_UNTIL);
        for kill in KILLS {
            time.wait_until(midnight + kill - 3.0);
            site.turn_clock(TURNS[random.below(4) as usize])?;
            time.wait_until(midnight + kill);
            site.restart(watch, TURNS[random.below(4) as usize])?;
        }
        time.wait_until(midnight + BACK_AT);
        site.turn_clock(TURNS[2])?;
        time.wait_until(midnight + TOLERANCE + 4.0);
        healed = time.now();
        site.link.heal()
    })?;
    Ok(judge(&seen, midnight, healed))
}

fn judge(seen: &Seen, midnight: Seconds, healed: Seconds) -> (Vec<Promise>, String) {
    let told = seen.told.iter().filter(|told| told.answered < healed);
    let told: Vec<&ClientAnswer> = told.collect();
    let which = |wrong: &dyn Fn(&ClientAnswer) -> bool| -> Vec<String> {
        let wrong = told.iter().filter(|told| wrong(told));
        wrong.map(|told| shown(told, midnight)).collect()
    };
    let before = told.partition_point(|told| told.answered < midnight - EARLY);
    let first = told.iter().find(|told| expired(told));
    let first_at = first.map_or(Seconds::NAN, |told| told.asked - midnight);
    let figures = format!(
        "restarts {}, decisions {}, expired {first_at:.1} s behind its end",
        seen.restarts,
        told.len()
    );
    let mut promises = vec![
        (
            "a request is allowed, or the license has expired",
            which(&|told| !allowed(told) && !expired(told)),
        ),
        (
            "a clock ten years ahead was tried before the last minute",
            unless(before >= 100, "it was not"),
        ),
        (
            "no license expires more than a minute early",
            which(&|told| expired(told) && told.answered < midnight - EARLY),
        ),
        (
            "no license is used for longer than its time",
            which(&|told| allowed(told) && told.asked > midnight + TOLERANCE),
        ),
        ("the license expired", unless(first.is_some(), "it did not")),
    ];
    promises.extend(seen.promises());
    (promises, figures)
}

fn allowed(told: &ClientAnswer) -> bool {
    told.status == 204
}

fn expired(told: &ClientAnswer) -> bool {
    told.status == 403 && told.said.contains("expired")
}

fn shown(told: &ClientAnswer, midnight: Seconds) -> String {
    let at = told.asked - midnight;
    format!("{} {} {at:.1} s behind its end", told.status, told.said)
}

pub(super) fn unless(held: bool, otherwise: &str) -> Vec<String> {
    let broken = (!held).then(|| otherwise.to_owned());
    broken.into_iter().collect()
}

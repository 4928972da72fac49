//! A node that is cut off goes from fresh to restricted when its policy says so, by true time, and recovers when the link does.

use std::path::Path;

use anyhow::Result;

use super::super::random::Random;
use super::catching_up::CAUGHT_UP;
use super::clock::Seconds;
use super::network::Cut;
use super::site::{Site, TURNS};
use super::watch::{ClientAnswer, Look, Seen, Watch};
use crate::Trial;
use crate::promise::Promise;

/// The policy, in seconds.
const STALE_AFTER: Seconds = 10.0;
const EXPIRES_AFTER: Seconds = 16.0;
const GRACE: Seconds = 8.0;

/// How far from an edge what is seen is not judged: signing has whole seconds, and an answer takes time.
const TOLERANCE: Seconds = 2.0;

/// The modes, and until which age of the state each lasts.
const MODES: [(&str, Seconds); 4] = [
    ("fresh", STALE_AFTER),
    ("stale", EXPIRES_AFTER),
    ("grace", EXPIRES_AFTER + GRACE),
    ("restricted", Seconds::MAX),
];

/// Cuts the link for as long as all modes take, and judges.
pub(super) fn run(trial: &Trial, scratch: &Path) -> Result<(Vec<Promise>, String)> {
    let mut random = Random::new(trial.seed ^ 1);
    let mut site = Site::create(trial, scratch, "modes", 0)?;
    let license = site.license("2025-01-01", "2099-12-31")?;
    let [stale, expires, grace] =
        [STALE_AFTER, EXPIRES_AFTER, GRACE].map(|span| format!("{span}s"));
    let policy = [
        "node",
        "policy",
        "--stale-after",
        &stale,
        "--expires-after",
        &expires,
    ];
    site.operator(&[&policy[..], &["--grace", &grace]].concat())?;
    site.join()?;
    let mut fresh_again = None;
    let seen = Watch::during(site.time, site.address(), |_| {
        site.link.cut(Cut::pick(&Cut::DEAF, &mut random))?;
        let until = site.time.now() + EXPIRES_AFTER + GRACE + 2.0 * TOLERANCE;
        while site.time.now() < until {
            site.time.wait_until(site.time.now() + 2.0);
            site.turn_clock(TURNS[random.below(4) as usize])?;
        }
        site.link.heal()?;
        fresh_again = site.up_to_date(&license, CAUGHT_UP)?;
        Ok(())
    })?;
    let never = MODES
        .iter()
        .filter(|(mode, _)| !seen.looks.iter().any(|look| look.mode == *mode));
    let not_again = match fresh_again {
        Some(_) => Vec::new(),
        None => vec!["it is not".to_owned()],
    };
    let figures = format!(
        "decisions {}, fresh again after {:.1} s",
        seen.told.len(),
        fresh_again.unwrap_or(Seconds::NAN)
    );
    let mut promises = vec![
        (
            "every mode is seen",
            never.map(|(mode, _)| (*mode).to_owned()).collect(),
        ),
        ("each mode begins and ends by true time", wrong_modes(&seen)),
        (
            "a request is denied when the node is restricted, and only then",
            wrong_answers(&seen),
        ),
        (
            "a restricted node is fresh within 5 s of the link's return",
            not_again,
        ),
    ];
    promises.extend(seen.promises());
    Ok((promises, figures))
}

/// The mode that a state has that was signed so long ago. `None` if it is too near to an edge.
fn mode_at(age: Seconds) -> Option<&'static str> {
    let near = |edge: Seconds| (age - edge).abs() < TOLERANCE;
    if MODES.iter().any(|(_, edge)| near(*edge)) {
        return None;
    }
    MODES
        .iter()
        .find(|(_, edge)| age < *edge)
        .map(|(mode, _)| *mode)
}

fn wrong_modes(seen: &Seen) -> Vec<String> {
    let wrong = seen.looks.iter().filter_map(|look| {
        let age = look.asked - look.signed as Seconds;
        let due = mode_at(age)?;
        (look.mode != due).then(|| format!("{} at {age:.1} s, where {due} is due", look.mode))
    });
    wrong.collect()
}

/// An answer counts if the state was the same before and behind it.
fn wrong_answers(seen: &Seen) -> Vec<String> {
    let mut wrong = Vec::new();
    for pair in seen.looks.windows(2) {
        let [before, behind] = pair else { continue };
        let between =
            |told: &&ClientAnswer| told.asked > before.answered && told.answered < behind.asked;
        if before.signed == behind.signed {
            let from = seen
                .told
                .partition_point(|told| told.answered < before.answered);
            let later = seen.told[from..].iter();
            let near = later.take_while(|told| told.answered < behind.answered);
            wrong.extend(
                near.filter(between)
                    .filter_map(|told| wrong_answer(before, told)),
            );
        }
    }
    wrong
}

fn wrong_answer(look: &Look, told: &ClientAnswer) -> Option<String> {
    let age = told.asked - look.signed as Seconds;
    let restricted = mode_at(age)? == "restricted";
    let right = match restricted {
        true => told.status == 403 && told.said.contains("restricted"),
        false => told.status == 204,
    };
    (!right).then(|| format!("{} {} at {age:.1} s", told.status, told.said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modes_follow_each_other() {
        let at = [0.0, 9.0, 13.0, 15.0, 20.0, 27.0].map(mode_at);
        let due = [
            Some("fresh"),
            None,
            Some("stale"),
            None,
            Some("grace"),
            Some("restricted"),
        ];
        assert_eq!(at, due);
    }
}

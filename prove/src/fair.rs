//! `prove fair`: one tenant misuses the server in every way it can, and another one does not notice.

mod alone;
mod attacks;
mod growth;
mod neighbor;
mod tenants;

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};
use lictor_testkit::limits::allow_files;
use lictor_testkit::{Installation, Tally, Workspace};

use super::promise::{Promise, count};
use super::{Experiment, Trial};
use attacks::{ATTACK_KINDS, Attack, AttackKind};
use neighbor::{Seen, p99};
use tenants::Site;

/// Seconds of attack, which the ways share.
const RELEASE: u64 = 300;

/// Files open in this process: peers of both ends, and what else there is.
const FILES: u64 = 4_000;

/// How many times as long a neighbor may wait, and how long at all.
const TIMES: f64 = 5.0;
const LONGEST_P99_MILLISECONDS: f64 = 50.0;

/// For a tenth, what is never too long, as it runs on machines that do other things too: for 90 of 100 in
/// each way, and for 99 of 100 in all of them.
const TENTH_P90_MILLISECONDS: f64 = 30.0;
const TENTH_P99_MILLISECONDS: f64 = 100.0;

const RATE_LIMIT: &str = "500/s";

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "fair",
    release: RELEASE,
    faults: &["first-come-first-served"],
    run,
};

/// One passed test per promise.
fn run(workspace: &Workspace, trial: &Trial) -> Result<Tally> {
    allow_files(FILES)?;
    let scratch = workspace.scratch("fair")?;
    let tally = measure(trial, &scratch)?;
    scratch.end(tally)
}

fn measure(trial: &Trial, scratch: &Path) -> Result<Tally> {
    let installation = Installation::create(&trial.binary, scratch)?;
    let is_release = trial.count >= RELEASE;
    let applications = if is_release { 12_000 } else { 2_000 };
    let site = |name: &str, option: &[(&str, &str)]| {
        let environment = [&trial.environment(), option].concat();
        Site::begin(
            &installation,
            &scratch.join(name),
            &environment,
            applications,
        )
    };
    let limited = site("limited", &[("LICTOR_RATE_LIMIT", RATE_LIMIT)])?;
    let unlimited = site("unlimited", &[])?;
    let names = Arc::new(AtomicU64::new(0));
    let window = Duration::from_secs(trial.count) / u32::try_from(2 * ATTACK_KINDS.len())?;
    let quiet = Duration::from_secs(if is_release { 10 } else { 2 });
    let mut tally = Tally::default();
    for (name, attacked, other) in [
        ("with --rate-limit 500/s", &limited, &unlimited),
        ("without --rate-limit", &unlimited, &limited),
    ] {
        println!("{name}:");
        let before = neighbor::watch(&attacked.neighbor, quiet, &Barrier::new(1))?;
        let mut all = Vec::new();
        for way in &ATTACK_KINDS {
            all.push(Found::of(way, attacked, other, window, &names)?);
        }
        let is_limited = std::ptr::eq(attacked, &limited);
        for promise in judge(&before, &all, is_limited, is_release) {
            count(&mut tally, promise);
        }
    }
    for promise in alone::promises(&unlimited, is_release)? {
        count(&mut tally, promise);
    }
    for promise in growth::promises(&unlimited, &names)? {
        count(&mut tally, promise);
    }
    Ok(tally)
}

/// What the neighbors saw while a tenant of the one server did its worst.
struct Found {
    way: &'static str,
    /// The neighbor of that server.
    attacked: Seen,
    /// That of the other one, on the same machine.
    beside: Seen,
}

impl Found {
    fn of(
        way: &'static AttackKind,
        attacked: &Site,
        other: &Site,
        window: Duration,
        names: &Arc<AtomicU64>,
    ) -> Result<Self> {
        let ready = Barrier::new(3);
        let watch = |site: &Site| neighbor::watch(&site.neighbor, window, &ready);
        let (attack, seen, beside) = thread::scope(|scope| {
            let both = [attacked, other].map(|site| scope.spawn(|| watch(site)));
            ready.wait();
            let attack = Attack::begin(way, &attacked.tenant, names);
            let [seen, beside] = both.map(|watching| {
                let seen = watching.join();
                seen.map_err(|_| anyhow!("a neighbor panicked"))
            });
            (attack, seen, beside)
        });
        let answers = attack.end()?;
        let found = Self {
            way: way.name,
            attacked: seen??,
            beside: beside??,
        };
        println!("  {}: the tenant was answered {answers}", way.name);
        for kind in KINDS {
            let [seen, beside] = [&found.attacked, &found.beside].map(|seen| p99(kind.of(seen)));
            println!(
                "    p99 of the neighbor's {}: {seen:.2} ms; beside that, at the other server: {beside:.2} ms",
                kind.name()
            );
        }
        Ok(found)
    }
}

impl Found {
    /// What 90 of 100 took in this way, if it is too long for a tenth.
    fn late_in_a_tenth(&self, kind: Kind) -> Option<String> {
        let [seen, beside] =
            [&self.attacked, &self.beside].map(|seen| neighbor::within(90, kind.of(seen)));
        let most = TENTH_P90_MILLISECONDS.max(TIMES * beside);
        (seen > most).then(|| format!("{}: {seen:.2} ms of {most:.2} ms", self.way))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Reads,
    Writes,
}

const KINDS: [Kind; 2] = [Kind::Reads, Kind::Writes];

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
        }
    }

    fn promise(self) -> &'static str {
        match self {
            Self::Reads => "the neighbor's reads do not wait for the tenant",
            Self::Writes => "the neighbor's writes do not wait for the tenant",
        }
    }

    fn of(self, seen: &Seen) -> &[Duration] {
        match self {
            Self::Reads => &seen.reads,
            Self::Writes => &seen.writes,
        }
    }
}

/// A release holds each way to the figures themselves. A tenth has too few requests of each way for a 99th
/// of 100, and runs where the tenant's clients burn the same two processors, and others besides: there
/// it is the 90th of each way and the 99th of all, and what the neighbor of another server sees at the
/// same time is the measure.
fn judge(quiet: &Seen, all: &[Found], is_limited: bool, is_release: bool) -> Vec<Promise> {
    let (mut attacked, mut beside) = (Seen::default(), Seen::default());
    for found in all {
        attacked.add(found.attacked.clone());
        beside.add(found.beside.clone());
    }
    let failed = [&attacked, &beside, quiet].map(|seen| seen.failed.clone());
    let mut promises = vec![("no request of a neighbor fails", failed.concat())];
    for kind in KINDS {
        let [before, seen, beside] = [quiet, &attacked, &beside].map(|seen| p99(kind.of(seen)));
        println!(
            "  all ways: p99 of the neighbor's {}: {seen:.2} ms, {:.1} times that of a quiet time ({before:.2} ms), {:.1} times that beside ({beside:.2} ms)",
            kind.name(),
            seen / before,
            seen / beside
        );
        // Without the limit a tenant may read as much as there are processors for.
        if kind == Kind::Reads && !is_limited {
            continue;
        }
        let late = if is_release {
            let most = LONGEST_P99_MILLISECONDS.min(TIMES * before);
            let of_way = |found: &Found| (found.way, p99(kind.of(&found.attacked)));
            let late = all.iter().map(of_way).filter(|(_, seen)| *seen > most);
            late.map(|(way, seen)| format!("{way}: {seen:.2} ms of {most:.2} ms"))
                .collect()
        } else {
            let most = TENTH_P99_MILLISECONDS.max(TIMES * beside.max(before));
            let late = (seen > most).then(|| format!("all ways: {seen:.2} ms of {most:.2} ms"));
            all.iter()
                .filter_map(|found| found.late_in_a_tenth(kind))
                .chain(late)
                .collect()
        };
        promises.push((kind.promise(), late));
    }
    promises
}

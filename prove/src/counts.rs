//! `prove counts`: nodes count while they and the control plane are killed, and their reports are lost, repeated and reordered; every sum is exact.

mod chaos;
mod clients;
mod copies;
mod fleet;
mod proxy;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use lictor_testkit::{Tally, Workspace};

use self::chaos::Found;
use self::clients::SERVICES;
use self::fleet::{Fleet, Row, Sums};
use super::promise::{Promise, count};
use super::random::Random;
use super::{Experiment, Trial};

/// Beside them there is one whose counts are on disk within five seconds.
const DURABLE_NODES: usize = 4;

/// The requests are counted in so many chapters: every second one has its kills where nobody asks.
const CHAPTERS: u64 = 10;

/// For so many requests one folder is copied, or put back, behind them.
const REQUESTS_PER_COPY: u64 = 10_000;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "counts",
    release: 1_000_000,
    faults: &[
        "node-reports-unjournaled",
        "counts-added",
        "start-ignored",
        "start-takes-all",
    ],
    run,
};

/// One passed test per promise.
fn run(workspace: &Workspace, trial: &Trial) -> Result<Tally> {
    let scratch = workspace.scratch("counts")?;
    let mut random = Random::new(trial.seed);
    let mut found = Found::default();
    let mut fleet = Fleet::start(trial, &scratch, DURABLE_NODES)?;
    for chapter in 0..CHAPTERS {
        let many = trial.count.div_ceil(CHAPTERS);
        if chapter % 2 == 0 {
            chaos::busy(&mut fleet, &mut random, many, &mut found)?;
        } else {
            chaos::quiet(&mut fleet, &mut random, many, &mut found)?;
        }
    }
    fleet.nodes.iter().for_each(|node| node.proxy.be_honest());
    fleet.settle()?;
    // What comes last is the oldest.
    let mut last = 0;
    for node in &fleet.nodes {
        last += node.proxy.deliver_held()?;
    }
    let mut tally = Tally::default();
    for promise in judge(&fleet, found, last)? {
        count(&mut tally, promise);
    }
    fleet
        .nodes
        .iter()
        .for_each(|node| node.proxy.be_dishonest());
    let rounds = (trial.count / REQUESTS_PER_COPY).clamp(8, 40);
    let copied = copies::copy_around(&mut fleet, &mut random, rounds)?;
    println!(
        "copies run beside their nodes {}, {} of them of starts without an answer; older folders put back {}, {} of such starts; the slowest was named after {:.1} s",
        copied.copies,
        copied.copies_away,
        copied.put_back,
        copied.put_back_away,
        copied.slowest.as_secs_f64()
    );
    count(
        &mut tally,
        (
            "with copies and older folders the control plane has what clients were told",
            copied.inexact,
        ),
    );
    count(
        &mut tally,
        ("each copy is named within a minute", copied.unnamed),
    );
    drop(fleet);
    scratch.end(tally)
}

fn judge(fleet: &Fleet, found: Found, last: usize) -> Result<Vec<Promise>> {
    let rows = fleet.usage()?;
    let months: BTreeSet<&str> = rows.iter().map(|row| row.month.as_str()).collect();
    ensure!(
        months.len() == 1,
        "a month ended during the run; run it again"
    );
    let own = chaos::counted(fleet)?;
    let (told, unknown) = (chaos::acknowledged(fleet), chaos::of_unknown(fleet));
    let reported = fleet.report()?;
    print_figures(fleet, &found, &rows, [&own, &told, &unknown], last);
    let failed = fleet
        .nodes
        .iter()
        .flat_map(|node| node.clients.failures())
        .collect();
    Ok(vec![
        ("all that can happen has happened", never(fleet, &found)),
        ("no request fails while its node runs", failed),
        (
            "after a kill no acknowledged request is missing",
            found.lost,
        ),
        (
            "no report tells what is not on its node's disk",
            found.told_early,
        ),
        (
            "without a request under way, kills change no count",
            found.inexact,
        ),
        (
            "each node's counts at the control plane are its own",
            unequal(fleet, &rows, &own),
        ),
        (
            "each count lies between what was told and what may have been",
            outside(fleet, &own, &told, &unknown),
        ),
        (
            "the report's months are the sums of the counts",
            unreported(&rows, &reported),
        ),
    ])
}

fn print_figures(
    fleet: &Fleet,
    found: &Found,
    rows: &[Row],
    [own, told, unknown]: [&[Sums]; 3],
    last: usize,
) {
    let all = |sums: &[Sums]| sums.iter().flatten().sum::<u64>();
    let stored: u64 = rows.iter().map(|row| row.count).sum();
    let (counted, acknowledged) = (all(own), all(told));
    let difference = i128::from(stored) - i128::from(counted);
    println!(
        "acknowledged {acknowledged}, of {} nobody was told; nodes counted {counted}, the control plane has {stored}: difference {difference}",
        all(unknown)
    );
    println!(
        "kills of nodes {}, of the control plane {}",
        found.kills_of_nodes, found.kills_of_control_plane
    );
    let fates = fates(fleet);
    let fates = fates.iter().map(|(fate, times)| format!("{fate} {times}"));
    println!(
        "reports: {}, delivered at the very end {last}",
        fates.collect::<Vec<_>>().join(", ")
    );
}

fn fates(fleet: &Fleet) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for (fate, times) in fleet.nodes.iter().flat_map(|node| node.proxy.fates()) {
        *sums.entry(fate).or_default() += times;
    }
    sums
}

fn never(fleet: &Fleet, found: &Found) -> Vec<String> {
    let mut figures = fates(fleet);
    figures.insert("kill of a node".to_owned(), found.kills_of_nodes);
    figures.insert(
        "kill of the control plane".to_owned(),
        found.kills_of_control_plane,
    );
    let never = figures.into_iter().filter(|(_, times)| *times == 0);
    never.map(|(what, _)| what).collect()
}

fn unequal(fleet: &Fleet, rows: &[Row], own: &[Sums]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (node, own) in fleet.nodes.iter().zip(own) {
        let prefix = format!("{}@", node.name);
        for (service, own) in SERVICES.iter().zip(own) {
            let stored = rows
                .iter()
                .filter(|row| row.service == *service && row.source.starts_with(&prefix));
            let stored: u64 = stored.map(|row| row.count).sum();
            if stored != *own {
                wrong.push(format!(
                    "{}, {service}: {stored} instead of {own}",
                    node.name
                ));
            }
        }
    }
    wrong
}

/// Of a node that answers before its count is on disk, a kill may lose some.
fn outside(fleet: &Fleet, own: &[Sums], told: &[Sums], unknown: &[Sums]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (number, node) in fleet.nodes.iter().enumerate() {
        for (service, name) in SERVICES.iter().enumerate() {
            let (own, told) = (own[number][service], told[number][service]);
            let most = told + unknown[number][service];
            let least = if node.durable { told } else { 0 };
            if !(least..=most).contains(&own) {
                wrong.push(format!(
                    "{}, {name}: {own} is not from {least} to {most}",
                    node.name
                ));
            }
        }
    }
    wrong
}

fn unreported(rows: &[Row], reported: &BTreeMap<String, u64>) -> Vec<String> {
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows {
        *sums.entry(row.month.clone()).or_default() += row.count;
    }
    if sums == *reported {
        Vec::new()
    } else {
        vec![format!("{reported:?} instead of {sums:?}")]
    }
}

//! Which processes are killed while clients count, and what must be true right after each kill.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::clients::SERVICES;
use super::fleet::{Fleet, Sums};
use crate::random::Random;

/// So many requests are counted at each node between two kills that come while they are counted.
const SLICE: u64 = 250;

/// The first milliseconds of a slice, in which its kill comes.
const WITHIN: u64 = 30;

/// Behind the first of so many slices a node is killed when it has reported.
const SLICES_PER_REPORT: u64 = 4;

/// How long its next report may take.
const NEXT_REPORT: Duration = Duration::from_secs(3);

/// And between two kills that come while nobody asks.
const BURST: u64 = 500;

/// How long a process stays away at most, in milliseconds.
const LONGEST_OFF: u64 = 200;

/// What was done, and what was found wrong.
#[derive(Default)]
pub(super) struct Found {
    pub(super) kills_of_nodes: u64,
    pub(super) kills_of_control_plane: u64,
    /// Counts that the control plane has and the node has not.
    pub(super) told_early: Vec<String>,
    /// Acknowledged requests that a durable node does not know any more.
    pub(super) lost: Vec<String>,
    /// Where no request was under way, and counted and acknowledged differ all the same.
    pub(super) inexact: Vec<String>,
}

/// Counts so many requests, while processes are killed.
pub(super) fn busy(
    fleet: &mut Fleet,
    random: &mut Random,
    many: u64,
    found: &mut Found,
) -> Result<()> {
    for slice in 0..rounds(fleet, many, SLICE) {
        let all: Vec<_> = fleet
            .nodes
            .iter()
            .map(|node| node.clients.clone())
            .collect();
        thread::scope(|scope| {
            for clients in &all {
                let seed = random.next();
                scope.spawn(move || clients.count(SLICE, seed));
            }
            thread::sleep(Duration::from_millis(random.below(WITHIN)));
            let killed = kill_one(fleet, random, found);
            // Where a process could not be started again, nobody is to wait for it.
            if killed.is_err() {
                all.iter().for_each(|clients| clients.give_up());
            }
            killed
        })?;
        if slice % SLICES_PER_REPORT == 0 {
            kill_behind_a_report(fleet, found)?;
        }
    }
    Ok(())
}

/// Kills the node that is not durable when it has just reported, while its counts are likely to be
/// in memory alone.
fn kill_behind_a_report(fleet: &mut Fleet, found: &mut Found) -> Result<()> {
    let last = fleet.nodes.len() - 1;
    let proxy = &fleet.nodes[last].proxy;
    let (before, until) = (proxy.arrived(), Instant::now() + NEXT_REPORT);
    while proxy.arrived() == before && Instant::now() < until {
        thread::sleep(Duration::from_millis(5));
    }
    kill_node(fleet, last, Duration::ZERO, found)
}

/// Counts so many requests in bursts; processes are killed only where none is under way.
pub(super) fn quiet(
    fleet: &mut Fleet,
    random: &mut Random,
    many: u64,
    found: &mut Found,
) -> Result<()> {
    let before = counted(fleet)?;
    let (told, unknown) = (acknowledged(fleet), of_unknown(fleet));
    for _ in 0..rounds(fleet, many, BURST) {
        thread::scope(|scope| {
            for node in &fleet.nodes {
                let seed = random.next();
                scope.spawn(move || node.clients.count(BURST, seed));
            }
        });
        kill_one(fleet, random, found)?;
    }
    let (after, told_after) = (counted(fleet)?, acknowledged(fleet));
    for (number, node) in fleet
        .nodes
        .iter()
        .enumerate()
        .filter(|(_, node)| node.durable)
    {
        for (service, name) in SERVICES.iter().enumerate() {
            let counted = after[number][service] - before[number][service];
            let acknowledged = told_after[number][service] - told[number][service];
            if counted != acknowledged {
                let node = &node.name;
                found
                    .inexact
                    .push(format!("{node}, {name}: {counted} for {acknowledged}"));
            }
        }
    }
    if of_unknown(fleet) != unknown {
        found.inexact.push("a request was not answered".to_owned());
    }
    Ok(())
}

/// In how many rounds of `each` requests at each node so many are counted.
fn rounds(fleet: &Fleet, many: u64, each: u64) -> u64 {
    many.div_ceil(each * fleet.nodes.len() as u64)
}

/// Kills the control plane or a node, and starts it again.
fn kill_one(fleet: &mut Fleet, random: &mut Random, found: &mut Found) -> Result<()> {
    let off = Duration::from_millis(random.below(LONGEST_OFF));
    if random.below(4) == 0 {
        found.kills_of_control_plane += 1;
        return fleet.restart_control_plane(off);
    }
    let number = random.below(fleet.nodes.len() as u64) as usize;
    kill_node(fleet, number, off, found)
}

/// Kills a node, starts it again, and compares what it knows with what others were told.
fn kill_node(fleet: &mut Fleet, number: usize, off: Duration, found: &mut Found) -> Result<()> {
    found.kills_of_nodes += 1;
    fleet.restart_node(number, off)?;
    // Nobody counts there now, so that the node's figures stand still.
    let own = fleet.own(number)?;
    let known = fleet.known(number)?;
    let node = &fleet.nodes[number];
    let told = sums(&node.clients.acknowledged);
    for (service, name) in SERVICES.iter().enumerate() {
        let (own, known, told) = (own[service], known[service], told[service]);
        let node_name = &node.name;
        if known > own {
            found.told_early.push(format!(
                "{node_name}, {name}: {known} reported, {own} journaled"
            ));
        }
        if node.durable && told > own {
            found.lost.push(format!(
                "{node_name}, {name}: {told} acknowledged, {own} journaled"
            ));
        }
    }
    fleet.open(number)
}

/// What each node's journal has counted.
pub(super) fn counted(fleet: &Fleet) -> Result<Vec<Sums>> {
    (0..fleet.nodes.len())
        .map(|number| fleet.own(number))
        .collect()
}

/// What each node's clients were told.
pub(super) fn acknowledged(fleet: &Fleet) -> Vec<Sums> {
    fleet
        .nodes
        .iter()
        .map(|node| sums(&node.clients.acknowledged))
        .collect()
}

/// What each node's clients do not know.
pub(super) fn of_unknown(fleet: &Fleet) -> Vec<Sums> {
    fleet
        .nodes
        .iter()
        .map(|node| sums(&node.clients.unknown))
        .collect()
}

fn sums(counters: &[AtomicU64; SERVICES.len()]) -> Sums {
    std::array::from_fn(|service| counters[service].load(Ordering::SeqCst))
}

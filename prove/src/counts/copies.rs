//! Node folders that are copied while nodes count, and older copies that are restored: the control plane knows every count that clients were told of.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::fleet::Fleet;
use crate::random::Random;

/// Requests of a node between two things that are done to its folder.
const PART: u64 = 120;

/// How long it may take until a copy is named, by its node and by the control plane.
const NAMED: Duration = Duration::from_secs(60);

/// What was done, and what was found wrong.
#[derive(Default)]
pub(super) struct Copied {
    pub(super) copies: u64,
    /// Of them, those of starts that the control plane had not answered.
    pub(super) copies_away: u64,
    pub(super) put_back: u64,
    /// Of them, those of such starts.
    pub(super) put_back_away: u64,
    pub(super) slowest: Duration,
    /// What was told of by nobody within a minute.
    pub(super) unnamed: Vec<String>,
    /// Where the control plane does not have what clients were told.
    pub(super) inexact: Vec<String>,
}

/// Copies folders and puts older ones back so many times, at random.
pub(super) fn copy_around(fleet: &mut Fleet, random: &mut Random, times: u64) -> Result<Copied> {
    let mut copied = Copied::default();
    for round in 0..times {
        // The last node is not durable: what a kill loses there was told to clients.
        let number = random.below(fleet.nodes.len() as u64 - 1) as usize;
        let before = balance(fleet, number)?;
        // In every second pair the control plane is away.
        let away = round % 4 >= 2;
        if round % 2 == 0 {
            run_copy(fleet, random, number, away, &mut copied)?;
        } else {
            put_back(fleet, random, number, away, &mut copied)?;
        }
        let name = fleet.nodes[number].name.clone();
        let after = balance(fleet, number)?;
        if after != before {
            copied.inexact.push(format!(
                "{name}, round {round}: the control plane has {} more than clients were told",
                after - before
            ));
        }
        let (shown, known) = (fleet.shown(&name)?, fleet.known(number)?);
        if shown["requests_this_month"] != known.iter().sum::<u64>() {
            copied.inexact.push(format!(
                "{name}: the list says {}",
                shown["requests_this_month"]
            ));
        }
    }
    Ok(copied)
}

/// By how much the control plane has more requests of a node than its clients were told of, once
/// all is told.
fn balance(fleet: &Fleet, number: usize) -> Result<i128> {
    fleet.settle_one(number)?;
    fleet.nodes[number].proxy.deliver_held()?;
    let known: u64 = fleet.known(number)?.iter().sum();
    Ok(i128::from(known) - i128::from(told(fleet, number)))
}

fn told(fleet: &Fleet, number: usize) -> u64 {
    let told = &fleet.nodes[number].clients.acknowledged;
    told.iter()
        .map(|told| told.load(std::sync::atomic::Ordering::SeqCst))
        .sum()
}

/// The control plane goes, and the node is started so many times without it.
fn go_away(fleet: &mut Fleet, random: &mut Random, number: usize) -> Result<()> {
    fleet.kill_control_plane()?;
    for _ in 0..=random.below(3) {
        fleet.restart_node(number, Duration::ZERO)?;
        fleet.open(number)?;
        count(fleet, &[number], random);
    }
    Ok(())
}

/// A copy runs beside its node; both are killed now and then, and both count. `away`: nobody answers
/// them until then.
fn run_copy(
    fleet: &mut Fleet,
    random: &mut Random,
    number: usize,
    away: bool,
    copied: &mut Copied,
) -> Result<()> {
    copied.copies += 1;
    if away {
        copied.copies_away += 1;
        go_away(fleet, random, number)?;
    }
    count(fleet, &[number], random);
    fleet.run_copy(number, random.next())?;
    let copy = fleet.nodes.len() - 1;
    for _ in 0..3 {
        count(fleet, &[number, copy], random);
        let killed = [number, copy][random.below(2) as usize];
        if random.below(2) == 0 {
            fleet.restart_node(killed, Duration::from_millis(random.below(50)))?;
            fleet.open(killed)?;
        }
    }
    if away {
        fleet.bring_control_plane_back()?;
    }
    let name = fleet.nodes[number].name.clone();
    let begun = Instant::now();
    let named = |fleet: &Fleet| -> Result<bool> {
        let lives = |at: usize| Ok::<_, anyhow::Error>(fleet.status(at)?["lives"] == 2);
        Ok(lives(number)? && lives(copy)? && fleet.shown(&name)?["instances"] == 2)
    };
    while !named(fleet)? && begun.elapsed() < NAMED {
        count_little(fleet, &[number, copy], random);
        thread::sleep(Duration::from_millis(100));
    }
    note_named(copied, begun, named(fleet)?, &format!("the copy of {name}"));
    fleet.settle_one(copy)?;
    let ended = fleet.end_last()?;
    ended.proxy.deliver_held()?;
    // Its clients are the node's own from now on.
    let into = &fleet.nodes[number].clients.acknowledged;
    for (sum, more) in into.iter().zip(&ended.clients.acknowledged) {
        let more = more.load(std::sync::atomic::Ordering::SeqCst);
        sum.fetch_add(more, std::sync::atomic::Ordering::SeqCst);
    }
    Ok(())
}

/// An older folder is put back when everything was told. `away`: it is of a start that nobody had
/// answered.
fn put_back(
    fleet: &mut Fleet,
    random: &mut Random,
    number: usize,
    away: bool,
    copied: &mut Copied,
) -> Result<()> {
    copied.put_back += 1;
    if away {
        copied.put_back_away += 1;
        go_away(fleet, random, number)?;
    }
    count(fleet, &[number], random);
    fleet.keep(number)?;
    if away {
        count(fleet, &[number], random);
        fleet.bring_control_plane_back()?;
    }
    if random.below(2) == 0 {
        fleet.restart_node(number, Duration::ZERO)?;
        fleet.open(number)?;
    }
    count(fleet, &[number], random);
    fleet.settle_one(number)?;
    fleet.put_back(number, random.below(2) == 0)?;
    fleet.open(number)?;
    count(fleet, &[number], random);
    let begun = Instant::now();
    let name = fleet.nodes[number].name.clone();
    let named = |fleet: &Fleet| -> Result<bool> {
        let says = |text: &serde_json::Value| text.to_string().contains("put back");
        Ok(says(&fleet.status(number)?["problems"]) && says(&fleet.shown(&name)?["problems"]))
    };
    while !named(fleet)? && begun.elapsed() < NAMED {
        thread::sleep(Duration::from_millis(100));
    }
    note_named(copied, begun, named(fleet)?, &format!("the older {name}"));
    Ok(())
}

fn note_named(copied: &mut Copied, begun: Instant, named: bool, what: &str) {
    copied.slowest = copied.slowest.max(begun.elapsed());
    if !named {
        copied.unnamed.push(format!("{what} was not named"));
    }
}

fn count(fleet: &Fleet, nodes: &[usize], random: &mut Random) {
    count_so_many(fleet, nodes, PART, random);
}

fn count_little(fleet: &Fleet, nodes: &[usize], random: &mut Random) {
    count_so_many(fleet, nodes, 12, random);
}

fn count_so_many(fleet: &Fleet, nodes: &[usize], many: u64, random: &mut Random) {
    thread::scope(|scope| {
        for number in nodes {
            let (clients, seed) = (fleet.nodes[*number].clients.clone(), random.next());
            scope.spawn(move || clients.count(many, seed));
        }
    });
}

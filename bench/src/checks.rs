//! The table of checks: in the process that asks, beside reading the clock and one atomic number; and over HTTP, beside
//! bare hyper with the same answer.

use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use lictor_testkit::{Node, Server};

use super::Bench;
use super::bare::{Bare, fetch};
use super::compare::{Case, Entrant};
use super::contestant::pin;
use super::enrolled::enroll_one;
use super::load::{Kind, Load, Turn};
use super::rounds::{Samples, whole};

const CONNECTIONS: usize = 32;

/// What is timed call by call, as `node-checks` names it.
const TIMED: [(&str, &str); 2] = [
    ("the clock alone", "clock"),
    ("the clock and `Meter::check()`", "check"),
];

/// What is done as often as possible.
const REPEATED: [(&str, &str); 3] = [
    ("one atomic number", "atomic"),
    ("`Meter::check()`", "check"),
    ("`Meter::count(1)`", "count"),
];

pub(super) const CASES: [Case; 1] = [Case {
    name: "over HTTP, per CPU-second of the node",
    figure: Turn::per_cpu_second,
    start: entrant,
}];

fn entrant(bench: &Bench) -> Result<Entrant> {
    let server = bench.control_plane("checks")?;
    let (node, load) = start(bench, &server)?;
    Ok(Entrant::new(server, move |bench, _| {
        let seconds = bench.rounds.seconds;
        load.turn(&bench.scratch, &node.address, node.id(), seconds)
    }))
}

pub(super) fn measure(bench: &Bench) -> Result<String> {
    let server = bench.control_plane("checks")?;
    let text = embedded(bench, &server)? + "\n" + &over_http(bench, &server)?;
    server.stop()?;
    Ok(text)
}

/// A node inside of a program, which takes both cores.
fn embedded(bench: &Bench, server: &Server) -> Result<String> {
    let mut command = Command::new(bench.contestant("node-checks"));
    command.args([&server.base(), &enroll_one(server, "embedded")?]);
    command.arg(bench.scratch.join("embedded"));
    command.args([
        bench.rounds.count.to_string(),
        bench.rounds.seconds.to_string(),
    ]);
    let output = command.output()?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the node said: {complaint}");
    table(&String::from_utf8(output.stdout)?)
}

fn table(said: &str) -> Result<String> {
    let mut text = String::from(
        "| timed one by one, two threads | p50, ns | p99, ns | p99.9, ns | longest, µs |\n\
         |---|---|---|---|---|\n",
    );
    for (name, word) in TIMED {
        write!(text, "| {name} |")?;
        for part in ["p50", "p99", "p99.9", "longest"] {
            write!(
                text,
                " {} |",
                figures(said, &format!("{word}-{part}"))?.cell()
            )?;
        }
        text.push('\n');
    }
    text.push_str(
        "\n| again and again | one thread, per second | two threads, per second and core | of one atomic number |\n\
         |---|---|---|---|\n",
    );
    let bare = figures(said, "atomic-on-2")?;
    for (name, word) in REPEATED {
        let one = figures(said, &format!("{word}-on-1"))?;
        let two = figures(said, &format!("{word}-on-2"))?;
        let (one, ratio) = (one.cell(), two.ratio(&bare).cell());
        writeln!(text, "| {name} | {one} | {} | {ratio} |", two.cell())?;
    }
    let counted = said.lines().find_map(|line| line.strip_prefix("counted "));
    let counted: usize = counted.context("nothing was counted")?.parse()?;
    let counted = whole(counted);
    writeln!(
        text,
        "\n{counted} requests were allowed; the node counted {counted}."
    )?;
    Ok(text)
}

/// The figures of this name, one for each round.
fn figures(said: &str, name: &str) -> Result<Samples> {
    let lines = said.lines();
    let own = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let figures = own.map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    ensure!(!figures.is_empty(), "no figure for {name}");
    Ok(Samples::of(&figures, |figure| *figure))
}

/// A node as a process of its own, and the load that asks it.
fn start(bench: &Bench, server: &Server) -> Result<(Node, Load)> {
    let token = enroll_one(server, "http")?;
    let binary = &bench.installation.binary;
    let folder = bench.scratch.join("node");
    let node = Node::join_with_one_worker(binary, &server.base(), &token, &folder)?;
    pin(node.id())?;
    let load = Load {
        path: "/check?service=site".to_owned(),
        // It signs in with nothing.
        header: "Accept: */*".to_owned(),
        connections: CONNECTIONS,
        depth: 1,
        kind: Kind::Get,
    };
    Ok((node, load))
}

fn over_http(bench: &Bench, server: &Server) -> Result<String> {
    let (node, load) = start(bench, server)?;
    let answer = fetch(&node.address, &load)?;
    let bare = Bare::start(bench, &load, &answer)?;
    let mut contestants = [
        ("bare hyper", bare.address.as_str(), bare.id()),
        ("`lictor node run`", node.address.as_str(), node.id()),
    ];
    let results = bench
        .rounds
        .interleave(&mut contestants, |(_, address, process)| {
            load.turn(&bench.scratch, address, *process, bench.rounds.seconds)
        })?;
    let mut text = String::from(
        "| server | requests/s | per server CPU-second | of bare hyper | p99, µs |\n\
         |---|---|---|---|---|\n",
    );
    let cost = |index: usize| Samples::of(&results[index], Turn::per_cpu_second);
    for (index, (name, ..)) in contestants.iter().enumerate() {
        writeln!(
            text,
            "| {name} | {} | {} | {} | {} |",
            Samples::of(&results[index], Turn::per_second).cell(),
            cost(index).cell(),
            cost(index).ratio(&cost(0)).cell(),
            Samples::of(&results[index], |turn| turn.p99).cell(),
        )?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_very_name() {
        let said = "check-p99 5\ncheck-p99.9 7\ncheck-p99 6\n";
        assert_eq!(
            figures(said, "check-p99").unwrap().cell(),
            "5.50 [5.25 – 5.75]"
        );
        assert!(figures(said, "check").is_err());
    }
}

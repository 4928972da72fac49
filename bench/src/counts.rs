//! The table of counts: the license counts of the Zoho and the Jira dialect, beside bare hyper with the same bytes.

use std::fmt::Write as _;

use anyhow::Result;

use super::Bench;
use super::bare::{Bare, fetch};
use super::compare::{Case, Entrant};
use super::load::Turn;
use super::rounds::Samples;
use super::seated::Count;

const CONNECTIONS: usize = 32;

/// Accounts with a seat.
const ACCOUNTS: usize = 100;

pub(super) const CASES: [Case; 2] = [
    Case {
        name: "Zoho's, per server CPU-second",
        figure: Turn::per_cpu_second,
        start: |bench| entrant(bench, Count::Zoho),
    },
    Case {
        name: "Jira's, per server CPU-second",
        figure: Turn::per_cpu_second,
        start: |bench| entrant(bench, Count::Jira),
    },
];

fn entrant(bench: &Bench, count: Count) -> Result<Entrant> {
    let (server, token) = bench.seated(&format!("counts-{count:?}"), ACCOUNTS)?;
    let load = count.load(&count.credentials(&token), CONNECTIONS);
    Ok(Entrant::new(server, move |bench, server| {
        let seconds = bench.rounds.seconds;
        load.turn(&bench.scratch, &server.address, server.id(), seconds)
    }))
}

pub(super) fn measure(bench: &Bench) -> Result<String> {
    let (server, token) = bench.seated("counts", ACCOUNTS)?;
    let mut text = String::from(
        "| request | server | requests/s | per server CPU-second | of bare hyper | p99, µs |\n\
         |---|---|---|---|---|---|\n",
    );
    for count in Count::ALL {
        let load = count.load(&count.credentials(&token), CONNECTIONS);
        let bare = Bare::start(bench, &load, &fetch(&server.address, &load)?)?;
        let mut contestants = [
            ("bare hyper", bare.address.as_str(), bare.id()),
            ("Lictor", server.address.as_str(), server.id()),
        ];
        let results = bench
            .rounds
            .interleave(&mut contestants, |(_, address, process)| {
                load.turn(&bench.scratch, address, *process, bench.rounds.seconds)
            })?;
        let cost = |index: usize| Samples::of(&results[index], Turn::per_cpu_second);
        for (index, (name, ..)) in contestants.iter().enumerate() {
            writeln!(
                text,
                "| {} | {name} | {} | {} | {} | {} |",
                count.name(),
                Samples::of(&results[index], Turn::per_second).cell(),
                cost(index).cell(),
                cost(index).ratio(&cost(0)).cell(),
                Samples::of(&results[index], |turn| turn.p99).cell(),
            )?;
        }
    }
    server.stop()?;
    Ok(text)
}

//! The table of lists: a page of 100 licenses, and one license, of a thousand up to a million.

use std::fmt::Write as _;

use anyhow::Result;
use lictor_testkit::Server;
use lictor_testkit::usage::megabytes;

use super::Bench;
use super::contestant::pin;
use super::load::{ANY_ID, Kind, Load, Turn};
use super::rounds::{Figure, Samples};
use super::stored::Stored;

/// How many licenses are stored.
pub(super) const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];

const CONNECTIONS: usize = 8;

pub(super) fn measure(bench: &Bench) -> Result<String> {
    let mut contestants = bench
        .filled(&SIZES)?
        .into_iter()
        .map(|stored| {
            let server = bench
                .installation
                .serve(&stored.folder, &[("TOKIO_WORKER_THREADS", "1")])?;
            pin(server.id())?;
            Ok((stored, server))
        })
        .collect::<Result<Vec<(Stored, Server)>>>()?;
    let mut text = String::from(
        "| request | licenses | requests/s | per server CPU-second | of 1,000 licenses | resident after it, MB |\n\
         |---|---|---|---|---|---|\n",
    );
    for page in [true, false] {
        let results = bench
            .rounds
            .interleave(&mut contestants, |(stored, server)| {
                let load = if page {
                    Load::get("/licenses?size=100", CONNECTIONS)
                } else {
                    Load {
                        kind: Kind::GetAny(stored.ids.clone()),
                        ..Load::get(&format!("/licenses/{ANY_ID}"), CONNECTIONS)
                    }
                };
                load.turn(
                    &bench.scratch,
                    &server.address,
                    server.id(),
                    bench.rounds.seconds,
                )
            })?;
        let name = if page {
            "`GET /licenses?size=100`"
        } else {
            "`GET /licenses/{id}`"
        };
        let first = Samples::of(&results[0], Turn::per_cpu_second);
        for ((stored, server), turns) in contestants.iter().zip(&results) {
            let cost = Samples::of(turns, Turn::per_cpu_second);
            writeln!(
                text,
                "| {name} | {} | {} | {} | {} | {} |",
                Figure(stored.licenses as f64),
                Samples::of(turns, Turn::per_second).cell(),
                cost.cell(),
                cost.ratio(&first).cell(),
                Figure(megabytes(server.id(), "VmRSS")?),
            )?;
        }
    }
    for (_, server) in contestants {
        server.stop()?;
    }
    Ok(text)
}

//! The table of durable writes: group commit beside one commit per request, and beside rows in PostgreSQL.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use lictor_testkit::programs::run;
use lictor_testkit::{Connection, Server};

use super::Bench;
use super::compare::{Case, Entrant};
use super::contestant::pin;
use super::load::{Kind, Load, Turn};
use super::postgres::Postgres;
use super::rounds::Samples;

const CONNECTIONS: usize = 64;

/// The table, as `Kong` makes it: no field but the id is unique.
const SCHEMA: &str = "CREATE TABLE licenses (id uuid PRIMARY KEY, payload text, \
    created_at timestamptz, updated_at timestamptz)";

pub(super) const CASES: [Case; 2] = on_both_disks(
    |bench| entrant(bench, true, start, load),
    |bench| entrant(bench, false, start, load),
);

/// What one build is compared with another by, with slow flushes and with the disk as it is.
pub(super) const fn on_both_disks(
    delayed: fn(&Bench) -> Result<Entrant>,
    as_it_is: fn(&Bench) -> Result<Entrant>,
) -> [Case; 2] {
    [
        Case {
            name: "flushes of 1 ms, acknowledged/s",
            figure: Turn::per_second,
            start: delayed,
        },
        Case {
            name: "the disk as it is, acknowledged/s",
            figure: Turn::per_second,
            start: as_it_is,
        },
    ]
}

/// What can take a write.
enum Contestant {
    Lictor(&'static str, Server),
    /// With the statement that stores one.
    Postgres(Postgres, String),
}

/// A turn, and how many writes shared a commit in it.
pub(super) struct Written {
    pub(super) turn: Turn,
    pub(super) batch: f64,
}

pub(super) fn measure(bench: &Bench) -> Result<String> {
    let slow = slow_disk(bench)?.display().to_string();
    let one_by_one = bench
        .installation
        .with_binary(bench.workspace.faulty_release()?);
    let mut text = String::new();
    for delayed in [true, false] {
        let mut environment = environment(&slow, delayed);
        let folder = |name: &str| bench.scratch.join(format!("{name}-{delayed}"));
        let batching = start(bench, &environment, delayed)?;
        let postgres = Postgres::start(&folder("postgres"), &environment, SCHEMA)?;
        environment.push(("LICTOR_PLANT", "one-commit-per-write"));
        let single = one_by_one.serve(&folder("single"), &environment)?;
        pin(single.id())?;
        let payload = bench
            .installation
            .issue("Example GmbH", "2025-01-01", "2099-12-31")?;
        let mut contestants = [
            Contestant::Lictor("Lictor", batching),
            Contestant::Lictor("Lictor, one commit per request", single),
            Contestant::Postgres(postgres, insert(&payload)),
        ];
        let results = bench
            .rounds
            .interleave(&mut contestants, |one| one.turn(bench))?;
        writeln!(text, "{}\n", if delayed { DELAYED } else { UNDELAYED })?;
        let names = contestants.iter().map(Contestant::name).collect();
        let compared = [("one commit per request", 1), ("PostgreSQL", 2)];
        text.push_str(&table(names, &results, &compared, "write")?);
    }
    Ok(text)
}

/// One worker thread, and slow flushes where they are delayed.
pub(super) fn environment(slow: &str, delayed: bool) -> Vec<(&'static str, &str)> {
    let mut environment = vec![("TOKIO_WORKER_THREADS", "1")];
    if delayed {
        environment.push(("LD_PRELOAD", slow));
    }
    environment
}

/// The server whose writes share commits.
fn start(bench: &Bench, environment: &[(&str, &str)], delayed: bool) -> Result<Server> {
    serve(bench, &format!("batching-{delayed}"), environment)
}

/// A server on a core of its own, with its data in a new folder of this name.
pub(super) fn serve(bench: &Bench, name: &str, environment: &[(&str, &str)]) -> Result<Server> {
    let folder = bench.scratch.join(name);
    let server = bench.installation.serve(&folder, environment)?;
    pin(server.id())?;
    server.lift_quotas()?;
    Ok(server)
}

/// What starts a server in this environment, by whether flushes are delayed there.
type Start = fn(&Bench, &[(&str, &str)], bool) -> Result<Server>;

/// A server that takes turns of a load.
pub(super) fn entrant(
    bench: &Bench,
    delayed: bool,
    start: Start,
    turn: fn(&Bench, &Server) -> Result<Turn>,
) -> Result<Entrant> {
    let slow = slow_disk(bench)?.display().to_string();
    let server = start(bench, &environment(&slow, delayed), delayed)?;
    Ok(Entrant::new(server, turn))
}

/// A turn of licenses to store.
fn load(bench: &Bench, server: &Server) -> Result<Turn> {
    let file = bench.scratch.join("license.json");
    std::fs::write(&file, bench.new_license()?)?;
    let load = Load {
        kind: Kind::Post(file),
        ..Load::get("/licenses", CONNECTIONS)
    };
    let seconds = bench.rounds.seconds;
    load.turn(&bench.scratch, &server.address, server.id(), seconds)
}

/// One row, which is a transaction of its own.
fn insert(payload: &str) -> String {
    let payload = payload.replace('\'', "''");
    format!("INSERT INTO licenses VALUES (gen_random_uuid(), '{payload}', now(), now());\n")
}

pub(super) const DELAYED: &str = "Every `fsync` and `fdatasync` takes 1 ms:";
pub(super) const UNDELAYED: &str = "\nThe disk as it is:";

/// A line for each contestant: its rate beside those of some, by their headings and numbers, and what one
/// of `what` costs.
pub(super) fn table(
    names: Vec<String>,
    results: &[Vec<Written>],
    compared: &[(&str, usize)],
    what: &str,
) -> Result<String> {
    let ratios: String = compared
        .iter()
        .map(|(heading, _)| format!("of {heading} | "))
        .collect();
    let mut text = format!(
        "| server | acknowledged/s | {ratios}{what}s per commit | CPU µs per {what} | p50, ms | p99, ms |\n\
         |---|---|{}---|---|---|---|\n",
        "---|".repeat(compared.len())
    );
    let rate = |index: usize| Samples::of(&results[index], |one| one.turn.per_second());
    for (index, name) in names.into_iter().enumerate() {
        let of = |figure: fn(&Written) -> f64| Samples::of(&results[index], figure).cell_or_dash();
        let ratios = compared
            .iter()
            .map(|(_, other)| format!("{} | ", rate(index).ratio(&rate(*other)).cell()));
        writeln!(
            text,
            "| {name} | {} | {}{} | {} | {} | {} |",
            rate(index).cell(),
            ratios.collect::<String>(),
            of(|one| one.batch),
            of(|one| one.turn.cpu_seconds * 1e6 / one.turn.requests),
            of(|one| one.turn.p50 / 1e3),
            of(|one| one.turn.p99 / 1e3),
        )?;
    }
    Ok(text)
}

impl Contestant {
    fn name(&self) -> String {
        match self {
            Self::Lictor(name, _) => (*name).to_owned(),
            Self::Postgres(..) => "PostgreSQL, pgbench".to_owned(),
        }
    }

    fn turn(&self, bench: &Bench) -> Result<Written> {
        let seconds = bench.rounds.seconds;
        match self {
            Self::Postgres(postgres, insert) => Ok(Written {
                turn: postgres.turn(insert, CONNECTIONS, seconds)?,
                batch: 1.0,
            }),
            Self::Lictor(_, server) => written(server, || load(bench, server)),
        }
    }
}

/// A turn of a server, and how many writes shared a commit in it.
pub(super) fn written(server: &Server, turn: impl FnOnce() -> Result<Turn>) -> Result<Written> {
    let before = committed(server)?;
    let turn = turn()?;
    let after = committed(server)?;
    Ok(Written {
        turn,
        batch: (after.1 - before.1) / (after.0 - before.0),
    })
}

/// The commits so far, and the writes in them, as the server counts them.
fn committed(server: &Server) -> Result<(f64, f64)> {
    let answer = Connection::open(&server.address)?.get("/metrics")?;
    let text = String::from_utf8(answer.body)?;
    let count = |name: &str| -> Result<f64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        Ok(line
            .with_context(|| format!("no {name} in {text}"))?
            .trim()
            .parse()?)
    };
    Ok((
        count("lictor_store_commits_total ")?,
        count("lictor_store_writes_total ")?,
    ))
}

/// The library that makes every flush take a millisecond.
pub(super) fn slow_disk(bench: &Bench) -> Result<PathBuf> {
    let source = bench.workspace.root.join("bench/src/delay_flush.c");
    let library = bench.scratch.join("delay_flush.so");
    let mut compile = Command::new("gcc");
    compile.args(["-Wall", "-Werror", "-shared", "-fPIC", "-O1", "-o"]);
    run(compile.arg(&library).arg(source))?;
    Ok(library)
}

//! The table of check-outs: leases of one application, checked out and released durably, beside others that
//! go on meanwhile, a locked row in PostgreSQL and a script in Redis.

use std::fmt::Write as _;
use std::process::Command;

use anyhow::Result;
use lictor_testkit::usage::cpu_seconds;
use lictor_testkit::{OPERATOR, Server};

use super::Bench;
use super::compare::Case;
use super::load::{Turn, figures_of};
use super::postgres::Postgres;
use super::redis::Redis;
use super::rounds::whole;
use super::seated::{APPLICATION, add_leases};
use super::writes::{
    DELAYED, UNDELAYED, Written, entrant, environment, on_both_disks, serve, slow_disk, table,
    written,
};

const CONNECTIONS: usize = 64;

/// More than can be held at once.
const SEATS: usize = 1_000;

/// How many other leases of the application go on meanwhile, where there are many.
const OTHERS: usize = 400_000;

const SCHEMA: &str = include_str!("leases.sql");

/// One run of it is a check-out and a release.
const SCRIPT: &str = "SELECT * FROM check_out('gateway', 'job-' || :client_id, '60 s') \\gset\n\
    SELECT release('gateway', :lease, :lease_fence);\n";

pub(super) const CASES: [Case; 2] = on_both_disks(
    |bench| entrant(bench, true, start, turn),
    |bench| entrant(bench, false, start, turn),
);

/// Who can lend a lease.
enum Contestant {
    /// With the leases that go on meanwhile.
    Lictor(Server, usize),
    Postgres(Postgres),
    Redis(Redis),
}

pub(super) fn measure(bench: &Bench) -> Result<String> {
    let slow = slow_disk(bench)?.display().to_string();
    let mut text = String::new();
    for delayed in [true, false] {
        let environment = environment(&slow, delayed);
        let mut contestants = contestants(bench, delayed, &environment)?;
        let results = bench
            .rounds
            .interleave(&mut contestants, |one| one.turn(bench))?;
        writeln!(text, "{}\n", if delayed { DELAYED } else { UNDELAYED })?;
        let names = contestants.iter().map(Contestant::name).collect();
        let compared = [("that with 64", 0), ("PostgreSQL", 2), ("Redis", 3)];
        text.push_str(&table(names, &results, &compared, "change")?);
    }
    Ok(text)
}

fn contestants(
    bench: &Bench,
    delayed: bool,
    environment: &[(&str, &str)],
) -> Result<[Contestant; 4]> {
    let folder = |name: &str| bench.scratch.join(format!("leases-{name}-{delayed}"));
    let lictor = start(bench, environment, delayed)?;
    let many = serve(bench, &format!("leases-many-{delayed}"), environment)?;
    bench.add_seats(&many, OTHERS + SEATS)?;
    add_leases(&many, OTHERS)?;
    let postgres = Postgres::start(&folder("postgres"), environment, SCHEMA)?;
    let redis = Redis::start(&folder("redis"), environment)?;
    let application = format!("application:{APPLICATION}");
    let limit = SEATS.to_string();
    redis.ask(&["HSET", &application, "limit", &limit, "used", "0"])?;
    Ok([
        Contestant::Lictor(lictor, 0),
        Contestant::Lictor(many, OTHERS),
        Contestant::Postgres(postgres),
        Contestant::Redis(redis),
    ])
}

/// The server that lends leases.
fn start(bench: &Bench, environment: &[(&str, &str)], delayed: bool) -> Result<Server> {
    let lictor = serve(bench, &format!("leases-lictor-{delayed}"), environment)?;
    bench.add_seats(&lictor, SEATS)?;
    Ok(lictor)
}

/// A turn of leases to lend.
fn turn(bench: &Bench, server: &Server) -> Result<Turn> {
    load(bench, "http", &server.address, server.id())
}

impl Contestant {
    fn name(&self) -> String {
        match self {
            Self::Lictor(_, 0) => "Lictor".to_owned(),
            Self::Lictor(_, others) => format!("Lictor, {} others live", whole(*others)),
            Self::Postgres(_) => "PostgreSQL, pgbench".to_owned(),
            Self::Redis(_) => "Redis".to_owned(),
        }
    }

    fn turn(&self, bench: &Bench) -> Result<Written> {
        match self {
            Self::Postgres(postgres) => {
                let pairs = postgres.turn(SCRIPT, CONNECTIONS, bench.rounds.seconds)?;
                Ok(Written {
                    // A run is two changes. How long each took is not known of them.
                    turn: Turn {
                        requests: pairs.requests * 2.0,
                        p50: f64::NAN,
                        p99: f64::NAN,
                        ..pairs
                    },
                    batch: 1.0,
                })
            }
            Self::Redis(redis) => Ok(Written {
                turn: load(bench, "redis", &redis.address, redis.id())?,
                batch: f64::NAN,
            }),
            Self::Lictor(server, _) => written(server, || turn(bench, server)),
        }
    }
}

/// A turn under the load of `leases`.
fn load(bench: &Bench, protocol: &str, address: &str, process: u32) -> Result<Turn> {
    let mut load = Command::new(bench.contestant("leases"));
    load.args([protocol, address, &CONNECTIONS.to_string()]);
    load.args([&bench.rounds.seconds.to_string(), APPLICATION]);
    load.env("LICTOR_TOKEN", OPERATOR);
    let before = cpu_seconds(process)?;
    let measured = figures_of(&load)?;
    Ok(Turn {
        cpu_seconds: cpu_seconds(process)? - before,
        ..measured
    })
}

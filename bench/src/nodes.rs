//! The table of nodes: how soon many nodes have a new license, and what connected nodes cost the server.

use std::fmt::Write as _;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use lictor_testkit::limits::allow_files;
use lictor_testkit::usage::{cpu_seconds, megabytes};

use super::Bench;
use super::enrolled::enroll;
use super::fleet::{Fleet, Push};
use super::rounds::{Figure, Samples, whole};

/// Who is connected, as `node-fleet` and the table name it, and how many.
const FLEETS: [(&str, &str, usize); 2] = [
    ("nodes", "nodes", 2_000),
    ("feeds", "feeds that are only read", 10_000),
];

/// Open files of whole nodes, of which each has two of its own and up to four connections.
const FILES: u64 = 13_000;

/// How long nothing happens while the cost of that is measured: every state is signed anew in it, and
/// asked for twice, which those that joined together do together.
const IDLE: Duration = Duration::from_secs(120);

/// How long reports may take that a change brings about.
const REPORTS: Duration = Duration::from_secs(3);

/// One license that was stored.
struct Round {
    push: Push,
    /// CPU-milliseconds of the server and of the fleet, with the reports behind it.
    server: f64,
    fleet: f64,
}

/// What holding a fleet costs the server.
struct Standing {
    /// Per cent of a core, when nothing happens.
    idle: f64,
    /// Megabytes when nothing happens, and at most.
    resident: f64,
    peak: f64,
    /// What their own process holds.
    own: Held,
}

/// What a process holds.
struct Held {
    files: usize,
    threads: usize,
    megabytes: f64,
}

impl Held {
    fn by(process: u32) -> Result<Self> {
        let count = |folder: &str| {
            let held = fs::read_dir(format!("/proc/{process}/{folder}"));
            held.map(Iterator::count)
        };
        Ok(Self {
            files: count("fd").context("its files")?,
            threads: count("task").context("its threads")?,
            megabytes: megabytes(process, "VmRSS")?,
        })
    }
}

pub(super) fn measure(bench: &Bench) -> Result<String> {
    allow_files(FILES)?;
    let mut text = String::from(
        "| connected | p50, ms | p99, ms | the last, ms | CPU of the server, ms | CPU of the connected, ms | \
         resident, MB | at most, MB | idle, % of a core |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    let mut held = String::new();
    for (kind, name, count) in FLEETS {
        let (rounds, standing) = one(bench, kind, count)?;
        let cell = |figure: fn(&Round) -> f64| Samples::of(&rounds, figure).cell();
        writeln!(
            text,
            "| {} {name} | {} | {} | {} | {} | {} | {} | {} | {} |",
            whole(count),
            cell(|round| round.push.p50),
            cell(|round| round.push.p99),
            cell(|round| round.push.last),
            cell(|round| round.server),
            cell(|round| round.fleet),
            Figure(standing.resident),
            Figure(standing.peak),
            Figure(standing.idle),
        )?;
        let Held {
            files,
            threads,
            megabytes,
        } = standing.own;
        writeln!(
            held,
            "\nThe {} {name} hold {} files, {} threads and {} MB themselves.",
            whole(count),
            whole(files),
            whole(threads),
            Figure(megabytes)
        )?;
    }
    text.push_str(&held);
    Ok(text)
}

fn one(bench: &Bench, kind: &str, count: usize) -> Result<(Vec<Round>, Standing)> {
    let server = bench.control_plane(kind)?;
    let begun = Instant::now();
    let tokens = enroll(&server, count)?;
    let (enrolled, begun) = (begun.elapsed().as_secs_f64(), Instant::now());
    let mut fleet = Fleet::start(bench, &server, kind, &tokens)?;
    let joined = begun.elapsed().as_secs_f64();
    println!("{count} {kind}: enrolled in {enrolled:.1} s, joined and connected in {joined:.1} s");
    sleep(REPORTS);
    let before = cpu_seconds(server.id())?;
    sleep(IDLE);
    let idle = (cpu_seconds(server.id())? - before) / IDLE.as_secs_f64() * 100.0;
    let resident = megabytes(server.id(), "VmRSS")?;
    let own = Held::by(fleet.id())?;
    let mut rounds = Vec::new();
    for number in 0..=bench.rounds.count {
        let before = (cpu_seconds(server.id())?, cpu_seconds(fleet.id())?);
        let push = fleet.push()?;
        sleep(REPORTS);
        let round = Round {
            push,
            server: (cpu_seconds(server.id())? - before.0) * 1e3,
            fleet: (cpu_seconds(fleet.id())? - before.1) * 1e3,
        };
        // The first warms up.
        if number > 0 {
            rounds.push(round);
        }
    }
    let peak = megabytes(server.id(), "VmHWM")?;
    drop(fleet);
    server.stop()?;
    let standing = Standing {
        idle,
        resident,
        peak,
        own,
    };
    Ok((rounds, standing))
}

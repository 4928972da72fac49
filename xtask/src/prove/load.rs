//! `prove load`: good clients at a steady rate on many connections, while slow attackers hold all they can.

mod attackers;
mod bodies;
mod clients;
mod figures;
mod http2;
mod still;

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{Experiment, Trial};
use crate::http::Connection;
use crate::installation::Installation;
use crate::limits::allow_files;
use crate::process::Server;
use crate::report::Tally;
use crate::workspace::Workspace;
use attackers::Attack;
use bodies::Crowd;
use clients::{Plan, Seen};
use figures::Usage;
use still::Still;

/// Good connections, of which there are `count`, make so many requests a second together.
const RATE: u32 = 2_000;

/// Licenses that are there to be read.
const LICENSES: usize = 200;

/// Of 100 good connections, so many attackers come along.
const ATTACKERS_PERCENT: u64 = 9;

const LONGEST_P99_MILLISECONDS: f64 = 50.0;
const MOST_MEGABYTES: f64 = 512.0;

/// Files open in this process besides those of good connections.
const OTHER_FILES: u64 = 500;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "load",
    release: RELEASE,
    faults: &[
        "no-deadlines",
        "deadlines-by-socket",
        "body-before-credential",
        "chunks-uncounted",
    ],
    run,
};

const RELEASE: u64 = 10_000;

/// One passed test per promise.
fn run(workspace: &Workspace, trial: &Trial) -> Result<Tally> {
    allow_files(trial.count + OTHER_FILES)?;
    let scratch = workspace.scratch("load")?;
    let installation = Installation::create(&trial.binary, &scratch)?;
    let document = installation.issue("Customer", "2025-01-01", "2099-12-31")?;
    let server = installation.serve(&scratch.join("data"), &trial.environment())?;
    let plan = Plan {
        address: server.address.clone(),
        connections: usize::try_from(trial.count)?,
        rate: RATE,
        lasting: lasting(trial),
        seed: trial.seed,
        licenses: store_licenses(&server, &document)?,
        document,
    };
    let each = (trial.count * ATTACKERS_PERCENT / 100 / 3).max(1);
    let tally = measure(&server, &plan, usize::try_from(each)?, trial.count)?;
    drop(server);
    if tally.failed == 0 {
        fs::remove_dir_all(scratch)?;
    } else {
        println!("kept for a look: {}", scratch.display());
    }
    Ok(tally)
}

fn lasting(trial: &Trial) -> Duration {
    Duration::from_secs(if trial.count >= RELEASE { 30 } else { 15 })
}

fn measure(server: &Server, plan: &Plan, each: usize, count: u64) -> Result<Tally> {
    let mut attack = Attack::begin(&server.address, each)?;
    let held_before = attack.wait_until_held()?;
    // Slow heads may be cut off by now; the others are not, unless the attack itself went wrong.
    let proven = held_before >= 2 * each;
    ensure!(
        proven,
        "only {held_before} attackers came, which proves nothing"
    );
    let crowd = Crowd::begin(&server.address, &plan.document, each.div_ceil(3))?;
    let still = Still::begin(&server.address, each.div_ceil(3));
    let before = Usage::of(server.id())?;
    let seen = clients::run(plan)?;
    let usage = Usage::of(server.id())?;
    let (came, waited_for) = crowd.end();
    println!("attackers with bodies came {came} times");
    let (held_after, ended) = (attack.held()?, Instant::now());
    println!("attackers held when the load began: {held_before}, when it ended: {held_after}");
    still.leave();
    let mut left = attack.outlast(ended)?;
    left.extend(still.outlast()?);
    drop(attack);

    let cpu = usage.cpu_seconds - before.cpu_seconds;
    let megabytes = usage.peak_megabytes;
    println!("server: peak {megabytes:.0} MB, {cpu:.1} CPU-seconds in the measured time");
    let mut tally = judge(&seen, plan, megabytes, &left, count);
    let held = came > 0 && waited_for == 0;
    let sign = if held { "ok" } else { "FAIL" };
    println!("{sign} no body of a stranger is waited for; {waited_for} were");
    tally.count(held);
    Ok(tally)
}

fn judge(seen: &Seen, plan: &Plan, megabytes: f64, left: &[String], count: u64) -> Tally {
    let Seen { open, errors, .. } = seen;
    let (connections, requests) = (plan.connections, seen.latencies.len());
    let [p50, p99, p999, max] = seen.quantiles();
    println!(
        "connections {connections}, open at the end {open}; requests {requests}, errors {errors}"
    );
    println!(
        "latency from the intended time: p50 {p50:.2} ms, p99 {p99:.2} ms, p99.9 {p999:.2} ms, max {max:.2} ms"
    );
    let mut tally = Tally::default();
    let mut gate = |sentence: String, held: bool| {
        println!("{} {sentence}", if held { "ok" } else { "FAIL" });
        tally.count(held);
    };
    let first = seen.first_error.as_deref().unwrap_or("none");
    gate(
        format!("no good request fails; the first error: {first}"),
        *errors == 0 && requests > 0,
    );
    gate(
        "every good connection stays open".to_owned(),
        *open == connections,
    );
    gate(
        format!("the server takes at most {MOST_MEGABYTES} MB"),
        megabytes <= MOST_MEGABYTES,
    );
    let who = if left.is_empty() {
        "none".to_owned()
    } else {
        left.join(", ")
    };
    gate(
        format!("every attacker is cut off in time; left over: {who}"),
        left.is_empty(),
    );
    // A tenth runs on machines that do other things too, where a time proves nothing.
    if count >= RELEASE {
        let held = p99 <= LONGEST_P99_MILLISECONDS;
        gate(
            format!("p99 is at most {LONGEST_P99_MILLISECONDS} ms"),
            held,
        );
    }
    tally
}

fn store_licenses(server: &Server, document: &str) -> Result<Vec<String>> {
    let mut connection = Connection::open(&server.address)?;
    let body = serde_json::json!({ "payload": document }).to_string();
    let mut store = |_| {
        let answer = connection.post_json("/licenses", &body)?;
        ensure!(
            answer.status == 201,
            "storing was answered {}",
            answer.status
        );
        let license: Value = serde_json::from_slice(&answer.body)?;
        Ok(license["id"].as_str().context("no id")?.to_owned())
    };
    (0..LICENSES).map(&mut store).collect()
}

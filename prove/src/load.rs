//! `prove load`: good clients at a steady rate on many connections, while slow attackers hold as many resources as they can.

mod all_attackers;
mod attackers;
mod bodies;
mod clients;
mod connections;
mod files;
mod http2;
mod latencies;
mod low_memory;
mod stalled;

use std::ops::Range;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lictor_testkit::limits::allow_files;
use lictor_testkit::usage::Usage;
use lictor_testkit::{Connection, Installation, Server, Tally, Workspace};
use serde_json::Value;
use tokio::time::Instant;

use super::{Experiment, Trial};
use all_attackers::{AllAttackers, AttackResult};
use clients::{Clients, Plan, Seen};

/// Good connections, of which there are `count`, make so many requests a second together.
const RATE: u32 = 2_000;

/// Licenses that are there to be read.
const LICENSES: usize = 2_000;

/// Of 100 good connections, so many attackers come along.
const ATTACKERS_PERCENT: u64 = 9;

const LONGEST_P99_MILLISECONDS: f64 = 50.0;
const MOST_MEGABYTES: f64 = 512.0;

/// How long good clients work before anybody else comes.
const CALM: Duration = Duration::from_secs(10);

/// How long after the last attacker memory is looked at, and how much more it may be than before.
const GIVEN_BACK: Duration = Duration::from_secs(30);
const MOST_GROWTH: f64 = 1.2;

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
    allow_files(trial.count.max(files::IDLE as u64) + OTHER_FILES)?;
    let scratch = workspace.scratch("load")?;
    let installation = Installation::create(&trial.binary, &scratch)?;
    let document = installation.issue("Customer", "2025-01-01", "2099-12-31")?;
    let each = (trial.count * ATTACKERS_PERCENT / 100 / 3).max(1);
    let (each, lasting) = (usize::try_from(each)?, lasting(trial));
    let mut tally = Tally::default();
    {
        let server = installation.serve(&scratch.join("data"), &trial.environment())?;
        let plan = Plan {
            address: server.address.clone(),
            connections: usize::try_from(trial.count)?,
            rate: RATE,
            seed: trial.seed,
            licenses: store_licenses(&server, &document)?,
            document: document.clone(),
        };
        let seen = measure(&server, &plan, each, lasting)?;
        judge(&seen, &plan, trial.count, &mut tally);
    }
    files::prove(&installation, trial, &document, &mut tally)?;
    low_memory::prove(&installation, trial, (each, lasting), &mut tally)?;
    scratch.end(tally)
}

fn lasting(trial: &Trial) -> Duration {
    Duration::from_secs(if trial.count >= RELEASE { 30 } else { 15 })
}

/// What was seen of one attack.
struct Measured {
    clients: Seen,
    /// When all attackers came.
    attack: Range<Instant>,
    told: AttackResult,
    /// With all good clients at work: before anybody else came, and when they had been gone for some
    /// time.
    before: Usage,
    after: Usage,
}

fn measure(server: &Server, plan: &Plan, each: usize, lasting: Duration) -> Result<Measured> {
    let token = bodies::tenant(&server.address, &plan.document)?;
    let clients = Clients::begin(plan)?;
    sleep(CALM);
    let (before, begun) = (Usage::of(server.id())?, Instant::now());
    let siege = AllAttackers::begin(&server.address, &token, each)?;
    sleep(lasting);
    let (usage, ended) = (Usage::of(server.id())?, Instant::now());
    let cpu = usage.cpu_seconds - before.cpu_seconds;
    println!("server: {cpu:.1} CPU-seconds in the measured time");
    let told = siege.outlast()?;
    sleep(GIVEN_BACK);
    Ok(Measured {
        after: Usage::of(server.id())?,
        clients: clients.end()?,
        attack: begun..ended,
        told,
        before,
    })
}

fn judge(measured: &Measured, plan: &Plan, count: u64, tally: &mut Tally) {
    let Measured {
        clients,
        told,
        before,
        after,
        ..
    } = measured;
    let Seen { open, errors, .. } = clients;
    let (connections, requests) = (plan.connections, clients.answered.len());
    let latency = latencies::of_all(&clients.answered, &measured.attack);
    println!(
        "connections {connections}, open at the end {open}; requests {requests}, errors {errors}"
    );
    println!("latency from the intended time: {latency}");
    latencies::print_parts(&clients.answered, &measured.attack);
    let (calm, peak, gone) = (before.megabytes, after.peak_megabytes, after.megabytes);
    println!("server: {calm:.0} MB before the attack, {peak:.0} MB at most, {gone:.0} MB after it");
    let mut gate = |sentence: String, held: bool| {
        println!("{} {sentence}", if held { "ok" } else { "FAIL" });
        tally.count(held);
    };
    let first = clients.first_error.as_deref().unwrap_or("none");
    gate(
        format!("no good request fails; the first error: {first}"),
        *errors == 0 && requests > 0,
    );
    let sentence = "every good connection stays open".to_owned();
    gate(sentence, *open == connections);
    let sentence = format!("the server takes at most {MOST_MEGABYTES} MB");
    gate(sentence, peak <= MOST_MEGABYTES);
    let seconds = GIVEN_BACK.as_secs();
    let sentence =
        format!("all but a fifth of the additional memory is released after {seconds} s");
    gate(sentence, gone <= calm * MOST_GROWTH);
    let who = match told.left.as_slice() {
        [] => "none".to_owned(),
        left => left.join(", "),
    };
    let all_cut_off = told.left.is_empty();
    gate(
        format!("every attacker is cut off in time; left over: {who}"),
        all_cut_off,
    );
    let (came, waited_for) = told.bodies;
    gate(
        format!("no body of a stranger is waited for; {waited_for} were"),
        came > 0 && waited_for == 0,
    );
    // A tenth runs on machines that do other things too, where a time proves nothing.
    if count >= RELEASE {
        gate(
            format!("p99 is at most {LONGEST_P99_MILLISECONDS} ms"),
            latency.p99 <= LONGEST_P99_MILLISECONDS,
        );
    }
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

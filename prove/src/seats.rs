//! `prove seats`: many clients compete for few seats; no seat is given twice, none is refused without need, all answers are consistent, and leases end on time however the server's clock is set.

mod checker;
mod client;
mod clocks;
mod histories;
mod hot;
mod ledger;
mod model;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lictor_testkit::{Connection, Installation, Server, Tally, Workspace};
use serde_json::{Value, json};

use self::checker::Case;
use self::client::{Asked, Outcome};
use self::clocks::Clocks;
use self::hot::Heard;
use self::ledger::{Event, Written};
use super::promise::count;
use super::random::Random;
use super::{Experiment, Trial};

const HOT: &str = "hot";
const HOT_SEATS: u32 = 24;
const HOT_ACCOUNTS: usize = 24;

/// So few that clients meet at the same account.
const POOL_ACCOUNTS: usize = 6;

/// For each operation of a history, so many are done on the hot application.
const OPERATIONS_PER_STEP: u64 = 100;

/// The server whose clock is set runs for a second for so many operations, and for so long at least.
const CLOCKS: &str = "clocks";
const OPERATIONS_PER_SECOND: u64 = 1_500;
const SHORTEST_SPAN: u64 = 10;

/// The checker's time grows with the square of a history's length.
const LONGEST_HISTORY: u64 = 2_000;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "seats",
    release: 200_000,
    faults: &[
        "seats-checked-early",
        "early-release",
        "leases-by-wall-clock",
    ],
    run,
};

/// One passed test per promise.
fn run(workspace: &Workspace, trial: &Trial) -> Result<Tally> {
    let scratch = workspace.scratch("seats")?;
    let scene = Scene {
        installation: Installation::create(&trial.binary, &scratch)?,
        folder: &scratch,
        trial,
    };
    let mut random = Random::new(trial.seed);
    let mut tally = Tally::default();
    scene.hot(&mut random, &mut tally)?;
    scene.histories(&mut random, &mut tally)?;
    scene.clocks(&mut random, &mut tally)?;
    scratch.end(tally)
}

/// Where both parts take place.
struct Scene<'a> {
    installation: Installation,
    folder: &'a Path,
    trial: &'a Trial,
}

impl Scene<'_> {
    /// One application that everybody wants.
    fn hot(&self, random: &mut Random, tally: &mut Tally) -> Result<()> {
        let data = self.folder.join("hot");
        let server = self.installation.serve(&data, &self.trial.environment())?;
        self.license(&server, HOT, HOT_SEATS)?;
        let accounts = create_accounts(&server, HOT_ACCOUNTS)?;
        let heard = hot::run(&server.address, HOT, &accounts, self.trial.count, random)?;
        let written = ledger::read(&server.address, HOT)?;
        let case = Case {
            heard: &heard,
            written: &written,
            accounts: &accounts,
            limit: u64::from(HOT_SEATS),
        };
        count(
            tally,
            (
                "all that can happen has happened",
                never_seen(&heard, &written),
            ),
        );
        for promise in case.promises() {
            count(tally, promise);
        }
        self.stop_and_check(server, &data, tally)
    }

    /// Many pools with a few clients each.
    fn histories(&self, random: &mut Random, tally: &mut Tally) -> Result<()> {
        let data = self.folder.join("histories");
        let server = self.installation.serve(&data, &self.trial.environment())?;
        let applications: Vec<String> = (0..histories::POOLS)
            .map(|number| format!("pool-{number:02}"))
            .collect();
        for application in &applications {
            self.license(&server, application, model::LIMIT)?;
        }
        let accounts = create_accounts(&server, POOL_ACCOUNTS)?;
        let length = self.trial.count.div_ceil(OPERATIONS_PER_STEP);
        let length = length.min(LONGEST_HISTORY);
        let began = Instant::now();
        let told = histories::run(&server.address, &applications, &accounts, length, random)?;
        let asked = began.elapsed().as_secs_f64();
        let failed = told.iter().flat_map(|told| told.failed.clone()).collect();
        count(tally, ("no request of a history fails", failed));
        let unexplained = histories::unexplained(&told, self.folder)?;
        let (number, clients) = (told.len(), histories::CLIENTS);
        let checked = began.elapsed().as_secs_f64() - asked;
        println!(
            "histories {number} of {length} operations by {clients} clients: asked in {asked:.1} s, checked in {checked:.1} s"
        );
        count(tally, ("every history is linearizable", unexplained));
        self.stop_and_check(server, &data, tally)
    }

    /// A server whose clock is set at random.
    fn clocks(&self, random: &mut Random, tally: &mut Tally) -> Result<()> {
        let data = self.folder.join("clocks");
        let clocks = Clocks {
            installation: &self.installation,
            data: &data,
            environment: &self.trial.environment(),
        };
        let license = |server: &Server| self.license(server, CLOCKS, 1_000);
        let span = self.trial.count / OPERATIONS_PER_SECOND;
        let span = Duration::from_secs(span.max(SHORTEST_SPAN));
        let (server, promises) = clocks.run(CLOCKS, license, span, random)?;
        for promise in promises {
            count(tally, promise);
        }
        self.stop_and_check(server, &data, tally)
    }

    fn license(&self, server: &Server, application: &str, seats: u32) -> Result<()> {
        let installation = &self.installation;
        let customer = "Seats GmbH";
        let document =
            installation.issue_seats(application, seats, customer, "2025-01-01", "2099-12-31")?;
        let mut connection = Connection::open(&server.address)?;
        let body = json!({ "payload": document }).to_string();
        let answer = connection.post_json("/v1/licenses", &body)?;
        ensure!(
            answer.status == 201,
            "a license was answered {}",
            answer.status
        );
        Ok(())
    }

    fn stop_and_check(&self, server: Server, data: &Path, tally: &mut Tally) -> Result<()> {
        let (_, status) = server.stop()?;
        ensure!(status.success(), "the server ended with {status}");
        let data = data.display().to_string();
        let checked = self.installation.lictor(&["check", "--data", &data]);
        let found = checked.err().map(|error| format!("{error:#}"));
        count(
            tally,
            ("check finds no difference", found.into_iter().collect()),
        );
        Ok(())
    }
}

/// Their ids.
fn create_accounts(server: &Server, number: usize) -> Result<Vec<String>> {
    let mut connection = Connection::open(&server.address)?;
    let row = |number: usize| json!({ "email": format!("person-{number}@example.com") });
    let rows: Vec<Value> = (0..number).map(row).collect();
    let body = json!({ "rows": rows }).to_string();
    let answer = connection.post_json("/v1/accounts/import", &body)?;
    let said: Value = serde_json::from_slice(&answer.body)?;
    let rows = said["rows"].as_array().context("no rows")?;
    let id = |row: &Value| Ok(row["account"].as_str().context("no account")?.to_owned());
    rows.iter().map(id).collect()
}

/// How often each possible outcome happened.
fn outcomes(heard: &Heard, written: &Written) -> [(&'static str, usize); 11] {
    let count = |is: fn(Asked, &Outcome) -> bool| {
        let seen = heard.seen.iter();
        seen.filter(|seen| is(seen.asked, &seen.outcome)).count()
    };
    let done = |is: fn(Asked) -> bool| {
        let done = heard
            .seen
            .iter()
            .filter(|seen| seen.outcome == Outcome::Done);
        done.filter(|seen| is(seen.asked)).count()
    };
    let ends = written
        .ledger
        .events()
        .filter(|(_, event)| matches!(event, Event::Ended { reason, .. } if reason == "expired"));
    let new = |out: &Outcome| matches!(out, Outcome::CheckedOut(out) if out.fence == 1);
    [
        ("refused", count(|_, it| matches!(it, Outcome::Refused(_)))),
        (
            "checked out",
            heard.seen.iter().filter(|seen| new(&seen.outcome)).count(),
        ),
        (
            "again",
            count(|_, it| matches!(it, Outcome::CheckedOut(out) if out.fence > 1)),
        ),
        (
            "renewed",
            count(|_, it| matches!(it, Outcome::Renewed { .. })),
        ),
        (
            "released",
            done(|asked| matches!(asked, Asked::Release { .. })),
        ),
        (
            "taken away",
            done(|asked| matches!(asked, Asked::Force { .. })),
        ),
        ("expired", ends.count()),
        (
            "fenced off",
            count(|_, it| matches!(it, Outcome::FenceMismatch { .. })),
        ),
        ("not found", count(|_, it| *it == Outcome::NotFound)),
        (
            "seats assigned",
            count(|_, it| matches!(it, Outcome::Assigned(_))),
        ),
        (
            "seats given back",
            done(|asked| matches!(asked, Asked::Unassign { .. })),
        ),
    ]
}

/// Prints how often each outcome happened. Returns those that never did, and so were not tested.
fn never_seen(heard: &Heard, written: &Written) -> Vec<String> {
    let figures = outcomes(heard, written);
    let (operations, seconds) = (heard.seen.len(), heard.took.as_secs_f64());
    let entries = written.ledger.events.len();
    let clients = hot::CLIENTS;
    println!(
        "operations {operations} by {clients} clients in {seconds:.1} s, ledger entries {entries}"
    );
    let texts = figures
        .iter()
        .map(|(name, figure)| format!("{name} {figure}"));
    println!("{}", texts.collect::<Vec<_>>().join(", "));
    let never = figures.iter().filter(|(_, figure)| *figure == 0);
    never.map(|(name, _)| (*name).to_owned()).collect()
}

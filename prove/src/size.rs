//! `prove size`: an installation with a million accounts answers, imports, lends and is checked as one with a thousand.

mod concurrent;
mod fill;
mod reads;

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lictor_testkit::usage::megabytes;
use lictor_testkit::{Connection, Installation, OPERATOR, Server, Tally, Workspace};

use super::promise::{Promise, count};
use super::{Experiment, Trial};
use concurrent::{Seen, beside, write_licenses};
use fill::{LARGE, NEIGHBOR, SMALL, Tenant};

/// Accounts of the large tenant. A tenth of them are its licenses, and each makes five entries.
const RELEASE: u64 = 1_000_000;

/// Accounts of the small tenant.
const FEW: u64 = 1_000;

/// How much longer an import of what is there may take.
const AGAIN: f64 = 1.2;

/// How long a check-out may take of which there are 99 in 100, whatever goes on.
const LONGEST_P99_MILLISECONDS: f64 = 50.0;

/// What a check, or a restore, may take of memory.
const MOST_MEGABYTES: f64 = 300.0;

/// Within which time the first accounts of a list are printed.
const FIRST: Duration = Duration::from_millis(200);

/// How many licenses are written in a second beside check-outs, and for how long.
const WRITES: u64 = 2_700;
const SECONDS: u64 = 6;

/// How often memory is looked at, which is gone with its process.
const LOOK: Duration = Duration::from_millis(10);

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "size",
    release: RELEASE,
    faults: &["all-licenses"],
    run,
};

/// What is only measured at a size at which it means something, on a machine that does nothing else.
struct Timed {
    /// All accounts are there.
    whole: bool,
}

impl Timed {
    /// Breaks a promise of time at full size; otherwise the figure is only printed.
    fn unless(&self, holds: bool, what: String) -> Vec<String> {
        if holds || !self.whole {
            Vec::new()
        } else {
            vec![what]
        }
    }
}

/// One passed test per promise.
fn run(workspace: &Workspace, trial: &Trial) -> Result<Tally> {
    let scratch = workspace.scratch("size")?;
    let tally = measure(trial, &scratch)?;
    scratch.end(tally)
}

fn measure(trial: &Trial, scratch: &Path) -> Result<Tally> {
    let accounts = trial.count.max(4 * FEW);
    let timed = Timed {
        whole: trial.count >= RELEASE,
    };
    let data = scratch.join("data");
    let server = serve(trial, &data)?;
    let document = document(&trial.binary, scratch)?;
    let mut tally = Tally::default();
    let small = Tenant::fill(trial, &server, SMALL, FEW, &document)?;
    let _neighbor = Tenant::fill(trial, &server, NEIGHBOR, 100, &document)?;
    println!("{accounts} accounts, {} licenses", accounts / 10);
    let large = Tenant::begin(&server, LARGE, accounts, &document)?;
    let file = large.accounts_file(scratch)?;
    imports(trial, &server, &file, accounts, &timed, &mut tally)?;
    large.write_all_licenses(&server, &document)?;
    large.add_the_rest(&server)?;
    writes(&server, &small, &large, &document, &timed, &mut tally)?;
    let slower = reads::compare(&server, (&small, &large), timed.whole)?;
    count(
        &mut tally,
        ("a read costs what it costs of few accounts", slower),
    );
    list(trial, &server, &timed, &mut tally)?;
    copies(trial, server, scratch, &mut tally)?;
    Ok(tally)
}

fn serve(trial: &Trial, data: &Path) -> Result<Server> {
    let mut command = Command::new(&trial.binary);
    command.arg("serve").arg("--data").arg(data);
    // So that licenses need no signature each.
    command.args(["--listen", "127.0.0.1:0", "--trust-policy", "structural"]);
    command
        .env("LICTOR_ADMIN_TOKEN", OPERATOR)
        .envs(trial.environment());
    Server::spawn(command)
}

/// A document of which others are made by another product and key.
fn document(binary: &Path, scratch: &Path) -> Result<String> {
    let installation = Installation::create(binary, scratch)?;
    let text = installation.issue_seats(
        fill::PRODUCT,
        4_000_000,
        "Customer",
        "2025-01-01",
        "2099-12-31",
    )?;
    Ok(text.trim().to_owned())
}

/// The command, which speaks to the server about the large tenant.
fn command(trial: &Trial, server: &Server, arguments: &[&str]) -> Command {
    let mut command = Command::new(&trial.binary);
    command.args(arguments);
    command
        .env("LICTOR_URL", server.base())
        .env("LICTOR_TOKEN", OPERATOR)
        .env("LICTOR_ORGANIZATION", LARGE)
        .stdin(Stdio::null());
    command
}

/// Imports all accounts, and once more, while the neighbor checks leases out.
fn imports(
    trial: &Trial,
    server: &Server,
    file: &Path,
    accounts: u64,
    timed: &Timed,
    tally: &mut Tally,
) -> Result<()> {
    let path = file.display().to_string();
    let mut took = Vec::new();
    let (mut refused, mut slow, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for time in ["first", "again"] {
        let (output, seen) = beside(server, NEIGHBOR, 0, || {
            let begun = Instant::now();
            let import = ["account", "import", &path, "--json"];
            let output = command(trial, server, &import).output()?;
            took.push(begun.elapsed().as_secs_f64());
            Ok(output)
        })?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "the import said: {said}");
        println!("import {time}: {:.1} s; {seen}", took[took.len() - 1]);
        let result: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        told.push(result);
        judge(&seen, time, timed, &mut refused, &mut slow);
    }
    let ratio = took[1] / took[0];
    println!("the second import took {ratio:.2} of the first");
    let again = timed.unless(ratio <= AGAIN, format!("{ratio:.2} of it"));
    let known = (told[1]["created"].as_u64(), told[1]["existing"].as_u64());
    let known = match known == (Some(0), Some(accounts)) {
        true => Vec::new(),
        false => vec![told[1].to_string()],
    };
    for promise in [
        ("an import of what is there changes nothing", known),
        ("it takes no longer than the first", again),
        ("no check-out of a neighbor is refused meanwhile", refused),
        ("nor is it slow", slow),
    ] {
        count(tally, promise);
    }
    Ok(())
}

fn judge(
    seen: &Seen,
    when: &str,
    timed: &Timed,
    refused: &mut Vec<String>,
    slow: &mut Vec<String>,
) {
    refused.extend(seen.failed.iter().map(|failed| format!("{when}: {failed}")));
    let p99 = seen.p99();
    let what = format!("{when}: p99 {p99:.1} ms");
    slow.extend(timed.unless(p99 <= LONGEST_P99_MILLISECONDS, what));
}

/// Licenses are written while leases are checked out, of another application and of the same.
fn writes(
    server: &Server,
    small: &Tenant,
    large: &Tenant,
    document: &str,
    timed: &Timed,
    tally: &mut Tally,
) -> Result<()> {
    let few = small.looked_at_by_a_write(server, document)?;
    let many = large.looked_at_by_a_write(server, document)?;
    println!("a write looks at {few:.0} licenses of few, and at {many:.0} of many");
    let more = match many <= 2.0 * few + 64.0 {
        true => Vec::new(),
        false => vec![format!("at {many:.0}, and of few at {few:.0}")],
    };
    count(tally, ("a license write looks at few others", more));
    // A machine that does other things too writes less.
    let rate = if timed.whole { WRITES } else { WRITES / 10 };
    let (mut refused, mut slow) = (Vec::new(), Vec::new());
    for (name, application) in [("another application", 1), ("the application", 0)] {
        let (written, seen) = beside(server, LARGE, 0, || {
            write_licenses(server, LARGE, application, document, rate, SECONDS)
        })?;
        println!("{written:.0} licenses a second of {name}: {seen}");
        judge(&seen, name, timed, &mut refused, &mut slow);
        slow.extend(timed.unless(
            written >= 0.95 * rate as f64,
            format!("{name}: only {written:.0} licenses a second are written"),
        ));
    }
    count(
        tally,
        ("no check-out is refused as licenses are written", refused),
    );
    count(tally, ("nor is it slow for it", slow));
    Ok(())
}

/// The first lines of a list of all accounts, whose reader goes away.
fn list(trial: &Trial, server: &Server, timed: &Timed, tally: &mut Tally) -> Result<()> {
    let mut shell = command(trial, server, &[]);
    let program = shell.get_program().to_owned();
    let environment: Vec<_> = shell
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    shell = Command::new("sh");
    shell
        .args(["-c", "\"$0\" account list | head -n 2"])
        .arg(program);
    shell.envs(environment).stdin(Stdio::null());
    let begun = Instant::now();
    let output = shell.output()?;
    let took = begun.elapsed();
    println!("account list | head: {:.2} s", took.as_secs_f64());
    let printed = output.stdout.split(|byte| *byte == b'\n').count() - 1;
    let lines = match printed {
        2 => Vec::new(),
        _ => vec![String::from_utf8_lossy(&output.stderr).into_owned()],
    };
    count(tally, ("the head of a long list is printed", lines));
    let late = timed.unless(took <= FIRST, format!("{:.2} s", took.as_secs_f64()));
    count(tally, ("and at once", late));
    Ok(())
}

/// A copy is restored, and the folder checked.
fn copies(trial: &Trial, server: Server, scratch: &Path, tally: &mut Tally) -> Result<()> {
    let copy = scratch.join("copy.db").display().to_string();
    let output = command(trial, &server, &["backup", &copy]).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the backup said: {said}");
    server.stop()?;
    let folder = |name: &str| scratch.join(name).display().to_string();
    let (data, restored) = (folder("data"), folder("restored"));
    let mut too_much = Vec::new();
    for arguments in [
        ["check", "--data", &data].as_slice(),
        &["restore", &copy, "--data", &restored],
    ] {
        let (megabytes, took) = peak(trial, arguments)?;
        let name = arguments[0];
        println!("{name}: {megabytes:.0} MB, {:.1} s", took.as_secs_f64());
        if megabytes >= MOST_MEGABYTES {
            too_much.push(format!("{name} takes {megabytes:.0} MB"));
        }
    }
    let promise: Promise = ("a check and a restore take little memory", too_much);
    count(tally, promise);
    Ok(())
}

/// The most memory that the command took, in megabytes, and its time. It must succeed.
fn peak(trial: &Trial, arguments: &[&str]) -> Result<(f64, Duration)> {
    let begun = Instant::now();
    let mut child = Command::new(&trial.binary)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut peak = 0.0_f64;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        // Of one that is just ending nothing is told any more.
        if let Ok(megabytes) = megabytes(child.id(), "VmHWM") {
            peak = peak.max(megabytes);
        }
        thread::sleep(LOOK);
    };
    ensure!(status.success(), "{} ended with {status}", arguments[0]);
    Ok((peak, begun.elapsed()))
}

/// A figure of the server's metrics.
fn metric(server: &Server, name: &str) -> Result<f64> {
    let answer = Connection::open(&server.address)?.get("/metrics")?;
    let text = String::from_utf8(answer.body)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let value = line.and_then(|value| value.trim().parse().ok());
    value.with_context(|| format!("no {name} in the metrics"))
}

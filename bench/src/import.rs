//! The table of the import: accounts with seats by the command, beside the same rows inserted into SQLite alone.

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lictor_testkit::usage::megabytes;

use super::Bench;
use super::contestant::{SERVER_CORE, pinned};
use super::rounds::{Figure, Samples, whole};

/// Times each of the two imports all accounts.
const TIMES: usize = 3;

/// The server's file in its folder.
const DATABASE: &str = "lictor.db";

/// How often the memory of the command is looked at, which is gone with its end.
const LOOK: Duration = Duration::from_millis(20);

/// One import by the command.
struct Import {
    /// Accounts in a second.
    rate: f64,
    /// The peaks of server and command, in megabytes.
    server: f64,
    command: f64,
}

pub(super) fn measure(bench: &Bench) -> Result<String> {
    let file = bench.accounts_file(bench.accounts)?;
    let (mut imports, mut bare) = (Vec::new(), Vec::new());
    for number in 0..TIMES {
        let folder = bench.scratch.join(format!("import-{number}"));
        imports.push(import(bench, &file, &folder)?);
        bare.push(insert(bench, &folder)?);
        fs::remove_dir_all(folder)?;
    }
    fs::remove_file(file)?;
    let (ours, bare) = (
        Samples::of(&imports, |one| one.rate),
        Samples::of(&bare, |rate| *rate),
    );
    let peak = |of: fn(&Import) -> f64| Figure(imports.iter().map(of).fold(0.0, f64::max));
    let mut text = format!(
        "{} accounts with a seat each, {TIMES} times:\n\n\
         | import | accounts/s | of bare SQLite | peak of the server, MB | peak of the command, MB |\n\
         |---|---|---|---|---|\n",
        whole(bench.accounts)
    );
    writeln!(
        text,
        "| bare SQLite | {} | {} | – | – |",
        bare.cell(),
        bare.ratio(&bare).cell()
    )?;
    writeln!(
        text,
        "| `lictor account import` | {} | {} | {} | {} |",
        ours.cell(),
        ours.ratio(&bare).cell(),
        peak(|one| one.server),
        peak(|one| one.command),
    )?;
    Ok(text)
}

/// Imports all accounts into a fresh folder.
fn import(bench: &Bench, file: &Path, folder: &Path) -> Result<Import> {
    let name = folder.file_name().and_then(|name| name.to_str());
    let server = bench.serve(name.context("a folder has a name")?)?;
    bench.add_seats(&server, bench.accounts)?;
    let begun = Instant::now();
    let mut running = bench.import(&server, file).spawn()?;
    let mut command = 0.0_f64;
    let status = loop {
        if let Some(status) = running.try_wait()? {
            break status;
        }
        // `taskset` becomes the command. When it has ended there is nothing to see.
        command = command.max(megabytes(running.id(), "VmHWM").unwrap_or(0.0));
        std::thread::sleep(LOOK);
    };
    let took = begun.elapsed();
    let mut said = String::new();
    let errors = running.stderr.as_mut().context("its standard error")?;
    errors.read_to_string(&mut said)?;
    ensure!(status.success(), "the import said: {said}");
    let peak = megabytes(server.id(), "VmHWM")?;
    server.stop()?;
    Ok(Import {
        rate: bench.accounts as f64 / took.as_secs_f64(),
        server: peak,
        command,
    })
}

/// Inserts the rows of the folder's database into one of its own, and returns accounts in a second.
fn insert(bench: &Bench, folder: &Path) -> Result<f64> {
    let (source, target) = (folder.join(DATABASE), folder.join("bare.db"));
    let mut insert = Command::new(bench.contestant("bare-import"));
    insert.arg(source).arg(target);
    let output = pinned(SERVER_CORE, &insert).output()?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "bare SQLite said: {complaint}");
    let said = String::from_utf8(output.stdout)?;
    let (rows, microseconds) = said.trim().split_once(' ').context("two figures")?;
    let rows: f64 = rows.parse()?;
    ensure!(
        rows == bench.accounts as f64,
        "{rows} accounts were inserted"
    );
    Ok(rows * 1e6 / microseconds.parse::<f64>()?)
}

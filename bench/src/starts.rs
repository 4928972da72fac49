//! The table of starts: how long until a server listens, how much memory it has then, and how large its file is.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use lictor_testkit::usage::megabytes;

use super::Bench;
use super::lists::SIZES;
use super::rounds::{Figure, Samples};

/// Starts of each kind.
const STARTS: usize = 15;

/// One start.
struct Start {
    milliseconds: f64,
    resident: f64,
    peak: f64,
}

pub(super) fn measure(bench: &Bench) -> Result<String> {
    let mut text = String::from(
        "| folder | ms until it listens | resident, MB | peak, MB |\n|---|---|---|---|\n",
    );
    let mut row = |name: &str, starts: &[Start]| -> Result<()> {
        let cell = |figure: fn(&Start) -> f64| Samples::of(starts, figure).cell();
        let (time, resident) = (cell(|one| one.milliseconds), cell(|one| one.resident));
        let peak = cell(|one| one.peak);
        writeln!(text, "| {name} | {time} | {resident} | {peak} |")?;
        Ok(())
    };
    let empty = (0..STARTS).map(|n| start(bench, bench.scratch.join(format!("empty-{n}"))));
    row("none yet", &empty.collect::<Result<Vec<_>>>()?)?;
    for stored in bench.filled(&SIZES)? {
        let starts = (0..STARTS).map(|_| start(bench, stored.folder.clone()));
        let name = format!("{} licenses", Figure(stored.licenses as f64));
        row(&name, &starts.collect::<Result<Vec<_>>>()?)?;
    }
    let size = fs::metadata(&bench.installation.binary)?.len() as f64 / 1e6;
    writeln!(text, "\nThe release binary has {} MB.", Figure(size))?;
    Ok(text)
}

fn start(bench: &Bench, folder: PathBuf) -> Result<Start> {
    let begun = Instant::now();
    let server = bench.installation.serve(&folder, &[])?;
    let milliseconds = begun.elapsed().as_secs_f64() * 1e3;
    let start = Start {
        milliseconds,
        resident: megabytes(server.id(), "VmRSS")?,
        peak: megabytes(server.id(), "VmHWM")?,
    };
    server.stop()?;
    Ok(start)
}

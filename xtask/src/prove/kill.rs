//! `prove kill`: the server is killed at random moments while licenses are written, and no acknowledged one may be lost.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::load::{self, Stored, WRITERS};
use super::random::Random;
use crate::installation::Installation;
use crate::process::Server;
use crate::report::Tally;
use crate::workspace::Workspace;

/// After this many kills the folder starts afresh, so that early moments are hit again too.
const KILLS_PER_FOLDER: usize = 10;

/// The writers get at least this long, and at most that much longer.
const SHORTEST_MILLISECONDS: u64 = 5;
const SPREAD_MILLISECONDS: u64 = 400;

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kill {
    pub(crate) count: usize,
    pub(crate) seed: Option<u64>,
    pub(crate) binary: Option<PathBuf>,
    /// Test a server that acknowledges before it commits: the losses must be seen.
    pub(crate) early_ack: bool,
}

impl Default for Kill {
    fn default() -> Self {
        Self {
            count: 50,
            seed: None,
            binary: None,
            early_ack: false,
        }
    }
}

impl Kill {
    /// Reads the options; the error is a sentence for the user.
    pub(crate) fn parse(mut options: &[&str]) -> Result<Self, String> {
        let mut kill = Self::default();
        while let [option, value, rest @ ..] = options {
            let number = || {
                value
                    .parse()
                    .map_err(|_| format!("{option}: not a number: {value}"))
            };
            match *option {
                "--count" => kill.count = number()? as usize,
                "--seed" => kill.seed = Some(number()?),
                "--binary" => kill.binary = Some(PathBuf::from(value)),
                "--plant" if *value == "early-ack" => kill.early_ack = true,
                _ => return Err(format!("not understood: {option} {value}")),
            }
            options = rest;
        }
        match options {
            [] if kill.count > 0 => Ok(kill),
            [] => Err("--count: nothing would be proven".to_owned()),
            _ => Err(format!("not understood: {}", options.join(" "))),
        }
    }
}

/// Kills, restarts and looks, as often as asked. One passed test per kill that lost nothing.
pub(crate) fn run(workspace: &Workspace, kill: &Kill) -> Result<Tally> {
    let binary = match (&kill.binary, kill.early_ack) {
        (None, true) => workspace.faulty_binary()?,
        (given, _) => workspace.binary(given.clone())?,
    };
    let scratch = workspace.scratch("kill")?;
    let installation = Installation::create(&binary, &scratch)?;
    let seed = kill.seed.unwrap_or(u64::from(std::process::id()));
    println!("seed {seed}, {} kills, {WRITERS} writers", kill.count);

    let mut tally = Tally::default();
    let mut figures = Figures::default();
    let mut trial = Trial::new(installation, kill.early_ack, seed)?;
    for round in 0..kill.count {
        if round % KILLS_PER_FOLDER == 0 {
            trial.start_afresh(round)?;
        }
        match trial.kill_once(&mut figures) {
            Ok(()) => tally.count(true),
            Err(error) => {
                println!("FAIL kill {}: {error:#}", round + 1);
                tally.count(false);
                trial.start_afresh(round)?;
            }
        }
    }
    let Figures { acknowledged, lost } = figures;
    let found = acknowledged - lost;
    let kills = tally.passed + tally.failed;
    println!("acknowledged {acknowledged}, found {found}, lost {lost}, kills {kills}, seed {seed}");
    ensure!(
        acknowledged > 0,
        "no write was acknowledged, so nothing was proven"
    );
    if tally.failed == 0 {
        drop(trial);
        fs::remove_dir_all(scratch)?;
    } else {
        println!("kept for a look: {}", scratch.display());
    }
    Ok(tally)
}

/// The counts over all kills. A loss starts a new folder, so that none is counted twice.
#[derive(Default)]
struct Figures {
    acknowledged: usize,
    lost: usize,
}

/// One data folder with everything that a server has promised to keep in it.
struct Trial {
    installation: Installation,
    environment: &'static [(&'static str, &'static str)],
    documents: Vec<String>,
    random: Random,
    data: PathBuf,
    /// The running server; none only after a failure, until the next folder.
    server: Option<Server>,
    /// All that was acknowledged since this folder was new.
    promised: Stored,
    /// How many kills this folder has seen.
    kills: usize,
}

impl Trial {
    fn new(installation: Installation, early_ack: bool, seed: u64) -> Result<Self> {
        let issue =
            |number| installation.issue(&format!("Customer {number}"), "2025-01-01", "2099-12-31");
        Ok(Self {
            documents: (1..=5).map(issue).collect::<Result<_>>()?,
            installation,
            environment: if early_ack {
                &[("LICTOR_PLANT", "early-ack")]
            } else {
                &[]
            },
            random: Random::new(seed),
            data: PathBuf::new(),
            server: None,
            promised: Stored::new(),
            kills: 0,
        })
    }

    /// A new, empty folder. The old one stays until the end: it may have to be looked at.
    fn start_afresh(&mut self, round: usize) -> Result<()> {
        self.server = None;
        let attempt = self.random.next() as u16;
        self.data = self
            .installation
            .folder
            .join(format!("data-{round}-{attempt:04x}"));
        self.promised.clear();
        self.kills = 0;
        self.start()
    }

    fn start(&mut self) -> Result<()> {
        self.server = Some(self.installation.serve(&self.data, self.environment)?);
        Ok(())
    }

    /// Writes, kills, starts again and compares.
    fn kill_once(&mut self, figures: &mut Figures) -> Result<()> {
        let wait = SHORTEST_MILLISECONDS + self.random.below(SPREAD_MILLISECONDS);
        if let Some(server) = self.server.take() {
            let wait = Duration::from_millis(wait);
            let new = load::write_until_killed(server, &self.documents, &mut self.random, wait)?;
            figures.acknowledged += new.len();
            self.promised.extend(new);
        }
        self.kills += 1;
        // Should it not even start, everything in the folder is lost.
        self.start()
            .inspect_err(|_| figures.lost += self.promised.len())?;
        self.compare(figures)
    }

    /// Looks for every promise, one by one and in the list; then lets `check` look at the file.
    fn compare(&self, figures: &mut Figures) -> Result<()> {
        let Some(server) = &self.server else {
            return Ok(());
        };
        let missing = load::missing(server, &self.promised)?;
        figures.lost += missing.len();
        let (lost, promised) = (missing.len(), self.promised.len());
        let first = missing.first().map_or("", String::as_str);
        ensure!(
            lost == 0,
            "{lost} of {promised} acknowledged licenses are lost, the first {first}"
        );

        let listed = load::list(server)?;
        let whole: BTreeSet<&String> = self.documents.iter().collect();
        for (id, payload) in &listed {
            ensure!(
                whole.contains(payload),
                "license {id} is half-written: {payload:?}"
            );
        }
        let unlisted = self
            .promised
            .keys()
            .filter(|id| !listed.contains_key(*id))
            .count();
        ensure!(
            unlisted == 0,
            "{unlisted} acknowledged licenses are missing from the list"
        );
        let extra = listed.len() - promised;
        let possible = self.kills * WRITERS;
        ensure!(
            extra <= possible,
            "{extra} licenses that nobody was told of; {possible} can be"
        );

        let data = self.data.display().to_string();
        self.installation.lictor(&["check", "--data", &data])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_may_come_in_any_order() {
        let kill = Kill::parse(&["--seed", "9", "--count", "3"]).unwrap();
        assert_eq!((kill.count, kill.seed, kill.early_ack), (3, Some(9), false));
    }

    #[test]
    fn unknown_options_are_refused() {
        let refused: [&[&str]; 5] = [
            &["--count"],
            &["--count", "0"],
            &["--plant", "x"],
            &["--n", "1"],
            &["x"],
        ];
        for options in refused {
            assert!(Kill::parse(options).is_err(), "{options:?}");
        }
    }
}

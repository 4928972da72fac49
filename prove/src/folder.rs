//! A data folder whose server is killed again and again, with everything that the server has promised to keep in it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, ensure};
use lictor_testkit::{Installation, Server};

use super::Trial;
use super::random::Random;
use super::writers::{self, Stored, WRITERS};

/// The counts over all cuts. A loss starts a new folder, so that none is counted twice.
#[derive(Default)]
pub(super) struct Figures {
    pub(super) acknowledged: usize,
    pub(super) lost: usize,
}

/// One data folder, its server, and what was promised.
pub(super) struct Folder<'trial> {
    pub(super) installation: Installation,
    pub(super) random: Random,
    /// Documents that writers store.
    pub(super) documents: Vec<String>,
    trial: &'trial Trial,
    data: PathBuf,
    /// The running server; none only after a failure, until the next folder.
    server: Option<Server>,
    /// All that was acknowledged since this folder was new.
    promised: Stored,
    /// How many cuts this folder has seen.
    cuts: usize,
    /// How many writes were acknowledged during a cut that is not exact.
    unsure: usize,
}

impl<'trial> Folder<'trial> {
    pub(super) fn new(installation: Installation, trial: &'trial Trial) -> Result<Self> {
        let issue =
            |number| installation.issue(&format!("Customer {number}"), "2025-01-01", "2099-12-31");
        Ok(Self {
            documents: (1..=5).map(issue).collect::<Result<_>>()?,
            installation,
            random: Random::new(trial.seed),
            trial,
            data: PathBuf::new(),
            server: None,
            promised: Stored::new(),
            cuts: 0,
            unsure: 0,
        })
    }

    /// Begins with a new, empty folder. The old one stays: it may have to be looked at.
    pub(super) fn begin(&mut self, data: PathBuf) -> Result<()> {
        self.server = None;
        self.data = data;
        self.promised.clear();
        self.cuts = 0;
        self.unsure = 0;
        self.start()?;
        let server = self.server.as_ref().context("no server is running")?;
        server.lift_quotas()
    }

    /// Ends the server, if one runs.
    pub(super) fn stop(&mut self) {
        self.server = None;
    }

    /// Starts the server instead of the one that runs.
    fn start(&mut self) -> Result<()> {
        self.server = None;
        let environment = self.trial.environment();
        self.server = Some(self.installation.serve(&self.data, &environment)?);
        Ok(())
    }

    /// Starts another build of the server, with this environment, instead of the one that runs.
    pub(super) fn start_build(
        &mut self,
        build: &Installation,
        environment: &[(&str, &str)],
    ) -> Result<()> {
        self.server = None;
        self.server = Some(build.serve(&self.data, environment)?);
        Ok(())
    }

    /// Lets writers write until `cut` has ended the server, and notes what was acknowledged. `cut`
    /// sets its flag just before it begins; where it is not `exact`, what was acknowledged during
    /// it is no promise.
    pub(super) fn write_until(
        &mut self,
        figures: &mut Figures,
        exact: bool,
        cut: impl FnOnce(Server, &AtomicBool) -> Result<()>,
    ) -> Result<()> {
        let server = self.server.take().context("no server is running")?;
        let new = writers::write_until(server, &self.documents, &mut self.random, cut)?;
        let mut promised = new.before_the_cut;
        if exact {
            promised.extend(new.during_the_cut);
        } else {
            self.unsure += new.during_the_cut.len();
        }
        figures.acknowledged += promised.len();
        self.promised.extend(promised);
        self.cuts += 1;
        Ok(())
    }

    /// Starts the server again and looks for every promise, one by one and in the list; then lets
    /// `check` look at the file.
    pub(super) fn compare(&mut self, figures: &mut Figures) -> Result<()> {
        // Should it not even start, everything in the folder is lost.
        self.start()
            .inspect_err(|_| figures.lost += self.promised.len())?;
        let server = self.server.as_ref().context("no server is running")?;
        let missing = writers::missing(server, &self.promised)?;
        figures.lost += missing.len();
        let (lost, promised) = (missing.len(), self.promised.len());
        let first = missing.first().map_or("", String::as_str);
        ensure!(
            lost == 0,
            "{lost} of {promised} acknowledged licenses are lost, the first {first}"
        );
        self.compare_the_list(&writers::list(server)?)?;
        let data = self.data.display().to_string();
        self.installation.lictor(&["check", "--data", &data])?;
        Ok(())
    }

    fn compare_the_list(&self, listed: &Stored) -> Result<()> {
        let whole: BTreeSet<&String> = self.documents.iter().collect();
        for (id, payload) in listed {
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
        let extra = listed.len() - self.promised.len();
        let possible = self.cuts * WRITERS + self.unsure;
        ensure!(
            extra <= possible,
            "{extra} licenses that nobody was told of; {possible} can be"
        );
        Ok(())
    }
}

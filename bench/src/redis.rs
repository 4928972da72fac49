//! A Redis of our own, which syncs its log before it answers.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use lictor_testkit::programs::run;

use super::contestant::{Process, free_address};

/// The running server.
pub(super) struct Redis {
    process: Process,
    pub(super) address: String,
}

impl Redis {
    /// Starts it on an empty folder with this environment.
    pub(super) fn start(folder: &Path, environment: &[(&str, &str)]) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let address = free_address()?;
        let (_, port) = address.split_once(':').context("no port")?;
        let mut server = Command::new("redis-server");
        server.args(["--bind", "127.0.0.1", "--port", port, "--dir"]);
        server.arg(folder).args(["--daemonize", "no", "--save", ""]);
        server.args(["--appendonly", "yes", "--appendfsync", "always"]);
        // Its log is not made shorter meanwhile.
        server.args(["--auto-aof-rewrite-percentage", "0"]);
        server.envs(environment.iter().copied());
        let mut process = Process::start(&server)?;
        process.answers_at(&address)?;
        Ok(Self { process, address })
    }

    /// Runs one command.
    pub(super) fn ask(&self, words: &[&str]) -> Result<()> {
        let (_, port) = self.address.split_once(':').context("no port")?;
        let mut client = Command::new("redis-cli");
        client.args(["-e", "-p", port]).args(words);
        run(client.stdout(std::process::Stdio::null()))
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }
}

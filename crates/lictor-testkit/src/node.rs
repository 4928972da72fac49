//! One running node of a control plane, killed at the latest when dropped.

use std::path::Path;
use std::process::{Command, ExitStatus};

use anyhow::Result;

use crate::server::Server;

/// The process of a node.
pub struct Node {
    process: Server,
    /// Host and port of its local API, as it announced them.
    pub address: String,
}

impl Node {
    /// Starts a node that joins with a token, in a folder of its own, and waits until it answers.
    ///
    /// # Errors
    /// It does not start. The error contains its output.
    pub fn join(
        binary: &Path,
        control_plane: &str,
        token: &str,
        folder: &Path,
        options: &[&str],
    ) -> Result<Self> {
        let enroll = ["--enroll", token];
        let options = [&enroll, options].concat();
        Self::start_in(&[], binary, control_plane, folder, &options)
    }

    /// The same with one worker thread, as servers are measured.
    ///
    /// # Errors
    /// It does not start. The error contains its output.
    pub fn join_with_one_worker(
        binary: &Path,
        control_plane: &str,
        token: &str,
        folder: &Path,
    ) -> Result<Self> {
        let environment = [("TOKIO_WORKER_THREADS", "1")];
        let enroll = ["--enroll", token];
        Self::start_in(&environment, binary, control_plane, folder, &enroll)
    }

    /// Starts a node that has joined before, or joins with what the options say, in an environment.
    ///
    /// # Errors
    /// It does not start. The error contains its output.
    pub fn start_in(
        environment: &[(&str, &str)],
        binary: &Path,
        control_plane: &str,
        folder: &Path,
        options: &[&str],
    ) -> Result<Self> {
        let mut command = Command::new(binary);
        command.args(["node", "run", "--control-plane", control_plane]);
        if !options.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        command.arg("--data").arg(folder).args(options);
        command.envs(environment.iter().copied());
        let process = Server::spawn(command)?;
        Ok(Self {
            address: process.address.clone(),
            process,
        })
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// As [`crate::Process::stop`].
    ///
    /// # Errors
    /// As there.
    pub fn stop(self) -> Result<(String, ExitStatus)> {
        self.process.stop()
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// It ended by itself before.
    pub fn kill(self) -> Result<()> {
        self.process.kill()
    }
}

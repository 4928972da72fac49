//! A site: a control plane in one namespace, a node in another, and what an operator and a saboteur do to them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use lictor_testkit::{Connection, Installation, OPERATOR, Server};
use serde_json::Value;

use super::super::Trial;
use super::clock::{Seconds, TrueTime, TurnedClock, forget_process};
use super::network::{CONTROL_PLANE, Link};
use super::watch::Watch;

const PORT: u16 = 8001;

/// How far a node's clock is turned: not at all, an hour and a year back, ten years ahead.
pub(super) const TURNS: [i64; 4] = [0, -3_600, -31_536_000, 315_360_000];

/// Where a part of the experiment takes place. Processes come first, so that they end before the link.
pub(super) struct Site {
    node: Option<Server>,
    control_plane: Server,
    pub(super) link: Link,
    pub(super) time: TrueTime,
    /// By how much true time is ahead of the machine's.
    ahead: i64,
    clock: TurnedClock,
    installation: Installation,
    folder: PathBuf,
    socket: PathBuf,
    plant: Option<String>,
}

impl Site {
    /// Starts a control plane whose time is so far ahead of the machine's.
    pub(super) fn create(trial: &Trial, scratch: &Path, name: &str, ahead: i64) -> Result<Self> {
        let folder = scratch.join(name);
        fs::create_dir_all(&folder)?;
        let link = Link::create(name)?;
        let installation = Installation::create(&trial.binary, &folder)?;
        let own = TurnedClock::create(&folder.join("control-plane.clock"), ahead)?;
        let mut serve = link.control_plane.command(&trial.binary);
        serve.args(["serve", "--insecure-http", "--listen"]);
        serve.arg(format!("{CONTROL_PLANE}:{PORT}"));
        serve.arg("--data").arg(folder.join("control-plane"));
        serve.arg("--trust").arg(folder.join("vendor.pub"));
        serve.env("LICTOR_ADMIN_TOKEN", OPERATOR);
        if ahead != 0 {
            serve.envs(own.environment());
        }
        let file = format!("lictor-{}-{name}.sock", std::process::id());
        Ok(Self {
            node: None,
            control_plane: Server::spawn(serve)?,
            link,
            time: TrueTime::ahead_by(ahead),
            ahead,
            clock: TurnedClock::create(&folder.join("node.clock"), ahead)?,
            installation,
            folder,
            // Short: the path of a socket has room for 107 bytes.
            socket: std::env::temp_dir().join(file),
            plant: trial.plant.clone(),
        })
    }

    /// Stores a license for the product, and returns its id.
    pub(super) fn license(&self, created: &str, expires: &str) -> Result<String> {
        let document = self.installation.issue("Customer", created, expires)?;
        let file = self.folder.join("license.json");
        fs::write(&file, document)?;
        let added = self.operator(&["license", "add", &file.display().to_string()])?;
        Ok(added.trim().to_owned())
    }

    /// Runs a command at the control plane.
    pub(super) fn operator(&self, arguments: &[&str]) -> Result<String> {
        let mut command = self.link.control_plane.command(&self.installation.binary);
        command.args(arguments).stdin(Stdio::null());
        command.env("LICTOR_URL", format!("http://{CONTROL_PLANE}:{PORT}"));
        command.env("LICTOR_TOKEN", OPERATOR).env("NO_PROXY", "*");
        let output = command.output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        let what = arguments.join(" ");
        ensure!(
            output.status.success(),
            "lictor {what} ended with {}: {said}",
            output.status
        );
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Starts the node for the first time.
    pub(super) fn join(&mut self) -> Result<()> {
        let token = self.operator(&["node", "enroll", "--name", "edge-1"])?;
        let mut command = self.node_command();
        command.arg("--enroll").arg(token.trim());
        self.node = Some(Server::spawn(command)?);
        Ok(())
    }

    /// Turns the node's clock so far away from true time, while it runs or not.
    pub(super) fn turn_clock(&self, by: i64) -> Result<()> {
        self.clock.turn(self.ahead + by)
    }

    /// Kills the node, turns its clock, and starts it again.
    pub(super) fn restart(&mut self, watch: &Watch, turned: i64) -> Result<()> {
        let node = self.node.take().context("the node does not run")?;
        let id = node.id();
        watch.goes_down();
        node.kill()?;
        forget_process(id);
        self.turn_clock(turned)?;
        self.node = Some(Server::spawn(self.node_command())?);
        watch.is_up();
        Ok(())
    }

    /// Where the node answers. A Unix socket is reached from any namespace.
    pub(super) fn address(&self) -> String {
        format!("unix:{}", self.socket.display())
    }

    /// Waits until the node is fresh under this license; how long it took, in seconds.
    pub(super) fn up_to_date(&self, license: &str, patience: Seconds) -> Result<Option<Seconds>> {
        let began = self.time.now();
        let mut connection = Connection::open(&self.address())?;
        loop {
            let status: Value = serde_json::from_slice(&connection.get("/status")?.body)?;
            let took = self.time.now() - began;
            if status["mode"] == "fresh" && status["license"]["id"] == license {
                return Ok(Some(took));
            }
            if took > patience {
                return Ok(None);
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    fn node_command(&self) -> Command {
        let mut command = self.link.node.command(&self.installation.binary);
        command.args(["node", "run", "--insecure-http", "--control-plane"]);
        command.arg(format!("http://{CONTROL_PLANE}:{PORT}"));
        command.arg("--data").arg(self.folder.join("node"));
        command.arg("--listen").arg(self.address());
        command.envs(self.clock.environment()).env("NO_PROXY", "*");
        if let Some(fault) = &self.plant {
            command.env("LICTOR_PLANT", fault);
        }
        command
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            let id = node.id();
            drop(node);
            forget_process(id);
        }
        forget_process(self.control_plane.id());
        // It is not there if the node never ran.
        fs::remove_file(&self.socket).ok();
    }
}

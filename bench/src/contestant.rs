//! A contestant's process: pinned to the server's core, and ended at the latest when dropped.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use lictor_testkit::programs::{run, shown};

/// The core of whatever is measured, and the core of the load.
pub(super) const SERVER_CORE: &str = "0";
pub(super) const LOAD_CORE: &str = "1";

const READY: Duration = Duration::from_secs(30);

/// A running process that is no Lictor.
pub(super) struct Process(Child);

impl Process {
    /// Starts the command on the server's core.
    pub(super) fn start(command: &Command) -> Result<Self> {
        let mut pinned = pinned(SERVER_CORE, command);
        pinned.stdin(Stdio::null()).stdout(Stdio::null());
        let child = pinned.spawn().with_context(|| shown(command))?;
        Ok(Self(child))
    }

    pub(super) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Waits until it accepts connections at this address.
    pub(super) fn answers_at(&mut self, address: &str) -> Result<()> {
        self.wait_until(|| TcpStream::connect(address).is_ok())
    }

    /// Waits until this is so; a process that ends first is an error.
    pub(super) fn wait_until(&mut self, ready: impl Fn() -> bool) -> Result<()> {
        let started = Instant::now();
        while !ready() {
            if let Some(status) = self.0.try_wait()? {
                bail!("the process ended by itself: {status}");
            }
            ensure!(started.elapsed() < READY, "the process was never ready");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if the process is gone already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The command on one core, where it stays.
pub(super) fn pinned(core: &str, command: &Command) -> Command {
    let mut pinned = Command::new("taskset");
    pinned
        .args(["--cpu-list", core])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => pinned.env(name, value),
            None => pinned.env_remove(name),
        };
    }
    pinned
}

/// Moves every thread of a running process to the server's core.
pub(super) fn pin(process: u32) -> Result<()> {
    let id = process.to_string();
    let mut command = Command::new("taskset");
    command.args(["--all-tasks", "--cpu-list", "--pid", SERVER_CORE, &id]);
    run(command.stdout(Stdio::null()))
}

/// An address on which nothing listens. Another process could take it before it is used; then the
/// contestant ends, which is told.
pub(super) fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

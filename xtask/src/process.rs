//! One running server: started on a free loopback port, killed at the latest when dropped.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// The operator's token of every server under test.
pub(crate) const TOKEN: &str = "conformance-and-proofs-0123456789abcdef";

/// Generous: a busy machine, and a recovery after a kill.
const READY: Duration = Duration::from_secs(60);

const ANNOUNCEMENT: &str = "listening on http://";

/// A server process.
pub(crate) struct Server {
    child: Child,
    /// Host and port, as the server announced them.
    pub(crate) address: String,
}

impl Server {
    /// Starts the server on the folder `data` and waits until it says where it listens.
    pub(crate) fn start(
        binary: &Path,
        data: &Path,
        trust: &Path,
        environment: &[(&str, &str)],
    ) -> Result<Self> {
        let mut command = Command::new(binary);
        command
            .arg("serve")
            .arg("--data")
            .arg(data)
            .arg("--trust")
            .arg(trust);
        command.args(["--listen", "127.0.0.1:0"]);
        command
            .env("LICTOR_ADMIN_TOKEN", TOKEN)
            .envs(environment.iter().copied());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let child = command
            .spawn()
            .with_context(|| binary.display().to_string())?;
        // From here on, an early return kills the child.
        let mut server = Self {
            child,
            address: String::new(),
        };
        let lines = follow(
            server
                .child
                .stderr
                .take()
                .context("the server's standard error")?,
        );
        server.address = announced(&lines)?;
        Ok(server)
    }

    /// The address as a URL, without a trailing slash.
    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The process's number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL, as a power cut is for a process. A server that ended by itself is an error.
    pub(crate) fn kill(mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the server ended by itself: {status}");
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if the process is gone already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Reads the server's log as long as it lives, so that it never waits for a reader.
fn follow(log: ChildStderr) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            // Nobody listens any more once the server is ready; reading goes on.
            sender.send(line).ok();
        }
    });
    lines
}

fn announced(lines: &Receiver<String>) -> Result<String> {
    let mut log = Vec::new();
    while let Ok(line) = lines.recv_timeout(READY) {
        if let Some((_, address)) = line.split_once(ANNOUNCEMENT) {
            let end = address.find(|c: char| c == '/' || c.is_whitespace());
            return Ok(address[..end.unwrap_or(address.len())].to_owned());
        }
        log.push(line);
    }
    bail!("the server did not start; it said:\n{}", log.join("\n"))
}

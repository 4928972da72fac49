//! One running server or node: started on a free loopback port or where its command says, killed at the latest when dropped.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::http::Connection;
use crate::workspace::run;

/// The operator's token of every server under test.
pub(crate) const TOKEN: &str = "conformance-and-proofs-0123456789abcdef";

/// Generous: a busy machine, and a recovery after a kill.
const READY: Duration = Duration::from_secs(60);

const ANNOUNCEMENT: &str = "listening on ";

/// What a server has written to its standard error.
type Log = Arc<Mutex<String>>;

/// The process of a server or a node.
pub(crate) struct Server {
    child: Child,
    /// Host and port, as the server announced them.
    pub(crate) address: String,
    log: Log,
}

impl Server {
    /// Starts the server on the folder `data` and waits until it says where it listens.
    pub(crate) fn start(
        binary: &Path,
        data: &Path,
        trust: &Path,
        environment: &[(&str, &str)],
    ) -> Result<Self> {
        Self::start_by(&[], binary, data, trust, environment)
    }

    /// The same, but the server makes its own operator's token and puts it into `file`.
    pub(crate) fn start_with_token_file(
        binary: &Path,
        data: &Path,
        trust: &Path,
        file: &Path,
    ) -> Result<Self> {
        let mut command = serve(&[], binary, data, trust);
        command.arg("--admin-token-file").arg(file);
        Self::spawn(command)
    }

    /// The same as [`Server::start`], by a program that becomes the server, if there is one.
    pub(crate) fn start_by(
        launcher: &[String],
        binary: &Path,
        data: &Path,
        trust: &Path,
        environment: &[(&str, &str)],
    ) -> Result<Self> {
        let mut command = serve(launcher, binary, data, trust);
        command
            .env("LICTOR_ADMIN_TOKEN", TOKEN)
            .envs(environment.iter().copied());
        Self::spawn(command)
    }

    /// The same as [`Server::start_by`], with its log in a file.
    pub(crate) fn start_with_log(
        launcher: &[String],
        binary: &Path,
        data: &Path,
        trust: &Path,
        environment: &[(&str, &str)],
        log: &Path,
    ) -> Result<Self> {
        let mut command = serve(launcher, binary, data, trust);
        command
            .env("LICTOR_ADMIN_TOKEN", TOKEN)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(log)?);
        let child = command.spawn().context("the server")?;
        let mut server = Self {
            child,
            address: String::new(),
            log: Log::default(),
        };
        let until = Instant::now() + READY;
        while server.address.is_empty() {
            let said = std::fs::read_to_string(log)?;
            let at = said
                .lines()
                .find_map(|line| line.strip_prefix(ANNOUNCEMENT));
            if let Some(url) = at.filter(|_| said.ends_with('\n')) {
                server.address = url.trim_start_matches("http://").to_owned();
            } else if Instant::now() > until || server.child.try_wait()?.is_some() {
                bail!("the server is not ready: {said}");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(server)
    }

    /// Starts what the command says and waits until it says where it listens.
    pub(crate) fn spawn(mut command: Command) -> Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let child = command
            .spawn()
            .with_context(|| command.get_program().display().to_string())?;
        // From here on, an early return kills the child.
        let mut server = Self {
            child,
            address: String::new(),
            log: Log::default(),
        };
        let lines = follow(
            server
                .child
                .stderr
                .take()
                .context("the server's standard error")?,
            server.log.clone(),
        );
        server.address = announced(&lines)?;
        Ok(server)
    }

    /// The address as a URL, without a trailing slash.
    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets the organization `default` have as many licenses as an experiment writes, of one
    /// application too. A server of before there were quotas does not know them, and bounds nothing.
    pub(crate) fn lift_quotas(&self) -> Result<()> {
        let most = u32::MAX;
        let quotas = json!({ "quotas": { "licenses": most, "licenses-per-application": most } });
        let path = "/v1/organizations/default";
        Connection::open(&self.address)?.send("PATCH", path, &quotas.to_string())?;
        Ok(())
    }

    /// Asks the server to stop, as a service manager does, and waits until it has. Returns all that
    /// it has said, and how it ended.
    pub(crate) fn stop(self) -> Result<(String, ExitStatus)> {
        let pid = self.child.id().to_string();
        // The shell has a `kill` of its own, which not every machine has as a program.
        let mut asking = Command::new("sh");
        run(asking.args(["-c", "kill -TERM \"$0\"", &pid]))?;
        let log = self.log.clone();
        let status = self.wait()?;
        let said = log.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok((said, status))
    }

    /// Waits until the server has ended by itself.
    pub(crate) fn wait(mut self) -> Result<ExitStatus> {
        let until = Instant::now() + READY;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        bail!("the server still runs after {} s", READY.as_secs())
    }

    /// The id of the process.
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

/// A running node of a control plane.
pub(crate) struct Node {
    process: Server,
    /// Host and port of its local API, as it announced them.
    pub(crate) address: String,
}

impl Node {
    /// Starts a node that joins with a token, in a folder of its own, and waits until it answers.
    pub(crate) fn join(
        binary: &Path,
        control_plane: &str,
        token: &str,
        folder: &Path,
        options: &[&str],
    ) -> Result<Self> {
        let enroll = ["--enroll", token];
        Self::start(binary, control_plane, folder, &[&enroll, options].concat())
    }

    /// The same with one worker thread, as servers are measured.
    pub(crate) fn join_with_one_worker(
        binary: &Path,
        control_plane: &str,
        token: &str,
        folder: &Path,
    ) -> Result<Self> {
        let environment = [("TOKIO_WORKER_THREADS", "1")];
        let enroll = ["--enroll", token];
        Self::start_in(&environment, binary, control_plane, folder, &enroll)
    }

    /// Starts a node that has joined before, or joins with what the options say.
    pub(crate) fn start(
        binary: &Path,
        control_plane: &str,
        folder: &Path,
        options: &[&str],
    ) -> Result<Self> {
        Self::start_in(&[], binary, control_plane, folder, options)
    }

    /// The same with these variables in its environment.
    pub(crate) fn start_in(
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
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// As [`Server::stop`].
    pub(crate) fn stop(self) -> Result<(String, ExitStatus)> {
        self.process.stop()
    }

    /// SIGKILL.
    pub(crate) fn kill(self) -> Result<()> {
        self.process.kill()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if the process is gone already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn serve(launcher: &[String], binary: &Path, data: &Path, trust: &Path) -> Command {
    let mut command = match launcher {
        [] => Command::new(binary),
        [program, words @ ..] => {
            let mut command = Command::new(program);
            command.args(words).arg(binary);
            command
        }
    };
    // What a test sets in the environment goes before it.
    command.env("LICTOR_LISTEN", "127.0.0.1:0").arg("serve");
    command.arg("--data").arg(data).arg("--trust").arg(trust);
    command
}

/// Reads the server's log as long as it lives, so that it never waits for a reader.
fn follow(stderr: ChildStderr, log: Log) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let mut said = log.lock().unwrap_or_else(PoisonError::into_inner);
            said.push_str(&line);
            said.push('\n');
            drop(said);
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
            if address.starts_with("unix:") {
                return Ok(address.trim_end().to_owned());
            }
            let address = address.trim_start_matches("http://");
            let end = address.find(|c: char| c == '/' || c.is_whitespace());
            return Ok(address[..end.unwrap_or(address.len())].to_owned());
        }
        log.push(line);
    }
    bail!("the server did not start; it said:\n{}", log.join("\n"))
}

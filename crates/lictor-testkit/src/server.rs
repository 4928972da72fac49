//! One running server: started on a free loopback port or where its command says, and killed at the
//! latest when dropped.

use std::fs::File;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use crate::OPERATOR;
use crate::http::Connection;
use crate::process::{PATIENCE, Process};

const ANNOUNCEMENT: &str = "listening on ";

/// The process of a server.
pub struct Server {
    process: Process,
    /// Host and port, as the server announced them.
    pub address: String,
}

impl Server {
    /// Starts the server on the folder `data` and waits until it says where it listens.
    ///
    /// # Errors
    /// It does not start. The error contains its output.
    pub fn start(
        binary: &Path,
        data: &Path,
        trust: &Path,
        environment: &[(&str, &str)],
    ) -> Result<Self> {
        Self::start_by(&[], binary, data, trust, environment)
    }

    /// The same, but the server makes its own operator's token and puts it into `file`.
    ///
    /// # Errors
    /// It does not start. The error contains its output.
    pub fn start_with_token_file(
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
    ///
    /// # Errors
    /// It does not start. The error contains its output.
    pub fn start_by(
        launcher: &[String],
        binary: &Path,
        data: &Path,
        trust: &Path,
        environment: &[(&str, &str)],
    ) -> Result<Self> {
        let mut command = serve(launcher, binary, data, trust);
        command
            .env("LICTOR_ADMIN_TOKEN", OPERATOR)
            .envs(environment.iter().copied());
        Self::spawn(command)
    }

    /// The same as [`Server::start_by`], with its log in a file.
    ///
    /// # Errors
    /// It does not start. The error contains the file.
    pub fn start_with_log(
        launcher: &[String],
        binary: &Path,
        data: &Path,
        trust: &Path,
        environment: &[(&str, &str)],
        log: &Path,
    ) -> Result<Self> {
        let mut command = serve(launcher, binary, data, trust);
        command
            .env("LICTOR_ADMIN_TOKEN", OPERATOR)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let mut process = Process::start_with_log(&mut command, File::create(log)?)?;
        let until = Instant::now() + PATIENCE;
        loop {
            let said = std::fs::read_to_string(log)?;
            let at = said
                .lines()
                .find_map(|line| line.strip_prefix(ANNOUNCEMENT));
            if let Some(url) = at.filter(|_| said.ends_with('\n')) {
                let address = host_and_port(url).to_owned();
                return Ok(Self { process, address });
            } else if Instant::now() > until || process.child.try_wait()?.is_some() {
                bail!("the server is not ready: {said}");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Starts what the command says and waits until it says where it listens.
    ///
    /// # Errors
    /// It does not start. The error contains its output.
    pub fn spawn(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let process = Process::start(&mut command)?;
        let said = process.wait_for(ANNOUNCEMENT);
        let said = said.context("the server did not start")?;
        Ok(Self {
            address: host_and_port(&said).to_owned(),
            process,
        })
    }

    /// The address as a URL, without a trailing slash.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets the organization `default` have as many licenses as an experiment writes, of one
    /// application too. A server of before there were quotas does not know them, and bounds nothing.
    ///
    /// # Errors
    /// The server does not answer.
    pub fn lift_quotas(&self) -> Result<()> {
        let most = u32::MAX;
        let quotas = json!({ "limits": { "licenses": most, "licenses-per-application": most } });
        let path = "/v1/organizations/default";
        Connection::open(&self.address)?.send("PATCH", path, &quotas.to_string())?;
        Ok(())
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// As [`Process::stop`].
    ///
    /// # Errors
    /// As there.
    pub fn stop(self) -> Result<(String, ExitStatus)> {
        self.process.stop()
    }

    /// As [`Process::wait`].
    ///
    /// # Errors
    /// As there.
    pub fn wait(self) -> Result<ExitStatus> {
        self.process.wait()
    }

    /// As [`Process::kill`].
    ///
    /// # Errors
    /// As there.
    pub fn kill(self) -> Result<()> {
        self.process.kill()
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

/// What connections are made to, of an announcement: host and port, or `unix:` and a path.
fn host_and_port(said: &str) -> &str {
    if said.starts_with("unix:") {
        return said.trim_end();
    }
    let address = said.trim_start_matches("http://");
    let end = address.find(|c: char| c == '/' || c.is_whitespace());
    &address[..end.unwrap_or(address.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_names_what_is_connected_to() {
        for (said, expected) in [
            ("http://127.0.0.1:8001", "127.0.0.1:8001"),
            ("http://127.0.0.1:8001/", "127.0.0.1:8001"),
            ("unix:/run/lictor/node.sock\n", "unix:/run/lictor/node.sock"),
        ] {
            assert_eq!(host_and_port(said), expected);
        }
    }
}

//! Many nodes in one process on the load's core: how long a stored license takes to reach them.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use lictor_testkit::{OPERATOR, Server};
use serde_json::json;

use super::Bench;
use super::contestant::{LOAD_CORE, pinned};

/// A running fleet, ended at the latest when dropped.
pub(super) struct Fleet {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// Milliseconds from the answer to the write until the median, 99 % and the last of them had it.
#[derive(Debug, PartialEq)]
pub(super) struct Push {
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) last: f64,
}

impl Fleet {
    /// Joins with each of the tokens, as `nodes` or as `feeds` that are only read.
    pub(super) fn start(
        bench: &Bench,
        server: &Server,
        kind: &str,
        enrolled: &[String],
    ) -> Result<Self> {
        let place = |what: &str| bench.scratch.join(format!("{kind}-{what}"));
        let (tokens, license) = (place("tokens"), place("license"));
        fs::write(&tokens, enrolled.join("\n"))?;
        let body = json!({ "payload": bench.license_for(1)? });
        fs::write(&license, body.to_string())?;
        let mut command = Command::new(bench.contestant("node-fleet"));
        command.args([kind, &server.address]).arg(tokens);
        command.arg(place("folders")).arg(license);
        command.env("LICTOR_TOKEN", OPERATOR);
        let mut command = pinned(LOAD_CORE, &command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let mut fleet = Self {
            child,
            input: input.context("its input")?,
            output: BufReader::new(output.context("its output")?),
        };
        let said = fleet.line()?;
        ensure!(said == "ready", "the fleet said {said}");
        Ok(fleet)
    }

    /// Stores a license and waits until all have it.
    pub(super) fn push(&mut self) -> Result<Push> {
        self.input.write_all(b"\n")?;
        let said = self.line()?;
        Push::parse(&said).with_context(|| format!("the fleet said {said}"))
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        ensure!(!line.is_empty(), "the fleet ended by itself");
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        // Both fail only if the process is gone already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Push {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("push: ")?.split(' ');
        let mut figure = |name| words.next()?.strip_prefix(name)?.parse().ok();
        Some(Self {
            p50: figure("p50=")?,
            p99: figure("p99=")?,
            last: figure("last=")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_a_push_are_read() {
        let push = Push {
            p50: 1.5,
            p99: 20.0,
            last: 21.0,
        };
        assert_eq!(Push::parse("push: p50=1.5 p99=20 last=21"), Some(push));
        assert_eq!(Push::parse("push: p50=1.5 p99=20"), None);
        assert_eq!(Push::parse("ready"), None);
    }
}

//! The load: wrk on a core of its own, and the result of one run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use lictor_testkit::OPERATOR;
use lictor_testkit::programs::shown;
use lictor_testkit::usage::cpu_seconds;

use super::contestant::{LOAD_CORE, pinned};

/// What a request asks for.
#[derive(Clone)]
pub(super) enum Kind {
    /// GET of the path.
    Get,
    /// GET of the path, where any of the lines of this file takes the place of [`ANY_ID`].
    GetAny(PathBuf),
    /// POST of the JSON in this file, where [`VARIES`] is different each time.
    Post(PathBuf),
}

/// Stands in a path or a header for an id or a token.
pub(super) const ANY_ID: &str = "@";

/// Stands behind the document in a body for 62 characters of white space, as JSON escapes it.
pub(super) const VARIES: &str = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@";

/// What every request is.
#[derive(Clone)]
pub(super) struct Load {
    pub(super) path: String,
    /// The header that signs in, where any of the lines of [`Kind::GetAny`] may stand as well.
    pub(super) header: String,
    pub(super) connections: usize,
    /// How many requests a connection has under way.
    pub(super) depth: usize,
    pub(super) kind: Kind,
}

impl Load {
    pub(super) fn get(path: &str, connections: usize) -> Self {
        Self {
            path: path.to_owned(),
            header: format!("Kong-Admin-Token: {OPERATOR}"),
            connections,
            depth: 1,
            kind: Kind::Get,
        }
    }

    /// Puts the load on a server for so many seconds; `process` is the one whose time counts.
    pub(super) fn turn(
        &self,
        scratch: &Path,
        address: &str,
        process: u32,
        seconds: u64,
    ) -> Result<Turn> {
        let before = cpu_seconds(process)?;
        let measured = self.run(scratch, address, seconds)?;
        Ok(Turn {
            cpu_seconds: cpu_seconds(process)? - before,
            ..measured
        })
    }

    fn run(&self, scratch: &Path, address: &str, seconds: u64) -> Result<Turn> {
        let script = scratch.join("load.lua");
        std::fs::write(&script, include_str!("load.lua"))?;
        let mut wrk = Command::new("wrk");
        wrk.args([
            "--threads",
            "1",
            "--connections",
            &self.connections.to_string(),
        ]);
        wrk.args(["--duration", &format!("{seconds}s"), "--timeout", "30s"]);
        wrk.args(["--header", &self.header]);
        wrk.arg("--script").arg(&script);
        wrk.arg(format!("http://{address}{}", self.path));
        wrk.args(["--", &self.depth.to_string()]);
        match &self.kind {
            Kind::Get => wrk.arg("GET"),
            Kind::GetAny(ids) => wrk.arg("GET").arg(ids),
            Kind::Post(body) => wrk.arg("POST").arg(body).arg("application/json"),
        };
        figures_of(&wrk)
    }
}

/// Runs a load on its core and reads the line with its figures.
pub(super) fn figures_of(load: &Command) -> Result<Turn> {
    let output = pinned(LOAD_CORE, load)
        .output()
        .with_context(|| shown(load))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let figures = said
        .lines()
        .find_map(|line| Turn::parse(line.strip_prefix("load: ")?));
    let complaint = String::from_utf8_lossy(&output.stderr);
    let turn = figures.with_context(|| format!("the load said: {said}{complaint}"))?;
    ensure!(turn.requests > 0.0, "nothing was answered: {said}");
    Ok(turn)
}

/// What one contestant did in one turn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Turn {
    pub(super) requests: f64,
    pub(super) seconds: f64,
    pub(super) cpu_seconds: f64,
    /// Latencies in microseconds.
    pub(super) p50: f64,
    pub(super) p99: f64,
}

impl Turn {
    pub(super) fn per_second(&self) -> f64 {
        self.requests / self.seconds
    }

    pub(super) fn per_cpu_second(&self) -> f64 {
        self.requests / self.cpu_seconds
    }

    /// Reads the line of `load.lua`. A turn in which any request failed is none.
    fn parse(line: &str) -> Option<Self> {
        let mut turn = Self::default();
        for word in line.split(' ') {
            let (name, value) = word.split_once('=')?;
            let value: f64 = value.parse().ok()?;
            match name {
                "requests" => turn.requests = value,
                "microseconds" => turn.seconds = value / 1e6,
                "p50" => turn.p50 = value,
                "p99" => turn.p99 = value,
                "failed" if value == 0.0 => {}
                _ => return None,
            }
        }
        Some(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_a_turn_are_read() {
        let turn = Turn::parse("requests=600 microseconds=3000000 failed=0 p50=41 p99=97").unwrap();
        assert_eq!((turn.per_second(), turn.p50, turn.p99), (200.0, 41.0, 97.0));
        let turn = Turn {
            cpu_seconds: 1.5,
            ..turn
        };
        assert_eq!(turn.per_cpu_second(), 400.0);
    }

    #[test]
    fn a_turn_with_failed_requests_does_not_count() {
        assert_eq!(
            Turn::parse("requests=600 microseconds=3000000 failed=1 p50=41 p99=97"),
            None
        );
    }
}

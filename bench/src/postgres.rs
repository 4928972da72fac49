//! A PostgreSQL of our own with a schema that is given, and pgbench as its load.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use lictor_testkit::programs::{run, shown};
use lictor_testkit::usage::cpu_seconds;

use super::contestant::{LOAD_CORE, Process, pinned};
use super::load::Turn;
use super::rounds::Samples;

/// The running server and the folder with its data and its socket.
pub(super) struct Postgres {
    process: Process,
    folder: PathBuf,
}

impl Postgres {
    /// Makes a cluster in `folder`, starts it with this environment, and runs `schema` in it.
    pub(super) fn start(folder: &Path, environment: &[(&str, &str)], schema: &str) -> Result<Self> {
        let programs = programs()?;
        fs::create_dir_all(folder)?;
        // It refuses to run as root.
        run(Command::new("chown").arg("postgres").arg(folder))?;
        let data = folder.join("data");
        let mut initdb = as_postgres(&programs.join("initdb"));
        initdb.args([
            "--auth",
            "trust",
            "--no-sync",
            "--encoding",
            "UTF8",
            "--locale",
            "C",
        ]);
        run(initdb
            .arg("--pgdata")
            .arg(&data)
            .stdout(std::process::Stdio::null()))?;
        let mut server = as_postgres(&programs.join("postgres"));
        server.arg("-D").arg(&data).arg("-k").arg(folder);
        for setting in [
            "listen_addresses=",
            "fsync=on",
            "synchronous_commit=on",
            "shared_buffers=256MB",
            "max_connections=200",
            "logging_collector=off",
        ] {
            server.args(["-c", setting]);
        }
        server.envs(environment.iter().copied());
        server.stderr(std::process::Stdio::null());
        let mut process = Process::start(&server)?;
        let socket = folder.join(".s.PGSQL.5432");
        process.wait_until(|| socket.exists())?;
        let postgres = Self {
            process,
            folder: folder.to_owned(),
        };
        postgres.ask(schema)?;
        Ok(postgres)
    }

    fn ask(&self, sql: &str) -> Result<()> {
        let mut psql = as_postgres(Path::new("psql"));
        psql.args([
            "--quiet",
            "--dbname",
            "postgres",
            "--command",
            sql,
            "--host",
        ]);
        run(psql.arg(&self.folder))
    }

    /// The latencies of the last turn, in microseconds. They are forgotten with that.
    fn latencies(&self) -> Result<Samples> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            if name.is_some_and(|name| name.starts_with(LOG)) {
                let text = fs::read_to_string(&path)?;
                let read: Option<Vec<f64>> = text.lines().map(microseconds).collect();
                all.extend(read.context("a line of pgbench without a latency")?);
                fs::remove_file(path)?;
            }
        }
        ensure!(!all.is_empty(), "pgbench noted no transaction");
        Ok(Samples::of(&all, |latency| *latency))
    }

    /// Runs a script of pgbench over many connections, again and again; one run is one request.
    pub(super) fn turn(&self, statements: &str, connections: usize, seconds: u64) -> Result<Turn> {
        let script = self.folder.join("script.sql");
        fs::write(&script, statements)?;
        let before = cpu_seconds(self.process.id())?;
        let mut pgbench = as_postgres(Path::new("pgbench"));
        pgbench.args([
            "--no-vacuum",
            "--protocol",
            "prepared",
            "--jobs",
            "1",
            "--host",
        ]);
        pgbench.arg(&self.folder).arg("--file").arg(&script);
        pgbench.args([
            "--client",
            &connections.to_string(),
            "--time",
            &seconds.to_string(),
        ]);
        pgbench
            .arg("--log")
            .arg("--log-prefix")
            .arg(self.folder.join(LOG));
        pgbench.arg("postgres");
        let output = pinned(LOAD_CORE, &pgbench)
            .output()
            .with_context(|| shown(&pgbench))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "pgbench said: {complaint}");
        let figures = Figures::read(&said).with_context(|| format!("pgbench said: {said}"))?;
        let latencies = self.latencies()?;
        Ok(Turn {
            requests: figures.transactions,
            seconds: figures.transactions / figures.per_second,
            cpu_seconds: cpu_seconds(self.process.id())? - before,
            p50: latencies.quantile(0.5),
            p99: latencies.quantile(0.99),
        })
    }
}

/// How the names of the files begin in which pgbench notes every transaction.
const LOG: &str = "transactions";

/// The microseconds of a transaction, which are the third word of its line.
fn microseconds(line: &str) -> Option<f64> {
    line.split(' ').nth(2)?.parse().ok()
}

/// What pgbench prints at its end.
struct Figures {
    transactions: f64,
    per_second: f64,
}

impl Figures {
    fn read(said: &str) -> Option<Self> {
        let after = |name: &str| {
            let line = said.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Some(Self {
            transactions: after("number of transactions actually processed: ")?,
            per_second: after("tps = ")?,
        })
    }
}

/// Debian keeps them apart by version.
fn programs() -> Result<PathBuf> {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .context("PostgreSQL is not installed")?
        .map(|entry| Ok(entry?.path().join("bin")))
        .collect::<Result<_>>()?;
    versions.sort();
    versions.pop().context("PostgreSQL has no version here")
}

fn as_postgres(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid",
        "postgres",
        "--regid",
        "postgres",
        "--init-groups",
    ]);
    command.arg(program);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latency_of_a_transaction_is_its_third_figure() {
        assert_eq!(microseconds("5 199 2241 0 1175850568 995598"), Some(2241.0));
        assert_eq!(microseconds("5 199"), None);
    }

    #[test]
    fn the_figures_of_pgbench_are_read() {
        let said = "number of transactions actually processed: 600\nlatency average = 1.0 ms\n\
                    tps = 200.5 (without initial connection time)\n";
        let figures = Figures::read(said).unwrap();
        assert_eq!((figures.transactions, figures.per_second), (600.0, 200.5));
        assert!(Figures::read("tps = x").is_none());
    }
}

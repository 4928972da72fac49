//! `prove pools`: nodes of one pool come and go, a third of them by SIGKILL; no node fails by itself, places become free again, and the counts are exact.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lictor_testkit::{Connection, Installation, Node, OPERATOR, Server, Tally, Workspace};
use serde_json::Value;

use super::promise::count;
use super::random::Random;
use super::{Experiment, Trial};

/// How many lives each machine has: one process after the other.
const LIVES: u64 = 10;

/// The most machines. A tenth of them finds no place until others go.
const MACHINES: u64 = 200;

/// After how many seconds of silence a place is given back, and how long that may take beyond.
const FORGET_AFTER: u64 = 10;
const LATE: Duration = Duration::from_secs(5);

/// How long a node may wait for a place, at most, once all others have gone.
const PATIENCE: Duration = Duration::from_secs(90);

const PAUSE: Duration = Duration::from_millis(100);

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "pools",
    release: 2_000,
    faults: &["places-kept", "goodbye-without-counts"],
    run,
};

/// What happened, over all machines.
#[derive(Default)]
struct Found {
    told: u64,
    goodbyes: u64,
    kills: u64,
    forgotten: u64,
    /// How often a node was asked while it waited for a place.
    waited: u64,
    ended: Vec<String>,
    kept: Vec<String>,
    beyond: Vec<String>,
}

/// Where the nodes are, and what they join by.
struct Pool<'a> {
    trial: &'a Trial,
    scratch: &'a Path,
    address: &'a str,
    token: &'a str,
    /// The longest life.
    longest: Duration,
    found: Mutex<Found>,
}

/// One passed test per promise.
fn run(workspace: &Workspace, trial: &Trial) -> Result<Tally> {
    let scratch = workspace.scratch("pools")?;
    let installation = Installation::create(&trial.binary, &scratch)?;
    let server = installation.serve(&scratch.join("control-plane"), &trial.environment())?;
    let file = scratch.join("license.json");
    let license = installation.issue("Customer", "2025-01-01", "2099-12-31")?;
    fs::write(&file, license)?;
    operator(&installation, &server, &["license", "add", &text(&file)])?;
    let machines = (trial.count / LIVES).clamp(4, MACHINES);
    let uses = machines - machines.div_ceil(10);
    let (places, silence) = (uses.to_string(), format!("{FORGET_AFTER}s"));
    let new = ["--uses", &places, "--forget-after", &silence];
    let enroll = [["node", "enroll", "--pool", "edge"].as_slice(), &new].concat();
    let token = operator(&installation, &server, &enroll)?;
    let pool = Pool {
        trial,
        scratch: &scratch,
        address: &server.address,
        token: token.trim(),
        longest: Duration::from_millis(machines * machines * 3).max(Duration::from_secs(4)),
        found: Mutex::default(),
    };
    let began = Instant::now();
    thread::scope(|scope| {
        let pool = &pool;
        let all = (0..machines).map(|machine| scope.spawn(move || pool.live(machine)));
        let all: Vec<_> = all.collect();
        all.into_iter().try_for_each(|machine| {
            let ended = machine.join();
            ended.unwrap_or_else(|_| Err(anyhow::anyhow!("a machine failed")))
        })
    })?;
    let stored = pool.stored()?;
    let taken = pool.shown()?["used"].as_u64().context("no figure")?;
    let found = pool
        .found
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    println!(
        "{machines} machines and {uses} places for {} s: {} goodbyes, {} kills, {} places came back \
         from the silent; asked {} times while waiting",
        began.elapsed().as_secs(),
        found.goodbyes,
        found.kills,
        found.forgotten,
        found.waited
    );
    println!(
        "clients were told {}, the control plane has {stored}: difference {}",
        found.told,
        i128::from(stored) - i128::from(found.told)
    );
    let tally = judge(found, stored, taken);
    drop(server);
    scratch.end(tally)
}

fn judge(found: Found, stored: u64, taken: u64) -> Tally {
    let (mut tally, told) = (Tally::default(), found.told);
    let figures = [
        ("a goodbye", found.goodbyes),
        ("a kill", found.kills),
        ("a place that came back", found.forgotten),
        ("a node that waited", found.waited),
        ("a count", told),
    ];
    let never = figures.into_iter().filter(|(_, times)| *times == 0);
    let never = never.map(|(what, _)| what.to_owned()).collect();
    let unless = |holds: bool, what: String| if holds { Vec::new() } else { vec![what] };
    let sum = unless(stored == told, format!("{stored} instead of {told}"));
    let free = unless(taken == 0, format!("{taken} are taken"));
    for promise in [
        ("all that can happen has happened", never),
        ("no node ends by itself", found.ended),
        ("no more places are taken than there are", found.beyond),
        ("the place of a silent node comes back in time", found.kept),
        ("once all have said goodbye every place is free", free),
        ("the control plane has what clients were told", sum),
    ] {
        count(&mut tally, promise);
    }
    tally
}

impl Pool<'_> {
    /// The lives of one machine; at the end it has told everything, and has left.
    fn live(&self, machine: u64) -> Result<()> {
        let mut random = Random::new(self.trial.seed ^ (machine << 32));
        let mut volumes = 0;
        let mut folder = self.volume(machine, volumes);
        for _ in 0..LIVES {
            let node = self.start(&folder)?;
            let longest = u64::try_from(self.longest.as_millis())?;
            let life = Duration::from_millis(random.below(longest));
            self.ask_for(&node, life)?;
            if random.below(3) > 0 {
                // Whoever has told everything and left needs its volume no more.
                if self.stop(node)? && random.below(4) > 0 {
                    fs::remove_dir_all(&folder)?;
                    volumes += 1;
                    folder = self.volume(machine, volumes);
                }
                continue;
            }
            self.kill(node, random.below(2) == 0)?;
        }
        self.leave(&folder)
    }

    /// The last life of a folder, which ends once all is told and the node has left.
    fn leave(&self, folder: &Path) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            let node = self.start(folder)?;
            while !self.ask(&node.address)? {
                ensure!(Instant::now() < until, "a node got no place for too long");
                thread::sleep(PAUSE);
            }
            // One that was silent for too long first needs a place again to tell what it counted.
            if self.stop(node)? {
                return Ok(());
            }
            ensure!(Instant::now() < until, "a node did not leave at the end");
        }
    }

    fn volume(&self, machine: u64, number: u64) -> PathBuf {
        self.scratch.join(format!("node-{machine}-{number}"))
    }

    fn start(&self, folder: &Path) -> Result<Node> {
        Node::start_in(
            &self.trial.environment(),
            &self.trial.binary,
            &format!("http://{}", self.address),
            folder,
            &[
                "--enroll",
                self.token,
                "--leave-on-stop",
                "--count-durability",
                "request",
            ],
        )
    }

    /// Has requests counted for so long.
    fn ask_for(&self, node: &Node, life: Duration) -> Result<()> {
        let until = Instant::now() + life;
        while Instant::now() < until {
            if !self.ask(&node.address)? {
                thread::sleep(PAUSE);
            }
            thread::sleep(PAUSE / 10);
        }
        self.look_at_places()
    }

    /// Has one request counted, if the node has ever had a place.
    fn ask(&self, address: &str) -> Result<bool> {
        let answer = Connection::open(address)?.get("/check?service=site")?;
        let mut found = self.found();
        match answer.status {
            204 => found.told += 1,
            403 => found.waited += 1,
            status => found.ended.push(format!("a check was answered {status}")),
        }
        Ok(answer.status == 204)
    }

    /// SIGTERM; whether the node gave its place back, or never had one.
    fn stop(&self, node: Node) -> Result<bool> {
        let (said, status) = node.stop()?;
        let mut found = self.found();
        if !status.success() {
            found.ended.push(format!("{status}: {said}"));
        }
        let left = said.contains("gave its place in the pool back");
        found.goodbyes += u64::from(left);
        Ok(left)
    }

    /// SIGKILL, and perhaps silence for so long that its place is given back.
    fn kill(&self, node: Node, away: bool) -> Result<()> {
        let name = self.name(&node)?;
        if let Err(error) = node.kill() {
            self.found().ended.push(error.to_string());
        }
        self.found().kills += 1;
        let Some(name) = name.filter(|_| away) else {
            return Ok(());
        };
        let silent = Duration::from_secs(FORGET_AFTER) + LATE;
        thread::sleep(silent);
        let shown = self.get(&format!("/v1/nodes/{name}"))?;
        let mut found = self.found();
        match shown["status"].as_str() {
            Some("left") => found.forgotten += 1,
            status => found.kept.push(format!("{name} is {status:?}")),
        }
        Ok(())
    }

    /// What the node is called, once it has joined.
    fn name(&self, node: &Node) -> Result<Option<String>> {
        let answer = Connection::open(&node.address)?.get("/status")?;
        if answer.status != 200 {
            return Ok(None);
        }
        let status: Value = serde_json::from_slice(&answer.body)?;
        Ok(status["node"].as_str().map(str::to_owned))
    }

    fn look_at_places(&self) -> Result<()> {
        let shown = self.shown()?;
        if shown["used"].as_u64() > shown["limit"].as_u64() {
            self.found().beyond.push(shown.to_string());
        }
        Ok(())
    }

    fn shown(&self) -> Result<Value> {
        self.get("/v1/node-pools/edge")
    }

    /// All that the control plane has counted.
    fn stored(&self) -> Result<u64> {
        let report = self.get("/license/report?format=3.4")?;
        let buckets = report["counters"]["buckets"].as_array();
        let counts = buckets.context("no buckets")?.iter();
        let counts = counts.map(|bucket| bucket["request_count"].as_u64().context("no count"));
        counts.sum()
    }

    fn get(&self, path: &str) -> Result<Value> {
        let answer = Connection::open(self.address)?.get(path)?;
        let status = answer.status;
        ensure!(status == 200, "{path} was answered {status}");
        Ok(serde_json::from_slice(&answer.body)?)
    }

    fn found(&self) -> std::sync::MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn operator(installation: &Installation, server: &Server, arguments: &[&str]) -> Result<String> {
    let url = server.base();
    installation.lictor(&[arguments, &["--url", &url, "--token", OPERATOR]].concat())
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

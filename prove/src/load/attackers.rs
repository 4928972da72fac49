//! Slow attackers: Debian's slowhttptest in its three modes, restarted as often as the server cuts it off.

use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use lictor_testkit::OPERATOR;
use lictor_testkit::limits::giving_way;

use super::connections;

/// How long the server grants a head, and a body or a peer that takes nothing: 5 s, 60 s, and 60 s
/// that are looked at four times.
const HEAD: Duration = Duration::from_secs(5);
const BODY: Duration = Duration::from_secs(60);
const IDLE: Duration = Duration::from_secs(75);

/// What is granted beyond that on a busy machine.
const SLACK: Duration = Duration::from_secs(15);

/// Between two looks at a process or a table.
const LOOK: Duration = Duration::from_millis(200);

/// One way to be slow.
struct SlowAttack {
    name: &'static str,
    options: &'static [&'static str],
    granted: Duration,
}

const SLOW_ATTACKS: [SlowAttack; 3] = [
    SlowAttack {
        name: "slow heads",
        options: &["-H"],
        granted: HEAD,
    },
    SlowAttack {
        name: "slow bodies",
        options: &["-B", "-s", "8192"],
        granted: BODY,
    },
    SlowAttack {
        name: "slow readers",
        options: &["-X", "-w", "1", "-y", "64", "-n", "1", "-z", "5", "-k", "5"],
        granted: IDLE,
    },
];

/// All attackers, ended at the latest when dropped.
pub(super) struct Attack {
    port: u16,
    each: usize,
    bands: Vec<Band>,
}

/// The attackers of one way.
struct Band {
    way: &'static SlowAttack,
    signals: Arc<Signals>,
    keeper: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Signals {
    /// Those who are cut off do not come back.
    last: AtomicBool,
    /// The process ends now.
    ended: AtomicBool,
    process: AtomicU32,
}

impl Attack {
    /// Lets `each` attackers begin in every way.
    pub(super) fn begin(address: &str, each: usize) -> Result<Self> {
        let (_, port) = address
            .rsplit_once(':')
            .context("an address without port")?;
        let bands = SLOW_ATTACKS
            .iter()
            .map(|way| Band::begin(way, address, each))
            .collect::<Result<_>>()?;
        Ok(Self {
            port: port.parse()?,
            each,
            bands,
        })
    }

    /// Returns once all of them are connected, or as many as the server lets.
    pub(super) fn wait_until_held(&self) -> Result<usize> {
        let begun = Instant::now();
        loop {
            let held = self.held()?;
            if held >= self.each * self.bands.len() || begun.elapsed() > HEAD {
                return Ok(held);
            }
            sleep(LOOK);
        }
    }

    /// How many connections of theirs the server holds.
    pub(super) fn held(&self) -> Result<usize> {
        self.bands.iter().map(|band| band.held(self.port)).sum()
    }

    /// Lets those who are cut off stay away, waits until all are, and names the ways of those who
    /// are still held some time after what the server grants them.
    pub(super) fn outlast(&mut self, ended: Instant) -> Result<Vec<String>> {
        let mut left = Vec::new();
        for band in &self.bands {
            band.signals.last.store(true, Ordering::Relaxed);
        }
        for band in &self.bands {
            let way = band.way;
            let mut held = band.held(self.port)?;
            while held > 0 && ended.elapsed() < way.granted + SLACK {
                sleep(LOOK);
                held = band.held(self.port)?;
            }
            let after = ended.elapsed().as_secs_f64();
            println!(
                "{}: {held} held {after:.0} s after the load ended",
                way.name
            );
            if held > 0 {
                left.push(format!("{held} {}", way.name));
            }
        }
        Ok(left)
    }
}

impl Band {
    fn begin(way: &'static SlowAttack, address: &str, each: usize) -> Result<Self> {
        let (count, url) = (
            each.to_string(),
            format!("http://{address}/licenses?size=100"),
        );
        // slowhttptest has no option for a header. Those who may ask for something are held longer.
        let accept = format!("*/*\r\nKong-Admin-Token: {OPERATOR}");
        let start = move || -> std::io::Result<Child> {
            giving_way("slowhttptest")
                .args(way.options)
                .args(["-c", &count, "-r", &count, "-u", &url, "-m", &accept])
                .args(["-f", "application/json", "-i", "2", "-x", "8", "-l", "600"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
        };
        let signals = Arc::new(Signals::default());
        let first = start().context("slowhttptest")?;
        signals.process.store(first.id(), Ordering::Relaxed);
        let told = Arc::clone(&signals);
        let keeper = spawn(move || keep_up(first, start, &told));
        Ok(Self {
            way,
            signals,
            keeper: Some(keeper),
        })
    }

    fn held(&self, port: u16) -> Result<usize> {
        connections::held(self.signals.process.load(Ordering::Relaxed), port)
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        for band in &mut self.bands {
            band.signals.ended.store(true, Ordering::Relaxed);
            if let Some(keeper) = band.keeper.take() {
                keeper.join().ok();
            }
        }
    }
}

/// Starts the process again whenever it ends, which it does when all it holds is cut off.
fn keep_up(mut child: Child, start: impl Fn() -> std::io::Result<Child>, signals: &Signals) {
    while !signals.ended.load(Ordering::Relaxed) {
        sleep(LOOK);
        let over = !matches!(child.try_wait(), Ok(None));
        if over && !signals.last.load(Ordering::Relaxed) {
            match start() {
                Ok(next) => child = next,
                Err(error) => println!("slowhttptest does not start again: {error}"),
            }
            signals.process.store(child.id(), Ordering::Relaxed);
        }
    }
    // Both fail only if the process is gone already.
    child.kill().ok();
    child.wait().ok();
}

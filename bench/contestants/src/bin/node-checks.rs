//! A node inside of a program: how long a check takes, and how many a core does in a second, beside one atomic number
//! for all threads. `node-checks URL TOKEN FOLDER ROUNDS SECONDS` prints `NAME FIGURE` for each round.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use lictor_node::{Node, Options};

/// The service that all requests are of.
const SERVICE: &str = "orders";

const THREADS: usize = 2;

/// How many calls of each thread are timed one by one in a round.
const TIMED: usize = 5_000_000;

/// How many calls are made between two looks at the clock where they are not.
const BATCH: u64 = 1_000;

/// How long a node may take until it allows, and until all it counted is on disk.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what| arguments.next().with_context(|| format!("which {what}?"));
    let mut options = Options::new(next("address")?, "");
    options.enroll = Some(
        next("token")?
            .parse()
            .map_err(|reason| anyhow!("{reason}"))?,
    );
    options.folder = next("folder")?.into();
    let rounds: usize = next("number of rounds")?.parse()?;
    let time = Duration::from_secs(next("number of seconds")?.parse()?);

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let node = runtime.block_on(Node::start(options))?;
    wait_until(&node, |node| node.status().denied.is_none())?;
    let mut allowed = 0;
    for round in 0..=rounds {
        // The first warms up.
        allowed += measure(&node, time, round > 0)?;
    }
    ensure_counted(&node, allowed)?;
    runtime.block_on(node.stop());
    Ok(())
}

/// One round; how many requests were counted in it.
fn measure(node: &Node, time: Duration, told: bool) -> Result<u64> {
    let meter = node.meter(Some(SERVICE));
    let check = || meter.check().is_ok();
    let count = || meter.count(1).is_ok();
    let number = AtomicU64::new(0);
    let add = || number.fetch_add(1, Ordering::Relaxed) < u64::MAX;

    tell_times("clock", timed(|| true)?, told);
    tell_times("check", timed(check)?, told);
    let mut counted = (THREADS * TIMED) as u64;
    for threads in 1..=THREADS {
        let tell = |name: &str, rate: f64| {
            if told {
                println!("{name}-on-{threads} {rate}");
            }
        };
        let (calls, rate) = many(threads, time, check)?;
        tell("check", rate);
        counted += calls;
        let (calls, rate) = many(threads, time, count)?;
        tell("count", rate);
        counted += calls;
        tell("atomic", many(threads, time, add)?.1);
    }
    Ok(counted)
}

/// The nanoseconds from one look at the clock to the next, with a call between them, of all threads.
fn timed(call: impl Fn() -> bool + Sync) -> Result<Vec<u32>> {
    let one = || {
        // Written to before, so that no page has to be found while the clock runs.
        let mut took = vec![1_u32; TIMED];
        let mut allowed = true;
        let mut before = Instant::now();
        for place in &mut took {
            allowed &= call();
            let now = Instant::now();
            *place = u32::try_from((now - before).as_nanos()).unwrap_or(u32::MAX);
            before = now;
        }
        ensure!(allowed, "a call was denied");
        Ok(took)
    };
    let mut took = side_by_side(THREADS, one)?.concat();
    took.sort_unstable();
    Ok(took)
}

/// In nanoseconds, the longest in microseconds.
fn tell_times(name: &str, took: Vec<u32>, told: bool) {
    let at = |part: usize| took[(took.len() - 1) / 1_000 * part];
    if told {
        println!("{name}-p50 {}", at(500));
        println!("{name}-p99 {}", at(990));
        println!("{name}-p99.9 {}", at(999));
        println!("{name}-longest {}", took[took.len() - 1] / 1_000);
    }
}

/// Calls for so long; how many there were, and how many in a second of each thread.
fn many(threads: usize, time: Duration, call: impl Fn() -> bool + Sync) -> Result<(u64, f64)> {
    let one = || {
        let begun = Instant::now();
        let (mut calls, mut allowed) = (0, 0);
        while begun.elapsed() < time {
            for _ in 0..BATCH {
                allowed += u64::from(call());
            }
            calls += BATCH;
        }
        ensure!(allowed == calls, "a call was denied");
        Ok((calls, begun.elapsed().as_secs_f64()))
    };
    let done = side_by_side(threads, one)?;
    let calls = done.iter().map(|(calls, _)| calls).sum::<u64>();
    let seconds = done.iter().map(|(_, seconds)| seconds).sum::<f64>();
    Ok((calls, calls as f64 / seconds))
}

/// Does the same in so many threads, which begin together.
fn side_by_side<T: Send>(threads: usize, work: impl Fn() -> Result<T> + Sync) -> Result<Vec<T>> {
    let (work, start) = (&work, &Barrier::new(threads));
    thread::scope(|scope| {
        let begin = |_| {
            scope.spawn(move || {
                start.wait();
                work()
            })
        };
        let running: Vec<_> = (0..threads).map(begin).collect();
        let done = running
            .into_iter()
            .map(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?);
        done.collect()
    })
}

/// Refuses a node that counted more or less than it allowed.
fn ensure_counted(node: &Arc<Node>, allowed: u64) -> Result<()> {
    wait_until(node, |node| node.status().unjournaled == 0)?;
    let counted = node.status().requests.get(SERVICE).copied();
    ensure!(
        counted == Some(allowed),
        "{allowed} requests were allowed, {counted:?} counted"
    );
    println!("counted {allowed}");
    Ok(())
}

fn wait_until(node: &Arc<Node>, so: impl Fn(&Node) -> bool) -> Result<()> {
    let begun = Instant::now();
    while !so(node) {
        ensure!(
            begun.elapsed() < PATIENCE,
            "it stands at {:?}",
            node.status()
        );
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

//! Many nodes in one process: `node-fleet nodes|feeds ADDRESS TOKENS FOLDER LICENSE` joins with each of the tokens and
//! prints `ready`. For each line of input it stores the license, and prints how long that took to reach all of them.

mod feeds;
mod http;
mod nodes;

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;
use tokio::task::JoinSet;

use feeds::Feeds;
use nodes::Nodes;

/// How the server hands out allocations as well.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How many join at the same time.
const JOINING: usize = 16;

/// How long all may take, to join or to hear of a license.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whom it joins to, and with what.
struct Plan {
    /// Host and port.
    address: String,
    tokens: Vec<String>,
    folder: PathBuf,
}

/// Those who joined.
enum Fleet {
    /// Whole nodes.
    Nodes(Nodes),
    /// Open feeds that are only read.
    Feeds(Feeds),
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what| arguments.next().with_context(|| format!("which {what}?"));
    let (kind, address) = (next("kind")?, next("address")?);
    let tokens = std::fs::read_to_string(next("file of tokens")?)?;
    let plan = Arc::new(Plan {
        address,
        tokens: tokens.lines().map(str::to_owned).collect(),
        folder: next("folder")?.into(),
    });
    let license = std::fs::read_to_string(next("license")?)?;
    let operator = std::env::var("LICTOR_TOKEN").context("LICTOR_TOKEN")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let mut fleet = runtime.block_on(async {
        Ok(match kind.as_str() {
            "nodes" => Fleet::Nodes(Nodes::join(&plan).await?),
            "feeds" => Fleet::Feeds(Feeds::join(&plan).await?),
            other => bail!("{other} is no kind"),
        })
    })?;
    say("ready")?;
    for line in std::io::stdin().lock().lines() {
        line?;
        let answer = http::post(&plan.address, "/v1/licenses", &operator, &license);
        let answer = runtime.block_on(answer)?;
        let stored = Instant::now();
        let took = match &mut fleet {
            Fleet::Nodes(nodes) => nodes.apply(&answer)?,
            Fleet::Feeds(feeds) => runtime.block_on(feeds.hear())?,
        };
        say(&figures(&took, stored))?;
    }
    Ok(())
}

fn say(line: &str) -> Result<()> {
    println!("{line}");
    Ok(std::io::stdout().flush()?)
}

/// Milliseconds from the answer on; 0 if a node was faster than it.
fn figures(times: &[Instant], stored: Instant) -> String {
    let took = times.iter().map(|at| at.saturating_duration_since(stored));
    let mut took: Vec<Duration> = took.collect();
    took.sort();
    let at = |part: usize| took[(took.len() - 1) * part / 100].as_secs_f64() * 1e3;
    format!("push: p50={} p99={} last={}", at(50), at(99), at(100))
}

/// Does the work for every number below `count`, [`JOINING`] at a time, and returns all in any order.
async fn side_by_side<T, F>(count: usize, work: impl Fn(usize) -> F) -> Result<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let (mut running, mut done) = (JoinSet::new(), Vec::with_capacity(count));
    for number in 0..count {
        if running.len() == JOINING {
            done.push(running.join_next().await.context("one is running")???);
        }
        running.spawn(work(number));
    }
    while let Some(ended) = running.join_next().await {
        done.push(ended??);
    }
    Ok(done)
}

/// The id of the license that an answer tells of.
fn id_of(answer: &str) -> Result<uuid::Uuid> {
    let stored: Value = serde_json::from_str(answer)?;
    let id = stored["id"].as_str().context("no id")?;
    id.parse().map_err(|error| anyhow!("{id}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_has_its_quantiles() {
        let stored = Instant::now();
        let times: Vec<Instant> = (0..=100)
            .map(|number| stored + Duration::from_millis(number))
            .collect();
        assert_eq!(figures(&times, stored), "push: p50=50 p99=99 last=100");
    }
}

//! The neighbor: another tenant, whose reads and writes each have a scheduled time, from which their latency counts.

use std::sync::Barrier;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::tenants::Neighbor;
use crate::peer::Peer;

/// Connections, each with reads and writes in turn.
const CONNECTIONS: u32 = 20;

/// Between two requests of one connection: all make 100 reads and 100 writes a second.
const BETWEEN: Duration = Duration::from_millis(100);

/// How long its reads and its writes took, each from the moment that it was meant for.
#[derive(Clone, Default)]
pub(super) struct Seen {
    pub(super) reads: Vec<Duration>,
    pub(super) writes: Vec<Duration>,
    /// What was not answered as it should be: a neighbor is refused nothing.
    pub(super) failed: Vec<String>,
}

impl Seen {
    pub(super) fn add(&mut self, other: Self) {
        self.reads.extend(other.reads);
        self.writes.extend(other.writes);
        self.failed.extend(other.failed);
    }
}

/// The time within which 99 of 100 were done, in milliseconds.
pub(super) fn p99(latencies: &[Duration]) -> f64 {
    within(99, latencies)
}

/// The time within which so many of 100 were done, in milliseconds.
pub(super) fn within(percent: usize, latencies: &[Duration]) -> f64 {
    let mut sorted = latencies.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted
        .get(place)
        .map_or(f64::INFINITY, |found| found.as_secs_f64() * 1e3)
}

/// Opens its connections, waits until everybody else is ready, and reads and writes for so long.
pub(super) fn watch(neighbor: &Neighbor, lasting: Duration, ready: &Barrier) -> Result<Seen> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let opened = runtime.block_on(open(neighbor));
    ready.wait();
    let peers = opened?;
    runtime.block_on(async {
        let start = Instant::now() + BETWEEN;
        let mut connections = JoinSet::new();
        for (number, peer) in (0..).zip(peers) {
            let first = start + BETWEEN * number / CONNECTIONS;
            let (license, end) = (neighbor.license.clone(), start + lasting);
            connections.spawn(keep_asking(peer, license, number, first, end));
        }
        let mut seen = Seen::default();
        while let Some(ended) = connections.join_next().await {
            seen.add(ended.map_err(|_| anyhow!("the neighbor panicked"))?);
        }
        Ok(seen)
    })
}

/// Connections over which it has signed in: it was there before the tenant began.
async fn open(neighbor: &Neighbor) -> Result<Vec<Peer>> {
    let mut peers = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut peer = Peer::new(&neighbor.address, &neighbor.token);
        expect(&mut peer, "GET /v1/licenses?limit=1", "", 200).await?;
        peers.push(peer);
    }
    Ok(peers)
}

async fn keep_asking(
    mut peer: Peer,
    license: String,
    number: u32,
    first: Instant,
    end: Instant,
) -> Seen {
    let (mut seen, mut moment, mut turn) = (Seen::default(), first, number);
    while moment < end {
        sleep_until(moment).await;
        let asked = if turn.is_multiple_of(2) {
            let line = match turn % 8 {
                2 => "GET /v1/licenses?limit=10".to_owned(),
                6 => "GET /v1/accounts?limit=10".to_owned(),
                _ => format!("GET /v1/licenses/{license}"),
            };
            expect(&mut peer, &line, "", 200).await
        } else {
            let body = format!(r#"{{"holder":"neighbor-{number}-{}"}}"#, turn % 16);
            let line = "POST /v1/applications/gateway/leases";
            expect(&mut peer, line, &body, 201).await
        };
        match asked {
            Err(error) => seen.failed.push(format!("{error:#}")),
            Ok(()) if turn.is_multiple_of(2) => seen.reads.push(moment.elapsed()),
            Ok(()) => seen.writes.push(moment.elapsed()),
        }
        moment += BETWEEN;
        turn += 1;
    }
    seen
}

async fn expect(peer: &mut Peer, line: &str, body: &str, status: u16) -> Result<()> {
    let answer = peer.ask(line, "", body.as_bytes()).await?;
    let said = || String::from_utf8_lossy(peer.said()).into_owned();
    ensure!(
        answer.status == status,
        "{line}: {} {}",
        answer.status,
        said()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_hundred_the_last_but_one_counts() {
        let latencies: Vec<_> = (1..=100).rev().map(Duration::from_millis).collect();
        assert!((p99(&latencies) - 99.0).abs() < 1e-9);
        assert!((within(90, &latencies) - 90.0).abs() < 1e-9);
        assert!(p99(&[]).is_infinite());
    }
}

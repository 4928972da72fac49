//! The load of check-outs: leases are checked out and released over many connections. `leases http|redis ADDRESS
//! CONNECTIONS SECONDS APPLICATION` prints its figures on one line, as `load.lua` does; `LICTOR_TOKEN` signs in.

mod http;
mod redis;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The seconds that every lease is checked out for; it is released long before.
const TTL: u32 = 60;

/// Whom the load is for.
#[derive(Clone)]
enum Protocol {
    Http(http::Requests),
    Redis(redis::Scripts),
}

/// What one connection has seen.
#[derive(Default)]
struct Seen {
    /// A check-out and its release are two.
    operations: usize,
    /// How long each took.
    took: Vec<Duration>,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what| arguments.next().with_context(|| format!("which {what}?"));
    let (protocol, address) = (next("protocol")?, next("address")?);
    let connections: usize = next("number of connections")?.parse()?;
    let seconds: u64 = next("number of seconds")?.parse()?;
    let application = next("application")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let load = async {
        let protocol = match protocol.as_str() {
            "http" => {
                let token = std::env::var("LICTOR_TOKEN").context("LICTOR_TOKEN")?;
                Protocol::Http(http::Requests::new(&address, &application, &token))
            }
            "redis" => Protocol::Redis(redis::Scripts::load(&address, &application).await?),
            other => bail!("{other} is no protocol"),
        };
        run(
            &protocol,
            &address,
            connections,
            Duration::from_secs(seconds),
        )
        .await
    };
    LocalSet::new().block_on(&runtime, load)
}

async fn run(protocol: &Protocol, address: &str, connections: usize, time: Duration) -> Result<()> {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..connections)
        .map(|number| {
            let (protocol, address) = (protocol.clone(), address.to_owned());
            tokio::task::spawn_local(hold(protocol, address, number, begun + time))
        })
        .collect();
    let mut all = Seen::default();
    for task in tasks {
        let seen = task.await??;
        all.operations += seen.operations;
        all.took.extend(seen.took);
    }
    let elapsed = begun.elapsed();
    all.took.sort();
    let quantile = |part: usize| all.took.get(all.took.len() * part / 100);
    let [middle, slow] = [50, 99].map(|part| quantile(part).unwrap_or(&elapsed).as_micros());
    println!(
        "load: requests={} microseconds={} failed=0 p50={middle} p99={slow}",
        all.operations,
        elapsed.as_micros()
    );
    Ok(())
}

/// One connection: the same holder checks out and releases, until the time is over. Any refusal
/// ends the load.
async fn hold(protocol: Protocol, address: String, number: usize, until: Instant) -> Result<Seen> {
    let stream = TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    let holder = format!("job-{number}");
    let mut seen = Seen::default();
    let pairs = async {
        match protocol {
            Protocol::Http(requests) => {
                let mut client = http::Client::new(stream, requests);
                while Instant::now() < until {
                    let begun = Instant::now();
                    let (id, fence) = client.check_out(&holder).await?;
                    let between = Instant::now();
                    client.release(&id, fence).await?;
                    seen.pair(begun, between);
                }
            }
            Protocol::Redis(scripts) => {
                let mut client = redis::Client::new(stream, scripts);
                while Instant::now() < until {
                    let begun = Instant::now();
                    let (id, fence) = client.check_out(&holder).await?;
                    let between = Instant::now();
                    client.release(&holder, &id, fence).await?;
                    seen.pair(begun, between);
                }
            }
        }
        anyhow::Ok(())
    };
    let left = until.saturating_duration_since(Instant::now());
    tokio::time::timeout(left + PATIENCE, pairs).await??;
    Ok(seen)
}

impl Seen {
    fn pair(&mut self, begun: Instant, between: Instant) {
        self.operations += 2;
        self.took.push(between - begun);
        self.took.push(between.elapsed());
    }
}

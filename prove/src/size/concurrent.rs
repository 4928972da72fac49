//! Load that runs at the same time: check-outs at a fixed rate, and licenses that are written.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use lictor_testkit::{Connection, Server};
use serde_json::json;

use super::fill::{license_id, payload};

/// Connections that check out, and the time between two of one: 100 check-outs a second.
const CONNECTIONS: u32 = 10;
const BETWEEN: Duration = Duration::from_millis(100);

/// Connections that write licenses.
const WRITERS: u64 = 16;

/// The licenses that are written again and again, and their numbers.
const WRITTEN: u64 = 500;
const FIRST: u64 = 2_000_000_000;

/// The check-outs.
#[derive(Default)]
pub(super) struct Seen {
    /// How long each took from its moment.
    latencies: Vec<Duration>,
    /// What was not answered as it should be.
    pub(super) failed: Vec<String>,
}

impl Seen {
    /// The time within which so many of 100 were done, in milliseconds.
    fn within(&self, percent: usize) -> f64 {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * percent).div_ceil(100).max(1) - 1;
        let found = sorted.get(place);
        found.map_or(f64::INFINITY, |found| found.as_secs_f64() * 1e3)
    }

    pub(super) fn p99(&self) -> f64 {
        self.within(99)
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} check-outs, p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms, {} refused",
            self.latencies.len(),
            self.within(50),
            self.within(99),
            self.within(100),
            self.failed.len()
        )
    }
}

/// Does something while an organization checks leases of an application out.
pub(super) fn beside<T>(
    server: &Server,
    organization: &str,
    application: u64,
    act: impl FnOnce() -> Result<T>,
) -> Result<(T, Seen)> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let stop = &stop;
        let all = (0..CONNECTIONS).map(|number| {
            scope.spawn(move || check_out(server, organization, application, number, stop))
        });
        let all: Vec<_> = all.collect();
        thread::sleep(BETWEEN);
        let acted = act();
        stop.store(true, Ordering::SeqCst);
        let mut seen = Seen::default();
        for one in all {
            let ended = one
                .join()
                .map_err(|_| anyhow!("who checks out panicked"))??;
            seen.latencies.extend(ended.latencies);
            seen.failed.extend(ended.failed);
        }
        Ok((acted?, seen))
    })
}

fn check_out(
    server: &Server,
    organization: &str,
    application: u64,
    number: u32,
    stop: &AtomicBool,
) -> Result<Seen> {
    let mut connection = Connection::open(&server.address)?;
    connection.act_in(organization);
    let mut seen = Seen::default();
    let path = format!("/v1/applications/app-{application}/leases");
    let mut moment = Instant::now() + BETWEEN * number / CONNECTIONS;
    for turn in 0_u64.. {
        thread::sleep(moment.saturating_duration_since(Instant::now()));
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let body =
            json!({ "holder": format!("beside-{number}-{}", turn % 16), "ttl_seconds": 86_400 });
        let answer = connection.post_json(&path, &body.to_string())?;
        seen.latencies.push(moment.elapsed());
        if answer.status != 201 {
            let said = String::from_utf8_lossy(&answer.body);
            seen.failed.push(format!("{} {said}", answer.status));
        }
        moment += BETWEEN;
    }
    Ok(seen)
}

/// Writes licenses of an application, so many a second for so long, and says how many a second it were.
pub(super) fn write_licenses(
    server: &Server,
    organization: &str,
    application: u64,
    document: &str,
    rate: u64,
    seconds: u64,
) -> Result<f64> {
    let (begun, next) = (Instant::now(), AtomicU64::new(0));
    thread::scope(|scope| {
        let next = &next;
        let all = (0..WRITERS).map(|_| {
            scope.spawn(move || {
                let mut connection = Connection::open(&server.address)?;
                connection.act_in(organization);
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= rate * seconds {
                        return anyhow::Ok(());
                    }
                    let moment = begun
                        + Duration::from_secs(1) * u32::try_from(number)? / u32::try_from(rate)?;
                    thread::sleep(moment.saturating_duration_since(Instant::now()));
                    let payload = payload(document, application, FIRST + number);
                    let path = format!("/v1/licenses/{}", license_id(FIRST + number % WRITTEN));
                    let body = json!({ "payload": payload }).to_string();
                    let status = connection.send("PUT", &path, &body)?.status;
                    anyhow::ensure!(status < 300, "a license was answered {status}");
                }
            })
        });
        let all: Vec<_> = all.collect();
        all.into_iter().try_for_each(|writer| {
            let ended = writer.join();
            ended.unwrap_or_else(|_| Err(anyhow!("a writer panicked")))
        })
    })?;
    Ok((rate * seconds) as f64 / begun.elapsed().as_secs_f64())
}

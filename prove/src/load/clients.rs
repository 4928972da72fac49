//! Good clients at a fixed rate: each request has a scheduled time, and its latency counts from then, even if it could not be sent yet.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use lictor_testkit::OPERATOR;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::latencies::{Answered, Kind};
use crate::peer::read_answer;
use crate::random::Random;

/// Connections that are opened at once.
const OPENING: usize = 64;

/// An answer that takes longer is an error.
const PATIENCE: Duration = Duration::from_secs(20);

/// Of 100 requests, so many write and so many list; the others read one license.
const WRITES: u64 = 2;
const LISTS: u64 = 10;

/// What is to be asked, by how many and how fast.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) address: String,
    pub(super) connections: usize,
    /// Requests a second of all together.
    pub(super) rate: u32,
    pub(super) seed: u64,
    /// Stored before.
    pub(super) licenses: Vec<String>,
    /// What is written.
    pub(super) document: String,
}

/// What came of it.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) answered: Vec<Answered>,
    pub(super) errors: usize,
    pub(super) first_error: Option<String>,
    /// Connections that are open at the end.
    pub(super) open: usize,
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.answered.extend(other.answered);
        self.errors += other.errors;
        self.open += other.open;
        self.first_error = self.first_error.take().or(other.first_error);
    }

    fn note(&mut self, error: &anyhow::Error) {
        self.errors += 1;
        self.first_error.get_or_insert_with(|| format!("{error:#}"));
    }
}

/// Good clients at work.
pub(super) struct Clients {
    asker: Arc<Asker>,
    runner: JoinHandle<Result<Seen>>,
}

impl Clients {
    /// Opens all connections, which then keep to the plan.
    pub(super) fn begin(plan: &Plan) -> Result<Self> {
        let (plan, asker) = (plan.clone(), Arc::new(Asker::new(plan)));
        let (opened, open) = channel();
        let own = Arc::clone(&asker);
        let runner = spawn(move || run(&plan, &own, &opened));
        let Ok(count) = open.recv() else {
            joined(runner)?;
            bail!("the good clients ended before they began");
        };
        println!("{count} good connections are open");
        Ok(Self { asker, runner })
    }

    /// Lets them ask no more.
    pub(super) fn end(self) -> Result<Seen> {
        self.asker.ended.store(true, Ordering::Relaxed);
        joined(self.runner)
    }
}

fn joined(runner: JoinHandle<Result<Seen>>) -> Result<Seen> {
    runner.join().map_err(|_| anyhow!("a client panicked"))?
}

fn run(plan: &Plan, asker: &Arc<Asker>, opened: &Sender<usize>) -> Result<Seen> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let connections = open(plan, asker).await?;
        opened.send(connections.len())?;
        let start = Instant::now() + Duration::from_millis(200);
        let mut clients = JoinSet::new();
        for (number, connection) in connections.into_iter().enumerate() {
            let slots = Slots::of(plan, number, start);
            let random = Random::new(plan.seed.wrapping_add(number as u64));
            clients.spawn(keep_asking(connection, Arc::clone(asker), slots, random));
        }
        let mut seen = Seen::default();
        while let Some(client) = clients.join_next().await {
            seen.add(client.map_err(|_| anyhow!("a client panicked"))?);
        }
        Ok(seen)
    })
}

/// Each connection asks once as soon as it is open: the server cuts off those who stay silent.
async fn open(plan: &Plan, asker: &Arc<Asker>) -> Result<Vec<TcpStream>> {
    let opening = Arc::new(Semaphore::new(OPENING));
    let mut tasks = JoinSet::new();
    for number in 0..plan.connections {
        let (opening, asker) = (Arc::clone(&opening), Arc::clone(asker));
        let address = plan.address.clone();
        tasks.spawn(async move {
            let _turn = opening.acquire().await?;
            let mut stream = TcpStream::connect(&address).await.context("connecting")?;
            stream.set_nodelay(true)?;
            asker.read_one(&mut stream, number).await?;
            anyhow::Ok(stream)
        });
    }
    let mut open = Vec::with_capacity(plan.connections);
    while let Some(stream) = tasks.join_next().await {
        open.push(stream.map_err(|_| anyhow!("a client panicked"))??);
    }
    Ok(open)
}

/// The times of one connection's requests.
struct Slots {
    next: Instant,
    between: Duration,
}

impl Slots {
    /// The connections take turns, so that all together ask at an even pace.
    fn of(plan: &Plan, number: usize, start: Instant) -> Self {
        let turn = Duration::from_secs(1) / plan.rate;
        let times = |count: usize| turn * u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            next: start + times(number),
            between: times(plan.connections),
        }
    }
}

impl Iterator for Slots {
    type Item = Instant;

    fn next(&mut self) -> Option<Instant> {
        let slot = self.next;
        self.next += self.between;
        Some(slot)
    }
}

async fn keep_asking(
    mut stream: TcpStream,
    asker: Arc<Asker>,
    slots: Slots,
    mut random: Random,
) -> Seen {
    let mut seen = Seen::default();
    for slot in slots {
        let is_free = Instant::now() < slot;
        sleep_until(slot).await;
        let overslept = is_free.then(|| slot.elapsed());
        if asker.ended.load(Ordering::Relaxed) {
            break;
        }
        match asker.ask(&mut stream, &mut random).await {
            Ok(kind) => seen.answered.push(Answered {
                meant: slot,
                kind,
                took: slot.elapsed(),
                overslept,
            }),
            Err(error) => {
                seen.note(&error);
                // What comes next on this connection would answer an older request.
                return seen;
            }
        }
    }
    let waits = |error: std::io::Error| error.kind() == ErrorKind::WouldBlock;
    seen.open += usize::from(stream.try_read(&mut [0]).is_err_and(waits));
    seen
}

/// Knows the requests and what a right answer is.
struct Asker {
    address: String,
    licenses: Vec<String>,
    body: String,
    ended: AtomicBool,
}

impl Asker {
    fn new(plan: &Plan) -> Self {
        Self {
            address: plan.address.clone(),
            licenses: plan.licenses.clone(),
            body: serde_json::json!({ "payload": plan.document }).to_string(),
            ended: AtomicBool::new(false),
        }
    }

    async fn ask(&self, stream: &mut TcpStream, random: &mut Random) -> Result<Kind> {
        let kind = random.below(100);
        if kind < WRITES {
            let length = self.body.len();
            let fields = format!("Content-Type: application/json\r\nContent-Length: {length}\r\n");
            let answer = self
                .exchange(stream, "POST /licenses", &fields, &self.body)
                .await?;
            return expect(&answer, "201", "\"id\"").map(|()| Kind::Write);
        }
        if kind < WRITES + LISTS {
            let answer = self
                .exchange(stream, "GET /licenses?size=10", "", "")
                .await?;
            return expect(&answer, "200", "\"data\"").map(|()| Kind::List);
        }
        let number = random.below(self.licenses.len() as u64) as usize;
        self.read_one(stream, number).await.map(|()| Kind::Read)
    }

    async fn read_one(&self, stream: &mut TcpStream, number: usize) -> Result<()> {
        let id = &self.licenses[number % self.licenses.len()];
        let line = format!("GET /licenses/{id}");
        let answer = self.exchange(stream, &line, "", "").await?;
        expect(&answer, "200", id)
    }

    async fn exchange(
        &self,
        stream: &mut TcpStream,
        line: &str,
        fields: &str,
        body: &str,
    ) -> Result<String> {
        let address = &self.address;
        let request = format!(
            "{line} HTTP/1.1\r\nHost: {address}\r\nKong-Admin-Token: {OPERATOR}\r\n{fields}\r\n{body}"
        );
        let exchanged = timeout(PATIENCE, async {
            stream.write_all(request.as_bytes()).await?;
            let mut heard = Vec::new();
            read_answer(stream, &mut heard).await?;
            anyhow::Ok(String::from_utf8(heard)?)
        });
        exchanged
            .await
            .map_err(|_| anyhow!("{line}: no answer in time"))?
            .with_context(|| line.to_owned())
    }
}

fn expect(answer: &str, status: &str, part: &str) -> Result<()> {
    let right = answer.get(9..12) == Some(status) && answer.contains(part);
    ensure!(right, "not {status} with {part}: {answer}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_connections_take_turns_at_the_rate() {
        let plan = Plan {
            address: String::new(),
            connections: 5,
            rate: 10,
            seed: 0,
            licenses: Vec::new(),
            document: String::new(),
        };
        let start = Instant::now();
        let of = |number| Slots::of(&plan, number, start).take(4);
        let mut slots: Vec<Instant> = (0..5).flat_map(of).collect();
        slots.sort_unstable();
        assert_eq!(slots.len(), 20);
        let turn = Duration::from_millis(100);
        assert!(slots.windows(2).all(|pair| pair[1] - pair[0] == turn));
    }
}

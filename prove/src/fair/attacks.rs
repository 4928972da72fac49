//! The tenant's attacks: each one by many peers at once, as fast as they are answered.

use std::collections::BTreeMap;
use std::fs;
use std::pin::Pin;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use lictor_testkit::programs::run;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::tenants::Tenant;
use crate::peer::Peer;

/// Rows of an import, and counts of a report: as many as one request may have.
const ROWS: usize = 1_000;

const MEBIBYTE: usize = 1024 * 1024;

/// Between two attempts of one peer that failed.
const PAUSE: Duration = Duration::from_millis(20);

type Once<'p> = Pin<Box<dyn Future<Output = Result<u16>> + Send + 'p>>;

/// One way to do one's worst: what a peer does again and again, and how many there are.
pub(super) struct AttackKind {
    pub(super) name: &'static str,
    peers: usize,
    once: for<'p> fn(&'p mut Attacker) -> Once<'p>,
}

pub(super) const ATTACK_KINDS: [AttackKind; 9] = [
    AttackKind {
        name: "usage of many services",
        peers: 32,
        once: |attacker| Box::pin(usage(attacker)),
    },
    AttackKind {
        name: "long lists",
        peers: 32,
        once: |attacker| Box::pin(list(attacker)),
    },
    AttackKind {
        name: "long lists that nobody reads",
        peers: 300,
        once: |attacker| Box::pin(unread_list(attacker)),
    },
    AttackKind {
        name: "bodies of 10 MiB",
        peers: 4,
        once: |attacker| Box::pin(large_body(attacker)),
    },
    AttackKind {
        name: "imports",
        peers: 512,
        once: |attacker| Box::pin(import(attacker)),
    },
    AttackKind {
        name: "counts of many applications",
        peers: 64,
        once: |attacker| Box::pin(counts(attacker)),
    },
    AttackKind {
        name: "holders and Idempotency-Keys at random",
        // As many writes wait at once, so that one line for all would be long.
        peers: 2_048,
        once: |attacker| Box::pin(at_random(attacker)),
    },
    AttackKind {
        name: "feeds of one node",
        peers: 64,
        once: |attacker| Box::pin(feed(attacker)),
    },
    AttackKind {
        name: "codes of one client",
        peers: 32,
        once: |attacker| Box::pin(code(attacker)),
    },
];

/// One of those who attack, on a connection of its own.
struct Attacker {
    tenant: Arc<Tenant>,
    peer: Peer,
    /// What no other names, and no other server's attackers do.
    names: Arc<AtomicU64>,
    /// What is sent again with other names in it.
    body: Vec<u8>,
}

impl Attacker {
    fn name(&self) -> String {
        format!("{:012x}", self.names.fetch_add(1, Ordering::Relaxed))
    }
}

/// All peers of one way; gone when it is dropped.
pub(super) struct Attack {
    ended: Arc<AtomicBool>,
    answers: Arc<Mutex<BTreeMap<String, usize>>>,
    runner: Option<JoinHandle<Result<()>>>,
}

impl Attack {
    /// Lets them begin.
    pub(super) fn begin(
        way: &'static AttackKind,
        tenant: &Arc<Tenant>,
        names: &Arc<AtomicU64>,
    ) -> Self {
        let (ended, answers) = (Arc::<AtomicBool>::default(), Arc::default());
        let attackers: Vec<Attacker> = (0..way.peers)
            .map(|number| Attacker {
                peer: Peer::new(
                    &tenant.address,
                    &tenant.tokens[number % tenant.tokens.len()],
                ),
                tenant: Arc::clone(tenant),
                names: Arc::clone(names),
                body: Vec::new(),
            })
            .collect();
        let (own, noted) = (Arc::clone(&ended), Arc::clone(&answers));
        Self {
            ended,
            answers,
            runner: Some(spawn(move || attack(way, attackers, &own, &noted))),
        }
    }

    /// Ends them, and says how often they were answered in which way.
    pub(super) fn end(mut self) -> Result<String> {
        self.stop()?;
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let each = answers
            .iter()
            .map(|(what, count)| format!("{count} {what}"));
        Ok(each.collect::<Vec<_>>().join(", "))
    }

    fn stop(&mut self) -> Result<()> {
        self.ended.store(true, Ordering::Relaxed);
        let ended = self.runner.take().map(JoinHandle::join);
        ended.map_or(Ok(()), |ended| {
            ended.map_err(|_| anyhow!("an attacker panicked"))?
        })
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        self.stop().ok();
    }
}

fn attack(
    way: &'static AttackKind,
    attackers: Vec<Attacker>,
    ended: &AtomicBool,
    answers: &Arc<Mutex<BTreeMap<String, usize>>>,
) -> Result<()> {
    step_back()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut all = JoinSet::new();
        for mut attacker in attackers {
            let answers = Arc::clone(answers);
            all.spawn(async move {
                loop {
                    let once = (way.once)(&mut attacker).await;
                    note(&answers, &once);
                    if once.is_err() {
                        sleep(PAUSE).await;
                    }
                }
            });
        }
        while !ended.load(Ordering::Relaxed) {
            sleep(PAUSE).await;
        }
        all.shutdown().await;
    });
    Ok(())
}

/// Lets this thread go after the server and the neighbor: those who attack have machines of their own.
/// util-linux does it without unsafe code here.
fn step_back() -> Result<()> {
    let own = fs::read_link("/proc/thread-self")?;
    let thread = own.file_name().context("no thread")?;
    run(Command::new("chrt")
        .args(["--idle", "--pid", "0"])
        .arg(thread))
}

fn note(answers: &Mutex<BTreeMap<String, usize>>, once: &Result<u16>) {
    let what = match once {
        Ok(0) => "× held".to_owned(),
        Ok(status) => format!("× {status}"),
        Err(_) => "× lost".to_owned(),
    };
    let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
    *answers.entry(what).or_default() += 1;
}

/// A body of rows, in each of which stands a name that this request alone has.
fn rows(attacker: &mut Attacker, row: fn(&str, usize) -> String, (open, close): (&str, &str)) {
    const PLACE: &str = "############";
    let name = attacker.name();
    if attacker.body.is_empty() {
        let rows: Vec<String> = (0..ROWS).map(|number| row(PLACE, number)).collect();
        attacker.body = format!("{open}{}{close}", rows.join(",")).into_bytes();
        return attacker.body = replaced(&attacker.body, PLACE.as_bytes(), name.as_bytes());
    }
    // All are equally long, and the first stands where each other's does.
    let start = open.len() + row(PLACE, 0).find(PLACE).unwrap_or_default();
    let before = attacker.body[start..start + name.len()].to_vec();
    attacker.body = replaced(&attacker.body, &before, name.as_bytes());
}

fn replaced(text: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    text.replace(&*old, &new).into_bytes()
}

async fn usage(attacker: &mut Attacker) -> Result<u16> {
    let row = |name: &str, number| format!(r#"{{"service":"{name}-{number}","count":1}}"#);
    rows(attacker, row, (r#"{"counts":["#, "]}"));
    post(attacker, "POST /v1/usage", "").await
}

async fn import(attacker: &mut Attacker) -> Result<u16> {
    let row = |name: &str, number| {
        format!(r#"{{"email":"{name}-{number}@example.com","seats":["gateway"]}}"#)
    };
    rows(attacker, row, (r#"{"rows":["#, r#"],"mode":"each"}"#));
    post(attacker, "POST /v1/accounts/import", "").await
}

async fn post(attacker: &mut Attacker, line: &str, fields: &str) -> Result<u16> {
    let Attacker { peer, body, .. } = attacker;
    Ok(peer.ask(line, fields, body).await?.status)
}

async fn get(attacker: &mut Attacker, path: &str) -> Result<u16> {
    let answer = attacker.peer.ask(&format!("GET {path}"), "", b"").await?;
    Ok(answer.status)
}

async fn list(attacker: &mut Attacker) -> Result<u16> {
    get(attacker, "/licenses?size=1000").await
}

/// Asks for lists, and takes nothing of them for a while.
async fn unread_list(attacker: &mut Attacker) -> Result<u16> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4_096)?;
    let mut stream = socket.connect(attacker.peer.address.parse()?).await?;
    let head = attacker.peer.head("GET /licenses?size=1000", "", 0);
    stream.write_all(head.repeat(4).as_bytes()).await?;
    sleep(Duration::from_secs(1)).await;
    Ok(0)
}

/// A document of 10 MiB, which is read whole before it is refused.
async fn large_body(attacker: &mut Attacker) -> Result<u16> {
    if attacker.body.is_empty() {
        let (open, close) = (r#"{"payload":""#, r#""}"#);
        let text = "x".repeat(10 * MEBIBYTE - open.len() - close.len());
        attacker.body = format!("{open}{text}{close}").into_bytes();
    }
    post(attacker, "POST /licenses", "").await
}

async fn counts(attacker: &mut Attacker) -> Result<u16> {
    const PATHS: [&str; 4] = [
        "/v1/counts",
        "/v1/applications?limit=1000",
        "/rest/api/3/instance/license",
        "/v1/report",
    ];
    let turn = attacker.names.fetch_add(1, Ordering::Relaxed);
    let path = PATHS[usize::try_from(turn).unwrap_or_default() % PATHS.len()];
    get(attacker, path).await
}

async fn at_random(attacker: &mut Attacker) -> Result<u16> {
    let name = attacker.name();
    attacker.body = format!(r#"{{"holder":"{name}","ttl_seconds":2592000}}"#).into_bytes();
    let key = format!("Idempotency-Key: {name}\r\n");
    post(attacker, "POST /v1/applications/gateway/leases", &key).await
}

/// Opens a feed, or asks for the state by itself, and holds it for a while.
async fn feed(attacker: &mut Attacker) -> Result<u16> {
    const EVENTS: &str = "Accept: text/event-stream\r\n";
    let turn = attacker.names.fetch_add(1, Ordering::Relaxed);
    let fields = if turn.is_multiple_of(2) { EVENTS } else { "" };
    let node = Peer::new(&attacker.tenant.address, attacker.tenant.node);
    let mut stream = tokio::net::TcpStream::connect(&node.address).await?;
    let head = node.head("GET /v1/feed", fields, 0);
    stream.write_all(head.as_bytes()).await?;
    sleep(PAUSE).await;
    Ok(0)
}

async fn code(attacker: &mut Attacker) -> Result<u16> {
    let line = format!("POST /v1/clients/{}/codes", attacker.tenant.client);
    let answer = attacker.peer.ask(&line, "", b"{}").await?;
    Ok(answer.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_names_what_no_other_does() {
        let tenant = Tenant {
            address: String::new(),
            tokens: Vec::new(),
            node: "",
            client: String::new(),
        };
        let mut attacker = Attacker {
            tenant: Arc::new(tenant),
            peer: Peer::new("", ""),
            names: Arc::default(),
            body: Vec::new(),
        };
        let row = |name: &str, number| format!("<{name}-{number}>");
        let mut seen = Vec::new();
        for _ in 0..3 {
            rows(&mut attacker, row, ("[", "]"));
            seen.push(String::from_utf8_lossy(&attacker.body).into_owned());
        }
        assert!(seen[2].starts_with("[<000000000002-0>,<000000000002-1>,"));
        assert!(seen[2].ends_with("<000000000002-999>]"));
        assert!(seen.windows(2).all(|pair| pair[0] != pair[1]));
    }
}

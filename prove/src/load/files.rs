//! A server with a low limit of open files: idle connections use up all of them, and clients that sign in are served all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use lictor_testkit::{Connection, Installation, Server, Tally};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::clients::{Clients, Plan};
use super::connections;
use crate::Trial;

/// Files that the server may open.
const FILES: u32 = 1_024;

/// Idle connections that attackers want to hold, half as many again.
pub(super) const IDLE: usize = 1_500;

/// Good connections that are kept, and good ones that come anew.
const KEPT: usize = 50;
const NEW: usize = 20;

/// Between two of those who come anew.
const PAUSE: Duration = Duration::from_millis(200);

/// How soon one who comes anew has its answer.
const SERVED: Duration = Duration::from_secs(5);

/// Runs a server with few files, lets idle ones come, and looks who is served.
pub(super) fn prove(
    installation: &Installation,
    trial: &Trial,
    document: &str,
    tally: &mut Tally,
) -> Result<()> {
    let server = Server::start_by(
        &["prlimit".to_owned(), format!("--nofile={FILES}")],
        &installation.binary,
        &installation.folder.join("few"),
        &installation.folder.join("vendor.pub"),
        &trial.environment(),
    )?;
    let plan = Plan {
        address: server.address.clone(),
        connections: KEPT,
        rate: 100,
        seed: trial.seed,
        licenses: super::store_licenses(&server, document)?,
        document: document.to_owned(),
    };
    let clients = Clients::begin(&plan)?;
    let idle = Idle::begin(&server.address);
    let held = idle.wait_until_held(&server)?;
    let slowest = come_anew(&server);
    idle.end()?;
    let seen = clients.end()?;
    println!(
        "{FILES} files, {held} connections held beside {KEPT} good ones: errors {}, slowest of {NEW} new \
         ones {slowest:.1?}",
        seen.errors
    );
    let mut gate = |sentence: String, held: bool| {
        println!("{} {sentence}", if held { "ok" } else { "FAIL" });
        tally.count(held);
    };
    let first = seen.first_error.as_deref().unwrap_or("none");
    gate(
        format!(
            "who has signed in keeps its place at the limit of files; the first error: {first}"
        ),
        seen.errors == 0 && seen.open == KEPT,
    );
    let why = slowest.as_ref().err().map(|error| format!(": {error:#}"));
    gate(
        format!("who comes anew is served there{}", why.unwrap_or_default()),
        slowest.is_ok_and(|slowest| slowest <= SERVED),
    );
    Ok(())
}

/// The longest that one who came anew and signed in waited for an answer.
fn come_anew(server: &Server) -> Result<Duration> {
    let mut slowest = Duration::ZERO;
    for number in 0..NEW {
        let begun = Instant::now();
        let status = Connection::open(&server.address)?
            .get("/licenses?size=10")?
            .status;
        ensure!(status == 200, "number {number} was answered {status}");
        slowest = slowest.max(begun.elapsed());
        sleep(PAUSE);
    }
    Ok(slowest)
}

/// Idle connections, which come again whenever they are cut off.
struct Idle {
    ended: Arc<AtomicBool>,
    runner: JoinHandle<Result<()>>,
}

impl Idle {
    fn begin(address: &str) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let (address, own) = (address.to_owned(), Arc::clone(&ended));
        let runner = spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let mut attackers = JoinSet::new();
                for number in 0..IDLE {
                    attackers.spawn(again(address.clone(), number % 2 == 0));
                }
                while !own.load(Ordering::Relaxed) {
                    tokio::time::sleep(PAUSE).await;
                }
                attackers.shutdown().await;
            });
            Ok(())
        });
        Self { ended, runner }
    }

    /// Returns once the server has no place left, and how many it holds.
    fn wait_until_held(&self, server: &Server) -> Result<usize> {
        let begun = Instant::now();
        loop {
            let held = connections::sockets(server.id());
            if held + 1 >= FILES as usize - 192 {
                return Ok(held);
            }
            ensure!(
                begun.elapsed() < SERVED,
                "only {held} connections are held, which proves nothing"
            );
            sleep(PAUSE / 4);
        }
    }

    fn end(self) -> Result<()> {
        self.ended.store(true, Ordering::Relaxed);
        let joined = self.runner.join();
        joined.map_err(|_| anyhow!("an idle one panicked"))?
    }
}

/// Says nothing, or asks once, and waits for the end.
async fn again(address: String, asks: bool) {
    loop {
        if let Ok(mut stream) = TcpStream::connect(&address).await {
            let request: &[u8] = if asks {
                b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
            } else {
                b""
            };
            // Both fail when the server has closed it, which is the end.
            stream.write_all(request).await.ok();
            let mut part = [0; 1_024];
            while stream.read(&mut part).await.is_ok_and(|read| read > 0) {}
        }
        tokio::time::sleep(PAUSE).await;
    }
}

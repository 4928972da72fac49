//! A server with little memory, its data and its log on one full disk: it survives all attackers, and recovers.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lictor_testkit::usage::megabytes;
use lictor_testkit::{Connection, Installation, Server, Tally};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::all_attackers::AllAttackers;
use super::bodies;
use crate::Trial;
use crate::image::{FileSystem, Image, fill};

/// What a server has that is confined to a control group.
const GROUP_MEGABYTES: u64 = 256;

/// The most that a confined server takes, whatever confines it.
const MOST_MEGABYTES: f64 = 256.0;

/// Addresses that a server has where there is no such group, in bytes.
const ADDRESSES: u64 = 2_000_000_000;

/// Writes that fit before the disk must be full.
const MOST_WRITES: usize = 20_000;

/// Between two attempts of one who floods the log.
const PAUSE: Duration = Duration::from_millis(200);

/// Requests that are sent at once.
const AT_ONCE: usize = 50;

/// Runs a server that is confined, lets all attackers come, and looks whether it lives.
pub(super) fn prove(
    installation: &Installation,
    trial: &Trial,
    (each, lasting): (usize, Duration),
    tally: &mut Tally,
) -> Result<()> {
    let mount = installation.folder.join("confined");
    let image = Image::create(&mount, FileSystem::Ext4)?;
    let bounds = Bounds::make();
    println!("a server {bounds}, its data and its log on one full disk");
    let server = Server::start_with_log(
        &bounds.launcher(),
        &installation.binary,
        &mount.join("data"),
        &installation.folder.join("vendor.pub"),
        &trial.environment(),
        &mount.join("log"),
    )?;
    let lived = besiege(&server, installation, &mount, each, lasting);
    if let Err(error) = &lived {
        println!("FAIL a confined server survives all attackers: {error:#}");
    } else {
        println!("ok a confined server survives all attackers");
    }
    tally.count(lived.is_ok());
    if let Ok(peak) = lived {
        let held = peak <= MOST_MEGABYTES;
        let sign = if held { "ok" } else { "FAIL" };
        println!("{sign} it takes at most {MOST_MEGABYTES} MB; it took {peak:.0} MB");
        tally.count(held);
    }
    drop(server);
    drop((image, bounds));
    Ok(())
}

/// The most memory it had, in megabytes.
fn besiege(
    server: &Server,
    installation: &Installation,
    mount: &Path,
    each: usize,
    lasting: Duration,
) -> Result<f64> {
    let document = installation.issue("Confined GmbH", "2025-01-01", "2099-12-31")?;
    let body = json!({ "payload": document }).to_string();
    let token = bodies::tenant(&server.address, &document)?;
    let siege = AllAttackers::begin(&server.address, &token, each)?;
    let ballast = mount.join("ballast");
    fill(&ballast)?;
    let mut connection = Connection::open(&server.address)?;
    let mut written = 0;
    while connection
        .post_json("/licenses", &body)
        .context("filling")?
        .status
        == 201
    {
        written += 1;
        ensure!(written < MOST_WRITES, "the disk does not fill");
    }
    let flood = Flood::begin(&server.address, &body, each.div_ceil(10));
    sleep(lasting);
    let mut connection = Connection::open(&server.address)?;
    let read = connection
        .get("/licenses?size=10")
        .context("a read")?
        .status;
    ensure!(read == 200, "a read was answered {read}");
    let lost = counted(&mut connection, "lictor_log_lines_lost_total ")?;
    let merged = counted(&mut connection, "lictor_log_lines_merged_total ")?;
    ensure!(lost > 0 && merged > 0, "nobody flooded the log");
    flood.end()?;
    drop(siege);
    fs::remove_file(&ballast)?;
    let mut connection = Connection::open(&server.address)?;
    let ready = connection.get("/readyz").context("/readyz")?.status;
    ensure!(ready == 200, "/readyz sees no room: {ready}");
    let again = connection.post_json("/licenses", &body)?.status;
    ensure!(
        again == 201,
        "with room again, a write was answered {again}"
    );
    println!("of the log {merged} lines were merged, and {lost} lost");
    megabytes(server.id(), "VmHWM")
}

fn counted(connection: &mut Connection, metric: &str) -> Result<u64> {
    let metrics = String::from_utf8(connection.get("/metrics")?.body)?;
    let value = metrics.lines().find_map(|line| line.strip_prefix(metric));
    Ok(value.unwrap_or("0").parse()?)
}

/// What a server is confined by.
enum Bounds {
    /// A control group of version 2, by its folder.
    Group(PathBuf),
    /// A limit on its addresses.
    Addresses,
}

impl Bounds {
    /// A control group, if one can be made.
    fn make() -> Self {
        let name = format!("/sys/fs/cgroup/lictor-load-{}", std::process::id());
        let group = PathBuf::from(name);
        // The root of version 1 is no place for a group of its own.
        let is_v2 = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
        if !is_v2 || fs::create_dir(&group).is_err() {
            return Self::Addresses;
        }
        let set = |file: &str, value: u64| fs::write(group.join(file), value.to_string());
        let most = GROUP_MEGABYTES * 1_000_000;
        if set("memory.max", most).is_err() || set("memory.swap.max", 0).is_err() {
            fs::remove_dir(&group).ok();
            return Self::Addresses;
        }
        Self::Group(group)
    }

    /// A program that becomes what is to be confined.
    fn launcher(&self) -> Vec<String> {
        match self {
            Self::Group(group) => {
                let enter = format!(
                    "echo $$ > {}/cgroup.procs && exec \"$0\" \"$@\"",
                    group.display()
                );
                vec!["sh".to_owned(), "-c".to_owned(), enter]
            }
            Self::Addresses => vec!["prlimit".to_owned(), format!("--as={ADDRESSES}")],
        }
    }
}

impl std::fmt::Display for Bounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Group(_) => write!(f, "in a control group of {GROUP_MEGABYTES} MB"),
            Self::Addresses => write!(
                f,
                "with {} MB of addresses (RLIMIT_AS)",
                ADDRESSES / 1_000_000
            ),
        }
    }
}

impl Drop for Bounds {
    fn drop(&mut self) {
        if let Self::Group(group) = self {
            fs::remove_dir(group).ok();
        }
    }
}

/// Those who make the server log as much as they can: it is not ready, which anybody may ask, and
/// refuses what an operator writes.
struct Flood {
    ended: Arc<AtomicBool>,
    runner: JoinHandle<Result<()>>,
}

impl Flood {
    fn begin(address: &str, body: &str, each: usize) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let ready = "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n".to_owned();
        let (token, length) = (lictor_testkit::OPERATOR, body.len());
        let write = format!(
            "POST /licenses HTTP/1.1\r\nHost: a\r\nKong-Admin-Token: {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let (address, own) = (address.to_owned(), Arc::clone(&ended));
        let runner = spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let mut attackers = JoinSet::new();
                for request in [&ready, &write] {
                    for _ in 0..each {
                        attackers.spawn(again(address.clone(), request.repeat(AT_ONCE)));
                    }
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

    fn end(self) -> Result<()> {
        self.ended.store(true, Ordering::Relaxed);
        let joined = self.runner.join();
        joined.map_err(|_| anyhow::anyhow!("who floods the log panicked"))?
    }
}

async fn again(address: String, requests: String) {
    loop {
        // That it is cut off is no fault.
        flood(&address, &requests).await.ok();
        tokio::time::sleep(PAUSE).await;
    }
}

/// Asks as fast as answers are read.
async fn flood(address: &str, requests: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let (mut heard, mut said) = stream.split();
    let asking = async {
        loop {
            said.write_all(requests.as_bytes()).await?;
        }
    };
    let reading = async {
        let mut part = [0; 16 * 1024];
        while heard.read(&mut part).await? > 0 {}
        anyhow::Ok(())
    };
    tokio::select! {
        asked = asking => asked,
        read = reading => read,
    }
}

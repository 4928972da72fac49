//! A proxy between a node and its control plane that holds answers back until they are whole: how long
//! a license then takes.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lictor_testkit::{Connection, Node};

use super::super::framing::proxy::{Proxy, free_address};
use super::{APPLIED, Cases, Commands};

/// How often a license comes and goes.
const ROUNDS: usize = 4;

/// How long the node may take to notice it.
const NOTICED: Duration = Duration::from_secs(30);

/// Licenses come and go at a node whose control plane is behind such a proxy, and which counts nothing.
pub(super) fn measure(
    scratch: &Path,
    lictor: &Commands<'_>,
    binary: &Path,
    cases: &mut Cases,
) -> Result<()> {
    let server = lictor.url.strip_prefix("http://").context("a URL")?;
    let proxy = buffering(scratch, server)?;
    let token = lictor.run(&["node", "enroll", "--name", "held-back"])?;
    let through = format!("http://{}", proxy.address);
    let folder = scratch.join("held-back");
    let node = Node::join(binary, &through, token.trim(), &folder, &[])?;
    cases.equal("a node behind a proxy that buffers", 200, ready(&node)?);
    cases.hold(
        "what holds the feed back is named",
        is_named(&node, NOTICED)?,
    );
    let mut slowest = Duration::ZERO;
    for round in 0..ROUNDS {
        let list = lictor.run(&["license", "list", "--json"])?;
        let list: serde_json::Value = serde_json::from_str(&list)?;
        let ids = list["data"].as_array().context("no licenses")?;
        for id in ids.iter().filter_map(|license| license["id"].as_str()) {
            lictor.run(&["license", "remove", id])?;
        }
        slowest = slowest.max(until(&node, 503)?);
        lictor.license(&format!("GW-HELD-{round}"), "2025-01-01", "2099-12-31")?;
        slowest = slowest.max(until(&node, 200)?);
    }
    println!(
        "the slowest of {} took {:.2} s",
        2 * ROUNDS,
        slowest.as_secs_f64()
    );
    cases.hold("each came and went within 5 s", slowest <= APPLIED);
    cases.hold("and it is named still", is_named(&node, Duration::ZERO)?);
    Ok(())
}

/// Whether the node says in time what holds the feed back.
fn is_named(node: &Node, patience: Duration) -> Result<bool> {
    let begun = Instant::now();
    loop {
        let status = Connection::open(&node.address)?.get("/status")?;
        let named = String::from_utf8(status.body)?.contains("proxy_buffering off");
        if named || begun.elapsed() >= patience {
            return Ok(named);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// How long it takes until it is ready, or is not.
fn until(node: &Node, status: u16) -> Result<Duration> {
    let begun = Instant::now();
    while ready(node)? != status {
        ensure!(begun.elapsed() < 12 * APPLIED, "it never came");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(begun.elapsed())
}

/// Counted requests would be reported each second, and the reports' answers name new states.
fn ready(node: &Node) -> Result<u16> {
    Ok(Connection::open(&node.address)?.get("/readyz")?.status)
}

/// `HAProxy` that passes an answer on when it is whole, or after half a minute, as proxies do that look
/// through what they pass on.
fn buffering(scratch: &Path, server: &str) -> Result<Proxy> {
    let (file, address) = (scratch.join("held-back.cfg"), free_address()?);
    fs::write(
        &file,
        format!(
            "defaults\n mode http\n timeout connect 5s\n timeout client 1h\n timeout server 1h\n\
             frontend held\n bind {address}\n http-response wait-for-body time 30s\n\
             default_backend lictor\n\
             backend lictor\n server lictor {server}\n"
        ),
    )?;
    let mut command = Command::new("/usr/sbin/haproxy");
    command.arg("-db").arg("-f").arg(&file);
    Proxy::start(command, address)
}

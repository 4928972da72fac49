//! What the kernel says of a process: its memory, its time, and its connections.

use std::collections::HashSet;
use std::fs;

use anyhow::{Context, Result};

/// Of `/proc/PID/stat`; the same on every Linux that Rust runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// An established connection in `/proc/net/tcp`.
const ESTABLISHED: &str = "01";

/// What a process has used so far.
pub(in super::super) struct Usage {
    pub(super) cpu_seconds: f64,
    pub(in super::super) peak_megabytes: f64,
    /// Held now.
    pub(super) megabytes: f64,
}

impl Usage {
    pub(in super::super) fn of(process: u32) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let megabytes = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name));
            let kilobytes =
                value.and_then(|value| value.trim().strip_suffix("kB")?.trim().parse().ok());
            let kilobytes: f64 = kilobytes.with_context(|| format!("no {name}"))?;
            anyhow::Ok(kilobytes * 1024.0 / 1e6)
        };
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        // The name, in parentheses, may hold spaces.
        let (_, fields) = stat.rsplit_once(')').context("no name")?;
        let ticks: f64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<f64>().ok())
            .sum();
        Ok(Self {
            cpu_seconds: ticks / TICKS_PER_SECOND,
            peak_megabytes: megabytes("VmHWM:")?,
            megabytes: megabytes("VmRSS:")?,
        })
    }
}

/// How many connections of `client` the server at `port` still holds. The server's side counts: one
/// that it closed stays established at a peer that does not read up to the end.
pub(super) fn held(client: u32, port: u16) -> Result<usize> {
    let sockets = sockets_of(client);
    let table = fs::read_to_string("/proc/net/tcp")?;
    let rows: Vec<Row> = table.lines().filter_map(Row::read).collect();
    let own: HashSet<u16> = rows
        .iter()
        .filter(|row| row.remote == port && sockets.contains(row.inode))
        .map(|row| row.local)
        .collect();
    let held = rows
        .iter()
        .filter(|row| row.local == port && row.state == ESTABLISHED && own.contains(&row.remote));
    Ok(held.count())
}

/// How many sockets a process has open.
pub(super) fn sockets(process: u32) -> usize {
    sockets_of(process).len()
}

/// Inodes of the sockets that a process has open; none if it is gone.
fn sockets_of(process: u32) -> HashSet<String> {
    let files = fs::read_dir(format!("/proc/{process}/fd"));
    let targets = files
        .into_iter()
        .flatten()
        .filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    let socket = |target: std::path::PathBuf| {
        let inode = target
            .to_str()?
            .strip_prefix("socket:[")?
            .strip_suffix(']')?;
        Some(inode.to_owned())
    };
    targets.filter_map(socket).collect()
}

struct Row<'t> {
    local: u16,
    remote: u16,
    state: &'t str,
    inode: &'t str,
}

impl<'t> Row<'t> {
    fn read(line: &'t str) -> Option<Self> {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let port = |address: &str| u16::from_str_radix(address.split_once(':')?.1, 16).ok();
        Some(Self {
            local: port(fields.get(1)?)?,
            remote: port(fields.get(2)?)?,
            state: fields.get(3)?,
            inode: fields.get(9)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_of_this_very_process() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.peak_megabytes > 0.1, "{}", usage.peak_megabytes);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stream = std::net::TcpStream::connect(address).unwrap();
        let accepted = listener.accept().unwrap();
        assert_eq!(held(std::process::id(), address.port()).unwrap(), 1);
        drop(accepted);
        assert_eq!(held(std::process::id(), address.port()).unwrap(), 0);
        drop(stream);
    }
}

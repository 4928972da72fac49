//! What the kernel reports about a process's connections.

use std::collections::HashSet;
use std::fs;

use anyhow::Result;

/// An established connection in `/proc/net/tcp`.
const ESTABLISHED: &str = "01";

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

/// Inodes of the sockets that a process has open. Empty if it is gone.
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

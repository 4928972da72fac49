//! Bare hyper as a contestant: it answers everyone with the bytes of one of our answers. That both send the same is checked.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use lictor_testkit::Server;

use super::Bench;
use super::contestant::{Process, free_address, pin};
use super::load::Load;

/// A running bare hyper, and where it listens.
pub(super) struct Bare {
    process: Process,
    pub(super) address: String,
}

impl Bare {
    /// Starts it with the answer that the server gives to this load.
    pub(super) fn start(bench: &Bench, load: &Load, answer: &str) -> Result<Self> {
        let file = bench.scratch.join("answer.http");
        fs::write(&file, answer)?;
        let address = free_address()?;
        let mut command = Command::new(bench.contestant("bare-hyper"));
        let mut process = Process::start(command.arg(&address).arg(&file))?;
        process.answers_at(&address)?;
        ensure_same(answer, &fetch(&address, load)?)?;
        Ok(Self { process, address })
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }
}

/// The answer to a load as it goes over the wire.
pub(super) fn fetch(address: &str, load: &Load) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    let (path, header) = (&load.path, &load.header);
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    stream.write_all(format!("{head}{header}\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let text = String::from_utf8(answer)?;
    ensure!(text.starts_with("HTTP/1.1 20"), "the answer was {text}");
    // They all keep their connections otherwise.
    Ok(text
        .replacen("connection: close\r\n", "", 1)
        .replacen("Connection: close\r\n", "", 1))
}

/// Refuses an answer with headers of other names or another body: then it would be another task.
/// Values may differ, as dates and request ids do.
pub(super) fn ensure_same(answer: &str, other: &str) -> Result<()> {
    ensure!(
        parts(answer)? == parts(other)?,
        "the answers differ: {answer}\n{other}"
    );
    Ok(())
}

/// The names of the headers, in order, and the body.
fn parts(answer: &str) -> Result<(Vec<String>, &str)> {
    let (head, body) = answer.split_once("\r\n\r\n").context("no head")?;
    let names = head.split("\r\n").skip(1).map(|line| {
        let name = line.split(':').next().unwrap_or_default();
        name.to_ascii_lowercase()
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    Ok((names, body))
}

impl Bench {
    /// The server in a folder of its own, with one worker, on the core of servers.
    pub(super) fn serve(&self, folder: &str) -> Result<Server> {
        let one_worker = [("TOKIO_WORKER_THREADS", "1")];
        let server = self
            .installation
            .serve(&self.scratch.join(folder), &one_worker)?;
        pin(server.id())?;
        Ok(server)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_the_same_task_differ_in_values_alone() {
        let answer = "HTTP/1.1 200 OK\r\ndate: a\r\nserver: x\r\n\r\n{}";
        let same = "HTTP/1.1 200 OK\r\nServer: x\r\nDate: b\r\n\r\n{}";
        assert!(ensure_same(answer, same).is_ok());
        for other in [
            "HTTP/1.1 200 OK\r\ndate: a\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\ndate: a\r\nserver: x\r\n\r\n{1}",
            "HTTP/1.1 200 OK",
        ] {
            assert!(ensure_same(answer, other).is_err(), "{other}");
        }
    }
}

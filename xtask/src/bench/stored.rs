//! Data folders with a given number of licenses, written through the server.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};

use super::Bench;
use crate::http::Connection;
use crate::process::Server;
use crate::workspace::run;

/// Writers that fill a folder.
const WRITERS: usize = 64;

/// A data folder, how many licenses are in it, and the id of one of them.
#[derive(Clone)]
pub(super) struct Stored {
    pub(super) folder: PathBuf,
    pub(super) licenses: usize,
    pub(super) one: String,
}

impl Bench {
    /// The body of a `POST /licenses`.
    pub(super) fn new_license(&self) -> Result<String> {
        let payload = self
            .installation
            .issue("Example GmbH", "2025-01-01", "2099-12-31")?;
        Ok(json!({ "payload": payload }).to_string())
    }

    /// Stores one license and returns its id.
    pub(super) fn add_license(&self, server: &Server) -> Result<String> {
        let answer =
            Connection::open(&server.address)?.post_json("/licenses", &self.new_license()?)?;
        let said = String::from_utf8_lossy(&answer.body);
        ensure!(
            answer.status == 201,
            "a write was answered {}: {said}",
            answer.status
        );
        let stored: Value = serde_json::from_str(&said)?;
        Ok(stored["id"].as_str().context("no id")?.to_owned())
    }

    /// Folders with these numbers of licenses, each a copy of the one before with more in it. They
    /// are filled for the first table that asks.
    pub(super) fn filled(&self, sizes: &[usize]) -> Result<Vec<Stored>> {
        let id = self.scratch.join("one-license");
        if !id.exists() {
            fs::write(&id, self.fill_all(sizes)?)?;
        }
        let one = fs::read_to_string(&id)?;
        let stored = |licenses: &usize| Stored {
            folder: self.folder_with(*licenses),
            licenses: *licenses,
            one: one.clone(),
        };
        Ok(sizes.iter().map(stored).collect())
    }

    /// Returns the id of a license that is in each of the folders.
    fn fill_all(&self, sizes: &[usize]) -> Result<String> {
        let growing = self.scratch.join("growing");
        let server = self.installation.serve(&growing, &[])?;
        let one = self.add_license(&server)?;
        server.stop()?;
        let mut there = 1;
        for size in sizes {
            let server = self.installation.serve(&growing, &[])?;
            fill(&server, &self.new_license()?, size - there)?;
            server.stop()?;
            run(Command::new("cp")
                .arg("-r")
                .arg(&growing)
                .arg(self.folder_with(*size)))?;
            there = *size;
        }
        fs::remove_dir_all(growing)?;
        Ok(one)
    }

    fn folder_with(&self, licenses: usize) -> PathBuf {
        self.scratch.join(format!("with-{licenses}"))
    }
}

/// Writes so many licenses over many connections.
fn fill(server: &Server, body: &str, count: usize) -> Result<()> {
    let left = AtomicUsize::new(count);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| scope.spawn(|| write_until_none_left(server, body, &left)))
            .collect();
        for writer in writers {
            writer.join().map_err(|_| anyhow!("a writer panicked"))??;
        }
        Ok(())
    })
}

fn write_until_none_left(server: &Server, body: &str, left: &AtomicUsize) -> Result<()> {
    let mut connection = Connection::open(&server.address)?;
    let take = |left: usize| left.checked_sub(1);
    while left
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
        .is_ok()
    {
        let answer = connection.post_json("/licenses", body)?;
        ensure!(
            answer.status == 201,
            "a write was answered {}",
            answer.status
        );
    }
    Ok(())
}

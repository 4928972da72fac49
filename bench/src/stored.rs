//! Data folders with a given number of licenses, written through the server.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use lictor_testkit::programs::run;
use lictor_testkit::{Connection, Server};
use serde_json::{Value, json};

use super::Bench;
use super::load::VARIES;

/// Writers that fill a folder.
const WRITERS: usize = 64;

/// A data folder, how many licenses are in it, and a file with the ids of all of them.
#[derive(Clone)]
pub(super) struct Stored {
    pub(super) folder: PathBuf,
    pub(super) licenses: usize,
    pub(super) ids: PathBuf,
}

impl Bench {
    /// The body of a `POST /licenses`, with [`VARIES`] in it.
    pub(super) fn new_license(&self) -> Result<String> {
        let payload = self
            .installation
            .issue("Example GmbH", "2025-01-01", "2099-12-31")?;
        let payload = payload + VARIES;
        Ok(json!({ "payload": payload }).to_string())
    }

    /// Stores one license and returns its id.
    pub(super) fn add_license(&self, server: &Server) -> Result<String> {
        let body = self.new_license()?.replace(VARIES, "");
        add(&mut Connection::open(&server.address)?, &body)
    }

    /// Folders with these numbers of licenses, each a copy of the one before with more in it. They
    /// are filled for the first table that asks.
    pub(super) fn filled(&self, sizes: &[usize]) -> Result<Vec<Stored>> {
        let stored: Vec<Stored> = sizes.iter().map(|size| self.stored(*size)).collect();
        if !stored.iter().all(|one| one.ids.exists()) {
            self.fill_all(&stored)?;
        }
        Ok(stored)
    }

    fn stored(&self, licenses: usize) -> Stored {
        let name = format!("with-{licenses}");
        Stored {
            folder: self.scratch.join(&name),
            licenses,
            ids: self.scratch.join(name + ".ids"),
        }
    }

    fn fill_all(&self, all: &[Stored]) -> Result<()> {
        let growing = self.scratch.join("growing");
        let body = self.new_license()?;
        let mut ids = Vec::new();
        for stored in all {
            let server = self.installation.serve(&growing, &[])?;
            server.lift_quotas()?;
            fill(&server, &body, &mut ids, stored.licenses)?;
            server.stop()?;
            run(Command::new("cp")
                .arg("-r")
                .arg(&growing)
                .arg(&stored.folder))?;
            fs::write(&stored.ids, ids.join("\n"))?;
        }
        fs::remove_dir_all(growing)?;
        Ok(())
    }
}

/// Writes licenses over many connections until there are so many.
fn fill(server: &Server, body: &str, ids: &mut Vec<String>, count: usize) -> Result<()> {
    let numbers = AtomicUsize::new(ids.len());
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| scope.spawn(|| write_up_to(server, body, &numbers, count)))
            .collect();
        for writer in writers {
            ids.extend(writer.join().map_err(|_| anyhow!("a writer panicked"))??);
        }
        Ok(())
    })
}

/// Takes numbers until they reach `count`, writes a license for each, and returns their ids.
fn write_up_to(
    server: &Server,
    body: &str,
    numbers: &AtomicUsize,
    count: usize,
) -> Result<Vec<String>> {
    let mut connection = Connection::open(&server.address)?;
    let mut ids = Vec::new();
    loop {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            return Ok(ids);
        }
        ids.push(add(
            &mut connection,
            &body.replace(VARIES, &white_space(number)),
        )?);
    }
}

/// White space behind a signed document makes it another one that is as good; `load.lua` does the same.
fn white_space(number: usize) -> String {
    let bits = 0..VARIES.len() / 2;
    bits.map(|bit| if number >> bit & 1 == 0 { "\\t" } else { "\\n" })
        .collect()
}

/// Stores the license and returns its id.
fn add(connection: &mut Connection, body: &str) -> Result<String> {
    let answer = connection.post_json("/licenses", body)?;
    let said = String::from_utf8_lossy(&answer.body);
    let status = answer.status;
    ensure!(status == 201, "a write was answered {status}: {said}");
    let stored: Value = serde_json::from_str(&said)?;
    Ok(stored["id"].as_str().context("no id")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_white_space_of_its_own() {
        assert_eq!(white_space(0).len(), VARIES.len());
        assert!(white_space(5).starts_with(r"\n\t\n\t"));
        assert_ne!(white_space(1 << 30), white_space(0));
    }
}

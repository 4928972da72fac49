//! A disk that fills up and has room again: what the server answers meanwhile, and that it recovers by itself.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use lictor_testkit::{Connection, Installation, Server, Tally};
use serde_json::json;

use crate::Trial;
use crate::image::{FileSystem, Image, fill};

/// Writes that fit before the disk must be full; far more than there is room for.
const MOST_WRITES: usize = 20_000;

/// Fills a small file system under a server, looks, and makes room again.
pub(super) fn prove(installation: &Installation, trial: &Trial, tally: &mut Tally) -> Result<()> {
    let mount = installation.folder.join("small");
    let image = Image::create(&mount, FileSystem::Ext4)?;
    let server = installation.serve(&mount.join("data"), &trial.environment())?;
    let outcome = fill_and_empty(&server, installation, &mount);
    if let Err(error) = &outcome {
        println!("FAIL a full disk: {error:#}");
    }
    tally.count(outcome.is_ok());
    server.kill()?;
    drop(image);
    Ok(())
}

fn fill_and_empty(server: &Server, installation: &Installation, mount: &Path) -> Result<()> {
    server.lift_quotas()?;
    let payload = installation.issue("Full GmbH", "2025-01-01", "2099-12-31")?;
    let body = json!({ "payload": payload }).to_string();
    let mut connection = Connection::open(&server.address)?;
    ensure!(connection.post_json("/licenses", &body)?.status == 201);

    let ballast = mount.join("ballast");
    fill(&ballast)?;
    let mut written = 0;
    let refused = loop {
        let answer = connection.post_json("/licenses", &body)?;
        if answer.status != 201 {
            break answer;
        }
        written += 1;
        ensure!(written < MOST_WRITES, "the disk does not fill");
    };
    let said = String::from_utf8_lossy(&refused.body);
    ensure!(
        refused.status == 507,
        "a write was answered {}: {said}",
        refused.status
    );
    ensure!(said.contains("message"), "no word of the reason: {said}");
    ensure!(
        connection.get("/readyz")?.status == 503,
        "/readyz is content"
    );
    let listed = connection.get("/licenses?size=10")?;
    ensure!(
        listed.status == 200,
        "a read was answered {}",
        listed.status
    );

    fs::remove_file(&ballast)?;
    ensure!(
        connection.get("/readyz")?.status == 200,
        "/readyz sees no room"
    );
    let again = connection.post_json("/licenses", &body)?;
    ensure!(
        again.status == 201,
        "with room again, a write was answered {}",
        again.status
    );
    println!("a full disk: 507 after {written} writes, and 201 as soon as there was room");
    Ok(())
}

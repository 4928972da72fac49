//! Data and log on one full disk: the server survives, recovers when there is room, and says which log lines it lost; then a check where nothing can be written.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use lictor_testkit::{Connection, Installation, Server, Tally};
use serde_json::json;

use crate::Trial;
use crate::image::{FileSystem, Image, fill};

/// Writes that fit before the disk must be full.
const MOST_WRITES: usize = 20_000;

/// What takes the room.
const BALLAST: &str = "ballast";

/// Requests that a full disk refuses, and that are logged.
const REFUSED: usize = 300;

/// Two promises, each a passed test.
pub(super) fn prove(installation: &Installation, trial: &Trial, tally: &mut Tally) -> Result<()> {
    let mount = installation.folder.join("logged");
    let image = Image::create(&mount, FileSystem::Ext4)?;
    let (data, log) = (mount.join("data"), mount.join("log"));
    let start = || {
        let trust = installation.folder.join("vendor.pub");
        let environment = trial.environment();
        Server::start_with_log(&[], &installation.binary, &data, &trust, &environment, &log)
    };
    let lived = fill_and_empty(start()?, installation, &mount, &log);
    // It is there still if the server did not live.
    fs::remove_file(mount.join(BALLAST)).ok();
    let mut judge = |what: &str, outcome: Result<()>| {
        if let Err(error) = &outcome {
            println!("FAIL {what}: {error:#}");
        }
        tally.count(outcome.is_ok());
    };
    judge("data and log on one full disk", lived);
    image.mount_read_only()?;
    judge(
        "a check of what can be read alone",
        check(installation, &data, "streams"),
    );
    image.mount_again()?;
    // Killed, it leaves its last writes in the log of the database.
    start()?.kill()?;
    for (what, gone, word) in [
        ("a check beside a log that was left", None, "streams"),
        (
            "a check beside a log without its index",
            Some("lictor.db-shm"),
            "copy the whole folder",
        ),
    ] {
        if let Some(name) = gone {
            fs::remove_file(data.join(name))?;
        }
        image.mount_read_only()?;
        judge(what, check(installation, &data, word));
        image.mount_again()?;
    }
    drop(image);
    Ok(())
}

fn fill_and_empty(
    server: Server,
    installation: &Installation,
    mount: &Path,
    log: &Path,
) -> Result<()> {
    server.lift_quotas()?;
    let payload = installation.issue("Full GmbH", "2025-01-01", "2099-12-31")?;
    let body = json!({ "payload": payload }).to_string();
    let mut connection = Connection::open(&server.address)?;
    ensure!(connection.post_json("/licenses", &body)?.status == 201);

    let ballast = mount.join(BALLAST);
    fill(&ballast)?;
    let mut written = 0;
    while connection.post_json("/licenses", &body)?.status == 201 {
        written += 1;
        ensure!(written < MOST_WRITES, "the disk does not fill");
    }
    for number in 0..REFUSED {
        let mut connection = Connection::open(&server.address)?;
        let write = connection.post_json("/licenses", &body)?.status;
        ensure!(write == 507, "write {number} was answered {write}");
        let ready = connection.get("/readyz")?.status;
        ensure!(ready == 503, "/readyz {number} was answered {ready}");
    }
    let mut connection = Connection::open(&server.address)?;
    ensure!(
        connection.get("/licenses?size=10")?.status == 200,
        "reads do not go on"
    );
    let lost = lost(&mut connection)?;
    ensure!(lost > 0, "the log was not on the full disk");

    fs::remove_file(&ballast)?;
    ensure!(
        connection.get("/readyz")?.status == 200,
        "/readyz sees no room"
    );
    let again = connection.post_json("/licenses", &body)?.status;
    ensure!(
        again == 201,
        "with room again, a write was answered {again}"
    );
    let (_, status) = server.stop()?;
    ensure!(status.success(), "it ended with {status}");
    let said = fs::read_to_string(log)?;
    ensure!(
        said.contains("lines of the log were lost"),
        "the log says nothing of them: {said}"
    );
    ensure!(said.contains("repeated "), "nothing was merged: {said}");
    ensure!(!said.contains("panicked"), "a panic: {said}");
    println!(
        "data and log on one full disk: {} requests refused, {lost} lines lost, and all came back",
        2 * REFUSED
    );
    Ok(())
}

fn lost(connection: &mut Connection) -> Result<u64> {
    let metrics = String::from_utf8(connection.get("/metrics")?.body)?;
    let mut lines = metrics.lines();
    let lost = lines.find_map(|line| line.strip_prefix("lictor_log_lines_lost_total "));
    Ok(lost.context("no such metric")?.parse()?)
}

/// A check says this word, and does not panic.
fn check(installation: &Installation, data: &Path, word: &str) -> Result<()> {
    let mut check = Command::new(&installation.binary);
    check
        .args(["check", "--data"])
        .arg(data)
        .stdin(Stdio::null());
    let output = check.output()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let is_well = output.status.success() == (word == "streams");
    ensure!(is_well && said.contains(word), "{}: {said}", output.status);
    Ok(())
}

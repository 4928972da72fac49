//! Databases with changed bytes: `lictor check` reports the damage, or every answer is the same as before.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use lictor_testkit::{Connection, Installation, Server, Tally, Workspace};
use serde_json::{Value, json};

use super::super::Trial;
use super::super::random::Random;

const DATABASE: &str = "lictor.db";

const LICENSES: usize = 200;

/// SQLite's own size of a page, which the server keeps.
const PAGE_BYTES: usize = 4096;

/// A check of so small a database that takes longer hangs.
const PATIENCE_SECONDS: &str = "60";

/// The exit code of `timeout` when it had to end the program.
const TIMED_OUT: i32 = 124;

/// What a program ends with that panicked.
const PANICKED: i32 = 101;

/// A database, what is asked of a server on it, and the answers in the same order.
struct Original {
    bytes: Vec<u8>,
    paths: Vec<String>,
    answers: Vec<Vec<u8>>,
}

/// How a changed database was met.
enum Finding {
    Reported,
    Harmless,
}

/// Changes `count` copies of one database, each in one place. One passed test per copy.
pub(super) fn run(workspace: &Workspace, trial: &Trial, count: u64) -> Result<Tally> {
    let scratch = workspace.scratch("databases")?;
    let installation = Installation::create(&trial.binary, &scratch)?;
    let original = original(&installation, trial)?;
    let mut random = Random::new(trial.seed);
    let mut tally = Tally::default();
    let mut harmless = 0;
    for number in 1..=count {
        let folder = scratch.join(format!("copy-{number}"));
        fs::create_dir(&folder)?;
        let mut bytes = original.bytes.clone();
        let change = change(&mut bytes, &mut random);
        fs::write(folder.join(DATABASE), &bytes)?;
        let verdict = meet(&installation, &folder, &original, trial);
        tally.count(verdict.is_ok());
        match verdict {
            Err(error) => {
                println!("FAIL database {number}, {change}: {error:#}");
                continue;
            }
            Ok(Finding::Harmless) => harmless += 1,
            Ok(Finding::Reported) => {}
        }
        fs::remove_dir_all(folder)?;
    }
    let reported = tally.passed - harmless;
    println!("databases {count}: {reported} reported, {harmless} harmless");
    scratch.end(tally)
}

fn original(installation: &Installation, trial: &Trial) -> Result<Original> {
    let folder = installation.folder.join("original");
    let server = installation.serve(&folder, &trial.environment())?;
    let ids = fill(installation, &server)?;
    let paths = paths(&ids);
    server.stop()?;
    let bytes = fs::read(folder.join(DATABASE))?;
    let answers = ask(&installation.serve(&folder, &trial.environment())?, &paths)?;
    let again = ask(&installation.serve(&folder, &trial.environment())?, &paths)?;
    ensure!(answers == again, "an answer changes by itself");
    Ok(Original {
        bytes,
        paths,
        answers,
    })
}

/// Puts rows into the tables; returns the ids of the licenses.
fn fill(installation: &Installation, server: &Server) -> Result<Vec<String>> {
    let mut connection = Connection::open(&server.address)?;
    let mut create = |path: &str, body: Value| -> Result<Value> {
        let answer = connection.post_json(path, &body.to_string())?;
        let said = String::from_utf8_lossy(&answer.body);
        ensure!(answer.status == 201, "{path}: {}: {said}", answer.status);
        Ok(serde_json::from_str(&said)?)
    };
    create(
        "/v1/organizations",
        json!({ "key": "north", "name": "North" }),
    )?;
    for role in ["reader", "admin"] {
        let token = json!({ "role": role, "name": format!("the {role}") });
        create("/v1/tokens", token)?;
    }
    let mut ids = Vec::new();
    for number in 0..LICENSES {
        let customer = format!("Customer {}", number % 10);
        let payload = installation.issue(&customer, "2025-01-01", "2099-12-31")?;
        let license = create("/licenses", json!({ "payload": payload }))?;
        ids.push(license["id"].as_str().context("no id")?.to_owned());
    }
    for id in ids.drain(..3) {
        let answer = connection.send("DELETE", &format!("/licenses/{id}"), "")?;
        ensure!(answer.status == 204, "DELETE {id}: {}", answer.status);
    }
    Ok(ids)
}

/// What the ledger vouches for, in as few pages as it takes.
fn paths(ids: &[String]) -> Vec<String> {
    let fixed = [
        "/licenses?size=1000",
        "/v1/licenses?limit=1000",
        "/v1/tokens",
        "/v1/organizations",
        "/v1/applications",
        "/v1/ledger?limit=1000",
        "/v1/trust",
    ];
    let each = ids.iter().map(|id| format!("/licenses/{id}"));
    fixed.map(str::to_owned).into_iter().chain(each).collect()
}

fn ask(server: &Server, paths: &[String]) -> Result<Vec<Vec<u8>>> {
    let mut connection = Connection::open(&server.address)?;
    let mut answers = Vec::new();
    for path in paths {
        let answer = connection.get(path)?;
        let said = String::from_utf8_lossy(&answer.body);
        ensure!(answer.status == 200, "{path}: {}: {said}", answer.status);
        answers.push(answer.body);
    }
    Ok(answers)
}

/// What the ledger vouches for of an answer: of tokens not what people call them, and not what they came
/// from.
fn vouched(path: &str, answer: &[u8]) -> Result<Value> {
    if path != "/v1/tokens" {
        return Ok(json!(answer));
    }
    let mut tokens: Value = serde_json::from_slice(answer)?;
    let rows = tokens["data"].as_array_mut().context("no tokens")?;
    for token in rows {
        let members = token.as_object_mut().context("no token")?;
        members.retain(|name, _| !["name", "origin", "created_by"].contains(&name.as_str()));
    }
    Ok(tokens)
}

/// Changes one place and says what and where.
fn change(bytes: &mut Vec<u8>, random: &mut Random) -> String {
    let length = bytes.len();
    let mut below = |limit: usize| random.below(limit as u64) as usize;
    let at = below(length);
    match below(6) {
        0 | 1 => {
            let bit = below(8);
            bytes[at] ^= 1 << bit;
            format!("bit {bit} of byte {at} flipped")
        }
        2 => {
            let value = below(256) as u8;
            bytes[at] = value;
            format!("byte {at} made {value}")
        }
        3 => {
            let end = length.min(at + 1 + below(512));
            bytes[at..end].fill(0);
            format!("bytes {at} to {end} made 0")
        }
        4 => {
            bytes.truncate(at);
            format!("cut off at {at}")
        }
        _ => {
            let (from, to) = (at / PAGE_BYTES, below(length / PAGE_BYTES));
            let page = from * PAGE_BYTES..(from + 1) * PAGE_BYTES;
            bytes.copy_within(page, to * PAGE_BYTES);
            format!("page {from} copied over page {to}")
        }
    }
}

fn meet(
    installation: &Installation,
    folder: &Path,
    original: &Original,
    trial: &Trial,
) -> Result<Finding> {
    let mut check = Command::new("timeout");
    check.arg(PATIENCE_SECONDS).arg(&installation.binary);
    check.args(["check", "--data"]).arg(folder);
    check.envs(trial.environment());
    let output = check.output().context("timeout")?;
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => {}
        Some(PANICKED) => bail!("check panicked: {said}"),
        Some(TIMED_OUT) => bail!("check did not end in {PATIENCE_SECONDS} s"),
        None => bail!("check ended with {}", output.status),
        Some(_) if said.trim().is_empty() && output.stdout.is_empty() => {
            bail!("check says nothing")
        }
        Some(_) => return Ok(Finding::Reported),
    }
    let served = installation
        .serve(folder, &trial.environment())
        .and_then(|server| ask(&server, &original.paths))
        .context("check finds nothing")?;
    for (path, (one, other)) in original
        .paths
        .iter()
        .zip(served.iter().zip(&original.answers))
    {
        ensure!(
            vouched(path, one)? == vouched(path, other)?,
            "check finds nothing, but {path} is answered differently"
        );
    }
    Ok(Finding::Harmless)
}

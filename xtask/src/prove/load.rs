//! Writers that store licenses until the server dies under them, and the reader that looks for them afterwards.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Value, json};

use super::random::Random;
use crate::http::Connection;
use crate::process::Server;

/// How many connections write at once. Each has one request under way, so at most this many writes
/// per kill may be stored without having been acknowledged.
pub(crate) const WRITERS: usize = 4;

/// One license: its id and the exact payload.
pub(crate) type Stored = BTreeMap<String, String>;

/// Writes until the server has been killed, `after` this long; returns what it acknowledged.
pub(crate) fn write_until_killed(
    server: Server,
    documents: &[String],
    random: &mut Random,
    after: Duration,
) -> Result<Stored> {
    let address = server.address.clone();
    let killed = AtomicBool::new(false);
    let (acknowledge, acknowledged) = channel();
    thread::scope(|scope| -> Result<()> {
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let (random, acknowledge) = (Random::new(random.next()), acknowledge.clone());
                let (address, killed) = (&address, &killed);
                scope.spawn(move || {
                    let broken = write(address, documents, random, &acknowledge)?;
                    // Only the kill may break a connection; the server itself must not.
                    let expected = killed.load(Ordering::SeqCst);
                    ensure!(expected, "a connection broke before the kill: {broken}");
                    Ok(())
                })
            })
            .collect();
        thread::sleep(after);
        killed.store(true, Ordering::SeqCst);
        server.kill()?;
        for writer in writers {
            writer.join().map_err(|_| anyhow!("a writer panicked"))??;
        }
        Ok(())
    })?;
    drop(acknowledge);
    Ok(acknowledged.into_iter().collect())
}

/// One writer. A broken connection is how it ends, and what it returns; any answer but 201 is an error.
fn write(
    address: &str,
    documents: &[String],
    mut random: Random,
    acknowledge: &Sender<(String, String)>,
) -> Result<io::Error> {
    let mut connection = match Connection::open(address) {
        Ok(connection) => connection,
        Err(broken) => return Ok(broken),
    };
    loop {
        let payload = &documents[random.below(documents.len() as u64) as usize];
        let body = json!({ "payload": payload }).to_string();
        let answer = match connection.post_json("/licenses", &body) {
            Ok(answer) => answer,
            Err(broken) => return Ok(broken),
        };
        let said = String::from_utf8_lossy(&answer.body);
        ensure!(
            answer.status == 201,
            "a write was answered {}: {said}",
            answer.status
        );
        let (id, stored) = entity(&serde_json::from_str(&said)?)?;
        ensure!(
            stored == *payload,
            "a write was answered with another payload: {said}"
        );
        acknowledge.send((id, stored))?;
    }
}

/// Asks for each of these licenses; returns the ids of those that are gone or differ.
pub(crate) fn missing(server: &Server, wanted: &Stored) -> Result<Vec<String>> {
    let mut connection = Connection::open(&server.address)?;
    let mut missing = Vec::new();
    for (id, payload) in wanted {
        let answer = connection.get(&format!("/licenses/{id}"))?;
        let found = match answer.status {
            200 => entity(&serde_json::from_slice(&answer.body)?)?.1 == *payload,
            404 => false,
            other => bail!("reading {id} was answered {other}"),
        };
        if !found {
            missing.push(id.clone());
        }
    }
    Ok(missing)
}

/// Every license there is, page by page.
pub(crate) fn list(server: &Server) -> Result<Stored> {
    let mut connection = Connection::open(&server.address)?;
    let mut all = Stored::new();
    let mut path = Some("/licenses?size=1000".to_owned());
    while let Some(next) = path {
        let answer = connection.get(&next)?;
        ensure!(
            answer.status == 200,
            "{next} was answered {}",
            answer.status
        );
        let page: Value = serde_json::from_slice(&answer.body)?;
        for listed in page["data"].as_array().context("a page without data")? {
            let (id, payload) = entity(listed)?;
            ensure!(
                all.insert(id.clone(), payload).is_none(),
                "{id} was listed twice"
            );
        }
        path = page["next"].as_str().map(str::to_owned);
    }
    Ok(all)
}

fn entity(value: &Value) -> Result<(String, String)> {
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    text("id")
        .zip(text("payload"))
        .with_context(|| format!("not a license: {value}"))
}

//! Writers that store licenses until the server is killed, and the reader that looks for those licenses afterwards.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use anyhow::{Context, Result, anyhow, bail, ensure};
use lictor_testkit::{Connection, Server};
use serde_json::{Value, json};

use super::random::Random;

/// How many connections write at once. Each has one request under way, so at most this many writes
/// per kill may be stored without having been acknowledged.
pub(crate) const WRITERS: usize = 4;

/// One license: its id and the exact payload.
pub(crate) type Stored = BTreeMap<String, String>;

/// What a server acknowledged.
#[derive(Default)]
pub(crate) struct Acknowledged {
    pub(crate) before_the_cut: Stored,
    pub(crate) during_the_cut: Stored,
}

/// Writes until `cut` has ended the server; returns what it acknowledged. `cut` sets its flag just
/// before: a writer that is turned away or cut off earlier is an error.
pub(crate) fn write_until(
    server: Server,
    documents: &[String],
    random: &mut Random,
    cut: impl FnOnce(Server, &AtomicBool) -> Result<()>,
) -> Result<Acknowledged> {
    let address = server.address.clone();
    let ending = AtomicBool::new(false);
    let (acknowledge, acknowledged) = channel();
    thread::scope(|scope| -> Result<()> {
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let (random, acknowledge) = (Random::new(random.next()), acknowledge.clone());
                let (address, ending) = (&address, &ending);
                scope.spawn(move || {
                    let tell =
                        |license| Ok(acknowledge.send((ending.load(Ordering::SeqCst), license))?);
                    let ended = write(address, documents, random, tell)?;
                    // Only the cut may end a writer; the server itself must not.
                    let expected = ending.load(Ordering::SeqCst);
                    ensure!(expected, "a writer was ended before the cut: {ended}");
                    Ok(())
                })
            })
            .collect();
        let outcome = cut(server, &ending);
        for writer in writers {
            writer.join().map_err(|_| anyhow!("a writer panicked"))??;
        }
        outcome
    })?;
    drop(acknowledge);
    let mut all = Acknowledged::default();
    for (late, (id, payload)) in acknowledged {
        let stored = if late {
            &mut all.during_the_cut
        } else {
            &mut all.before_the_cut
        };
        stored.insert(id, payload);
    }
    Ok(all)
}

/// One writer. Returns what ended it: a broken connection, or an answer that is not 201.
fn write(
    address: &str,
    documents: &[String],
    mut random: Random,
    acknowledge: impl Fn((String, String)) -> Result<()>,
) -> Result<String> {
    let mut connection = match Connection::open(address) {
        Ok(connection) => connection,
        Err(broken) => return Ok(broken.to_string()),
    };
    loop {
        let payload = &documents[random.below(documents.len() as u64) as usize];
        let body = json!({ "payload": payload }).to_string();
        let answer = match connection.post_json("/licenses", &body) {
            Ok(answer) => answer,
            Err(broken) => return Ok(broken.to_string()),
        };
        let said = String::from_utf8_lossy(&answer.body);
        if answer.status != 201 {
            return Ok(format!("a write was answered {}: {said}", answer.status));
        }
        let (id, stored) = entity(&serde_json::from_str(&said)?)?;
        ensure!(
            stored == *payload,
            "a write was answered with another payload: {said}"
        );
        acknowledge((id, stored))?;
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

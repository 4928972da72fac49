//! Constant observation of a node: clients that ask for decisions on kept connections, and an observer of its status.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use lictor_testkit::{Answer, Connection};
use serde_json::Value;

use super::clock::{Seconds, TrueTime, seconds_of};

const CLIENTS: usize = 4;

/// How long each client waits from answer to answer.
const PAUSE: Duration = Duration::from_millis(2);

/// And the observer.
const LOOK: Duration = Duration::from_millis(50);

/// What a client was told, and when.
#[derive(Clone, Debug)]
pub(super) struct ClientAnswer {
    pub(super) asked: Seconds,
    pub(super) answered: Seconds,
    pub(super) status: u16,
    /// What the node said, if it did not allow the request.
    pub(super) said: String,
}

/// What the observer saw.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) asked: Seconds,
    pub(super) answered: Seconds,
    /// Which run of the node.
    pub(super) run: usize,
    pub(super) trusted: i64,
    pub(super) mode: String,
    /// When the state that is applied was signed.
    pub(super) signed: i64,
}

/// All that was seen.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) told: Vec<ClientAnswer>,
    pub(super) looks: Vec<Look>,
    /// How often the node was started again.
    pub(super) restarts: usize,
    /// Requests that failed although the node ran.
    pub(super) failed: Vec<String>,
}

impl Seen {
    /// The decisions against a request.
    pub(super) fn denied(&self) -> Vec<String> {
        let denied = self.told.iter().filter(|told| told.status != 204);
        let said = denied.map(|ClientAnswer { status, said, .. }| format!("{status} {said}"));
        said.collect()
    }
}

/// What the clients and the script know of each other.
pub(super) struct Watch {
    time: TrueTime,
    address: String,
    /// How often the node went down or came up: even while it is up.
    turns: AtomicUsize,
    ended: AtomicBool,
    seen: Mutex<Seen>,
}

impl Watch {
    /// Watches the node, which runs, while `script` does its work.
    pub(super) fn during(
        time: TrueTime,
        address: String,
        script: impl FnOnce(&Self) -> Result<()>,
    ) -> Result<Seen> {
        let watch = Self {
            time,
            address,
            turns: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
            seen: Mutex::default(),
        };
        let done = thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| watch.follow("/check?service=orders", PAUSE, Self::note_told));
            }
            scope.spawn(|| watch.follow("/status", LOOK, Self::note_look));
            let done = script(&watch);
            watch.ended.store(true, Ordering::SeqCst);
            done
        });
        done?;
        let mut seen = watch
            .seen
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        seen.told
            .sort_by(|one, other| one.answered.total_cmp(&other.answered));
        Ok(seen)
    }

    /// The node is about to be killed: from now on connections may fail.
    pub(super) fn goes_down(&self) {
        self.turns.fetch_add(1, Ordering::SeqCst);
    }

    /// The node, started again, answers.
    pub(super) fn is_up(&self) {
        self.seen().restarts += 1;
        self.turns.fetch_add(1, Ordering::SeqCst);
    }

    /// Asks the same again and again on one connection, as long as the node lives.
    fn follow(&self, path: &str, pause: Duration, note: fn(&Self, usize, Seconds, Answer)) {
        let mut connection = None;
        // Of the node's run that it was made to.
        let mut made_at = 0;
        while !self.ended.load(Ordering::SeqCst) {
            let turns = self.turns.load(Ordering::SeqCst);
            if turns != made_at {
                (connection, made_at) = (None, turns);
            }
            if turns % 2 == 1 {
                thread::sleep(PAUSE);
                continue;
            }
            let asked = self.time.now();
            match ask(&mut connection, &self.address, path) {
                Ok(answer) => note(self, turns / 2, asked, answer),
                Err(error) => {
                    connection = None;
                    self.note_failed(turns, path, &error);
                }
            }
            thread::sleep(pause);
        }
    }

    fn note_told(&self, _: usize, asked: Seconds, answer: Answer) {
        let answered = self.time.now();
        self.seen().told.push(ClientAnswer {
            asked,
            answered,
            status: answer.status,
            said: String::from_utf8_lossy(&answer.body).trim().to_owned(),
        });
    }

    fn note_look(&self, run: usize, asked: Seconds, answer: Answer) {
        let answered = self.time.now();
        let mut seen = self.seen();
        match look(run, asked, answered, &answer) {
            Ok(look) => seen.looks.push(look),
            Err(error) => seen.failed.push(format!("/status: {error:#}")),
        }
    }

    fn note_failed(&self, turns: usize, path: &str, error: &std::io::Error) {
        if self.turns.load(Ordering::SeqCst) == turns {
            self.seen().failed.push(format!("{path}: {error}"));
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ask(connection: &mut Option<Connection>, address: &str, path: &str) -> std::io::Result<Answer> {
    if connection.is_none() {
        *connection = Some(Connection::open(address)?);
    }
    match connection {
        Some(connection) => connection.get(path),
        None => Err(std::io::ErrorKind::NotConnected.into()),
    }
}

fn look(run: usize, asked: Seconds, answered: Seconds, answer: &Answer) -> Result<Look> {
    let status: Value = serde_json::from_slice(&answer.body).context("no JSON")?;
    let time = |value: &Value| value.as_str().and_then(seconds_of);
    Ok(Look {
        asked,
        answered,
        run,
        trusted: time(&status["trusted_time"]).context("no trusted_time")?,
        mode: status["mode"].as_str().context("no mode")?.to_owned(),
        // Without a state it is no time at all.
        signed: time(&status["state"]["issued_at"]).unwrap_or_default(),
    })
}

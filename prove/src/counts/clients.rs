//! Clients that send requests to be counted over kept connections, and record what the node acknowledged for each service.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use lictor_testkit::{Answer, Connection};

use super::super::random::Random;

/// The services that are counted, one beside the other.
pub(super) const SERVICES: [&str; 3] = ["orders", "search", "mail"];

/// How many clients each node has.
const CLIENTS: u64 = 12;

/// The most requests that one message counts.
const AT_ONCE: u64 = 9;

/// How long a client waits for a node that is down.
const PAUSE: Duration = Duration::from_millis(2);

/// What the clients of a node know.
#[derive(Default)]
pub(super) struct NodeClients {
    /// Where the node is, with a number for each of its runs. `None` if it is down.
    address: Mutex<(u64, Option<String>)>,
    /// The requests that were acknowledged, by service.
    pub(super) acknowledged: [AtomicU64; SERVICES.len()],
    /// Those of which nobody told whether they were counted.
    pub(super) unknown: [AtomicU64; SERVICES.len()],
    /// Requests that failed although the node ran.
    failed: Mutex<Vec<String>>,
    /// Whether it will never open again.
    given_up: AtomicBool,
}

impl NodeClients {
    /// The node answers there from now on.
    pub(super) fn open(&self, address: &str) {
        let mut known = self.known();
        *known = (known.0 + 1, Some(address.to_owned()));
    }

    /// From now on connections may break, and no new ones are made.
    pub(super) fn close(&self) {
        let mut known = self.known();
        *known = (known.0 + 1, None);
    }

    /// Nobody is to wait any more.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::SeqCst);
    }

    /// Requests that failed although the node ran.
    pub(super) fn failures(&self) -> Vec<String> {
        self.lock_failed().clone()
    }

    /// Counts so many requests, or a few more, with all clients at once.
    pub(super) fn count(&self, many: u64, seed: u64) {
        let quota = &AtomicI64::new(many.cast_signed());
        thread::scope(|scope| {
            for client in 0..CLIENTS {
                scope.spawn(move || self.client(quota, Random::new(seed ^ (client << 32))));
            }
        });
    }

    fn client(&self, quota: &AtomicI64, mut random: Random) {
        let mut connection = None;
        loop {
            let many = match random.below(4) {
                0 => 1 + random.below(AT_ONCE),
                _ => 1,
            };
            if quota.fetch_sub(many.cast_signed(), Ordering::SeqCst) <= 0 {
                return;
            }
            let service = random.below(SERVICES.len() as u64) as usize;
            self.count_once(&mut connection, service, many);
        }
    }

    fn count_once(&self, connection: &mut Option<(u64, Connection)>, service: usize, many: u64) {
        while !self.given_up.load(Ordering::SeqCst) {
            let (run, address) = self.known().clone();
            let Some(address) = address else {
                thread::sleep(PAUSE);
                continue;
            };
            let open = match connection.take().filter(|(of, _)| *of == run) {
                Some((_, open)) => Ok(open),
                None => Connection::open(&address),
            };
            let Ok(mut open) = open else {
                self.note_failed(run, "it takes no connections".to_owned());
                thread::sleep(PAUSE);
                continue;
            };
            match ask(&mut open, SERVICES[service], many) {
                Ok(answer) if answer.status == 204 => {
                    self.acknowledged[service].fetch_add(many, Ordering::SeqCst);
                    *connection = Some((run, open));
                }
                Ok(answer) => {
                    let said = String::from_utf8_lossy(&answer.body).into_owned();
                    self.lock_failed().push(format!("{} {said}", answer.status));
                    self.unknown[service].fetch_add(many, Ordering::SeqCst);
                }
                Err(error) => {
                    self.unknown[service].fetch_add(many, Ordering::SeqCst);
                    self.note_failed(run, error.to_string());
                }
            }
            return;
        }
    }

    /// A failure counts if the node was to run all the time.
    fn note_failed(&self, run: u64, what: String) {
        if self.known().0 == run {
            self.lock_failed().push(what);
        }
    }

    fn known(&self) -> MutexGuard<'_, (u64, Option<String>)> {
        self.address.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_failed(&self) -> MutexGuard<'_, Vec<String>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request is decided and counted, or several are counted.
fn ask(connection: &mut Connection, service: &str, many: u64) -> io::Result<Answer> {
    if many == 1 {
        return connection.get(&format!("/check?service={service}"));
    }
    let counts = serde_json::json!({ "counts": [{ "service": service, "count": many }] });
    connection.post_json("/usage", &counts.to_string())
}

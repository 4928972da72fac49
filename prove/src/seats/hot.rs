//! Many clients that compete for one small pool of seats: they check out, renew, return and forcibly release whatever they find.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use super::client::{Asked, CheckedOut, Client, Outcome};
use crate::random::Random;

pub(super) const CLIENTS: u64 = 256;

/// So few that clients meet at the same lease.
const HOLDERS: u64 = 300;

/// A lease that somebody comes back for, and one that is left to expire.
const LONG_SECONDS: u64 = 60;
const SHORT_SECONDS: u64 = 1;

/// One lease of so many is left to expire: each holds its seat longer than a hundred others.
const ONE_SHORT_OF: u64 = 100;

/// By then those that are left to expire have ended: a second for the lease, one for the server.
const EXPIRED: Duration = Duration::from_secs(2);

/// So far is a wrong fence from any right one.
const WRONG: u64 = 1_000_000;

/// What one client asked and got.
pub(super) struct Seen {
    pub(super) asked: Asked,
    pub(super) outcome: Outcome,
    /// The greatest ledger position that anybody had been told when this was asked.
    pub(super) told_before: u64,
}

/// What all clients asked and got, and what went wrong.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) seen: Vec<Seen>,
    pub(super) failed: Vec<String>,
    /// How long the operations took.
    pub(super) took: Duration,
}

/// What clients know of each other.
#[derive(Default)]
struct Shared {
    /// Leases that can be renewed or given back, by whoever comes first.
    board: Mutex<Vec<CheckedOut>>,
    told: AtomicU64,
}

/// So many operations by all clients together. A client whose request fails stops.
pub(super) fn run(
    address: &str,
    application: &str,
    accounts: &[String],
    operations: u64,
    random: &mut Random,
) -> Result<Heard> {
    let (shared, began) = (Shared::default(), Instant::now());
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (shared, random) = (&shared, Random::new(random.next()));
                let share = operations / CLIENTS + u64::from(number < operations % CLIENTS);
                scope.spawn(move || {
                    let mut heard = Heard::default();
                    let client = Client::open(address, application, accounts);
                    let ended =
                        client.and_then(|client| ask(client, shared, share, random, &mut heard));
                    heard
                        .failed
                        .extend(ended.err().map(|error| format!("{error:#}")));
                    heard
                })
            })
            .collect();
        let mut all = Heard::default();
        for client in clients {
            let heard = client.join().map_err(|_| anyhow!("a client panicked"))?;
            all.seen.extend(heard.seen);
            all.failed.extend(heard.failed);
        }
        all.took = began.elapsed();
        thread::sleep(EXPIRED);
        Ok(all)
    })
}

fn ask(
    mut client: Client<'_>,
    shared: &Shared,
    share: u64,
    mut random: Random,
    heard: &mut Heard,
) -> Result<()> {
    for _ in 0..share {
        let asked = pick(&mut random, shared, client.accounts());
        let told_before = shared.told.load(Ordering::SeqCst);
        let outcome = client.ask(asked)?;
        shared.learn(asked, &outcome);
        heard.seen.push(Seen {
            asked,
            outcome,
            told_before,
        });
    }
    Ok(())
}

/// What is asked for and what is given back keep the pool mostly full, and never full for long.
fn pick(random: &mut Random, shared: &Shared, accounts: usize) -> Asked {
    let account = random.below(accounts as u64) as usize;
    // Short leases have holders of their own, or somebody would check them out again for longer.
    let (ttl_seconds, first) = match random.below(ONE_SHORT_OF) {
        0 => (SHORT_SECONDS, HOLDERS),
        _ => (LONG_SECONDS, 0),
    };
    let check_out = Asked::CheckOut {
        holder: (first + random.below(HOLDERS)) as usize,
        ttl_seconds,
    };
    let verb = random.below(100);
    match verb {
        0..30 => check_out,
        30..44 => Asked::Assign { account },
        44..62 => Asked::Unassign { account },
        _ => about_a_lease(random, shared, verb).unwrap_or(Asked::Unassign { account }),
    }
}

/// Something to do with a lease that somebody has checked out, if there is one.
fn about_a_lease(random: &mut Random, shared: &Shared, verb: u64) -> Option<Asked> {
    let mut board = shared.board.lock().unwrap_or_else(PoisonError::into_inner);
    let number = usize::try_from(random.next().checked_rem(board.len() as u64)?).ok()?;
    let CheckedOut { lease, fence, .. } = board[number];
    let wrong = fence + WRONG;
    match verb {
        62..68 => return Some(Asked::Renew { lease, fence }),
        68..70 => {
            return Some(Asked::Renew {
                lease,
                fence: wrong,
            });
        }
        70..72 => {
            return Some(Asked::Release {
                lease,
                fence: wrong,
            });
        }
        _ => board.swap_remove(number),
    };
    Some(match verb {
        72..76 => Asked::Force { lease },
        _ => Asked::Release { lease, fence },
    })
}

impl Shared {
    fn learn(&self, asked: Asked, outcome: &Outcome) {
        match outcome {
            Outcome::CheckedOut(out) => {
                self.told.fetch_max(out.position, Ordering::SeqCst);
                // Of the short ones nobody else hears.
                if matches!(asked, Asked::CheckOut { ttl_seconds, .. } if ttl_seconds > SHORT_SECONDS)
                {
                    let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
                    board.push(*out);
                }
            }
            Outcome::Refused(refusal) => {
                self.told.fetch_max(refusal.position, Ordering::SeqCst);
            }
            _ => {}
        }
    }
}

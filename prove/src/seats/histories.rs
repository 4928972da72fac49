//! Histories of small pools with a few clients each, checked for linearizability: some order of one request at a time must explain every answer.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Result, anyhow};
use todc_utils::{Action, History, WGLChecker};

use super::client::{Asked, CheckedOut, Client, Outcome};
use super::model::Pool;
use crate::random::Random;

pub(super) const POOLS: usize = 32;
pub(super) const CLIENTS: usize = 8;
const HOLDERS: u64 = 8;

/// No lease of a history ends by itself.
const TTL_SECONDS: u64 = 86_400;

/// One request: who asked, when, what, and what the answer was.
pub(super) struct Step {
    client: usize,
    /// The place of the request, and of its answer, among all requests and answers.
    asked_at: u64,
    answered_at: u64,
    asked: Asked,
    outcome: Outcome,
}

/// What happened to one pool.
pub(super) struct PoolHistory {
    pub(super) application: String,
    pub(super) steps: Vec<Step>,
    pub(super) failed: Vec<String>,
}

/// All pools at once, with so many operations each.
pub(super) fn run(
    address: &str,
    applications: &[String],
    accounts: &[String],
    operations: u64,
    random: &mut Random,
) -> Result<Vec<PoolHistory>> {
    let clock = AtomicU64::new(0);
    let boards: Vec<Mutex<VecDeque<CheckedOut>>> =
        applications.iter().map(|_| Mutex::default()).collect();
    thread::scope(|scope| {
        let mut clients = Vec::new();
        for (application, board) in applications.iter().zip(&boards) {
            for client in 0..CLIENTS {
                let (clock, random) = (&clock, Random::new(random.next()));
                let (number, of) = (client as u64, CLIENTS as u64);
                let share = operations / of + u64::from(number < operations % of);
                let run = move || {
                    let opened = Client::open(address, application, accounts)?;
                    ask(opened, client, share, board, clock, random)
                };
                clients.push((application, scope.spawn(run)));
            }
        }
        let mut all: Vec<PoolHistory> = Vec::new();
        for (application, client) in clients {
            let steps = client.join().map_err(|_| anyhow!("a client panicked"))?;
            if all
                .last()
                .is_none_or(|last| last.application != *application)
            {
                all.push(PoolHistory {
                    application: application.clone(),
                    steps: Vec::new(),
                    failed: Vec::new(),
                });
            }
            if let Some(told) = all.last_mut() {
                match steps {
                    Ok(steps) => told.steps.extend(steps),
                    Err(error) => told.failed.push(format!("{error:#}")),
                }
            }
        }
        Ok(all)
    })
}

fn ask(
    mut connection: Client<'_>,
    client: usize,
    share: u64,
    board: &Mutex<VecDeque<CheckedOut>>,
    clock: &AtomicU64,
    mut random: Random,
) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for _ in 0..share {
        let asked = pick(&mut random, board, connection.accounts());
        let asked_at = clock.fetch_add(1, Ordering::SeqCst);
        let outcome = connection.ask(asked)?;
        let answered_at = clock.fetch_add(1, Ordering::SeqCst);
        if let Outcome::CheckedOut(out) = &outcome {
            let mut board = board.lock().unwrap_or_else(PoisonError::into_inner);
            board.push_back(*out);
        }
        steps.push(Step {
            client,
            asked_at,
            answered_at,
            asked,
            outcome,
        });
    }
    Ok(steps)
}

fn pick(random: &mut Random, board: &Mutex<VecDeque<CheckedOut>>, accounts: usize) -> Asked {
    let account = random.below(accounts as u64) as usize;
    let check_out = Asked::CheckOut {
        holder: random.below(HOLDERS) as usize,
        ttl_seconds: TTL_SECONDS,
    };
    let verb = random.below(100);
    match verb {
        0..30 => return check_out,
        30..44 => return Asked::Assign { account },
        44..58 => return Asked::Unassign { account },
        58..68 => return Asked::Count,
        _ => {}
    }
    let mut board = board.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(CheckedOut { lease, fence, .. }) = board.pop_front() else {
        return check_out;
    };
    match verb {
        68..72 => Asked::Renew { lease, fence },
        72..76 => Asked::Force { lease },
        _ => Asked::Release { lease, fence },
    }
}

/// Checks every history, on as many threads as there are cores. Returns those that one request
/// after the other cannot explain, and writes each into `folder` for a look.
pub(super) fn unexplained(all: &[PoolHistory], folder: &Path) -> Result<Vec<String>> {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let cores = thread::available_parallelism()?.get();
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(told) = all.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if !is_explained(&told.steps) {
                        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                        found.push(told.application.clone());
                    }
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_unstable();
    for told in all.iter().filter(|told| found.contains(&told.application)) {
        let path = folder.join(format!("{}.txt", told.application));
        fs::write(path, listed(&told.steps)?)?;
    }
    Ok(found)
}

fn is_explained(steps: &[Step]) -> bool {
    let mut actions = Vec::with_capacity(steps.len() * 2);
    for step in steps {
        let operation = (step.asked, step.outcome.clone());
        let call = Action::Call(operation.clone());
        actions.push((step.asked_at, (step.client, call)));
        let response = Action::Response(operation);
        actions.push((step.answered_at, (step.client, response)));
    }
    actions.sort_unstable_by_key(|(at, _)| *at);
    let actions: Vec<_> = actions.into_iter().map(|(_, action)| action).collect();
    // The checker takes no empty history.
    actions.is_empty() || WGLChecker::<Pool>::is_linearizable(History::from_actions(actions))
}

/// One line for each request, in the order of the answers.
fn listed(steps: &[Step]) -> Result<String> {
    let mut in_order: Vec<&Step> = steps.iter().collect();
    in_order.sort_unstable_by_key(|step| step.answered_at);
    let mut text = String::new();
    for step in in_order {
        let Step {
            client,
            asked_at,
            answered_at,
            asked,
            outcome,
        } = step;
        writeln!(
            text,
            "{asked_at:>7} {answered_at:>7} client {client}: {asked:?} -> {outcome:?}"
        )?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(client: usize, times: (u64, u64), asked: Asked, outcome: Outcome) -> Step {
        Step {
            client,
            asked_at: times.0,
            answered_at: times.1,
            asked,
            outcome,
        }
    }

    /// One client unassigns what it was given, and another is told at some time that it is held.
    fn seen_at(times: (u64, u64)) -> bool {
        let account = 0;
        let given = Outcome::Assigned(crate::seats::client::Use {
            limit: Some(u64::from(crate::seats::model::LIMIT)),
            used: 1,
        });
        let held = Outcome::Counted {
            seats: 1,
            leases: 0,
        };
        is_explained(&[
            step(0, (0, 1), Asked::Assign { account }, given),
            step(0, (2, 4), Asked::Unassign { account }, Outcome::Done),
            step(1, times, Asked::Count, held),
        ])
    }

    #[test]
    fn a_history_is_explained_only_in_the_order_of_time() {
        assert!(seen_at((3, 5)), "while it is given back, both are right");
        assert!(!seen_at((5, 6)), "afterwards it is wrong");
    }
}

//! The battery: every promise of the `Store` trait as one small test.

#![expect(clippy::expect_used, reason = "a broken precondition fails the test")]

mod accounts;
mod choices;
mod clients;
mod clock;
mod effects;
mod ended;
mod given;
mod installation;
mod licenses;
mod looks;
mod model;
mod nodes;
mod pools;
mod quotas;
mod records;
mod seats;
mod sqlite;
mod usage;
mod writes;

use std::sync::Arc;

use lictor_store::Store;

/// A new, empty store of the backend that is tested: the one place that chooses it.
fn new_store() -> Arc<dyn Store> {
    lictor_store::open_temporary().expect("opens")
}

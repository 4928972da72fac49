//! Promises about elapsed time: where it was is saved with the writes, so that it goes on from there.

use lictor_core::Error;
use lictor_core::elapsed::{Now, Reading};
use lictor_store::Store;
use uuid::Uuid;

use crate::given::{ACME, NOW, acme, done, refused, write};
use crate::usage::{count, report_usage};

/// A moment so many milliseconds behind [`NOW`], on a machine whose wall clock is an hour ahead.
fn moment(milliseconds: i64) -> Now {
    let elapsed = NOW * 1_000 + milliseconds;
    Now {
        elapsed,
        reading: Reading {
            wall: elapsed + 3_600_000,
            boot: 77_000 + milliseconds,
            boot_id: Some(Uuid::from_u128(7)),
        },
    }
}

async fn write_at(store: &dyn Store, now: Now) {
    let usage = report_usage(ACME, vec![count("edge", "web", "2026-11", 5)]);
    done(store, lictor_store::Write { now, ..usage }).await;
}

async fn saved(store: &dyn Store) -> Option<Now> {
    store.clock().await.expect("reads")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_moment_is_saved_with_the_first_write_of_its_second() {
    let store = crate::new_store();
    assert_eq!(saved(&*store).await, None, "nothing was written yet");
    acme(&*store).await;
    for (milliseconds, kept) in [
        (1_000, 1_000),
        (1_400, 1_000),
        (1_999, 1_000),
        (2_100, 2_100),
        // It waited in the queue for longer than one that came after it.
        (1_500, 2_100),
        (9_000, 9_000),
    ] {
        write_at(&*store, moment(milliseconds)).await;
        assert_eq!(saved(&*store).await, Some(moment(kept)), "{milliseconds}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_write_saves_no_moment() {
    let store = crate::new_store();
    acme(&*store).await;
    let before = saved(&*store).await;
    let refuse = write::<()>(ACME, NOW + 50, vec![], |_| Err(Error::Outdated));
    refused(&*store, refuse).await;
    assert_eq!(saved(&*store).await, before);
}

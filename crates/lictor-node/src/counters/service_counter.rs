//! The counter of one service, split into shards so that threads rarely contend.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

const SHARDS: usize = 16;

/// A number that has its pair of cache lines to itself.
#[derive(Default)]
#[repr(align(128))]
struct Shard(AtomicU64);

/// The counter of one service.
pub(crate) struct ServiceCounter {
    /// The service.
    pub service: Arc<str>,
    shards: [Shard; SHARDS],
    taken: AtomicU64,
}

impl ServiceCounter {
    /// A counter at 0.
    pub(crate) fn new(service: &Arc<str>) -> Arc<Self> {
        Arc::new(Self {
            service: Arc::clone(service),
            shards: Default::default(),
            taken: AtomicU64::new(0),
        })
    }

    /// Counts `count` requests.
    #[inline]
    pub(crate) fn add(&self, count: u64) {
        self.shards[shard()].0.fetch_add(count, Ordering::Relaxed);
    }

    /// What was counted since the last call. One caller at a time.
    pub(crate) fn take(&self) -> u64 {
        let shards = self.shards.iter();
        let sum = shards.fold(0_u64, |sum, shard| {
            sum.wrapping_add(shard.0.load(Ordering::Acquire))
        });
        let before = self.taken.swap(sum, Ordering::Relaxed);
        sum.wrapping_sub(before)
    }
}

/// The shard of this thread.
#[inline]
fn shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static MINE: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    let mine = MINE.get();
    if mine < SHARDS {
        return mine;
    }
    let mine = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
    MINE.set(mine);
    mine
}

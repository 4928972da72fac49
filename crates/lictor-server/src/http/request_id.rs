//! Ids of requests, for dialects whose answers carry one.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::HeaderValue;
use lictor_authority::random;

/// 32 hex digits that differ with every request. They name a request and guard nothing, so a
/// random start of each thread and a mixed counter are enough, and cost no system call.
pub fn request_id() -> HeaderValue {
    thread_local! {
        static START: u128 = start();
        static COUNT: Cell<u64> = const { Cell::new(0) };
    }
    let start = START.with(|start| *start);
    let count = COUNT.replace(COUNT.get().wrapping_add(1));
    let high = mix((start >> 64) as u64 ^ count);
    let low = mix((start as u64).wrapping_add(high));
    let mut digits = [0; 32];
    let id = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
    match hex::encode_to_slice(id, &mut digits) {
        Ok(()) => HeaderValue::from_bytes(&digits).unwrap_or(HeaderValue::from_static("")),
        Err(_) => HeaderValue::from_static(""),
    }
}

/// Where a thread begins: at random, and elsewhere than other threads even if there is no randomness.
fn start() -> u128 {
    static THREADS: AtomicU64 = AtomicU64::new(0);
    let thread = u128::from(THREADS.fetch_add(1, Ordering::Relaxed)) << 96;
    thread ^ u128::from_le_bytes(random::bytes().unwrap_or_default())
}

/// A bijection that spreads neighbors apart (the finalizer of `SplitMix64`).
fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

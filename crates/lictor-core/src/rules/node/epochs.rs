//! The epochs of a node: their format, and where merged ones are remembered.

use crate::facts::usage::{EpochState, Series};
use crate::feed::source;

pub(super) fn is_epoch(text: &str) -> bool {
    let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 16 && text.bytes().all(lower)
}

/// The source of a node's merged epochs.
pub fn earlier(name: &str) -> String {
    source(name, "earlier")
}

/// Where the merged epochs of a node are remembered: as running totals without a service.
pub fn merged(name: &str) -> Series {
    (earlier(name), String::new())
}

/// The source of the counts of all removed nodes of a pool. No node has such a name.
pub fn left_source(pool: &str) -> String {
    format!("{pool} (left)")
}

/// The total of an epoch that is remembered because its node was removed. The total of a merged epoch is 0.
pub(super) const REMOVED: u64 = 1;

/// Whether an epoch is remembered because its node was removed.
pub(super) fn is_removed(known: &EpochState) -> bool {
    known.total == REMOVED
}

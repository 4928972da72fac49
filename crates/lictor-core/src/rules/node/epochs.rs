//! The epochs of a node: how they are written, and where those are remembered that were merged.

use crate::facts::usage::{EpochState, Series};
use crate::feed::source;

pub(super) fn is_epoch(text: &str) -> bool {
    let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 16 && text.bytes().all(lower)
}

/// The source of what is put together of a node's earlier epochs.
pub fn earlier(name: &str) -> String {
    source(name, "earlier")
}

/// Where it is remembered which epochs of a node were put together: as running totals, of no service.
pub fn merged(name: &str) -> Series {
    (earlier(name), String::new())
}

/// The source of what all nodes of a pool counted that were removed. No node has such a name.
pub fn left_source(pool: &str) -> String {
    format!("{pool} (left)")
}

/// What stands in the place of a total where an epoch is remembered as its node was removed; of one that
/// was put together with others of its node it is 0.
pub(super) const REMOVED: u64 = 1;

/// Whether an epoch is remembered as its node was removed.
pub(super) fn is_removed(known: &EpochState) -> bool {
    known.total == REMOVED
}

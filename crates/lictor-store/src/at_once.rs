//! How many rows one write reads or removes at most, so that no other write waits long. What is left is for
//! the next write. How many things a use case hands to one write is bounded there.

/// Expired tokens that give way to a new one.
pub(crate) const EXPIRED_TOKENS: usize = 100;

/// Leases whose time is over that one rule ends.
pub(crate) const DUE_LEASES: usize = 256;

/// Usage counts that are put to another source.
pub(crate) const MERGED_COUNTS: usize = 250;

/// Ended leases of a holder whose name is forgotten: how many are to be asked for, and given to one write.
pub const FORGOTTEN_ENDED_LEASES: usize = 1_000;

/// Refusals of a holder whose name is forgotten.
pub(crate) const FORGOTTEN_REFUSALS: usize = 1_000;

/// Kept answers that are dropped because of a name in them.
pub(crate) const DROPPED_ANSWERS: usize = 1_000;

/// Ended leases that are dropped because they are too old or too many.
pub(crate) const DROPPED_ENDED_LEASES: usize = 1_000;

/// Rows of each table that are dropped because they expired.
pub(crate) const EXPIRED_ROWS: usize = 2_000;

/// Minutes of which the refusals are dropped because they expired.
pub(crate) const EXPIRED_MINUTES: usize = 10;

/// Rows of each table of a removed organization whose names are erased.
pub(crate) const ERASED_NAMES: usize = 1_000;

//! Leases: floating seats that end, and what is kept of one that ended.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::elapsed::Elapsed;
use crate::names;
use crate::time::Timestamp;
use crate::words::words;

/// How long a lease lasts if nothing else is asked for, in seconds.
pub const DEFAULT_TTL: i64 = 60;

/// The longest lease: 30 days, in seconds.
pub const MAX_TTL: i64 = 30 * 86_400;

/// The longest name of a holder, in characters.
pub const MAX_HOLDER_LENGTH: usize = 200;

/// What the ledger records about a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseState {
    /// The application's key.
    pub application: String,
    /// When it was checked out.
    pub since: Timestamp,
    /// The ledger position at which it was checked out.
    pub revision: u64,
}

/// What changes with every renewal, and is therefore not part of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseTerms {
    /// The holder's name as first given, without surrounding blanks.
    pub holder: String,
    /// Rises with each new check-out of the holder, so that an earlier instance of the holder is fenced off.
    pub fence: u64,
    /// When it ends unless it is renewed.
    pub expires_at: Elapsed,
}

/// A lease that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// UUID v7.
    pub id: Uuid,
    /// What the ledger records about it.
    pub state: LeaseState,
    /// Its holder, fence and end.
    pub terms: LeaseTerms,
}

/// The key of a holder: two spellings of one name have the same key.
pub fn holder_key(holder: &str) -> String {
    names::fold(names::trimmed(holder))
}

/// Why a lease ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaseEnd {
    /// Its holder released it.
    Released,
    /// Somebody released it without knowing its fence.
    Forced,
    /// It expired.
    Expired,
}

words!(
    LeaseEnd, "a reason for which leases end", {
        Released => "released",
        Forced => "forced",
        Expired => "expired",
    }
);

/// What is kept of a lease that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedLease {
    /// The lease's id.
    pub id: Uuid,
    /// The application's key.
    pub application: String,
    /// The holder. `None` if the holder was forgotten.
    pub holder: Option<String>,
    /// When it was checked out.
    pub since: Timestamp,
    /// When it ended, as its ledger entry has it: its seat was taken until then.
    pub until: Timestamp,
    /// Why it ended.
    pub reason: LeaseEnd,
    /// The ledger position at which it ended.
    pub position: u64,
}

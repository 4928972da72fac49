//! Applications: the products that licenses and seats are for.

use serde::{Deserialize, Serialize};

use crate::words::words;

/// What happens to a request for a seat when none is left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverLimit {
    /// It is refused.
    #[default]
    Refuse,
    /// It is granted, recorded and shown, as long as a license is in force.
    Allow,
}

words!(
    OverLimit, "an answer to over-use", {
        Refuse => "refuse",
        Allow => "allow",
    }
);

/// What the ledger records about an application.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApplicationState {
    /// What happens when no seat is left.
    pub over_limit: OverLimit,
    /// Accounts that hold a seat.
    pub seats: u64,
    /// Leases that have not ended.
    pub leases: u64,
    /// Stored licenses.
    pub licenses: u64,
    /// The sum of their revisions. Together with their number it identifies one set of licenses: each
    /// write has a greater revision than all before it.
    pub license_revisions: u64,
    /// Nodes that are neither revoked nor have left.
    pub nodes: u64,
    /// Those of them that have joined.
    pub joined_nodes: u64,
}

impl ApplicationState {
    /// Seats in use: named ones and leases come out of one pool.
    pub fn used(&self) -> u64 {
        self.seats + self.leases
    }
}

/// A stored application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Its key; never changes.
    pub key: String,
    /// Its display name; not part of the ledger.
    pub name: Option<String>,
    /// What the ledger records about it.
    pub state: ApplicationState,
}

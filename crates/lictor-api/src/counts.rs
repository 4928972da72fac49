//! The figures of an organization: what is answered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::licenses::Plan;
use crate::list::Rows;
use crate::values::Text;

/// The figures of an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Count {
    /// The application's key.
    pub application: String,
    /// What it is licensed for.
    pub plan: Text<Plan>,
    /// Seats that it may have; `null`: unlimited; 0 without a license in force.
    pub limit: Option<u32>,
    /// Named seats and live leases.
    pub used: u64,
    /// Seats that are left; `null`: unlimited.
    pub available: Option<u64>,
    /// By how much the limit is exceeded.
    pub overage: u64,
    /// Named seats.
    pub seats: u64,
    /// Live leases.
    pub leases: u64,
}

/// What the figures of all applications come to, whichever page it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CountTotal {
    /// Seats that they may have; `null`: unlimited.
    pub limit: Option<u64>,
    /// Named seats and live leases.
    pub used: u64,
    /// Seats that are left; `null`: unlimited.
    pub available: Option<u64>,
    /// Distinct accounts that have a named seat.
    pub accounts: u64,
}

/// A page of the figures, and what all come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CountList {
    /// The figures of each application.
    pub data: Vec<Count>,
    /// Where the next page begins; `null`: this is the last.
    pub next_cursor: Option<String>,
    /// What all come to.
    pub total: CountTotal,
}

/// What stands behind the rows of [`CountList`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountEnd {
    /// Where the next page begins.
    pub next_cursor: Option<String>,
    /// What all come to.
    pub total: CountTotal,
}

impl Rows for CountList {
    type Row = Count;
    type End = CountEnd;
}

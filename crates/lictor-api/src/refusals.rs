//! Refused seats: what is answered.

use lictor_core::facts::seats::SeatReason;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::values::{Instant, Text};

/// Refusals of one application, holder and reason within one minute. They are kept for 90 days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// The beginning of the minute.
    pub minute: Instant,
    /// The application's key.
    pub application: String,
    /// The account that was to get a seat; `null`: it was a lease.
    pub account: Option<Uuid>,
    /// The account's e-mail.
    pub email: Option<String>,
    /// Who asked for a lease; `null`: it was an account, or the name was forgotten.
    pub holder: Option<String>,
    /// Why.
    pub reason: Text<SeatReason>,
    /// How many there were.
    pub count: u64,
    /// Seats that the application could have at the last of them; `null`: unlimited.
    pub limit: Option<u32>,
    /// Named seats and live leases at the last of them.
    pub used: u64,
    /// The ledger position that the first decision saw; `null`: it was not recorded then.
    pub first_position: Option<u64>,
    /// The ledger position that the last decision saw.
    pub last_position: u64,
}

/// How many seats were refused within one hour. The sums are kept forever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HourOfRefusals {
    /// The beginning of the hour.
    pub hour: Instant,
    /// The application's key.
    pub application: String,
    /// Why.
    pub reason: Text<SeatReason>,
    /// How many there were.
    pub count: u64,
}

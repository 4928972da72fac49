//! Named seats: what is sent and answered.

use lictor_core::facts::account::AccountStatus;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::row::Sent;
use crate::values::{Instant, RowError, RowMode, Text, Told, Words};

/// A seat to assign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignSeat {
    /// The account, by its id or e-mail.
    pub account: String,
}

impl Sent for AssignSeat {}

/// A seat that was assigned, or was there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AssignedSeat {
    /// The application's key.
    pub application: String,
    /// The account's id.
    pub account: Uuid,
    /// Seats that the application may have; `null`: unlimited. Only for whoever may read seats.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub limit: Told<Option<u32>>,
    /// Named seats and live leases after it. Only for whoever may read seats.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub used: Told<u64>,
}

/// Seats to release and to assign, at most 1,000 in all. What is released makes room for the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeSeats {
    /// The accounts whose seats are released, by id or e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Vec<String>>,
    /// The accounts that get a seat, by id or e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assign: Option<Vec<String>>,
    /// Whether one refused row refuses them all (`all`), or each is decided by itself (`each`); left out: `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<RowMode>,
}

impl Sent for ChangeSeats {}

/// What became of a row of a request for many seats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeatResult {
    /// The account has a seat.
    Assigned,
    /// It has none any more.
    Released,
    /// Nothing, because another row was refused.
    Undone,
    /// It was refused.
    Refused,
}

impl Words for SeatResult {
    const ALL: &'static [Self] = &[Self::Assigned, Self::Released, Self::Undone, Self::Refused];

    fn word(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Released => "released",
            Self::Undone => "undone",
            Self::Refused => "refused",
        }
    }
}

/// What became of a request for many seats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangedSeats {
    /// How many rows were refused.
    pub refused: u64,
    /// What became of each row: those to release first, then those to assign, each in the order of the request.
    pub rows: Vec<ChangedSeat>,
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangedSeat {
    /// The account as the request names it.
    pub account: String,
    /// What became of it.
    pub result: Text<SeatResult>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub error: Told<RowError>,
}

/// A seat, and who has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Seat {
    /// The application's key.
    pub application: String,
    /// The account's id.
    pub account: Uuid,
    /// The account's e-mail.
    pub email: Option<String>,
    /// What people call the account.
    pub name: Option<String>,
    /// The account's status.
    pub status: Text<AccountStatus>,
    /// Since when it has the seat.
    pub since: Instant,
    /// The ledger position at which it was assigned.
    pub position: u64,
    /// Who assigned it; `null`: the server itself.
    pub assigned_by: Option<ActorName>,
}

/// A seat of an account that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountSeat {
    /// The application's key.
    pub application: String,
    /// Since when the account has it.
    pub since: Instant,
    /// The ledger position at which it was assigned.
    pub position: u64,
    /// Who assigned it; `null`: the server itself.
    pub assigned_by: Option<ActorName>,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActorName {
    /// The id of the token or client that did it.
    pub token: Uuid,
    /// Its name. That of an operator's token only operators see.
    pub name: Option<String>,
    /// The id of the account that owns it.
    pub account: Option<Uuid>,
    /// That account's e-mail.
    pub email: Option<String>,
}

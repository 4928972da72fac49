//! What requests with many rows share: how they are taken, and why a row is refused.

use lictor_core::facts::seats::SeatReason;
use lictor_core::rules::batch::BatchMode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::words::{Text, Words};

/// Whether one refused row refuses them all, or each row is decided by itself.
pub type RowMode = Text<BatchMode>;

/// Why a row was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowReason {
    /// No seat for the account.
    Seat(SeatReason),
    /// What the row names is not there.
    NotFound,
    /// What the row would make is there already.
    AlreadyExists,
    /// Something in the row is not allowed.
    InvalidInput,
    /// The organization has as much as it may have.
    QuotaReached,
    /// Something else; the text beside it says what.
    Refused,
}

/// All reasons for which rows are refused.
pub const ROW_REASONS: [RowReason; 9] = [
    RowReason::Seat(SeatReason::Service),
    RowReason::Seat(SeatReason::Deactivated),
    RowReason::Seat(SeatReason::Unlicensed),
    RowReason::Seat(SeatReason::Exhausted),
    RowReason::NotFound,
    RowReason::AlreadyExists,
    RowReason::InvalidInput,
    RowReason::QuotaReached,
    RowReason::Refused,
];

impl Words for RowReason {
    const ALL: &'static [Self] = &ROW_REASONS;

    fn word(self) -> &'static str {
        match self {
            Self::Seat(reason) => reason.as_str(),
            Self::NotFound => "not-found",
            Self::AlreadyExists => "already-exists",
            Self::InvalidInput => "invalid-input",
            Self::QuotaReached => "quota-reached",
            Self::Refused => "refused",
        }
    }
}

/// Why a row was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RowError {
    /// What it says to people. It is not stable.
    pub detail: String,
    /// The reason as a word.
    pub reason: Text<RowReason>,
}

//! Named seats, and why one is refused.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::facts::account::Account;
use crate::time::Timestamp;
use crate::words::words;

/// The most rows of one request for many seats.
pub const MAX_ROWS: usize = 1_000;

/// The most seats that the accounts of one import ask for: each of them may be answered with a reason.
pub const MAX_SEATS_ASKED: usize = 10_000;

/// Identifies a seat: an account has at most one for each application.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeatId {
    /// The application's key.
    pub application: String,
    /// The account's id.
    pub account: Uuid,
}

impl fmt::Display for SeatId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of account {}", self.application, self.account)
    }
}

/// What the ledger records about a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatState {
    /// When it was assigned.
    pub since: Timestamp,
    /// The ledger position at which it was given; the entry there says by whom.
    pub revision: u64,
}

/// A seat and its holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// The holder.
    pub account: Account,
    /// What the ledger records about it.
    pub state: SeatState,
}

/// Why a seat is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SeatReason {
    /// The account belongs to a service.
    Service,
    /// The account is deactivated.
    Deactivated,
    /// No license is in force.
    Unlicensed,
    /// All seats are taken.
    Exhausted,
}

words!(
    SeatReason, "a reason for which seats are refused", {
        Service => "service",
        Deactivated => "deactivated",
        Unlicensed => "unlicensed",
        Exhausted => "exhausted",
    }
);

/// Who holds or requests a seat.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// An account, for a named seat.
    Account(Uuid),
    /// A holder by its own name, for a lease.
    Lease(String),
}

impl Holder {
    const ACCOUNT: &str = "account";
    const LEASE: &str = "lease";

    /// The word for what kind of holder it is.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Account(_) => Self::ACCOUNT,
            Self::Lease(_) => Self::LEASE,
        }
    }

    /// The account's id, or what the holder of a lease calls itself.
    pub fn text(&self) -> String {
        match self {
            Self::Account(id) => id.to_string(),
            Self::Lease(holder) => holder.clone(),
        }
    }

    /// The holder of this kind and text.
    ///
    /// # Errors
    /// An unknown kind, or a text that is not the id of an account.
    pub fn read(kind: &str, text: String) -> Result<Self, String> {
        match kind {
            Self::ACCOUNT => match text.parse() {
                Ok(id) => Ok(Self::Account(id)),
                Err(error) => Err(format!("`{text}` is not the id of an account: {error}")),
            },
            Self::LEASE => Ok(Self::Lease(text)),
            _ => Err(format!("`{kind}` is not a kind of holder")),
        }
    }
}

/// A refused seat, with the figures that the decision was based on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatRefusal {
    /// The application's key.
    pub application: String,
    /// Who requested it.
    pub holder: Holder,
    /// Why it was refused.
    pub reason: SeatReason,
    /// The limit then. `None` if unlimited.
    pub limit: Option<u32>,
    /// Seats in use then.
    pub used: u64,
    /// The ledger position at the time of the decision.
    pub position: u64,
}

impl SeatRefusal {
    /// What it says to who may not read how many seats there are.
    pub(crate) fn without_figures(&self) -> String {
        match self.reason {
            SeatReason::Exhausted => format!(
                "all seats of {} are taken; release one, or install a larger license",
                self.application
            ),
            SeatReason::Service | SeatReason::Deactivated | SeatReason::Unlicensed => {
                self.to_string()
            }
        }
    }
}

impl fmt::Display for SeatRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let application = &self.application;
        match self.reason {
            SeatReason::Service => write!(
                f,
                "a service account cannot have seats; assign the seat to a person"
            ),
            SeatReason::Deactivated => {
                write!(f, "the account is deactivated; activate it again first")
            }
            SeatReason::Unlicensed => write!(
                f,
                "no license is in force for {application}; install one or renew it"
            ),
            SeatReason::Exhausted => write!(
                f,
                "all seats of {application} are taken: {} of {}; release one, or install a \
                 larger license",
                self.used,
                self.limit.unwrap_or(0)
            ),
        }
    }
}

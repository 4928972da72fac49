//! The census: what is answered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::values::{Instant, Written};

/// How many distinct accounts count, and how old that figure is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Census {
    /// Distinct accounts that have a named seat.
    pub accounts: u64,
    /// When it was taken.
    pub taken_at: Instant,
    /// How old it is, in seconds; at most what `--census-max-age` of the server allows.
    pub age_seconds: i64,
    /// When it is taken again if somebody asks.
    pub next_at: Instant,
    /// The named seats of each application.
    pub data: Vec<CensusRow>,
    /// Where the next page begins; `null`: this is the last.
    pub next_cursor: Option<String>,
}

/// The named seats of an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CensusRow {
    /// The application's key.
    pub application: String,
    /// Named seats.
    pub seats: u64,
}

/// A census that was taken, for whoever may not read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TakenCensus {
    /// When it was taken.
    pub taken_at: Instant,
}

/// A census that was taken, as far as it is told.
pub type WrittenCensus = Written<Census, TakenCensus>;

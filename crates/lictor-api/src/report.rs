//! The usage report: what is answered.

use lictor_core::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::values::{Day, Instant};

/// The usage report of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// When it was made.
    pub at: Instant,
    /// The requests of each month. The current month is always there.
    pub requests: Vec<MonthOfRequests>,
    /// The requests of all months.
    pub total_requests: u64,
    /// The vendor's name for the license that was written last.
    pub license_key: Option<String>,
    /// The date at whose start that license ends; `null`: none is stored.
    #[schemars(with = "Option<Day>")]
    pub license_expiration_date: Option<Date>,
    /// Distinct owners of live tokens; a token without an owner counts one.
    pub token_owners: u64,
    /// Distinct services that reported usage.
    pub services: u64,
    /// Organizations that the caller may see.
    pub organizations: u64,
    /// Nodes that are connected to this server; `null`: none is enrolled.
    pub connected_nodes: Option<u64>,
    /// The database, such as `sqlite 3.54.1`.
    pub engine: String,
    /// The version of Lictor.
    pub version: String,
    /// The machine that the server runs on.
    pub system: System,
}

/// The requests of a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MonthOfRequests {
    /// The month, as `YYYY-MM`, or `UNKNOWN`.
    pub month: String,
    /// How many there were.
    pub count: u64,
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct System {
    /// Processor cores that the server may use.
    pub cores: u64,
    /// Its host name, or 16 digits of that name's SHA-256.
    pub hostname: String,
    /// Operating system and architecture, such as `Linux x86_64`.
    pub uname: String,
}

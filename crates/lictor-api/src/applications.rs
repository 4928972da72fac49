//! Applications: what is sent and answered.

use lictor_core::facts::application::OverLimit;
use lictor_core::patch_field::PatchField;
use lictor_core::rules::outlook::Reason;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::licenses::Plan;
use crate::row::Sent;
use crate::values::{Instant, Text, Written};

/// An application to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApplication {
    /// Its key in licenses and paths: 1 to 64 lower-case letters, digits and hyphens.
    pub key: String,
    /// What people call it, 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub name: Option<String>,
    /// What happens when no seat is left; left out: `refuse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_limit: Option<Text<OverLimit>>,
}

impl Sent for CreateApplication {}

/// What is to change of an application. What is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeApplication {
    /// What people call it, 1 to 200 characters; `null`: nothing.
    #[serde(default, skip_serializing_if = "PatchField::is_absent")]
    #[schemars(with = "Option<String>")]
    pub name: PatchField<String>,
    /// What happens when no seat is left.
    #[serde(default, skip_serializing_if = "PatchField::is_absent")]
    #[schemars(with = "Text<OverLimit>")]
    pub over_limit: PatchField<Text<OverLimit>>,
}

impl Sent for ChangeApplication {}

/// An application, what it is entitled to, and what of that is in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Application {
    /// Its key.
    pub key: String,
    /// What people call it.
    pub name: Option<String>,
    /// What it is licensed for.
    pub plan: Text<Plan>,
    /// Seats that it may have; `null`: unlimited; 0 without a license in force.
    pub limit: Option<u32>,
    /// Named seats.
    pub seats: u64,
    /// Live leases.
    pub leases: u64,
    /// Named seats and live leases.
    pub used: u64,
    /// Seats that are left; `null`: unlimited.
    pub available: Option<u64>,
    /// By how much the limit is exceeded.
    pub overage: u64,
    /// What happens when no seat is left.
    pub over_limit: Text<OverLimit>,
    /// Nodes that it may have; `null`: unlimited; 0 without a license in force.
    pub node_limit: Option<u32>,
    /// Nodes that take a place.
    pub nodes: u64,
    /// What its license grants besides; `null` without one in force.
    pub features: Option<Vec<String>>,
    /// The id of the license in force.
    pub license: Option<Uuid>,
    /// Whether a trusted key signed that license.
    pub verified: Option<bool>,
    /// When that license ends.
    pub expires_at: Option<Instant>,
    /// For how many dates it still counts: 1 on the last day.
    pub days_left: Option<i64>,
    /// When no stored license follows any more without a gap.
    pub covered_until: Option<Instant>,
    /// For how many dates that still is.
    pub covered_days_left: Option<i64>,
}

/// An application that was changed; what was sent for whoever may not read applications.
pub type WrittenApplication = Written<Application, ChangeApplication>;

/// Which license of an application is in force from when to when, from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outlook {
    /// The key of the application.
    pub application: String,
    /// The segments, one after the other without a hole; at most 256.
    pub segments: Vec<OutlookSegment>,
    /// The first instant of which nothing is said, as there is too much to say; `null`: the segments say it of every
    /// instant.
    pub known_until: Option<Instant>,
}

/// A span in which the same license is in force, or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutlookSegment {
    /// Its first instant.
    pub from: Instant,
    /// The first instant after it; `null`: nothing changes any more.
    pub until: Option<Instant>,
    /// Why this license is in force from then on, or why none is.
    pub reason: Text<Reason>,
    /// The id of the license in force; `null`: none.
    pub license: Option<Uuid>,
    /// What the application is licensed for.
    pub plan: Text<Plan>,
    /// Seats that it may have; `null`: unlimited; 0 without a license in force.
    pub limit: Option<u32>,
    /// Nodes that it may have; `null`: unlimited; 0 without a license in force.
    pub node_limit: Option<u32>,
}

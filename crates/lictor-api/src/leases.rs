//! Leases: what is sent and answered.

use lictor_core::facts::lease::LeaseEnd;
use lictor_core::whole_number;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::row::Sent;
use crate::values::{Instant, Text, Told};

/// A lease to check out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckOutLease {
    /// Who checks it out: a device, a job, a session. 1 to 200 characters; letter case does not matter.
    #[schemars(length(min = 1, max = 200))]
    pub holder: String,
    /// How long it lasts, in seconds, 1 to 2,592,000; left out: 60.
    #[serde(default, deserialize_with = "whole_number::read_some")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 2_592_000))]
    pub ttl_seconds: Option<i64>,
}

impl Sent for CheckOutLease {}

/// A lease to renew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenewLease {
    /// Its fence, as its check-out answered it.
    #[serde(deserialize_with = "whole_number::read")]
    pub fence: u64,
    /// How long it lasts from now, in seconds, 1 to 2,592,000; left out: 60.
    #[serde(default, deserialize_with = "whole_number::read_some")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 2_592_000))]
    pub ttl_seconds: Option<i64>,
}

impl Sent for RenewLease {}

/// A lease to release: with its fence, or with `force`, never both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseLease {
    /// Its fence, as its check-out answered it.
    #[serde(default, deserialize_with = "whole_number::read_some")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fence: Option<u64>,
    /// Whatever its fence is; left out: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force: Option<bool>,
}

impl Sent for ReleaseLease {}

/// A lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lease {
    /// Its id.
    pub id: Uuid,
    /// The application's key.
    pub application: String,
    /// Who checked it out, as first given.
    pub holder: String,
    /// A number that rises with every check-out by the same holder. Renewing and releasing takes the newest.
    pub fence: u64,
    /// When it was checked out.
    pub since: Instant,
    /// What the server's clock will show at its end.
    pub expires_at: Instant,
    /// The ledger position at which it was checked out.
    pub position: u64,
}

/// A lease that was just checked out, and what that leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckedOutLease {
    /// The lease.
    #[serde(flatten)]
    pub lease: Lease,
    /// Seats that the application may have; `null`: unlimited. Only for whoever may read leases.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub limit: Told<Option<u32>>,
    /// Named seats and live leases after it. Only for whoever may read leases.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub used: Told<u64>,
}

/// A lease that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndedLease {
    /// Its id.
    pub id: Uuid,
    /// The application's key.
    pub application: String,
    /// Who had checked it out; `null`: the name was forgotten.
    pub holder: Option<String>,
    /// When it was checked out.
    pub since: Instant,
    /// When it ended. Its seat was taken until then.
    pub until: Instant,
    /// Why it ended.
    pub reason: Text<LeaseEnd>,
    /// The ledger position at which it ended.
    pub position: u64,
}

/// From how much a holder's name was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ForgottenHolder {
    /// Records of ended leases.
    pub ended_leases: u64,
    /// Refusals.
    pub refusals: u64,
}

//! Leases as JSON: checked out, renewed, given back.

use lictor_authority::CheckedOut;
use lictor_core::elapsed::Now;
use lictor_core::facts::lease::{DEFAULT_TTL, Lease};
use lictor_core::whole_number;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::time;
use crate::dialects::native::error::{Problem, invalid};

/// A lease to check out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dialects::native) struct NewLease {
    pub(in crate::dialects::native) holder: String,
    #[serde(default, deserialize_with = "whole_number::read_some")]
    ttl: Option<i64>,
}

impl NewLease {
    pub(in crate::dialects::native) fn ttl(&self) -> i64 {
        self.ttl.unwrap_or(DEFAULT_TTL)
    }
}

/// A lease to renew.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dialects::native) struct Renewal {
    #[serde(deserialize_with = "whole_number::read")]
    pub(in crate::dialects::native) fence: u64,
    #[serde(default, deserialize_with = "whole_number::read_some")]
    ttl: Option<i64>,
}

impl Renewal {
    pub(in crate::dialects::native) fn ttl(&self) -> i64 {
        self.ttl.unwrap_or(DEFAULT_TTL)
    }
}

/// A lease to give back, or with `force` to take away.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dialects::native) struct Release {
    #[serde(default, deserialize_with = "whole_number::read_some")]
    fence: Option<u64>,
    force: Option<bool>,
}

impl Release {
    /// The fence; none: whatever it is.
    pub(in crate::dialects::native) fn fence(&self) -> Result<Option<u64>, Problem> {
        match (self.fence, self.force.unwrap_or(false)) {
            (Some(fence), false) => Ok(Some(fence)),
            (None, true) => Ok(None),
            (None, false) => Err(invalid("fence", "give the fence, or force")),
            (Some(_), true) => Err(invalid("force", "give the fence or force, not both")),
        }
    }
}

/// A lease.
#[derive(Serialize)]
pub(in crate::dialects::native) struct LeaseView {
    id: Uuid,
    application: String,
    holder: String,
    fence: u64,
    since: String,
    expires_at: String,
    position: u64,
}

impl LeaseView {
    pub(in crate::dialects::native) fn from_lease(lease: Lease, now: &Now) -> Self {
        Self {
            id: lease.id,
            application: lease.state.application,
            holder: lease.terms.holder,
            fence: lease.terms.fence,
            since: time(lease.state.since),
            expires_at: time(now.shown(lease.terms.expires_at)),
            position: lease.state.revision,
        }
    }
}

/// A lease that was just checked out, and what that leaves.
#[derive(Serialize)]
pub(in crate::dialects::native) struct CheckedOutView {
    #[serde(flatten)]
    lease: LeaseView,
    limit: Option<u32>,
    used: u64,
}

impl CheckedOutView {
    pub(in crate::dialects::native) fn of(out: &CheckedOut, now: &Now) -> Self {
        Self {
            lease: LeaseView::from_lease(out.lease.clone(), now),
            limit: out.limit,
            used: out.used,
        }
    }
}

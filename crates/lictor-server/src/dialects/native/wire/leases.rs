//! Leases, between the authority and the contract.

use lictor_api::leases::{CheckedOutLease, EndedLease, Lease, ReleaseLease};
use lictor_api::values::{Instant, Told};
use lictor_authority::CheckedOut;
use lictor_core::elapsed::Now;
use lictor_core::facts::lease::{EndedLease as Ended, Lease as Stored};

use crate::dialects::native::error::{Problem, invalid};

pub(in crate::dialects::native) fn lease(stored: Stored, now: &Now) -> Lease {
    Lease {
        id: stored.id,
        application: stored.state.application,
        holder: stored.terms.holder,
        fence: stored.terms.fence,
        since: Instant(stored.state.since),
        expires_at: Instant(now.shown(stored.terms.expires_at)),
        position: stored.state.revision,
    }
}

/// A lease that was just checked out. The figures are for whoever may be told `all`.
pub(in crate::dialects::native) fn checked_out(
    out: &CheckedOut,
    now: &Now,
    all: bool,
) -> CheckedOutLease {
    CheckedOutLease {
        lease: lease(out.lease.clone(), now),
        limit: Told::if_told(all, out.limit),
        used: Told::if_told(all, out.used),
    }
}

pub(in crate::dialects::native) fn ended(ended: Ended) -> EndedLease {
    EndedLease {
        id: ended.id,
        application: ended.application,
        holder: ended.holder,
        since: Instant(ended.since),
        until: Instant(ended.until),
        reason: ended.reason.into(),
        position: ended.position,
    }
}

/// The fence of a release; none: whatever it is.
pub(in crate::dialects::native) fn fence(body: &ReleaseLease) -> Result<Option<u64>, Problem> {
    match (body.fence, body.force.unwrap_or(false)) {
        (Some(fence), false) => Ok(Some(fence)),
        (None, true) => Ok(None),
        (None, false) => Err(invalid("fence", "give the fence, or force")),
        (Some(_), true) => Err(invalid("force", "give the fence or force, not both")),
    }
}

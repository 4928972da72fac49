//! What is kept of what ended or was refused, as JSON: ended leases, refusals and their sums.

use std::sync::Arc;

use lictor_authority::{ForgottenHolder, RefusalSum, Refused};
use lictor_core::facts::account::Account;
use lictor_core::facts::lease::{EndedLease, LeaseEnd};
use lictor_core::facts::seats::Holder;
use serde::Serialize;
use uuid::Uuid;

use super::time;

/// A lease that ended.
#[derive(Serialize)]
pub(in crate::dialects::native) struct EndedLeaseView {
    id: Uuid,
    application: String,
    holder: Option<String>,
    since: String,
    until: String,
    reason: LeaseEnd,
    position: u64,
}

impl EndedLeaseView {
    pub(in crate::dialects::native) fn from_ended(ended: EndedLease) -> Self {
        Self {
            id: ended.id,
            application: ended.application,
            holder: ended.holder,
            since: time(ended.since),
            until: time(ended.until),
            reason: ended.reason,
            position: ended.position,
        }
    }
}

/// From how much a holder's name was taken.
#[derive(Serialize)]
pub(in crate::dialects::native) struct ForgottenView {
    leases: u64,
    refusals: u64,
}

impl ForgottenView {
    pub(in crate::dialects::native) fn of(forgotten: ForgottenHolder) -> Self {
        Self {
            leases: forgotten.leases,
            refusals: forgotten.refusals,
        }
    }
}

/// Refusals of one holder, application and reason within one minute.
#[derive(Serialize)]
pub(in crate::dialects::native) struct RefusalView {
    minute: String,
    application: String,
    account: Option<Uuid>,
    email: Option<String>,
    holder: Option<String>,
    reason: &'static str,
    count: u64,
    limit: Option<u32>,
    used: u64,
    first_position: Option<u64>,
    position: u64,
}

impl RefusalView {
    pub(in crate::dialects::native) fn from_refused(
        (refused, asked): (Refused, Option<Arc<Account>>),
    ) -> Self {
        let refusal = refused.refusal;
        let (account, holder) = match refusal.holder {
            Holder::Account(id) => (Some(id), None),
            // One that was forgotten has no name any more.
            Holder::Lease(holder) => (None, Some(holder).filter(|holder| !holder.is_empty())),
        };
        Self {
            minute: time(refused.minute.saturating_mul(60)),
            application: refusal.application,
            account,
            email: asked.and_then(|account| account.email.clone()),
            holder,
            reason: refusal.reason.as_str(),
            count: refused.count,
            limit: refusal.limit,
            used: refusal.used,
            first_position: refused.first_position,
            position: refusal.position,
        }
    }
}

/// How many seats were refused within one hour.
#[derive(Serialize)]
pub(in crate::dialects::native) struct RefusalSumView {
    hour: String,
    application: String,
    reason: &'static str,
    count: u64,
}

impl RefusalSumView {
    pub(in crate::dialects::native) fn from_sum(sum: RefusalSum) -> Self {
        Self {
            hour: time(sum.hour.saturating_mul(3_600)),
            application: sum.application,
            reason: sum.reason.as_str(),
            count: sum.count,
        }
    }
}

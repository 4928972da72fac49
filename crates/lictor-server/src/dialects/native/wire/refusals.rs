//! Refusals and their sums, between the authority and the contract.

use std::sync::Arc;

use lictor_api::refusals::{HourOfRefusals, Refusal};
use lictor_api::values::Instant;
use lictor_authority::{RefusalSum, Refused};
use lictor_core::facts::account::Account;
use lictor_core::facts::seats::Holder;

pub(in crate::dialects::native) fn refusal(
    (refused, asked): (Refused, Option<Arc<Account>>),
) -> Refusal {
    let refusal = refused.refusal;
    let (account, holder) = match refusal.holder {
        Holder::Account(id) => (Some(id), None),
        // One that was forgotten has no name any more.
        Holder::Lease(holder) => (None, Some(holder).filter(|holder| !holder.is_empty())),
    };
    Refusal {
        minute: Instant(refused.minute.saturating_mul(60)),
        application: refusal.application,
        account,
        email: asked.and_then(|account| account.email.clone()),
        holder,
        reason: refusal.reason.into(),
        count: refused.count,
        limit: refusal.limit,
        used: refusal.used,
        first_position: refused.first_position,
        last_position: refusal.position,
    }
}

pub(in crate::dialects::native) fn hour(sum: RefusalSum) -> HourOfRefusals {
    HourOfRefusals {
        hour: Instant(sum.hour.saturating_mul(3_600)),
        application: sum.application,
        reason: sum.reason.into(),
        count: sum.count,
    }
}

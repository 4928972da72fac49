//! Organizations with what they have and may have, between the authority and the contract.

use std::collections::BTreeMap;

use lictor_api::organizations::{LedgerSize, Organization, OrganizationDetails, Quota as Shows};
use lictor_api::values::Instant;
use lictor_authority::Bounds;
use lictor_core::facts::organization::Organization as Stored;
use lictor_core::facts::quota::Quota;
use lictor_core::patch_field::PatchField;
use lictor_core::whole_number::WholeNumber;

use crate::dialects::native::error::{Problem, invalid};

pub(in crate::dialects::native) fn organization(stored: &Stored) -> Organization {
    Organization {
        id: stored.id,
        key: stored.key.clone(),
        number: stored.number,
        name: stored.name.clone(),
        created_at: Instant(stored.created_at),
    }
}

/// An organization, what it has and may have.
pub(in crate::dialects::native) fn details(
    stored: &Stored,
    bounds: &Bounds,
) -> OrganizationDetails {
    let grown = &bounds.grown;
    let view = |quota: Quota| Shows {
        name: quota.name().to_owned(),
        limit: bounds.quotas.limit(quota),
        default: quota.facts().default,
        used: quota.is_figure().then(|| bounds.used.of(quota)),
        description: quota.facts().counts.to_owned(),
    };
    OrganizationDetails {
        organization: organization(stored),
        quotas: Quota::all().map(view).collect(),
        ledger: LedgerSize {
            entries: grown.entries,
            entry_bytes: grown.entry_bytes,
            payload_bytes: grown.payload_bytes,
            ended_leases_dropped: grown.ended_leases_dropped,
        },
    }
}

/// The limits to set; none: the default again.
pub(in crate::dialects::native) fn limits(
    sent: PatchField<BTreeMap<String, Option<WholeNumber<u64>>>>,
) -> Result<BTreeMap<Quota, Option<u64>>, Problem> {
    let mut limits = BTreeMap::new();
    for (name, limit) in sent.required("limits")?.unwrap_or_default() {
        let limit = limit.map(|WholeNumber(limit)| limit);
        let unknown = || {
            let known: Vec<_> = Quota::all().map(Quota::name).collect();
            let known = known.join(", ");
            let reason = format!("there is no quota {name:?}; there are {known}");
            invalid("limits", reason)
        };
        limits.insert(name.parse().map_err(|_| unknown())?, limit);
    }
    Ok(limits)
}

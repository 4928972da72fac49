//! Organizations with what they have and may have, as JSON. Nothing is decided here.

use std::collections::BTreeMap;

use lictor_authority::Bounds;
use lictor_core::facts::organization::Organization;
use lictor_core::facts::quota::Quota;
use lictor_core::patch_field::PatchField;
use lictor_core::whole_number::WholeNumber;
use serde::{Deserialize, Serialize};

use super::OrganizationView;
use crate::dialects::native::error::{Problem, invalid};

/// An organization, what it has and may have.
#[derive(Serialize)]
pub(in crate::dialects::native) struct BoundsView {
    #[serde(flatten)]
    organization: OrganizationView,
    quotas: Vec<QuotaView>,
    ledger: LedgerView,
}

/// What only grows.
#[derive(Serialize)]
struct LedgerView {
    entries: u64,
    entry_bytes: u64,
    payload_bytes: u64,
    ended_leases_dropped: u64,
}

/// One quota.
#[derive(Serialize)]
struct QuotaView {
    name: &'static str,
    limit: u64,
    default: u64,
    /// None where it is not one figure of the organization.
    used: Option<u64>,
    counts: &'static str,
}

impl BoundsView {
    /// The view of an organization.
    pub(in crate::dialects::native) fn of(organization: &Organization, bounds: &Bounds) -> Self {
        let grown = &bounds.grown;
        let view = |quota: Quota| QuotaView {
            name: quota.name(),
            limit: bounds.quotas.limit(quota),
            default: quota.facts().default,
            used: quota.is_figure().then(|| bounds.used.of(quota)),
            counts: quota.facts().counts,
        };
        Self {
            organization: OrganizationView::from_organization(organization),
            quotas: Quota::all().map(view).collect(),
            ledger: LedgerView {
                entries: grown.entries,
                entry_bytes: grown.entry_bytes,
                payload_bytes: grown.payload_bytes,
                ended_leases_dropped: grown.ended_leases_dropped,
            },
        }
    }
}

/// What is to change of an organization; said again to whoever may not read the rest.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dialects::native) struct OrganizationPatch {
    /// What people call it.
    #[serde(default, skip_serializing_if = "PatchField::is_absent")]
    pub(in crate::dialects::native) name: PatchField<String>,
    /// Limits by the names of quotas; `null`: the default again.
    #[serde(default, skip_serializing_if = "PatchField::is_absent")]
    quotas: PatchField<BTreeMap<String, Option<WholeNumber<u64>>>>,
}

impl OrganizationPatch {
    /// The limits to set.
    pub(in crate::dialects::native) fn limits(
        &mut self,
    ) -> Result<BTreeMap<Quota, Option<u64>>, Problem> {
        let mut limits = BTreeMap::new();
        let quotas = std::mem::take(&mut self.quotas);
        let quotas = quotas.required("quotas")?.unwrap_or_default();
        for (name, limit) in quotas {
            let limit = limit.map(|WholeNumber(limit)| limit);
            let unknown = || {
                let known: Vec<_> = Quota::all().map(Quota::name).collect();
                let known = known.join(", ");
                invalid(
                    "quotas",
                    format!("there is no quota {name:?}; there are {known}"),
                )
            };
            limits.insert(name.parse().map_err(|_| unknown())?, limit);
        }
        Ok(limits)
    }
}

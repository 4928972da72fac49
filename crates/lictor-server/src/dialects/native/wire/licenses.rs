//! Licenses, between the authority and the contract.

use lictor_api::licenses::{
    Claims, DocumentReason, Gap, License, LicenseStatus, Neighbor, Plan, Succession,
};
use lictor_api::values::{Instant, Text};
use lictor_authority::{Candidate, Standing, StandingLicense, Succession as Place};
use lictor_core::{Claims as Read, Timestamp};
use uuid::Uuid;

use crate::dialects::native::error::document_reason;

pub(in crate::dialects::native) fn license(standing: StandingLicense) -> License {
    let license = standing.license;
    let (status, reason) = match &standing.standing {
        Standing::InForce => (LicenseStatus::InForce, None),
        Standing::Waiting => (LicenseStatus::Waiting, None),
        Standing::Expired => (LicenseStatus::Expired, None),
        Standing::Superseded(_) => (LicenseStatus::Superseded, None),
        Standing::Rejected(error) => (LicenseStatus::Rejected, Some(document_reason(error))),
    };
    let superseded_by = match standing.standing {
        Standing::Superseded(other) => other,
        _ => None,
    };
    let signed_by = standing.signer.key_id();
    License {
        id: license.id,
        revision: license.state.revision,
        created_at: Instant(license.state.created_at),
        updated_at: Instant(license.state.updated_at),
        application: license.state.application,
        status: status.into(),
        reason: reason.map(Text::<DocumentReason>::new),
        superseded_by,
        days_left: standing.days_left,
        covered_until: standing.covered_until.map(Instant),
        verified: signed_by.is_some(),
        signed_by,
        claims: claims(standing.claims),
        payload: license.payload.to_string(),
    }
}

fn claims(claims: Read) -> Claims {
    Claims {
        customer: claims.customer,
        product_subscription: claims.product_subscription,
        license_key: claims.license_key,
        license_creation_date: claims.creation_date,
        license_expiration_date: claims.expiration_date,
        admin_seats: claims.admin_seats,
        dataplanes: claims.dataplanes,
        support_plan: claims.support_plan,
        application: claims.application,
        plan: Plan::from(Some(claims.plan)).into(),
        organization: claims.organization,
        features: claims.features,
        unknown: claims.unknown.into_iter().collect(),
    }
}

/// The place of a license among those that were there before.
pub(in crate::dialects::native) fn place(place: &Place, before: &[Candidate]) -> Succession {
    let neighbor = |id: Option<Uuid>| {
        let found = before.iter().find(|other| Some(other.id) == id)?;
        Some(Neighbor {
            id: found.id,
            customer: found.claims.customer.clone(),
            product_subscription: found.claims.product_subscription.clone(),
            license_creation_date: found.claims.creation_date,
            license_expiration_date: found.claims.expiration_date,
        })
    };
    let gap = |gap: Option<(Timestamp, Timestamp)>| {
        gap.map(|(from, until)| Gap {
            from: Instant(from),
            until: Instant(until),
        })
    };
    Succession {
        takes_over_from: neighbor(place.takes_over_from),
        followed_by: neighbor(place.followed_by),
        gap_before: gap(place.gap_before),
        gap_after: gap(place.gap_after),
    }
}

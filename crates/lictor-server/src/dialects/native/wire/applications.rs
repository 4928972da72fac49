//! Applications, between the authority and the contract.

use lictor_api::applications::{Application, OutlookSegment};
use lictor_api::licenses::Plan;
use lictor_api::values::Instant;
use lictor_authority::{Enrolled, Segment};
use lictor_core::facts::application::Application as Stored;
use lictor_core::facts::entitlement::Entitlement;
use lictor_core::facts::figures::ApplicationFigures;
use lictor_core::time::days_left;
use lictor_core::{Claims, Timestamp};

pub(in crate::dialects::native) fn application(
    figures: &ApplicationFigures,
    entitlement: &Entitlement,
    enrolled: &Enrolled,
    now: Timestamp,
) -> Application {
    let license = entitlement.license.as_ref();
    let Stored { key, name, state } = &figures.application;
    let nodes = enrolled.get(key);
    Application {
        key: key.clone(),
        name: name.clone(),
        plan: Plan::from(figures.plan).into(),
        limit: figures.limit,
        seats: state.seats,
        leases: state.leases,
        used: figures.used(),
        available: figures.available(),
        overage: figures.overage(),
        over_limit: state.over_limit.into(),
        node_limit: entitlement.node_limit(),
        nodes: nodes.copied().unwrap_or_default(),
        features: license.map(|license| license.features.clone()),
        license: license.map(|license| license.license),
        verified: license.map(|license| license.signer.key_id().is_some()),
        expires_at: license.map(|license| Instant(license.expires_at)),
        days_left: license.map(|license| days_left(license.expires_at, now)),
        covered_until: license.map(|license| Instant(license.covered_until)),
        covered_days_left: license.map(|license| days_left(license.covered_until, now)),
    }
}

pub(in crate::dialects::native) fn segment(segment: &Segment) -> OutlookSegment {
    let claims = segment.license.as_ref().map(|license| &license.claims);
    let limit = |of: fn(&Claims) -> Option<u32>| claims.map_or(Some(0), of);
    OutlookSegment {
        from: Instant(segment.from),
        until: segment.until.map(Instant),
        reason: segment.reason.into(),
        license: segment.license.as_ref().map(|license| license.id),
        plan: Plan::from(claims.map(|claims| claims.plan)).into(),
        limit: limit(|claims| claims.admin_seats),
        node_limit: limit(|claims| claims.dataplanes),
    }
}

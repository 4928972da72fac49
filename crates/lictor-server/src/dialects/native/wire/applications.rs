//! Applications, between the authority and the contract.

use lictor_api::applications::{Application, Outlook, OutlookSegment};
use lictor_api::licenses::Plan;
use lictor_api::values::Instant;
use lictor_authority::{Enrolled, Outlook as Found, Segment};
use lictor_core::Timestamp;
use lictor_core::facts::application::Application as Stored;
use lictor_core::facts::entitlement::Entitlement;
use lictor_core::facts::figures::ApplicationFigures;
use lictor_core::time::days_left;

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

pub(in crate::dialects::native) fn outlook(key: &str, outlook: &Found) -> Outlook {
    Outlook {
        application: key.to_owned(),
        segments: outlook.segments.iter().map(segment).collect(),
        known_until: outlook.known_until.map(Instant),
    }
}

fn segment(segment: &Segment) -> OutlookSegment {
    let license = segment.license;
    OutlookSegment {
        from: Instant(segment.from),
        until: segment.until.map(Instant),
        reason: segment.reason.into(),
        license: license.map(|license| license.id),
        plan: Plan::from(license.map(|license| license.plan)).into(),
        limit: license.map_or(Some(0), |license| license.seat_limit),
        node_limit: license.map_or(Some(0), |license| license.node_limit),
    }
}

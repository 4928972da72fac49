//! Applications, between the authority and the contract.

use lictor_api::applications::Application;
use lictor_api::licenses::Plan;
use lictor_api::values::Instant;
use lictor_authority::Enrolled;
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

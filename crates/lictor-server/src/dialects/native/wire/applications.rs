//! Applications as JSON: what creates and changes them, and how they are shown.

use lictor_authority::Enrolled;
use lictor_core::Timestamp;
use lictor_core::facts::application::{Application, OverLimit};
use lictor_core::facts::entitlement::Entitlement;
use lictor_core::facts::figures::ApplicationFigures;
use lictor_core::patch_field::PatchField;
use lictor_core::time::days_left;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{one_of, plan_word, time};
use crate::dialects::native::error::Problem;

/// An application to create.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dialects::native) struct NewApplication {
    pub(in crate::dialects::native) key: String,
    pub(in crate::dialects::native) name: Option<String>,
    over_limit: Option<String>,
}

impl NewApplication {
    pub(in crate::dialects::native) fn over_limit(&self) -> Result<OverLimit, Problem> {
        let given = self.over_limit.as_deref().map(into_over_limit).transpose();
        Ok(given?.unwrap_or_default())
    }
}

/// What is to change of an application; said again to whoever may not read the rest.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dialects::native) struct ApplicationPatch {
    #[serde(default, skip_serializing_if = "PatchField::is_absent")]
    pub(in crate::dialects::native) name: PatchField<String>,
    #[serde(default, skip_serializing_if = "PatchField::is_absent")]
    over_limit: PatchField<String>,
}

impl ApplicationPatch {
    pub(in crate::dialects::native) fn over_limit(&self) -> Result<Option<OverLimit>, Problem> {
        let given = self.over_limit.clone().required("over_limit")?;
        given.as_deref().map(into_over_limit).transpose()
    }
}

fn into_over_limit(text: &str) -> Result<OverLimit, Problem> {
    one_of("over_limit", text, &OverLimit::ALL)
}

/// An application, what it is entitled to, and what of that is in use.
#[derive(Serialize)]
pub(in crate::dialects::native) struct ApplicationView {
    key: String,
    name: Option<String>,
    plan: &'static str,
    seat_limit: Option<u32>,
    seats: u64,
    leases: u64,
    used: u64,
    available: Option<u64>,
    overage: u64,
    over_limit: &'static str,
    node_limit: Option<u32>,
    nodes: u64,
    features: Option<Vec<String>>,
    license: Option<Uuid>,
    verified: Option<bool>,
    expires_at: Option<String>,
    days_left: Option<i64>,
    covered_until: Option<String>,
    covered_days_left: Option<i64>,
}

impl ApplicationView {
    pub(in crate::dialects::native) fn of(
        figures: &ApplicationFigures,
        entitlement: &Entitlement,
        enrolled: &Enrolled,
        now: Timestamp,
    ) -> Self {
        let license = entitlement.license.as_ref();
        let Application { key, name, state } = &figures.application;
        let nodes = enrolled.get(key);
        Self {
            key: key.clone(),
            name: name.clone(),
            plan: plan_word(figures.plan),
            seat_limit: figures.limit,
            seats: state.seats,
            leases: state.leases,
            used: figures.used(),
            available: figures.available(),
            overage: figures.overage(),
            over_limit: state.over_limit.as_str(),
            node_limit: entitlement.node_limit(),
            nodes: nodes.copied().unwrap_or_default(),
            features: license.map(|license| license.features.clone()),
            license: license.map(|license| license.license),
            verified: license.map(|license| license.signer.key_id().is_some()),
            expires_at: license.map(|license| time(license.expires_at)),
            days_left: license.map(|license| days_left(license.expires_at, now)),
            covered_until: license.map(|license| time(license.covered_until)),
            covered_days_left: license.map(|license| days_left(license.covered_until, now)),
        }
    }
}

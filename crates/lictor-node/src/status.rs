//! The status of a node, as it is shown to people and programs.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use lictor_core::feed::Mode;
use lictor_core::{Timestamp, TrustPolicy, time};
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::decision::Granted;
use crate::problems::Kind;
use crate::shared::Shared;
use crate::trusted_time::Difference;

/// The status of a node. Times are trusted time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Its id.
    pub node: Uuid,
    /// Its name.
    pub name: String,
    /// Its organization.
    pub organization: Uuid,
    /// The application that it serves.
    pub application: String,
    /// What it accepts as a license.
    pub policy: TrustPolicy,
    /// The address of its control plane.
    pub control_plane: String,
    /// The version of its program.
    pub version: String,
    /// Whether the feed is open.
    pub connected: bool,
    /// How recent its state is.
    pub mode: Mode,
    /// When its mode or its license last changed, or when it started.
    #[serde(serialize_with = "rfc3339")]
    pub since: Timestamp,
    /// The state that it decides by. `None` if none can be read.
    pub state: Option<StateStatus>,
    /// Whether it was revoked.
    pub revoked: bool,
    /// The time that it decides by.
    #[serde(serialize_with = "rfc3339")]
    pub trusted_time: Timestamp,
    /// How many seconds the machine's clock is ahead of that.
    pub clock_difference_seconds: i64,
    /// Whether it is ahead by more than a minute.
    pub clock_ahead: bool,
    /// Whether it is behind by more than a minute.
    pub clock_behind: bool,
    /// The license in force.
    pub license: Option<LicenseStatus>,
    /// Why requests are denied. `None` if they are allowed.
    pub denied: Option<&'static str>,
    /// What is wrong, in words for people.
    pub problems: Vec<String>,
    /// This month's requests by service that are on disk.
    pub requests: BTreeMap<String, u64>,
    /// How many counts on disk have not been reported.
    pub unsent: usize,
    /// How many requests are not yet on disk.
    pub unjournaled: u64,
    /// The epoch of the journal.
    pub epoch: String,
    /// How many instances of this node run at once, as the control plane sees it: more than one if its
    /// folder was copied.
    pub lives: u64,
    /// Whether its folder was found to be a copy, or an older one that was restored, since the start. This
    /// instance or another one then counts in an epoch of its own. `problems` says more.
    pub copied: bool,
    /// Whether more nodes of its application are enrolled than the license grants, as the control plane
    /// says. `problems` says how many.
    pub beyond_license: bool,
    /// How many states were refused since the start, by reason.
    pub states_refused: BTreeMap<&'static str, u64>,
    /// How many requests were denied since the start, by reason.
    pub requests_denied: BTreeMap<&'static str, u64>,
}

/// The state that a node decides by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StateStatus {
    /// Its revision.
    pub revision: u64,
    /// When it was signed.
    #[serde(serialize_with = "rfc3339")]
    pub issued_at: Timestamp,
    /// When it expires.
    #[serde(serialize_with = "rfc3339")]
    pub expires_at: Timestamp,
    /// How many seconds ago it was signed.
    pub age_seconds: i64,
}

/// The license in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LicenseStatus {
    /// Its id.
    pub id: Uuid,
    /// Who bought it.
    pub customer: Option<String>,
    /// Its plan.
    pub plan: &'static str,
    /// The features that it grants.
    pub features: Vec<String>,
    /// Seats. `None` if unlimited.
    pub seat_limit: Option<u32>,
    /// Nodes. `None` if unlimited.
    pub node_limit: Option<u32>,
    /// When it ends.
    #[serde(serialize_with = "rfc3339")]
    pub expires_at: Timestamp,
    /// When it ends, including the renewals that follow it without a gap.
    #[serde(serialize_with = "rfc3339")]
    pub covered_until: Timestamp,
    /// Who signed it.
    pub signer: String,
}

impl Status {
    pub(crate) fn of(shared: &Shared) -> Self {
        let decision = shared.evaluator.decision();
        let times = shared.evaluator.times();
        let (state, revoked) = shared.evaluator.state();
        let totals = shared.counters.totals();
        let refused = shared
            .refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let refused = refused.clone();
        let enforcement = *shared
            .enforcement
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let denied = shared.counters.denied();
        let identity = &shared.identity;
        Self {
            node: identity.node,
            name: identity.name.clone(),
            organization: identity.organization,
            application: identity.application.clone(),
            policy: identity.policy,
            control_plane: shared.client.address().to_owned(),
            version: shared.version.clone(),
            connected: shared.link.is_open(),
            mode: decision.mode,
            since: enforcement.since,
            state: state.map(|state| StateStatus {
                revision: state.ratchet.revision,
                issued_at: state.ratchet.issued_at,
                expires_at: state.expires_at,
                age_seconds: times.now.saturating_sub(state.ratchet.issued_at),
            }),
            revoked,
            trusted_time: times.now,
            clock_difference_seconds: times.wall_difference,
            clock_ahead: matches!(times.difference, Some(Difference::Ahead(_))),
            clock_behind: matches!(times.difference, Some(Difference::Behind(_))),
            license: decision.license.as_deref().map(LicenseStatus::of),
            denied: decision.grant.as_ref().err().map(|reason| reason.as_str()),
            problems: shared.problems.list(),
            requests: totals.this_month,
            unsent: totals.unsent,
            unjournaled: totals.unjournaled,
            epoch: totals.epoch,
            lives: shared.lives.load(Ordering::Relaxed),
            copied: shared.problems.has(Kind::Copied),
            beyond_license: shared.problems.has(Kind::NodeOverage),
            states_refused: refused,
            requests_denied: denied
                .into_iter()
                .map(|(reason, count)| (reason.as_str(), count))
                .collect(),
        }
    }
}

impl LicenseStatus {
    fn of(granted: &Granted) -> Self {
        let license = &granted.license;
        Self {
            id: license.license,
            customer: granted.customer.clone(),
            plan: license.plan.as_str(),
            features: license.features.clone(),
            seat_limit: license.seat_limit,
            node_limit: license.node_limit,
            expires_at: license.expires_at,
            covered_until: license.covered_until,
            signer: license.signer.to_string(),
        }
    }
}

fn rfc3339<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time::rfc3339(*time))
}

//! How a node stands, as it is shown to people and programs.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use lictor_core::feed::Mode;
use lictor_core::{Timestamp, TrustPolicy};
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::decision::Granted;
use crate::problems::Kind;
use crate::shared::Shared;
use crate::trusted::Difference;

/// How a node stands. Times are trusted time.
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
    /// How it stands towards its control plane.
    pub mode: Mode,
    /// Since when it stands so, and its license too; at the earliest since its start.
    #[serde(serialize_with = "rfc3339")]
    pub since: Timestamp,
    /// The state that it decides by; none: none could be read.
    pub state: Option<StateStatus>,
    /// Whether it was revoked.
    pub revoked: bool,
    /// The time that it goes by.
    #[serde(serialize_with = "rfc3339")]
    pub trusted_time: Timestamp,
    /// By how many seconds the machine's clock is ahead of that.
    pub clock_difference_seconds: i64,
    /// Whether that is more than is believed.
    pub clock_ahead: bool,
    /// Whether it is behind by more than a minute.
    pub clock_behind: bool,
    /// The license in force.
    pub license: Option<LicenseStatus>,
    /// Why requests are denied; none: they are allowed.
    pub denied: Option<&'static str>,
    /// What is wrong, in words for people.
    pub problems: Vec<String>,
    /// The requests of this month by service, as far as they are on disk.
    pub requests: BTreeMap<String, u64>,
    /// How many counts have not been reported as they are on disk.
    pub unsent: usize,
    /// How many requests are not on disk yet.
    pub unjournaled: u64,
    /// The name of the journal that counts.
    pub epoch: String,
    /// How many starts of this node run at once, as the control plane sees it: more than one where its
    /// folder was copied.
    pub lives: u64,
    /// Whether its folder is a copy, or an older one that was put back, as far as that was seen since the
    /// start: this start or another one counts by itself. The problem says more.
    pub copied: bool,
    /// Whether more nodes of its application are enrolled than the license grants, as the control plane
    /// says; the problem tells how many.
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
    /// From when on it has expired.
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
    /// Seats; none: unlimited.
    pub seat_limit: Option<u32>,
    /// Nodes; none: unlimited.
    pub node_limit: Option<u32>,
    /// When it ends.
    #[serde(serialize_with = "rfc3339")]
    pub expires_at: Timestamp,
    /// When it ends, or the renewals that follow it without a gap.
    #[serde(serialize_with = "rfc3339")]
    pub covered_until: Timestamp,
    /// Who signed it.
    pub signer: String,
}

impl Status {
    pub(crate) fn of(shared: &Shared) -> Self {
        let verdict = shared.judge.current();
        let times = shared.judge.times();
        let (held, revoked) = shared.judge.held();
        let totals = shared.counters.totals();
        let refused = shared
            .refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let refused = refused.clone();
        let standing = *shared
            .standing
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
            mode: verdict.mode,
            since: standing.since,
            state: held.map(|held| StateStatus {
                revision: held.ratchet.revision,
                issued_at: held.ratchet.issued_at,
                expires_at: held.expires_at,
                age_seconds: times.now.saturating_sub(held.ratchet.issued_at),
            }),
            revoked,
            trusted_time: times.now,
            clock_difference_seconds: times.wall_difference,
            clock_ahead: matches!(times.difference, Some(Difference::Ahead(_))),
            clock_behind: matches!(times.difference, Some(Difference::Behind(_))),
            license: verdict.license.as_deref().map(LicenseStatus::of),
            denied: verdict
                .standing
                .as_ref()
                .err()
                .map(|reason| reason.as_str()),
            problems: shared.problems.list(),
            requests: totals.this_month,
            unsent: totals.unsent,
            unjournaled: totals.unjournaled,
            epoch: totals.epoch,
            lives: shared.lives.load(Ordering::Relaxed),
            copied: shared.problems.has(Kind::Copied),
            beyond_license: shared.problems.has(Kind::Beyond),
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
    match jiff::Timestamp::from_second(*time) {
        Ok(time) => serializer.collect_str(&time),
        Err(_) => serializer.collect_str("9999-12-31T23:59:59Z"),
    }
}

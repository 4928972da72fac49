//! How a node decides: a pure function of its state and trusted time.

use std::sync::Arc;

use lictor_core::facts::entitlement::{Entitlement, InForce};
use lictor_core::feed::Mode;
use lictor_core::rules::in_force::next_boundary;
use lictor_core::time::SECONDS_PER_DAY;
use lictor_core::{Date, Timestamp};

use crate::error::Reason;
use crate::verified_state::VerifiedState;

/// The license in force and what the node shows of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Granted {
    /// What it grants.
    pub license: InForce,
    /// Who bought it.
    pub customer: Option<String>,
}

/// A decision, which is valid until the next instant at which it may change by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    /// The node's mode.
    pub mode: Mode,
    /// What is granted, or why nothing is.
    pub grant: Result<Arc<Granted>, Reason>,
    /// The license in force, whatever the mode.
    pub license: Option<Arc<Granted>>,
    /// The month in which requests are counted.
    pub month: String,
    /// When the decision may change by itself.
    pub until: Timestamp,
}

/// Decides at `now`.
pub(crate) fn evaluate(
    application: &str,
    state: Option<&VerifiedState>,
    revoked: bool,
    now: Timestamp,
) -> Decision {
    let month = Date::of(now).month();
    let month_end = next_month(now);
    let Some(state) = state else {
        return Decision {
            mode: Mode::Restricted,
            grant: Err(Reason::Restricted),
            license: None,
            month,
            until: month_end,
        };
    };
    let issued_at = state.ratchet.issued_at;
    let by_age = state.policy.mode(issued_at, state.expires_at, now);
    let mode = if revoked { Mode::Restricted } else { by_age };
    let granted = granted(application, state, now);
    let grant = match (mode, &granted) {
        (Mode::Restricted, _) => Err(Reason::Restricted),
        (_, Some(granted)) => Ok(Arc::clone(granted)),
        (_, None) => Err(why_unlicensed(state, now)),
    };
    let edges = [
        next_boundary(&state.candidates, now),
        state.policy.next_change(issued_at, state.expires_at, now),
    ];
    let until = edges.into_iter().flatten().fold(month_end, Timestamp::min);
    Decision {
        mode,
        grant,
        license: granted,
        month,
        until,
    }
}

impl Decision {
    /// Whether a request that needs this application and this feature is allowed. `own` is the node's
    /// application.
    pub(crate) fn allows(
        &self,
        own: &str,
        application: Option<&str>,
        feature: Option<&str>,
    ) -> Result<(), Reason> {
        if self.mode == Mode::Restricted {
            return Err(Reason::Restricted);
        }
        if application.is_some_and(|application| application != own) {
            return Err(Reason::Unlicensed);
        }
        let granted = self.grant.as_ref().map_err(|reason| *reason)?;
        let has = |feature: &str| {
            let mut features = granted.license.features.iter();
            features.any(|granted| granted == feature)
        };
        match feature {
            Some(feature) if !has(feature) => Err(Reason::Feature),
            _ => Ok(()),
        }
    }
}

fn granted(application: &str, state: &VerifiedState, now: Timestamp) -> Option<Arc<Granted>> {
    let license = Entitlement::of(application, &state.candidates, now).license?;
    let mut candidates = state.candidates.iter();
    let candidate = candidates.find(|candidate| candidate.id == license.license);
    let customer = candidate.and_then(|candidate| candidate.claims.customer.clone());
    Some(Arc::new(Granted { license, customer }))
}

/// Why no license is in force: either all that have begun have ended, or none has begun.
fn why_unlicensed(state: &VerifiedState, now: Timestamp) -> Reason {
    let begun = state
        .candidates
        .iter()
        .any(|candidate| candidate.signer.is_ok() && candidate.claims.validity().has_begun(now));
    if begun {
        Reason::Expired
    } else {
        Reason::Unlicensed
    }
}

/// When the next month begins.
fn next_month(now: Timestamp) -> Timestamp {
    let month = Date::of(now).month();
    let later = (1..=31).map(|days| Date::of(now.saturating_add(days * SECONDS_PER_DAY)));
    let next = later.into_iter().find(|date| date.month() != month);
    next.map_or(Timestamp::MAX, Date::start)
}

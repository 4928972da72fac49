//! What a node decides: a pure function of the state it holds and the time it trusts.

use std::sync::Arc;

use lictor_core::facts::entitlement::{Entitlement, InForce};
use lictor_core::feed::Mode;
use lictor_core::rules::in_force::next_boundary;
use lictor_core::time::SECONDS_PER_DAY;
use lictor_core::{Date, Timestamp};

use crate::error::Reason;
use crate::held::Held;

/// The license in force and what the node shows of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Granted {
    /// What it grants.
    pub license: InForce,
    /// Who bought it.
    pub customer: Option<String>,
}

/// What holds until the next boundary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// How the node stands.
    pub mode: Mode,
    /// What is granted, or why nothing is.
    pub standing: Result<Arc<Granted>, Reason>,
    /// The license in force, whatever the mode is.
    pub license: Option<Arc<Granted>>,
    /// The month in which requests are counted.
    pub month: String,
    /// When this may change by itself.
    pub until: Timestamp,
}

/// Decides at `now`.
pub(crate) fn judge(
    application: &str,
    held: Option<&Held>,
    revoked: bool,
    now: Timestamp,
) -> Verdict {
    let month = Date::of(now).month();
    let turn = month_turn(now);
    let Some(held) = held else {
        return Verdict {
            mode: Mode::Restricted,
            standing: Err(Reason::Restricted),
            license: None,
            month,
            until: turn,
        };
    };
    let issued_at = held.ratchet.issued_at;
    let aged = held.policy.mode(issued_at, held.expires_at, now);
    let mode = if revoked { Mode::Restricted } else { aged };
    let granted = granted(application, held, now);
    let standing = match (mode, &granted) {
        (Mode::Restricted, _) => Err(Reason::Restricted),
        (_, Some(granted)) => Ok(Arc::clone(granted)),
        (_, None) => Err(unlicensed(held, now)),
    };
    let edges = [
        next_boundary(&held.candidates, now),
        held.policy.next_change(issued_at, held.expires_at, now),
    ];
    let until = edges.into_iter().flatten().fold(turn, Timestamp::min);
    Verdict {
        mode,
        standing,
        license: granted,
        month,
        until,
    }
}

impl Verdict {
    /// Whether a request is allowed that asks for an application and a feature.
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
        let granted = self.standing.as_ref().map_err(|reason| *reason)?;
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

fn granted(application: &str, held: &Held, now: Timestamp) -> Option<Arc<Granted>> {
    let license = Entitlement::of(application, &held.candidates, now).license?;
    let mut candidates = held.candidates.iter();
    let candidate = candidates.find(|candidate| candidate.id == license.license);
    let customer = candidate.and_then(|candidate| candidate.claims.customer.clone());
    Some(Arc::new(Granted { license, customer }))
}

/// Why none is in force: all that have begun have ended, or none has begun.
fn unlicensed(held: &Held, now: Timestamp) -> Reason {
    let begun = held
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
fn month_turn(now: Timestamp) -> Timestamp {
    let month = Date::of(now).month();
    let later = (1..=31).map(|days| Date::of(now.saturating_add(days * SECONDS_PER_DAY)));
    let next = later.into_iter().find(|date| date.month() != month);
    next.map_or(Timestamp::MAX, Date::start)
}

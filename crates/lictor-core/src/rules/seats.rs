//! Assigning and releasing named seats. Leases draw on the same pool.

use uuid::Uuid;

use crate::change::Change;
use crate::decision::Decision;
use crate::error::{Error, Kind};
use crate::facts::account::{AccountKind, AccountState, AccountStatus};
use crate::facts::application::{ApplicationState, OverLimit};
use crate::facts::entitlement::SeatTerms;
use crate::facts::seats::{Holder, SeatId, SeatReason, SeatRefusal};
use crate::record::Record;
use crate::rules::{account, application};
use crate::state::State;

/// Whether one more seat of an application can be taken.
///
/// # Errors
/// [`Error::Outdated`] if the terms are not those of now; else the reason in the inner result.
pub(crate) fn room(
    state: &State,
    application: &ApplicationState,
    terms: &SeatTerms,
) -> Result<Result<(), SeatReason>, Error> {
    if terms.basis != state.basis_of(application) {
        return Err(Error::Outdated);
    }
    let fits = terms
        .limit
        .is_none_or(|limit| application.used() < u64::from(limit));
    Ok(if !terms.licensed {
        Err(SeatReason::Unlicensed)
    } else if fits || application.over_limit == OverLimit::Allow {
        Ok(())
    } else {
        Err(SeatReason::Exhausted)
    })
}

/// A refusal, with the figures that it was decided by.
pub(crate) fn refusal(
    state: &State,
    application: &str,
    holder: Holder,
    reason: SeatReason,
    terms: &SeatTerms,
) -> SeatRefusal {
    let used = state.applications.get(application);
    SeatRefusal {
        application: application.to_owned(),
        holder,
        reason,
        limit: terms.limit,
        used: used.map_or(0, ApplicationState::used),
        position: state.position,
    }
}

/// A decision to refuse, which is recorded.
pub(crate) fn refuse<T>(
    mut decision: Decision,
    refusal: SeatRefusal,
) -> Decision<Result<T, SeatRefusal>> {
    decision.records.push(Record::Refusal(refusal.clone()));
    decision.with(|_| Ok(Err(refusal)))
}

/// A seat that an account has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// The seat.
    pub seat: SeatId,
    /// Whether it was given now; else the account had it.
    pub given: bool,
    /// Seats granted. `None` if unlimited.
    pub limit: Option<u32>,
    /// Seats in use.
    pub used: u64,
}

/// Assigns a seat to an account; if it already has one, nothing changes. `state` contains the
/// application, the account and its seat, if it has it.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Outdated`]. A seat that is refused is a decision too, so that it
/// is recorded.
pub fn assign(
    state: &State,
    application: &str,
    account: Uuid,
    terms: &SeatTerms,
) -> Result<Decision<Result<Assigned, SeatRefusal>>, Error> {
    let stored = application::find(state, application)?;
    let holder = account::find(state, account)?;
    let seat = SeatId {
        application: application.to_owned(),
        account,
    };
    let given = !state.seats.contains_key(&seat);
    let limit = terms.limit;
    let assigned = move |after: &State| {
        let used = application::find(after, &seat.application)?.used();
        Ok(Ok(Assigned {
            seat,
            given,
            limit,
            used,
        }))
    };
    if !given {
        return Ok(Decision::nothing().with(assigned));
    }
    let allowed = match holder.may_hold_seats() {
        Ok(()) => room(state, stored, terms)?,
        Err(reason) => Err(reason),
    };
    if let Err(reason) = allowed {
        let holder = Holder::Account(account);
        let refusal = refusal(state, application, holder, reason, terms);
        return Ok(refuse(Decision::nothing(), refusal));
    }
    let decision = Decision::from(Change::SeatAssigned {
        application: application.to_owned(),
        account,
        limit,
        used: stored.used() + 1,
    });
    Ok(decision.with(assigned))
}

/// Releases an account's seat.
///
/// # Errors
/// [`Error::NotFound`] for the application, the account or the seat.
pub fn release(state: &State, application: &str, account: Uuid) -> Result<Decision, Error> {
    application::find(state, application)?;
    account::find(state, account)?;
    let seat = SeatId {
        application: application.to_owned(),
        account,
    };
    if !state.seats.contains_key(&seat) {
        return Err(Error::NotFound {
            kind: Kind::Seat,
            name: seat.to_string(),
        });
    }
    Ok(Change::SeatReleased {
        application: application.to_owned(),
        account,
    }
    .into())
}

impl AccountState {
    /// Whether it may be given a seat: invited and active persons may.
    ///
    /// # Errors
    /// Why not.
    pub fn may_hold_seats(&self) -> Result<(), SeatReason> {
        match (self.kind, self.status) {
            (AccountKind::Service, _) => Err(SeatReason::Service),
            (_, AccountStatus::Deactivated | AccountStatus::Removed) => {
                Err(SeatReason::Deactivated)
            }
            (AccountKind::Person, AccountStatus::Invited | AccountStatus::Active) => Ok(()),
        }
    }
}

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
/// [`Error::Outdated`] where the terms are not those of now; else the reason in the inner result.
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

/// A decision to refuse, which is recorded.
pub(crate) fn refuse(
    state: &State,
    application: &str,
    holder: Holder,
    reason: SeatReason,
    terms: &SeatTerms,
) -> Decision {
    let used = state.applications.get(application);
    let refusal = SeatRefusal {
        application: application.to_owned(),
        holder,
        reason,
        limit: terms.limit,
        used: used.map_or(0, ApplicationState::used),
        position: state.position,
    };
    let mut decision = Decision::nothing();
    decision.records.push(Record::Refusal(refusal.clone()));
    decision.refused.push((0, Error::SeatRefused(refusal)));
    decision
}

/// Assigns a seat to an account; if it already has one, nothing changes. `state` holds the
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
) -> Result<Decision, Error> {
    let stored = application::find(state, application)?;
    let holder = account::find(state, account)?;
    let seat = SeatId {
        application: application.to_owned(),
        account,
    };
    if state.seats.contains_key(&seat) {
        return Ok(Decision::nothing());
    }
    let allowed = match holder.may_hold_seats() {
        Ok(()) => room(state, stored, terms)?,
        Err(reason) => Err(reason),
    };
    if let Err(reason) = allowed {
        let holder = Holder::Account(account);
        return Ok(refuse(state, application, holder, reason, terms));
    }
    Ok(Change::SeatAssigned {
        application: application.to_owned(),
        account,
        limit: terms.limit,
        used: stored.used() + 1,
    }
    .into())
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

//! Named seats: who may take one, and what is said when none is left. Leases draw on the same pool.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::account::{self, Account};
use crate::application::{self, ApplicationState, OverLimit};
use crate::change::{Change, Decision, Record};
use crate::error::{Error, Kind};
use crate::license::Entitlement;
use crate::quota;
use crate::state::State;
use crate::time::Timestamp;

/// The most rows of one request for many seats.
pub const MAX_ROWS: usize = 1_000;

/// The most seats that the accounts of one import ask for: each of them may be answered with a reason.
pub const MAX_SEATS_ASKED: usize = 10_000;

/// Which seat: there is at most one for an account and an application.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeatId {
    /// The application's key.
    pub application: String,
    /// The account's id.
    pub account: Uuid,
}

impl fmt::Display for SeatId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of account {}", self.application, self.account)
    }
}

/// What the ledger knows of a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatState {
    /// Since when it is held.
    pub since: Timestamp,
    /// The ledger position at which it was given; the entry there says by whom.
    pub revision: u64,
}

/// A seat with who holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// Who holds it.
    pub account: Account,
    /// What the ledger knows of it.
    pub state: SeatState,
}

/// What the license in force grants, as it was found before the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeatTerms {
    /// Whether a license is in force.
    pub licensed: bool,
    /// Seats; none: unlimited.
    pub limit: Option<u32>,
    /// What it was derived from.
    pub basis: ApplicationBasis,
}

impl SeatTerms {
    /// The terms of an entitlement that was derived from `basis`.
    pub fn of(entitlement: &Entitlement, basis: ApplicationBasis) -> Self {
        Self {
            licensed: entitlement.license.is_some(),
            limit: entitlement.seat_limit(),
            basis,
        }
    }
}

/// Which licenses of an application and which trusted keys an entitlement was derived from. A rule
/// compares it with what is stored, so that no seat is given by a license that was just removed or a
/// key just revoked; licenses of other applications leave it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ApplicationBasis {
    /// How many licenses of the application are stored.
    pub licenses: u64,
    /// The sum of their revisions.
    pub revisions: u64,
    /// The position of the installation's last change to a key or to the policy.
    pub trust: u64,
}

/// Which licenses and trusted keys the state of an organization's nodes rests on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Basis {
    /// The position of the organization's last change to a license.
    pub licenses: u64,
    /// The position of the installation's last change to a key or to the policy.
    pub trust: u64,
}

/// Why somebody gets no seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SeatReason {
    /// The account belongs to a service.
    Service,
    /// The account is deactivated.
    Deactivated,
    /// No license is in force.
    Unlicensed,
    /// All seats are taken.
    Exhausted,
}

impl SeatReason {
    /// All reasons.
    pub const ALL: [Self; 4] = [
        Self::Service,
        Self::Deactivated,
        Self::Unlicensed,
        Self::Exhausted,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Deactivated => "deactivated",
            Self::Unlicensed => "unlicensed",
            Self::Exhausted => "exhausted",
        }
    }
}

/// Who asked for a seat.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// An account, for a named seat.
    Account(Uuid),
    /// Whoever calls itself so, for a lease.
    Lease(String),
}

/// A seat that was refused, with the figures it was refused by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatRefusal {
    /// The application's key.
    pub application: String,
    /// Who asked.
    pub holder: Holder,
    /// Why not.
    pub reason: SeatReason,
    /// The limit then; none: unlimited.
    pub limit: Option<u32>,
    /// Seats in use then.
    pub used: u64,
    /// The ledger position that the decision saw.
    pub position: u64,
}

impl SeatRefusal {
    /// What it says to who may not read how many seats there are.
    pub(crate) fn without_figures(&self) -> String {
        match self.reason {
            SeatReason::Exhausted => format!(
                "all seats of {} are taken; release one, or install a larger license",
                self.application
            ),
            SeatReason::Service | SeatReason::Deactivated | SeatReason::Unlicensed => {
                self.to_string()
            }
        }
    }
}

impl fmt::Display for SeatRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let application = &self.application;
        match self.reason {
            SeatReason::Service => write!(
                f,
                "a service account cannot have seats; assign the seat to a person"
            ),
            SeatReason::Deactivated => {
                write!(f, "the account is deactivated; activate it again first")
            }
            SeatReason::Unlicensed => write!(
                f,
                "no license is in force for {application}; install one or renew it"
            ),
            SeatReason::Exhausted => write!(
                f,
                "all seats of {application} are taken: {} of {}; release one, or install a \
                 larger license",
                self.used,
                self.limit.unwrap_or(0)
            ),
        }
    }
}

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

/// A decision that is no, which is recorded.
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

/// Gives an account a seat; one that has it keeps it, and nothing changes. `state` holds the
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

/// Takes an account's seat back.
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

/// How a request with many rows ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// One row that is refused refuses all.
    AllOrNothing,
    /// Each row for itself.
    Each,
}

/// A decision that is made in steps, each on what the steps before it left behind.
pub struct Steps {
    after: State,
    all: Decision,
}

impl Steps {
    /// The state after the steps so far, as far as it can be foreseen.
    pub fn state(&self) -> &State {
        &self.after
    }

    /// Takes the next step, unless it goes beyond a quota.
    ///
    /// # Errors
    /// [`Error::QuotaReached`].
    pub fn take(&mut self, decided: Decision) -> Result<(), Error> {
        quota::admit(&self.after, &decided.changes)?;
        self.after.absorb(&decided);
        self.all.append(decided);
        Ok(())
    }

    /// Refuses a part of the row; what was taken of it before stays.
    pub fn refuse(&mut self, error: Error) {
        self.all.refused.push((0, error));
    }
}

/// Decides row after row, each in steps of its own.
///
/// # Errors
/// [`Error::Outdated`]. What refuses a row stands in the decision, with the row's number.
pub fn each_row<T>(
    state: &State,
    rows: &[T],
    mode: Rows,
    decide: impl Fn(&mut Steps, &T) -> Result<(), Error>,
) -> Result<Decision, Error> {
    // Copied once, and not for each step: a request may have a thousand accounts loaded.
    let mut steps = Steps {
        after: state.clone(),
        all: Decision::nothing(),
    };
    for (number, row) in rows.iter().enumerate() {
        let before = steps.all.refused.len();
        match decide(&mut steps, row) {
            Ok(()) => {}
            Err(Error::Outdated) => return Err(Error::Outdated),
            Err(error) => steps.refuse(error),
        }
        for (row, _) in &mut steps.all.refused[before..] {
            *row = number;
        }
    }
    let mut all = steps.all;
    if mode == Rows::AllOrNothing && !all.refused.is_empty() {
        refuse_all(state, &mut all);
    }
    Ok(all)
}

/// Nothing of it happens, so that the figures are those of before.
fn refuse_all(state: &State, all: &mut Decision) {
    let before = |refusal: &mut SeatRefusal| {
        let stored = state.applications.get(&refusal.application);
        refusal.used = stored.map_or(0, ApplicationState::used);
        refusal.position = state.position;
    };
    all.changes.clear();
    all.records.retain_mut(|record| match record {
        Record::Refusal(refusal) => {
            before(refusal);
            true
        }
        _ => false,
    });
    for (_, error) in &mut all.refused {
        if let Error::SeatRefused(refusal) = error {
            before(refusal);
        }
    }
}

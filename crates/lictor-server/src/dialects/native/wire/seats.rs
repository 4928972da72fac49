//! Seats between the contract and the authority: what is asked for, and what became of it.

use std::sync::Arc;

use lictor_api::seats::{
    AccountSeat, ActorName, AssignedSeat, ChangeSeats, ChangedSeat, ChangedSeats, Seat, SeatResult,
};
use lictor_api::values::{Instant, RowError, RowReason, Text, Told as Member};
use lictor_authority::{ActorName as Actor, Assigned, BatchMode, Row, SeatRow, Who};
use lictor_core::Error;
use lictor_core::error::Kind;
use lictor_core::facts::seats::{Seat as Stored, SeatId, SeatState};
use uuid::Uuid;

use crate::dialects::native::error::Problem;
use crate::dialects::native::frame::read;
use crate::dialects::native::told::Told;

/// An account by its id or its e-mail.
pub(in crate::dialects::native) fn who(text: String) -> Who {
    Uuid::try_parse(&text).map_or(Who::Email(text), Who::Id)
}

/// The rows: what is released first makes room for the rest.
pub(in crate::dialects::native) fn rows(
    change: ChangeSeats,
) -> Result<(Vec<SeatRow>, BatchMode), Problem> {
    let release = change.release.unwrap_or_default().into_iter();
    let assign = change.assign.unwrap_or_default().into_iter();
    let rows = release
        .map(|text| SeatRow::Release(who(text)))
        .chain(assign.map(|text| SeatRow::Assign(who(text))));
    Ok((rows.collect(), mode(change.mode.as_ref())?))
}

/// Whether all rows are to be taken, or each that can be.
pub(in crate::dialects::native) fn mode(
    text: Option<&Text<BatchMode>>,
) -> Result<BatchMode, Problem> {
    let mode = text.map(|text| read("mode", text)).transpose()?;
    Ok(mode.unwrap_or(BatchMode::AllOrNothing))
}

pub(in crate::dialects::native) fn seat(
    application: &str,
    (seat, assigned_by): (Stored, Option<Arc<Actor>>),
) -> Seat {
    Seat {
        application: application.to_owned(),
        account: seat.account.id,
        email: seat.account.email,
        name: seat.account.name,
        status: seat.account.state.status.into(),
        since: Instant(seat.state.since),
        position: seat.state.revision,
        assigned_by: assigned_by.as_deref().map(actor),
    }
}

pub(in crate::dialects::native) fn of_account(
    (id, state, assigned_by): (SeatId, SeatState, Option<Arc<Actor>>),
) -> AccountSeat {
    AccountSeat {
        application: id.application,
        since: Instant(state.since),
        position: state.revision,
        assigned_by: assigned_by.as_deref().map(actor),
    }
}

fn actor(actor: &Actor) -> ActorName {
    let account = actor.account.as_ref();
    ActorName {
        token: actor.token,
        name: actor.name.clone(),
        account: account.map(|account| account.id),
        email: account.and_then(|account| account.email.clone()),
    }
}

pub(in crate::dialects::native) fn assigned(told: Told, assigned: &Assigned) -> AssignedSeat {
    AssignedSeat {
        application: assigned.seat.application.clone(),
        account: assigned.seat.account,
        limit: Member::if_told(told.is_all(), assigned.limit),
        used: Member::if_told(told.is_all(), assigned.used),
    }
}

pub(in crate::dialects::native) fn changed(
    rows: &[SeatRow],
    outcomes: &[Row<bool>],
    told: Told,
) -> ChangedSeats {
    let view = |(row, outcome): (&SeatRow, &Row<bool>)| {
        let refused = outcome.refused.first();
        let result = match (refused, outcome.done, row) {
            (Some(_), ..) => SeatResult::Refused,
            (None, None, _) => SeatResult::Undone,
            (None, Some(_), SeatRow::Assign(_)) => SeatResult::Assigned,
            (None, Some(_), SeatRow::Release(_)) => SeatResult::Released,
        };
        ChangedSeat {
            account: named(row),
            result: result.into(),
            error: refused.map_or(Member::Untold, |error| row_error(error, told).into()),
        }
    };
    let refused = outcomes.iter().filter(|row| !row.refused.is_empty());
    ChangedSeats {
        refused: refused.count() as u64,
        rows: rows.iter().zip(outcomes).map(view).collect(),
    }
}

/// The same without the accounts as the request names them, for what is kept: by their e-mails it could not be found
/// when one of these is to go.
pub(in crate::dialects::native) fn unnamed(mut changed: ChangedSeats) -> ChangedSeats {
    for row in &mut changed.rows {
        let account = std::mem::take(&mut row.account);
        if row.error == Member::Told(no_account(&account)) {
            row.error = Member::Untold;
        }
    }
    changed
}

/// What was [`unnamed`] with the accounts that a repeated request names.
pub(in crate::dialects::native) fn named_again(
    mut changed: ChangedSeats,
    rows: &[SeatRow],
) -> ChangedSeats {
    for (view, row) in changed.rows.iter_mut().zip(rows) {
        view.account = named(row);
        if view.result.is(SeatResult::Refused) && view.error.is_untold() {
            view.error = no_account(&view.account).into();
        }
    }
    changed
}

/// The account as the request names it.
fn named(row: &SeatRow) -> String {
    match row.who() {
        Who::Id(id) => id.to_string(),
        Who::Email(email) => email.clone(),
    }
}

fn no_account(name: &str) -> RowError {
    let error = Error::NotFound {
        kind: Kind::Account,
        name: name.to_owned(),
    };
    let said = error.to_string();
    refused_row(&error, said)
}

/// Why a row was refused, in the words of a problem of its own, as far as that may be told.
pub(in crate::dialects::native) fn row_error(error: &Error, told: Told) -> RowError {
    refused_row(error, told.said(error))
}

fn refused_row(error: &Error, detail: String) -> RowError {
    let reason = match error {
        Error::SeatRefused(refusal) => RowReason::Seat(refusal.reason),
        Error::NotFound { .. } => RowReason::NotFound,
        Error::AlreadyExists { .. } => RowReason::AlreadyExists,
        Error::InvalidInput { .. } => RowReason::InvalidInput,
        Error::QuotaReached { .. } => RowReason::QuotaReached,
        _ => RowReason::Refused,
    };
    RowError {
        detail,
        reason: reason.into(),
    }
}

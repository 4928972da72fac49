//! Seats as JSON: given, taken back, and who holds them.

use std::borrow::Cow;
use std::sync::Arc;

use lictor_authority::BatchMode;
use lictor_authority::{ActorName, Assigned, Row, SeatRow, Who};
use lictor_core::Error;
use lictor_core::error::Kind;
use lictor_core::facts::seats::{Seat, SeatId, SeatState};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::accounts::{into_mode, refused_row, row_error};
use super::time;
use crate::dialects::native::error::Problem;
use crate::dialects::native::told::Told;

/// A seat to give.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dialects::native) struct NewSeat {
    pub(in crate::dialects::native) account: String,
}

/// Seats to give and to take back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dialects::native) struct BulkSeats {
    assign: Option<Vec<String>>,
    release: Option<Vec<String>>,
    mode: Option<String>,
}

impl BulkSeats {
    /// The rows: what is released first makes room for the rest.
    pub(in crate::dialects::native) fn into_rows(
        self,
    ) -> Result<(Vec<SeatRow>, BatchMode), Problem> {
        let release = self.release.unwrap_or_default().into_iter();
        let assign = self.assign.unwrap_or_default().into_iter();
        let rows = release
            .map(|text| SeatRow::Release(who(text)))
            .chain(assign.map(|text| SeatRow::Assign(who(text))));
        Ok((rows.collect(), into_mode(self.mode.as_deref())?))
    }
}

/// An account by its id or its e-mail.
pub(in crate::dialects::native) fn who(text: String) -> Who {
    Uuid::try_parse(&text).map_or(Who::Email(text), Who::Id)
}

/// What became of seats to give and to take back.
#[derive(Serialize, Deserialize)]
pub(in crate::dialects::native) struct BulkView {
    refused: usize,
    rows: Vec<BulkRowView>,
}

#[derive(Serialize, Deserialize)]
struct BulkRowView {
    account: Cow<'static, str>,
    result: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
}

impl BulkView {
    pub(in crate::dialects::native) fn of(
        rows: &[SeatRow],
        outcomes: &[Row<bool>],
        told: &Told,
    ) -> Self {
        let view = |(row, outcome): (&SeatRow, &Row<bool>)| BulkRowView {
            account: named(row).into(),
            result: match (outcome.refused.first(), outcome.done, row) {
                (Some(_), ..) => "refused",
                (None, None, _) => "undone",
                (None, Some(_), SeatRow::Assign(_)) => "assigned",
                (None, Some(_), SeatRow::Release(_)) => "released",
            }
            .into(),
            error: outcome.refused.first().map(|error| row_error(error, told)),
        };
        let refused = outcomes.iter().filter(|row| !row.refused.is_empty());
        Self {
            refused: refused.count(),
            rows: rows.iter().zip(outcomes).map(view).collect(),
        }
    }

    /// The same without the accounts as the request names them, for what is kept: by their e-mails it
    /// could not be found when one of these is to go.
    pub(in crate::dialects::native) fn unnamed(mut self) -> Self {
        for row in &mut self.rows {
            let account = std::mem::take(&mut row.account);
            let unknown = no_account(&account);
            row.error.take_if(|error| *error == unknown);
        }
        self
    }

    /// What was [`unnamed`](Self::unnamed) with the accounts that a repeated request names.
    pub(in crate::dialects::native) fn named(mut self, rows: &[SeatRow]) -> Self {
        for (view, row) in self.rows.iter_mut().zip(rows) {
            view.account = named(row).into();
            if view.result == "refused" && view.error.is_none() {
                view.error = Some(no_account(&view.account));
            }
        }
        self
    }

    /// An answer that is kept.
    pub(in crate::dialects::native) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// The account as the request names it.
fn named(row: &SeatRow) -> String {
    match row.who() {
        Who::Id(id) => id.to_string(),
        Who::Email(email) => email.clone(),
    }
}

fn no_account(name: &str) -> Value {
    let error = Error::NotFound {
        kind: Kind::Account,
        name: name.to_owned(),
    };
    let said = error.to_string();
    refused_row(&error, said)
}

/// A seat, who holds it, since when, who gave it, and where the ledger says so.
#[derive(Serialize)]
pub(in crate::dialects::native) struct SeatView {
    application: String,
    account: Uuid,
    email: Option<String>,
    name: Option<String>,
    status: &'static str,
    since: String,
    position: u64,
    given_by: Option<GiverView>,
}

/// Who gave a seat.
#[derive(Serialize)]
struct GiverView {
    token: Uuid,
    name: Option<String>,
    account: Option<Uuid>,
    email: Option<String>,
}

impl GiverView {
    fn of(giver: &ActorName) -> Self {
        let account = giver.account.as_ref();
        Self {
            token: giver.token,
            name: giver.name.clone(),
            account: account.map(|account| account.id),
            email: account.and_then(|account| account.email.clone()),
        }
    }
}

impl SeatView {
    pub(in crate::dialects::native) fn of(
        application: &str,
        (seat, giver): (Seat, Option<Arc<ActorName>>),
    ) -> Self {
        Self {
            given_by: giver.as_deref().map(GiverView::of),
            application: application.to_owned(),
            account: seat.account.id,
            email: seat.account.email,
            name: seat.account.name,
            status: seat.account.state.status.as_str(),
            since: time(seat.state.since),
            position: seat.state.revision,
        }
    }
}

/// A seat of an account that is known.
#[derive(Serialize)]
pub(in crate::dialects::native) struct HeldView {
    application: String,
    since: String,
    position: u64,
    given_by: Option<GiverView>,
}

impl HeldView {
    pub(in crate::dialects::native) fn of(
        (id, state, giver): (SeatId, SeatState, Option<Arc<ActorName>>),
    ) -> Self {
        Self {
            given_by: giver.as_deref().map(GiverView::of),
            application: id.application,
            since: time(state.since),
            position: state.revision,
        }
    }
}

/// A seat that was just given, or was there already.
#[derive(Serialize)]
pub(in crate::dialects::native) struct AssignedView {
    application: String,
    account: Uuid,
    limit: Option<u32>,
    used: u64,
}

impl AssignedView {
    pub(in crate::dialects::native) fn of(assigned: &Assigned) -> Self {
        Self {
            application: assigned.seat.application.clone(),
            account: assigned.seat.account,
            limit: assigned.limit,
            used: assigned.used,
        }
    }
}

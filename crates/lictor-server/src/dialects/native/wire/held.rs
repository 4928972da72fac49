//! Accounts and what they hold as JSON: accounts, seats, leases, figures, the census.

use std::collections::BTreeMap;
use std::sync::Arc;

use lictor_core::account::AccountPatch;
use lictor_core::figures::{ApplicationFigures, OrganizationFigures};
use lictor_core::lease::DEFAULT_TTL;
use lictor_core::seats::Rows;
use lictor_core::{
    Account, AccountKind, AccountStatus, Error, Lease, Now, Seat, SeatId, SeatState,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{plan_word, time};
use crate::authority::{
    AccountRequest, Census, CheckedOut, Giver, ImportRow, RowOutcome, SeatRow, Who,
};
use crate::dialects::native::error::{Problem, invalid};
use crate::dialects::native::json::Object;

/// An account to create.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dialects::native) struct NewAccount {
    email: String,
    name: Option<String>,
    kind: Option<String>,
    status: Option<String>,
    administrator: Option<bool>,
    language: Option<String>,
}

impl NewAccount {
    pub(in crate::dialects::native) fn into_request(self) -> Result<AccountRequest, Problem> {
        let kind = match self.kind.as_deref() {
            None | Some("person") => AccountKind::Person,
            Some("service") => AccountKind::Service,
            Some(_) => return Err(invalid("kind", "use person or service")),
        };
        let invited = match self.status.as_deref() {
            None | Some("active") => false,
            Some("invited") => true,
            Some(_) => return Err(invalid("status", "use active or invited")),
        };
        Ok(AccountRequest {
            email: self.email,
            name: self.name,
            kind,
            invited,
            administrator: self.administrator.unwrap_or(false),
            language: self.language,
        })
    }
}

/// What is to change of an account.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dialects::native) struct PatchAccount {
    email: Option<String>,
    name: Option<String>,
    status: Option<String>,
    administrator: Option<bool>,
    language: Option<String>,
}

impl PatchAccount {
    pub(in crate::dialects::native) fn into_patch(self) -> Result<AccountPatch, Problem> {
        let status = match self.status.as_deref() {
            None => None,
            Some("invited") => Some(AccountStatus::Invited),
            Some("active") => Some(AccountStatus::Active),
            Some("deactivated") => Some(AccountStatus::Deactivated),
            Some(_) => {
                return Err(invalid("status", "use invited, active or deactivated"));
            }
        };
        Ok(AccountPatch {
            email: self.email,
            name: self.name,
            status,
            administrator: self.administrator,
            language: self.language,
        })
    }
}

/// Accounts to import.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dialects::native) struct Import {
    rows: Vec<Object<NewRow>>,
    mode: Option<String>,
    dry_run: Option<bool>,
    taken: Option<BTreeMap<String, u64>>,
}

/// The members of [`NewAccount`] one by one: read as a whole, they would let unknown ones through.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRow {
    email: String,
    name: Option<String>,
    kind: Option<String>,
    status: Option<String>,
    administrator: Option<bool>,
    language: Option<String>,
    seats: Option<Vec<String>>,
}

impl NewRow {
    fn into_row(self) -> Result<ImportRow, Problem> {
        let account = NewAccount {
            email: self.email,
            name: self.name,
            kind: self.kind,
            status: self.status,
            administrator: self.administrator,
            language: self.language,
        };
        Ok(ImportRow {
            account: account.into_request()?,
            seats: self.seats.unwrap_or_default(),
        })
    }
}

impl Import {
    /// The seats that earlier parts of a dry run would have given; none: it is no dry run.
    pub(in crate::dialects::native) fn take_try(
        &mut self,
    ) -> Result<Option<BTreeMap<String, u64>>, Problem> {
        match (self.dry_run, self.taken.take()) {
            (Some(true), taken) => Ok(Some(taken.unwrap_or_default())),
            (_, None) => Ok(None),
            (_, Some(_)) => Err(invalid(
                "taken",
                "it belongs to a dry run: set dry_run to true",
            )),
        }
    }

    pub(in crate::dialects::native) fn into_rows(self) -> Result<(Vec<ImportRow>, Rows), Problem> {
        let mode = into_mode(self.mode.as_deref())?;
        let rows = self.rows.into_iter();
        let rows: Result<Vec<_>, Problem> = rows.map(|Object(row)| row.into_row()).collect();
        Ok((rows?, mode))
    }
}

fn into_mode(text: Option<&str>) -> Result<Rows, Problem> {
    match text {
        None | Some("all") => Ok(Rows::AllOrNothing),
        Some("each") => Ok(Rows::Each),
        Some(_) => Err(invalid("mode", "use all or each")),
    }
}

/// An account.
#[derive(Serialize)]
pub(in crate::dialects::native) struct AccountView {
    id: Uuid,
    number: u64,
    email: Option<String>,
    name: Option<String>,
    kind: &'static str,
    status: &'static str,
    administrator: bool,
    language: String,
    seats: u64,
    created_at: String,
    pub(in crate::dialects::native) revision: u64,
}

impl AccountView {
    pub(in crate::dialects::native) fn from_account(account: Account) -> Self {
        Self {
            id: account.id,
            number: account.state.number,
            email: account.email,
            name: account.name,
            kind: account.state.kind.as_str(),
            status: account.state.status.as_str(),
            administrator: account.state.administrator,
            language: account.state.language,
            seats: account.state.seats,
            created_at: time(account.state.created_at),
            revision: account.state.revision,
        }
    }
}

/// What became of an import.
#[derive(Serialize)]
pub(in crate::dialects::native) struct ImportView {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    created: usize,
    given: usize,
    refused: usize,
    rows: Vec<RowView>,
}

#[derive(Serialize)]
struct RowView {
    account: Option<Uuid>,
    result: &'static str,
    created: bool,
    given: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Value>,
}

impl ImportView {
    pub(in crate::dialects::native) fn from_outcomes(outcomes: &[RowOutcome<'_>]) -> Self {
        let rows: Vec<RowView> = outcomes.iter().map(RowView::from_outcome).collect();
        Self {
            dry_run: false,
            created: rows.iter().filter(|row| row.created).count(),
            given: rows.iter().map(|row| row.given.len()).sum(),
            refused: rows.iter().filter(|row| !row.errors.is_empty()).count(),
            rows,
        }
    }

    /// The same of an import that nothing came of.
    pub(in crate::dialects::native) fn tried(self) -> Self {
        Self {
            dry_run: true,
            ..self
        }
    }
}

impl RowView {
    fn from_outcome(outcome: &RowOutcome<'_>) -> Self {
        let errors: Vec<Value> = outcome.refused.iter().copied().map(row_error).collect();
        Self {
            account: outcome.account,
            result: match (errors.is_empty(), outcome.created) {
                (false, _) => "refused",
                (true, true) => "created",
                (true, false) => "existing",
            },
            created: outcome.created,
            given: outcome.given.iter().copied().map(str::to_owned).collect(),
            error: errors.first().cloned(),
            errors,
        }
    }
}

/// Why a row was refused, in the words of a problem of its own.
pub(super) fn row_error(error: &Error) -> Value {
    let name = match error {
        Error::SeatRefused(refusal) => refusal.reason.as_str(),
        Error::NotFound { .. } => "not-found",
        Error::AlreadyExists { .. } => "already-exists",
        Error::InvalidInput { .. } => "invalid-input",
        Error::QuotaReached { .. } => "quota-reached",
        _ => "refused",
    };
    json!({ "reason": name, "detail": error.to_string() })
}

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
    pub(in crate::dialects::native) fn into_rows(self) -> Result<(Vec<SeatRow>, Rows), Problem> {
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
#[derive(Serialize)]
pub(in crate::dialects::native) struct BulkView {
    refused: usize,
    rows: Vec<BulkRowView>,
}

#[derive(Serialize)]
struct BulkRowView {
    account: String,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
}

impl BulkView {
    pub(in crate::dialects::native) fn of(
        rows: &[SeatRow],
        refused: &[(usize, Error)],
        mode: Rows,
    ) -> Self {
        let refusals: BTreeMap<usize, &Error> =
            refused.iter().map(|(row, error)| (*row, error)).collect();
        let undone = mode == Rows::AllOrNothing && !refused.is_empty();
        let view = |(number, row): (usize, &SeatRow)| BulkRowView {
            account: match row.who() {
                Who::Id(id) => id.to_string(),
                Who::Email(email) => email.clone(),
            },
            result: match (refusals.get(&number), row) {
                (Some(_), _) => "refused",
                (None, _) if undone => "undone",
                (None, SeatRow::Assign(_)) => "assigned",
                (None, SeatRow::Release(_)) => "released",
            },
            error: refusals.get(&number).map(|error| row_error(error)),
        };
        Self {
            refused: refusals.len(),
            rows: rows.iter().enumerate().map(view).collect(),
        }
    }
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
    fn of(giver: &Giver) -> Self {
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
        (seat, giver): (Seat, Option<Arc<Giver>>),
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
        (id, state, giver): (SeatId, SeatState, Option<Arc<Giver>>),
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
    pub(in crate::dialects::native) application: String,
    pub(in crate::dialects::native) account: Uuid,
    pub(in crate::dialects::native) limit: Option<u32>,
    pub(in crate::dialects::native) used: u64,
}

/// A lease to check out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dialects::native) struct NewLease {
    pub(in crate::dialects::native) holder: String,
    ttl: Option<i64>,
}

impl NewLease {
    pub(in crate::dialects::native) fn ttl(&self) -> i64 {
        self.ttl.unwrap_or(DEFAULT_TTL)
    }
}

/// A lease to renew.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dialects::native) struct Renewal {
    pub(in crate::dialects::native) fence: u64,
    ttl: Option<i64>,
}

impl Renewal {
    pub(in crate::dialects::native) fn ttl(&self) -> i64 {
        self.ttl.unwrap_or(DEFAULT_TTL)
    }
}

/// A lease to give back, or with `force` to take away.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dialects::native) struct Release {
    fence: Option<u64>,
    force: Option<bool>,
}

impl Release {
    /// The fence; none: whatever it is.
    pub(in crate::dialects::native) fn fence(&self) -> Result<Option<u64>, Problem> {
        match (self.fence, self.force.unwrap_or(false)) {
            (Some(fence), false) => Ok(Some(fence)),
            (None, true) => Ok(None),
            (None, false) => Err(invalid("fence", "give the fence, or force")),
            (Some(_), true) => Err(invalid("force", "give the fence or force, not both")),
        }
    }
}

/// A lease.
#[derive(Serialize)]
pub(in crate::dialects::native) struct LeaseView {
    id: Uuid,
    application: String,
    holder: String,
    fence: u64,
    since: String,
    expires_at: String,
    position: u64,
}

impl LeaseView {
    pub(in crate::dialects::native) fn from_lease(lease: Lease, now: &Now) -> Self {
        Self {
            id: lease.id,
            application: lease.state.application,
            holder: lease.terms.holder,
            fence: lease.terms.fence,
            since: time(lease.state.since),
            expires_at: time(now.shown(lease.terms.expires_at)),
            position: lease.state.revision,
        }
    }
}

/// A lease that was just checked out, and what that leaves.
#[derive(Serialize)]
pub(in crate::dialects::native) struct CheckedOutView {
    #[serde(flatten)]
    lease: LeaseView,
    limit: Option<u32>,
    used: u64,
}

impl CheckedOutView {
    pub(in crate::dialects::native) fn of(out: CheckedOut, now: &Now) -> Self {
        Self {
            lease: LeaseView::from_lease(out.lease, now),
            limit: out.limit,
            used: out.used,
        }
    }
}

/// The figures of an organization.
#[derive(Serialize)]
pub(in crate::dialects::native) struct CountsView {
    applications: Vec<CountView>,
    total: TotalView,
}

#[derive(Serialize)]
struct CountView {
    application: String,
    plan: &'static str,
    limit: Option<u32>,
    used: u64,
    available: Option<u64>,
    overage: u64,
    accounts: u64,
    leases: u64,
}

#[derive(Serialize)]
struct TotalView {
    limit: Option<u64>,
    used: u64,
    available: Option<u64>,
    accounts: u64,
}

impl CountsView {
    pub(in crate::dialects::native) fn of(figures: &OrganizationFigures) -> Self {
        let row = |row: &ApplicationFigures| CountView {
            application: row.application.clone(),
            plan: plan_word(row.plan),
            limit: row.limit,
            used: row.used(),
            available: row.available(),
            overage: row.overage(),
            accounts: row.seats,
            leases: row.leases,
        };
        Self {
            applications: figures.applications.iter().map(row).collect(),
            total: TotalView {
                limit: figures.limit(),
                used: figures.used(),
                available: figures.available(),
                accounts: figures.accounts(),
            },
        }
    }
}

/// The census.
#[derive(Serialize)]
pub(in crate::dialects::native) struct CensusView {
    accounts: u64,
    applications: BTreeMap<String, u64>,
    taken_at: String,
    age: i64,
    next_at: String,
}

impl CensusView {
    pub(in crate::dialects::native) fn of(census: &Census, now: &Now) -> Self {
        Self {
            accounts: census.accounts(),
            applications: census
                .applications()
                .map(|(key, seats)| (key.to_owned(), seats))
                .collect(),
            taken_at: time(now.shown(census.taken_at)),
            age: now.elapsed().since(census.taken_at),
            next_at: time(now.shown(census.next_at)),
        }
    }
}

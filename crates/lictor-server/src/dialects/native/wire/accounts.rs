//! Accounts as JSON: what creates, changes and imports them, and how they are shown.

use std::collections::BTreeMap;

use lictor_authority::AccountPatch;
use lictor_authority::BatchMode;
use lictor_authority::{AccountImport, AccountRequest, Imported, TriedBefore};
use lictor_core::Error;
use lictor_core::facts::account::{Account, AccountKind, AccountStatus};
use lictor_core::patch_field::PatchField;
use lictor_core::whole_number::WholeNumber;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{one_of, time};
use crate::dialects::native::error::{Problem, invalid};
use crate::dialects::native::json::Object;
use crate::dialects::native::told::Told;

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
        let kind = self.kind.as_deref();
        let kind = kind.map(|text| one_of("kind", text, &AccountKind::ALL));
        let created = [AccountStatus::Active, AccountStatus::Invited];
        let status = self.status.as_deref();
        let status = status.map(|text| one_of("status", text, &created));
        Ok(AccountRequest {
            email: self.email,
            name: self.name,
            kind: kind.transpose()?.unwrap_or(AccountKind::Person),
            invited: status.transpose()? == Some(AccountStatus::Invited),
            administrator: self.administrator.unwrap_or(false),
            language: self.language,
        })
    }
}

/// What is to change of an account; said again to whoever may not read the rest.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[serde(default)]
pub(in crate::dialects::native) struct PatchAccount {
    #[serde(skip_serializing_if = "PatchField::is_absent")]
    email: PatchField<String>,
    #[serde(skip_serializing_if = "PatchField::is_absent")]
    name: PatchField<String>,
    #[serde(skip_serializing_if = "PatchField::is_absent")]
    status: PatchField<String>,
    #[serde(skip_serializing_if = "PatchField::is_absent")]
    administrator: PatchField<bool>,
    #[serde(skip_serializing_if = "PatchField::is_absent")]
    language: PatchField<String>,
}

impl PatchAccount {
    pub(in crate::dialects::native) fn into_patch(self) -> Result<AccountPatch, Problem> {
        let to = [
            AccountStatus::Invited,
            AccountStatus::Active,
            AccountStatus::Deactivated,
        ];
        let status = self.status.required("status")?;
        let status = status
            .map(|text| one_of("status", &text, &to))
            .transpose()?;
        Ok(AccountPatch {
            email: self.email.required("email")?,
            name: self.name,
            status,
            administrator: self.administrator.required("administrator")?,
            language: self.language.required("language")?,
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
    taken: Option<BTreeMap<String, WholeNumber<u64>>>,
    created: Option<WholeNumber<u64>>,
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
    fn into_row(self) -> Result<AccountImport, Problem> {
        let account = NewAccount {
            email: self.email,
            name: self.name,
            kind: self.kind,
            status: self.status,
            administrator: self.administrator,
            language: self.language,
        };
        Ok(AccountImport {
            account: account.into_request()?,
            seats: self.seats.unwrap_or_default(),
        })
    }
}

impl Import {
    /// What earlier parts of a dry run would have done; none: it is no dry run.
    pub(in crate::dialects::native) fn take_try(&mut self) -> Result<Option<TriedBefore>, Problem> {
        let reason = "it belongs to a dry run: set dry_run to true";
        match (self.dry_run, self.taken.take(), self.created) {
            (Some(true), seats, accounts) => Ok(Some(TriedBefore {
                seats: whole_by_name(seats.unwrap_or_default()),
                accounts: accounts.unwrap_or_default().0,
            })),
            (_, None, None) => Ok(None),
            (_, Some(_), _) => Err(invalid("taken", reason)),
            (_, None, Some(_)) => Err(invalid("created", reason)),
        }
    }

    pub(in crate::dialects::native) fn into_rows(
        self,
    ) -> Result<(Vec<AccountImport>, BatchMode), Problem> {
        let mode = into_mode(self.mode.as_deref())?;
        let rows = self.rows.into_iter();
        let rows: Result<Vec<_>, Problem> = rows.map(|Object(row)| row.into_row()).collect();
        Ok((rows?, mode))
    }
}

fn whole_by_name(numbers: BTreeMap<String, WholeNumber<u64>>) -> BTreeMap<String, u64> {
    let numbers = numbers.into_iter();
    numbers
        .map(|(name, WholeNumber(number))| (name, number))
        .collect()
}

/// Whether all rows are to be taken, or each that can be.
pub(super) fn into_mode(text: Option<&str>) -> Result<BatchMode, Problem> {
    let mode = text.map(|text| one_of("mode", text, &BatchMode::ALL));
    Ok(mode.transpose()?.unwrap_or(BatchMode::AllOrNothing))
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
    /// What became of each row; `told` says how much of seats may be told.
    pub(in crate::dialects::native) fn of<'a>(
        rows: impl Iterator<Item = &'a Imported>,
        told: &Told,
    ) -> Self {
        let rows: Vec<RowView> = rows.map(|row| RowView::of(row, told)).collect();
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
    fn of(outcome: &Imported, told: &Told) -> Self {
        let errors = outcome.refused.iter();
        let errors: Vec<Value> = errors.map(|error| row_error(error, told)).collect();
        Self {
            account: outcome.account,
            result: match (errors.is_empty(), outcome.created) {
                (false, _) => "refused",
                (true, true) => "created",
                (true, false) => "existing",
            },
            created: outcome.created,
            given: outcome.given.clone(),
            error: errors.first().cloned(),
            errors,
        }
    }
}

/// Why a row was refused, in the words of a problem of its own, as far as that may be told.
pub(super) fn row_error(error: &Error, told: &Told) -> Value {
    refused_row(error, told.said(error))
}

/// The same in these words.
pub(super) fn refused_row(error: &Error, said: String) -> Value {
    let name = match error {
        Error::SeatRefused(refusal) => refusal.reason.as_str(),
        Error::NotFound { .. } => "not-found",
        Error::AlreadyExists { .. } => "already-exists",
        Error::InvalidInput { .. } => "invalid-input",
        Error::QuotaReached { .. } => "quota-reached",
        _ => "refused",
    };
    json!({ "reason": name, "detail": said })
}

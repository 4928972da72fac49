//! Accounts, between the authority and the contract: what creates, changes and imports them, and how they are shown.

use std::collections::BTreeMap;

use lictor_api::accounts::{
    Account, CREATED, ChangeAccount, CreateAccount, ImportAccounts, ImportResult, ImportRow,
    ImportedAccount, ImportedAccounts, SET,
};
use lictor_api::values::{Instant, Object, RowError, Text};
use lictor_authority::{
    AccountImport, AccountPatch, AccountRequest, BatchMode, Imported, TriedBefore,
};
use lictor_core::facts::account::{Account as Stored, AccountKind, AccountStatus};
use lictor_core::whole_number::WholeNumber;
use lictor_core::words::listed;

use super::seats::{mode, row_error};
use crate::dialects::native::error::{Problem, invalid};
use crate::dialects::native::frame::read;
use crate::dialects::native::told::Told;

/// Reads a status that is one of these.
fn status_of(
    text: &Text<AccountStatus>,
    allowed: &[AccountStatus],
) -> Result<AccountStatus, Problem> {
    let status = text.known().filter(|status| allowed.contains(status));
    status.ok_or_else(|| invalid("status", format!("use {}", listed(allowed))))
}

pub(in crate::dialects::native) fn request(sent: CreateAccount) -> Result<AccountRequest, Problem> {
    let kind = sent.kind.as_ref().map(|text| read("kind", text));
    let status = sent.status.as_ref().map(|text| status_of(text, &CREATED));
    Ok(AccountRequest {
        email: sent.email,
        name: sent.name,
        kind: kind.transpose()?.unwrap_or(AccountKind::Person),
        invited: status.transpose()? == Some(AccountStatus::Invited),
        administrator: sent.administrator.unwrap_or(false),
        language: sent.language,
    })
}

pub(in crate::dialects::native) fn patch(sent: ChangeAccount) -> Result<AccountPatch, Problem> {
    let status = sent.status.required("status")?;
    let status = status.map(|text| status_of(&text, &SET)).transpose()?;
    Ok(AccountPatch {
        email: sent.email.required("email")?,
        name: sent.name,
        status,
        administrator: sent.administrator.required("administrator")?,
        language: sent.language.required("language")?,
    })
}

/// What earlier parts of a dry run would have done; none: it is no dry run.
pub(in crate::dialects::native) fn take_try(
    sent: &mut ImportAccounts,
) -> Result<Option<TriedBefore>, Problem> {
    let reason = "it belongs to a dry run: set dry_run to true";
    match (
        sent.dry_run,
        sent.earlier_seats.take(),
        sent.earlier_accounts.take(),
    ) {
        (Some(true), seats, accounts) => Ok(Some(TriedBefore {
            seats: whole_by_name(seats.unwrap_or_default()),
            accounts: accounts.unwrap_or_default().0,
        })),
        (_, None, None) => Ok(None),
        (_, Some(_), _) => Err(invalid("earlier_seats", reason)),
        (_, None, Some(_)) => Err(invalid("earlier_accounts", reason)),
    }
}

fn whole_by_name(numbers: BTreeMap<String, WholeNumber<u64>>) -> BTreeMap<String, u64> {
    let numbers = numbers.into_iter();
    numbers
        .map(|(name, WholeNumber(number))| (name, number))
        .collect()
}

pub(in crate::dialects::native) fn rows(
    sent: ImportAccounts,
) -> Result<(Vec<AccountImport>, BatchMode), Problem> {
    let mode = mode(sent.mode.as_ref())?;
    let rows = sent.rows.into_iter().map(|Object(row)| import(row));
    Ok((rows.collect::<Result<_, _>>()?, mode))
}

fn import(row: ImportRow) -> Result<AccountImport, Problem> {
    let account = CreateAccount {
        email: row.email,
        name: row.name,
        kind: row.kind,
        status: row.status,
        administrator: row.administrator,
        language: row.language,
    };
    Ok(AccountImport {
        account: request(account)?,
        seats: row.seats.unwrap_or_default(),
    })
}

pub(in crate::dialects::native) fn account(stored: Stored) -> Account {
    Account {
        id: stored.id,
        number: stored.state.number,
        email: stored.email,
        name: stored.name,
        kind: stored.state.kind.into(),
        status: stored.state.status.into(),
        administrator: stored.state.administrator,
        language: stored.state.language,
        seats: stored.state.seats,
        created_at: Instant(stored.state.created_at),
        revision: stored.state.revision,
    }
}

/// What became of each row; `told` says how much of seats may be told.
pub(in crate::dialects::native) fn imported<'a>(
    rows: impl Iterator<Item = &'a Imported>,
    told: Told,
    dry_run: bool,
) -> ImportedAccounts {
    let rows: Vec<ImportedAccount> = rows.map(|row| imported_row(row, told)).collect();
    let assigned = rows.iter().map(|row| row.assigned.len() as u64);
    ImportedAccounts {
        dry_run,
        accounts_created: rows.iter().filter(|row| row.created).count() as u64,
        seats_assigned: assigned.sum(),
        refused: rows.iter().filter(|row| !row.errors.is_empty()).count() as u64,
        rows,
    }
}

fn imported_row(outcome: &Imported, told: Told) -> ImportedAccount {
    let errors = outcome.refused.iter();
    let errors: Vec<RowError> = errors.map(|error| row_error(error, told)).collect();
    let result = match (errors.is_empty(), outcome.created) {
        (false, _) => ImportResult::Refused,
        (true, true) => ImportResult::Created,
        (true, false) => ImportResult::Existing,
    };
    ImportedAccount {
        account: outcome.account,
        result: result.into(),
        created: outcome.created,
        assigned: outcome.given.clone(),
        errors,
    }
}

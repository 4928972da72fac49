//! Importing accounts: many at once, each with the seats that it is given.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::decision::Decision;
use crate::error::{Error, Kind};
use crate::facts::email::Email;
use crate::facts::entitlement::SeatTerms;
use crate::rules::account::{self, NewAccount};
use crate::rules::batch::{BatchMode, Row, Steps, each_row};
use crate::rules::seats;
use crate::state::State;

/// An account to import, and the keys of the applications that it is given seats of. An account with this
/// e-mail that exists is left as it is.
pub type ImportRow = (NewAccount, Vec<String>);

/// What became of a row of an import.
#[derive(Debug)]
pub struct Imported {
    /// The account that it is about, if there is one.
    pub account: Option<Uuid>,
    /// Whether the import created that account.
    pub created: bool,
    /// The applications that the row gave the account a seat of, without those it already had.
    pub given: Vec<String>,
    /// Why the row was refused, or parts of it: where there is an account, seats alone.
    pub refused: Vec<Error>,
}

/// Creates accounts and gives them seats. `state` contains the accounts with these e-mails and the
/// applications; `terms` what licenses grant of each.
///
/// # Errors
/// [`Error::Outdated`].
pub fn import(
    state: &State,
    rows: &[ImportRow],
    mode: BatchMode,
    terms: &BTreeMap<String, SeatTerms>,
) -> Result<Decision<Vec<Imported>>, Error> {
    let decision = each_row(state, rows, mode, |steps, (new, seats)| {
        import_row(steps, new, seats, terms)
    })?;
    let emails = rows.iter().map(|(new, _)| new.email.clone());
    let emails: Vec<_> = emails.collect();
    let (decision, outcome) = decision.split();
    Ok(decision.with(move |after| {
        let rows = outcome(after)?.into_iter().zip(&emails);
        Ok(rows
            .map(|(row, email)| imported(after, row, email))
            .collect())
    }))
}

/// What a row did: about which account, whether it created it, and of which applications it gave a seat.
struct Done {
    account: Uuid,
    created: bool,
    given: Vec<String>,
}

/// A row that was refused or undone may still be about an account that is there.
fn imported(after: &State, row: Row<Done>, email: &str) -> Imported {
    let refused = row.refused;
    match row.done {
        Some(done) => Imported {
            account: Some(done.account),
            created: done.created,
            given: done.given,
            refused,
        },
        None => Imported {
            account: Email::parse(email)
                .ok()
                .and_then(|email| account::by_email(after, &email)),
            created: false,
            given: Vec::new(),
            refused,
        },
    }
}

fn import_row(
    steps: &mut Steps,
    new: &NewAccount,
    applications: &[String],
    terms: &BTreeMap<String, SeatTerms>,
) -> Result<Done, Error> {
    let email = Email::parse(&new.email)?;
    let known = account::by_email(steps.state(), &email);
    let account = match known {
        Some(known) => known,
        None => {
            let created = account::create(steps.state(), new)?;
            steps.take(created.split().0)?;
            new.id
        }
    };
    let mut given = Vec::new();
    for application in applications {
        match assign(steps, application, account, terms) {
            Ok(true) => given.push(application.clone()),
            Ok(false) => {}
            Err(Error::Outdated) => return Err(Error::Outdated),
            // The account is there all the same.
            Err(error) => steps.refuse(error),
        }
    }
    Ok(Done {
        account,
        created: known.is_none(),
        given,
    })
}

/// Whether a seat was given; else the account has it.
fn assign(
    steps: &mut Steps,
    application: &str,
    account: Uuid,
    terms: &BTreeMap<String, SeatTerms>,
) -> Result<bool, Error> {
    let terms = terms.get(application).ok_or_else(|| Error::NotFound {
        kind: Kind::Application,
        name: application.to_owned(),
    })?;
    let decided = seats::assign(steps.state(), application, account, terms)?;
    let assigned = steps.take(decided)?.map_err(Error::SeatRefused)?;
    Ok(assigned.given)
}

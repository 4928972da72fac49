//! Accounts: create, import, change, remove, show.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lictor_core::account::{self, AccountPatch, NewAccount};
use lictor_core::organization::clean_name;
use lictor_core::seats::{self, Rows, SeatTerms, Steps};
use lictor_core::{
    Account, AccountKind, Change, Email, Error, Kind, Resource, Right, SeatId, SeatState, State,
};
use lictor_store::{Fact, Written};
use uuid::Uuid;

use super::givers::Giver;
use super::{Authority, Call};
use crate::random;

/// An account to create.
#[derive(Debug, Clone)]
pub struct AccountRequest {
    /// Its e-mail.
    pub email: String,
    /// What people call it.
    pub name: Option<String>,
    /// What stands behind it.
    pub kind: AccountKind,
    /// Whether it is only invited.
    pub invited: bool,
    /// Whether it administers its organization.
    pub administrator: bool,
    /// `xx_YY`; none: the default.
    pub language: Option<String>,
}

/// An account to import, with the applications that it is given seats of.
#[derive(Debug, Clone)]
pub struct ImportRow {
    /// The account; one with this e-mail that exists is left as it is.
    pub account: AccountRequest,
    /// The applications' keys.
    pub seats: Vec<String>,
}

/// What became of a row of a request with many.
#[derive(Debug)]
pub struct RowOutcome<'a> {
    /// The account that it is about, if there is one.
    pub account: Option<Uuid>,
    /// Whether the request created that account.
    pub created: bool,
    /// The applications that the row gave the account a seat of; not those that it held already.
    pub given: Vec<&'a str>,
    /// Why the row was refused, or parts of it: where there is an account, seats alone.
    pub refused: Vec<&'a Error>,
}

impl Authority {
    /// At most `limit` accounts in order of their ids, beginning behind `after`.
    ///
    /// # Errors
    /// [`Error::Forbidden`], or a fault of the store.
    pub async fn accounts(
        &self,
        call: &Call,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<Account>, Error> {
        call.may_read(Resource::Accounts)?;
        self.store
            .accounts(call.organization.id, after, limit)
            .await
    }

    /// One account that is not removed.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`], or a fault of the store.
    pub async fn account(&self, call: &Call, id: Uuid) -> Result<Account, Error> {
        call.may_read(Resource::Accounts)?;
        self.stored_account(call, id).await
    }

    /// The account with this e-mail, in whatever spelling; text that is no e-mail finds none.
    ///
    /// # Errors
    /// [`Error::Forbidden`], or a fault of the store.
    pub async fn account_by_email(
        &self,
        call: &Call,
        email: &str,
    ) -> Result<Option<Account>, Error> {
        call.may_read(Resource::Accounts)?;
        self.store
            .account_by_email(call.organization.id, email)
            .await
    }

    /// The seats that an account holds, which is why it counts, and who gave them.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`], or a fault of the store.
    pub async fn seats_of(
        &self,
        call: &Call,
        account: Uuid,
    ) -> Result<Vec<(SeatId, SeatState, Option<Arc<Giver>>)>, Error> {
        call.may_read(Resource::Seats)?;
        self.stored_account(call, account).await?;
        let mut held = self.store.seats_of(call.organization.id, account).await?;
        held.retain(|(seat, _)| call.actor.sees(&seat.application));
        let positions = held.iter().map(|(_, seat)| seat.revision).collect();
        let mut givers = self.givers(call, positions).await?;
        let given = held.into_iter();
        Ok(given
            .map(|(id, seat)| {
                let giver = givers.remove(&seat.revision);
                (id, seat, giver)
            })
            .collect())
    }

    async fn stored_account(&self, call: &Call, id: Uuid) -> Result<Account, Error> {
        let found = self.store.account(call.organization.id, id).await?;
        found
            .filter(|account| account.email.is_some())
            .ok_or_else(|| Error::NotFound {
                kind: Kind::Account,
                name: id.to_string(),
            })
    }

    /// What a request for an account becomes: it gets an id and a number.
    ///
    /// # Errors
    /// The operating system has no randomness to give.
    pub fn new_account(&self, request: AccountRequest) -> Result<NewAccount, Error> {
        Ok(NewAccount {
            id: random::id(&self.clock)?,
            number: random::number()?,
            email: request.email,
            name: request.name,
            kind: request.kind,
            invited: request.invited,
            administrator: request.administrator,
            language: request.language,
        })
    }

    /// Creates an account.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::InvalidInput`], [`Error::AlreadyExists`], or a fault of the
    /// store.
    pub async fn create_account(&self, call: &Call, new: NewAccount) -> Result<Account, Error> {
        call.may_write(Resource::Accounts)?;
        let facts = vec![Fact::AccountByEmail(new.email.clone())];
        let shown = new.clone();
        let rule = Arc::new(move |state: &State| account::create(state, &new));
        let written = self.write(call, call.organization.id, facts, rule).await?;
        written_account(&written, &shown)
    }

    /// Changes an account.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`], [`Error::InvalidInput`],
    /// [`Error::AlreadyExists`], [`Error::RevisionMismatch`], or a fault of the store.
    pub async fn set_account(
        &self,
        call: &Call,
        id: Uuid,
        patch: AccountPatch,
        expected: Option<u64>,
    ) -> Result<Account, Error> {
        call.may_write(Resource::Accounts)?;
        let mut facts = vec![Fact::Account(id), Fact::SeatsOf(id)];
        facts.extend(patch.email.clone().map(Fact::AccountByEmail));
        let rule = Arc::new(move |state: &State| account::set(state, id, &patch, expected));
        self.write(call, call.organization.id, facts, rule).await?;
        self.stored_account(call, id).await
    }

    /// Removes an account: gives its seats back and erases its e-mail and name.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`], [`Error::RevisionMismatch`], or a fault of the
    /// store.
    pub async fn remove_account(
        &self,
        call: &Call,
        id: Uuid,
        expected: Option<u64>,
    ) -> Result<(), Error> {
        call.may_write(Resource::Accounts)?;
        let facts = vec![Fact::Account(id), Fact::SeatsOf(id)];
        let rule = Arc::new(move |state: &State| account::remove(state, id, expected));
        self.write(call, call.organization.id, facts, rule).await?;
        Ok(())
    }

    /// Creates many accounts at once and gives them seats. An account that exists stays as it is,
    /// so that an import can be repeated. What becomes of each row, [`row_outcomes`] says.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::InvalidInput`] for too many rows, or a fault of the store.
    pub async fn import_accounts(
        &self,
        call: &Call,
        rows: Arc<Vec<(NewAccount, Vec<String>)>>,
        mode: Rows,
    ) -> Result<Written, Error> {
        call.may_write(Resource::Accounts)?;
        check_rows(rows.len())?;
        let applications: BTreeSet<&String> = rows.iter().flat_map(|(_, seats)| seats).collect();
        if !applications.is_empty() {
            call.may_write(Resource::Seats)?;
        }
        let mut facts: Vec<Fact> = rows
            .iter()
            .map(|(new, _)| Fact::AccountByEmail(new.email.clone()))
            .collect();
        facts.extend(
            applications
                .iter()
                .map(|key| Fact::Application((*key).clone())),
        );
        let applications = applications.into_iter().cloned().collect();
        self.write_by_terms(call, applications, facts, move |terms| {
            let rows = rows.clone();
            Arc::new(move |state| {
                seats::each_row(state, &rows, mode, |steps, (new, seats)| {
                    import_row(steps, new, seats, &terms)
                })
            })
        })
        .await
    }

    /// Refuses unless the caller may do this in the call's organization: for dialects that must say
    /// so before they look at the rest.
    ///
    /// # Errors
    /// [`Error::OutOfScope`], [`Error::Forbidden`].
    pub fn may(&self, call: &Call, right: Right) -> Result<(), Error> {
        call.actor.may(right, Some(call.organization.id))
    }
}

fn import_row(
    steps: &mut Steps,
    new: &NewAccount,
    applications: &[String],
    terms: &BTreeMap<String, SeatTerms>,
) -> Result<(), Error> {
    let email = Email::parse(&new.email)?;
    let account = match account::by_email(steps.state(), &email) {
        Some(known) => known,
        None => {
            let created = account::create(steps.state(), new)?;
            steps.take(created);
            new.id
        }
    };
    for application in applications {
        let unknown = || Error::NotFound {
            kind: Kind::Application,
            name: application.clone(),
        };
        let decided = terms
            .get(application)
            .ok_or_else(unknown)
            .and_then(|terms| seats::assign(steps.state(), application, account, terms));
        match decided {
            Ok(decided) => steps.take(decided),
            Err(Error::Outdated) => return Err(Error::Outdated),
            // The account is there all the same.
            Err(error) => steps.refuse(error),
        }
    }
    Ok(())
}

/// Refuses more rows than one request may have.
pub(super) fn check_rows(count: usize) -> Result<(), Error> {
    if count <= seats::MAX_ROWS {
        return Ok(());
    }
    let reason = format!("send at most {} at once", seats::MAX_ROWS);
    Err(Error::InvalidInput {
        field: "rows",
        reason,
    })
}

/// The account that a write created.
///
/// # Errors
/// [`Error::Internal`] if it did not.
pub fn written_account(written: &Written, new: &NewAccount) -> Result<Account, Error> {
    let state = written.state.accounts.get(&new.id).cloned();
    Ok(Account {
        id: new.id,
        email: Some(Email::parse(&new.email)?.shown),
        name: new.name.as_deref().map(clean_name).transpose()?,
        state: state.ok_or_else(|| Error::internal("no entry creates the account"))?,
    })
}

/// What became of each row of an import.
pub fn row_outcomes<'a>(
    written: &'a Written,
    rows: &[(NewAccount, Vec<String>)],
) -> Vec<RowOutcome<'a>> {
    let mut created = BTreeSet::new();
    let mut given: BTreeMap<Uuid, Vec<&str>> = BTreeMap::new();
    for entry in &written.entries {
        match &entry.change {
            Change::AccountCreated { id, .. } => {
                created.insert(*id);
            }
            Change::SeatAssigned {
                application,
                account,
                ..
            } => given.entry(*account).or_default().push(application),
            _ => {}
        }
    }
    let mut refused: BTreeMap<usize, Vec<&Error>> = BTreeMap::new();
    for (row, error) in &written.refused {
        refused.entry(*row).or_default().push(error);
    }
    let outcome = |(row, (new, seats)): (usize, &(NewAccount, Vec<String>))| {
        let is_new = created.contains(&new.id);
        let email = Email::parse(&new.email).ok();
        let known = email.and_then(|email| account::by_email(&written.state, &email));
        let account = if is_new { Some(new.id) } else { known };
        // Of two rows for one account, the first that asks is the one that gave.
        let of_account = account.and_then(|account| given.get_mut(&account));
        let is_asked = |given: &mut &str| seats.iter().any(|asked| asked == given);
        RowOutcome {
            account,
            created: is_new,
            given: of_account.map_or_else(Vec::new, |all| all.extract_if(.., is_asked).collect()),
            refused: refused.remove(&row).unwrap_or_default(),
        }
    };
    rows.iter().enumerate().map(outcome).collect()
}

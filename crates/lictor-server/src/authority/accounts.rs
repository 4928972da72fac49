//! Accounts: create, import, change, remove, show.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use lictor_core::change::Change;
use lictor_core::decision::Decision;
use lictor_core::error::Kind;
use lictor_core::facts::account::{Account, AccountKind};
use lictor_core::facts::email::Email;
use lictor_core::facts::entitlement::SeatTerms;
use lictor_core::facts::quota::Quota;
use lictor_core::facts::right::{Resource, Right};
use lictor_core::facts::seats::{SeatId, SeatState};
use lictor_core::names::clean_name;
use lictor_core::rules::account::{self, AccountPatch, NewAccount};
use lictor_core::rules::rows::{Rows, Steps};
use lictor_core::rules::{self, seats};
use lictor_core::state::State;
use lictor_core::{Error, facts};
use lictor_store::{Fact, Written};
use uuid::Uuid;

use super::givers::Giver;
use super::{Authority, Call, parts};
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

/// On what terms an account is changed or removed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terms {
    /// The revision that must be stored; none: whatever it is.
    pub expected: Option<u64>,
    /// Whether it is done even if no account administers the organization then.
    pub force: bool,
}

impl Terms {
    fn check(self, state: &State, id: Uuid, decision: Decision) -> Result<Decision, Error> {
        if !self.force {
            account::keep_an_administrator(state, id, &decision)?;
        }
        Ok(decision)
    }
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

/// What requests that were tried before would have done, had they been meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TriedBefore {
    /// The seats that they would have given, by application.
    pub seats: BTreeMap<String, u64>,
    /// How many accounts they would have created.
    pub accounts: u64,
}

fn bounded(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// More seats than any account has.
const ALL_SEATS: usize = 1 << 30;

impl Authority {
    /// At most `limit` accounts in order of their ids, beginning after `after`.
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

    /// At most `limit` seats that an account holds, which is why it counts, in order of their
    /// applications' keys, beginning after `after`; and who gave them.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`], or a fault of the store.
    pub async fn seats_of(
        &self,
        call: &Call,
        account: Uuid,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(SeatId, SeatState, Option<Arc<Giver>>)>, Error> {
        call.may_read(Resource::Seats)?;
        self.stored_account(call, account).await?;
        // Who sees one application alone has one seat of an account to see, wherever it stands.
        let limit = call.actor.application.as_ref().map_or(limit, |_| ALL_SEATS);
        let held = self
            .store
            .seats_of(call.organization.id, account, after, limit);
        let mut held = held.await?;
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

    /// The account that who has this right names by its id or its e-mail, to change it or to do something
    /// for it.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`], or a fault of the store.
    pub async fn account_named(
        &self,
        call: &Call,
        right: Right,
        name: &str,
    ) -> Result<Account, Error> {
        self.may(call, right)?;
        if let Ok(id) = Uuid::try_parse(name) {
            return self.stored_account(call, id).await;
        }
        let found = self
            .store
            .account_by_email(call.organization.id, name)
            .await?;
        found.ok_or_else(|| Error::NotFound {
            kind: Kind::Account,
            name: name.to_owned(),
        })
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
    /// [`Error::AlreadyExists`], [`Error::RevisionMismatch`], [`Error::LastAdministrator`], or a fault of
    /// the store.
    pub async fn set_account(
        &self,
        call: &Call,
        id: Uuid,
        patch: AccountPatch,
        terms: Terms,
    ) -> Result<Account, Error> {
        call.may_write(Resource::Accounts)?;
        let mut facts = vec![Fact::Account(id), Fact::SeatsOf(id)];
        facts.extend(patch.email.clone().map(Fact::AccountByEmail));
        let shuts = patch.status.is_some() || patch.administrator.is_some();
        facts.extend(shuts.then_some(Fact::OtherAdministrator(id)));
        let rule = Arc::new(move |state: &State| {
            let decision = account::set(state, id, &patch, terms.expected)?;
            terms.check(state, id, decision)
        });
        self.write(call, call.organization.id, facts, rule).await?;
        self.stored_account(call, id).await
    }

    /// Removes an account: gives its seats back and erases its e-mail and name.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`], [`Error::RevisionMismatch`],
    /// [`Error::LastAdministrator`], or a fault of the store.
    pub async fn remove_account(&self, call: &Call, id: Uuid, terms: Terms) -> Result<(), Error> {
        call.may_write(Resource::Accounts)?;
        let facts = vec![
            Fact::Account(id),
            Fact::SeatsOf(id),
            Fact::OtherAdministrator(id),
        ];
        let rule = Arc::new(move |state: &State| {
            let decision = account::remove(state, id, terms.expected)?;
            terms.check(state, id, decision)
        });
        self.write(call, call.organization.id, facts, rule).await?;
        Ok(())
    }

    /// Creates many accounts at once and gives them seats. An account that exists stays as it is,
    /// so that an import can be repeated. It is written in these
    /// [parts](Authority::parts_of_import); what becomes of each row of one, [`row_outcomes`] says.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::InvalidInput`] for too many rows, or a fault of the store;
    /// parts before the one that it happened in are stored then.
    pub async fn import_accounts(
        &self,
        call: &Call,
        rows: Arc<Vec<(NewAccount, Vec<String>)>>,
        mode: Rows,
        parts: Vec<Range<usize>>,
    ) -> Result<Vec<Arc<Written>>, Error> {
        check_import(call, &rows)?;
        parts::written(&self.parts, call, parts, |call, part, _| {
            self.import_part(call, rows.clone(), part, mode)
        })
        .await
    }

    async fn import_part(
        &self,
        call: Call,
        rows: Arc<Vec<(NewAccount, Vec<String>)>>,
        part: Range<usize>,
        mode: Rows,
    ) -> Result<Written, Error> {
        let (applications, facts) = import_facts(&rows[part.clone()]);
        self.write_by_terms(&call, applications, facts, move |terms| {
            let (rows, part) = (rows.clone(), part.clone());
            Arc::new(move |state| import_rows(state, &rows[part.clone()], mode, &terms))
        })
        .await
    }

    /// Decides what an import would do, and stores nothing: the decision, and the facts as they
    /// would be. `taken` has the seats that earlier parts of the same try would have given.
    ///
    /// # Errors
    /// As [`Authority::import_accounts`].
    pub async fn try_import(
        &self,
        call: &Call,
        rows: Arc<Vec<(NewAccount, Vec<String>)>>,
        mode: Rows,
        before: Arc<TriedBefore>,
    ) -> Result<(Decision, State), Error> {
        check_import(call, &rows)?;
        let (applications, facts) = import_facts(&rows);
        let tried = Arc::new(Mutex::new(Decision::nothing()));
        let kept = tried.clone();
        let written = self.write_by_terms(call, applications, facts, move |terms| {
            let (rows, before, tried) = (rows.clone(), before.clone(), tried.clone());
            Arc::new(move |state| {
                let mut state = state.clone();
                state.used.add(Quota::Accounts, bounded(before.accounts));
                for (application, seats) in &before.seats {
                    state.used.add(Quota::Seats, bounded(*seats));
                    if let Some(stored) = state.applications.get_mut(application) {
                        stored.seats = stored.seats.saturating_add(*seats);
                    }
                }
                let decision = import_rows(&state, &rows, mode, &terms)?;
                *tried.lock().unwrap_or_else(PoisonError::into_inner) = decision;
                Ok(Decision::nothing())
            })
        });
        let mut state = written.await?.state;
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let decision = std::mem::replace(&mut *kept, Decision::nothing());
        state.absorb(&decision);
        Ok((decision, *state))
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

/// Refuses what the caller may not import, and too much of it.
fn check_import(call: &Call, rows: &[(NewAccount, Vec<String>)]) -> Result<(), Error> {
    call.may_write(Resource::Accounts)?;
    check_rows(rows.len())?;
    let asked: usize = rows.iter().map(|(_, seats)| seats.len()).sum();
    if asked > 0 {
        call.may_write(Resource::Seats)?;
    }
    if asked > facts::seats::MAX_SEATS_ASKED {
        let reason = format!(
            "ask for at most {} seats at once",
            facts::seats::MAX_SEATS_ASKED
        );
        return Err(Error::InvalidInput {
            field: "rows",
            reason,
        });
    }
    Ok(())
}

/// The applications that an import names, and the facts that it is decided by.
fn import_facts(rows: &[(NewAccount, Vec<String>)]) -> (Vec<String>, Vec<Fact>) {
    let named: BTreeSet<&String> = rows.iter().flat_map(|(_, seats)| seats).collect();
    let applications: Vec<String> = named.into_iter().cloned().collect();
    let emails = rows.iter().map(|(new, _)| new.email.clone());
    let mut facts: Vec<Fact> = emails.map(Fact::AccountByEmail).collect();
    facts.extend(applications.iter().cloned().map(Fact::Application));
    (applications, facts)
}

fn import_rows(
    state: &State,
    rows: &[(NewAccount, Vec<String>)],
    mode: Rows,
    terms: &BTreeMap<String, SeatTerms>,
) -> Result<Decision, Error> {
    rules::rows::each_row(state, rows, mode, |steps, (new, seats)| {
        import_row(steps, new, seats, terms)
    })
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
            steps.take(created)?;
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
            .and_then(|terms| seats::assign(steps.state(), application, account, terms))
            .and_then(|decided| steps.take(decided));
        match decided {
            Ok(()) => {}
            Err(Error::Outdated) => return Err(Error::Outdated),
            // The account is there all the same.
            Err(error) => steps.refuse(error),
        }
    }
    Ok(())
}

/// Refuses more rows than one request may have.
pub(super) fn check_rows(count: usize) -> Result<(), Error> {
    if count <= facts::seats::MAX_ROWS {
        return Ok(());
    }
    let reason = format!("send at most {} at once", facts::seats::MAX_ROWS);
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
    let changes = written.entries.iter().map(|entry| &entry.change);
    outcomes(changes, &written.refused, &written.state, rows)
}

/// What would become of each row, as [`Authority::try_import`] decided.
pub fn tried_outcomes<'a>(
    (decision, state): &'a (Decision, State),
    rows: &[(NewAccount, Vec<String>)],
) -> Vec<RowOutcome<'a>> {
    outcomes(decision.changes.iter(), &decision.refused, state, rows)
}

/// By the changes of an import, its refusals, and the state after it.
fn outcomes<'a>(
    changes: impl Iterator<Item = &'a Change>,
    refusals: &'a [(usize, Error)],
    state: &State,
    rows: &[(NewAccount, Vec<String>)],
) -> Vec<RowOutcome<'a>> {
    let mut created = BTreeSet::new();
    let mut given: BTreeMap<Uuid, Vec<&str>> = BTreeMap::new();
    for change in changes {
        match change {
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
    for (row, error) in refusals {
        refused.entry(*row).or_default().push(error);
    }
    let outcome = |(row, (new, seats)): (usize, &(NewAccount, Vec<String>))| {
        let is_new = created.contains(&new.id);
        let email = Email::parse(&new.email).ok();
        let known = email.and_then(|email| account::by_email(state, &email));
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

//! Named seats: give, take back, list; and the refusals of seats and leases.

use std::collections::BTreeMap;
use std::sync::Arc;

use lictor_core::Error;
use lictor_core::decision::Decision;
use lictor_core::error::Kind;
use lictor_core::facts::account::Account;
use lictor_core::facts::seats::{Holder, Seat, SeatId, SeatRefusal};
use lictor_core::rules::batch::{self, BatchMode, Row};
use lictor_core::rules::seats::{self, Assigned};
use lictor_core::state::State;
use lictor_store::{Fact, RefusalSum, Refused, RefusedKey, SumKey};
use uuid::Uuid;

use super::accounts::check_rows;
use super::actor_names::ActorName;
use super::permits::{Permit, forbidden};
use super::right::{Read, Seats, Write};
use super::terms::Terms;
use super::{Authority, Call};

/// Who is to get or to lose a seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// The account with this id.
    Id(Uuid),
    /// The account with this e-mail, in whatever spelling.
    Email(String),
}

/// What a row of a request for many seats asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeatRow {
    /// A seat for an account.
    Assign(Who),
    /// An account's seat back.
    Release(Who),
}

impl SeatRow {
    /// Whom it is about.
    pub fn who(&self) -> &Who {
        match self {
            Self::Assign(who) | Self::Release(who) => who,
        }
    }
}

impl Authority {
    /// At most `limit` seats of an application in order of their holders' ids, beginning after
    /// `after`, and who gave them.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a fault of the store.
    pub async fn seats(
        &self,
        permit: Permit<'_, Seats, Read>,
        application: &str,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<(Seat, Option<Arc<ActorName>>)>, Error> {
        let call = permit.call();
        self.known_application(call, application).await?;
        let organization = call.organization.id;
        let seats = self
            .store
            .seats(organization, application, after, limit)
            .await?;
        let positions = seats.iter().map(|seat| seat.state.revision).collect();
        let mut givers = self.actor_names(call, positions).await?;
        let given = seats.into_iter();
        Ok(given
            .map(|seat| {
                let giver = givers.remove(&seat.state.revision);
                (seat, giver)
            })
            .collect())
    }

    /// At most `limit` refusals, the newest first, beginning after `before`, and the accounts that
    /// were refused.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for who sees one application alone, or a fault of the store.
    pub async fn refusals(
        &self,
        permit: Permit<'_, Seats, Read>,
        before: Option<&RefusedKey>,
        limit: usize,
    ) -> Result<Vec<(Refused, Option<Arc<Account>>)>, Error> {
        let organization = of_all_applications(permit)?;
        let refusals = self.store.refusals(organization, before, limit).await?;
        // The same few ask again and again.
        let mut known: BTreeMap<Uuid, Option<Arc<Account>>> = BTreeMap::new();
        for refused in &refusals {
            if let Holder::Account(id) = refused.refusal.holder
                && !known.contains_key(&id)
            {
                let account = self.store.account(organization, id).await?;
                known.insert(id, account.map(Arc::new));
            }
        }
        let refusals = refusals.into_iter();
        Ok(refusals
            .map(|refused| {
                let account = match &refused.refusal.holder {
                    Holder::Account(id) => known.get(id).cloned().flatten(),
                    Holder::Lease(_) => None,
                };
                (refused, account)
            })
            .collect())
    }

    /// At most `limit` sums of refusals, the newest hour first, beginning after `before`.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for who sees one application alone, or a fault of the store.
    pub async fn refusal_sums(
        &self,
        permit: Permit<'_, Seats, Read>,
        before: Option<&SumKey>,
        limit: usize,
    ) -> Result<Vec<RefusalSum>, Error> {
        let organization = of_all_applications(permit)?;
        self.store.refusal_sums(organization, before, limit).await
    }

    /// Gives an account a seat of an application; one that has it keeps it.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::SeatRefused`], or a fault of the store.
    pub async fn assign_seat(
        &self,
        permit: Permit<'_, Seats, Write>,
        application: &str,
        who: Who,
    ) -> Result<Assigned, Error> {
        let call = permit.call();
        self.known_application(call, application).await?;
        let account = self.account_of(call, &who).await?;
        let (key, facts) = (application.to_owned(), facts(application, [account]));
        let assigned = self.decide_by_terms(call, vec![key.clone()], facts, move |state, terms| {
            assign(state, &key, account.ok_or_else(|| missing(&who))?, terms)
        });
        assigned.await?.map_err(Error::SeatRefused)
    }

    /// Takes an account's seat of an application back.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a fault of the store.
    pub async fn release_seat(
        &self,
        permit: Permit<'_, Seats, Write>,
        application: &str,
        who: Who,
    ) -> Result<(), Error> {
        let call = permit.call();
        self.known_application(call, application).await?;
        let account = self.account_of(call, &who).await?;
        let (key, facts) = (application.to_owned(), facts(application, [account]));
        self.decide(call, facts, move |state| {
            seats::release(state, &key, account.ok_or_else(|| missing(&who))?)
        })
        .await
    }

    /// Gives seats of an application and takes some back, row after row, and tells of each whether that
    /// changed anything, or why it was refused.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the application, [`Error::InvalidInput`] for
    /// too many rows, or a fault of the store.
    pub async fn change_seats(
        &self,
        permit: Permit<'_, Seats, Write>,
        application: &str,
        rows: Arc<Vec<SeatRow>>,
        mode: BatchMode,
    ) -> Result<Vec<Row<bool>>, Error> {
        let call = permit.call();
        check_rows(rows.len())?;
        self.known_application(call, application).await?;
        let mut accounts = Vec::with_capacity(rows.len());
        for row in rows.iter() {
            accounts.push(self.account_of(call, row.who()).await?);
        }
        let facts = facts(application, accounts.iter().copied());
        let rows: Vec<_> = rows.iter().cloned().zip(accounts).collect();
        let key = application.to_owned();
        self.decide_by_terms(call, vec![key.clone()], facts, move |state, terms| {
            batch::each_row(state, &rows, mode, |steps, (row, account)| {
                let account = account.ok_or_else(|| missing(row.who()))?;
                match row {
                    SeatRow::Assign(_) => {
                        let decided = assign(steps.state(), &key, account, terms)?;
                        let assigned = steps.take(decided)?.map_err(Error::SeatRefused)?;
                        Ok(assigned.given)
                    }
                    SeatRow::Release(_) => {
                        let decided = seats::release(steps.state(), &key, account)?;
                        steps.take(decided)?;
                        Ok(true)
                    }
                }
            })
        })
        .await
    }

    /// The id of the account that is meant, if there is one. It keeps it, so that this needs no lock.
    async fn account_of(&self, call: &Call, who: &Who) -> Result<Option<Uuid>, Error> {
        match who {
            Who::Id(id) => Ok(Some(*id)),
            Who::Email(text) => {
                let organization = call.organization.id;
                let found = self.store.account_by_email(organization, text).await?;
                Ok(found.map(|account| account.id))
            }
        }
    }

    /// Refuses an application that is not known.
    pub(super) async fn known_application(&self, call: &Call, key: &str) -> Result<(), Error> {
        let organization = call.organization.id;
        let known =
            self.cache.known.has(organization, key) || self.known(call).await?.row(key).is_some();
        if known && call.actor.sees(key) {
            return Ok(());
        }
        Err(Error::NotFound {
            kind: Kind::Application,
            name: key.to_owned(),
        })
    }
}

/// The organization whose refusals may be read: those of all applications stand in one list.
fn of_all_applications(permit: Permit<'_, Seats, Read>) -> Result<Uuid, Error> {
    let call = permit.call();
    match call.actor.application {
        None => Ok(call.organization.id),
        Some(_) => Err(forbidden::<Permit<'_, Seats, Read>>()),
    }
}

/// What is looked at to change the seats of these accounts.
fn facts(application: &str, accounts: impl IntoIterator<Item = Option<Uuid>>) -> Vec<Fact> {
    let mut facts = vec![Fact::Application(application.to_owned())];
    for account in accounts.into_iter().flatten() {
        facts.push(Fact::Account(account));
        facts.push(Fact::Seat(SeatId {
            application: application.to_owned(),
            account,
        }));
    }
    facts
}

fn assign(
    state: &State,
    application: &str,
    account: Uuid,
    terms: &Terms,
) -> Result<Decision<Result<Assigned, SeatRefusal>>, Error> {
    let terms = terms.get(application).ok_or_else(|| Error::NotFound {
        kind: Kind::Application,
        name: application.to_owned(),
    })?;
    seats::assign(state, application, account, terms)
}

/// What is said of an account that is not there.
fn missing(who: &Who) -> Error {
    Error::NotFound {
        kind: Kind::Account,
        name: match who {
            Who::Email(email) => email.clone(),
            Who::Id(id) => id.to_string(),
        },
    }
}

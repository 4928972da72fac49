//! Accounts: create, import, change, remove, show.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use lictor_core::decision::Decision;
use lictor_core::error::Kind;
use lictor_core::facts::account::{Account, AccountKind};
use lictor_core::facts::quota::Quota;
use lictor_core::facts::seats::{SeatId, SeatState};
use lictor_core::rules::account::{self, AccountPatch, NewAccount};
use lictor_core::rules::batch::BatchMode;
use lictor_core::rules::import::{self, ImportRow, Imported};
use lictor_core::state::State;
use lictor_core::{Error, facts};
use lictor_store::{Fact, Rule, Written};
use uuid::Uuid;

use super::actor_names::ActorName;
use super::parts::{self, Parts};
use super::permits::sealed::Sealed;
use super::permits::{Permit, needed};
use super::right::{Accounts, Clients, Read, Seats, Tokens, Write};
use super::{Authority, Call};
use crate::random;

/// An account to create.
#[derive(Debug, Clone)]
pub struct AccountRequest {
    /// Its e-mail.
    pub email: String,
    /// What people call it.
    pub name: Option<String>,
    /// Whether it is a person or a service.
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
pub struct AccountImport {
    /// The account; one with this e-mail that exists is left as it is.
    pub account: AccountRequest,
    /// The applications' keys.
    pub seats: Vec<String>,
}

/// What must be so for an account to be changed or removed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Preconditions {
    /// The revision that must be stored; none: whatever it is.
    pub expected: Option<u64>,
    /// Whether it is done even if no account administers the organization then.
    pub force: bool,
}

impl Preconditions {
    fn check(self, state: &State, id: Uuid, decision: Decision) -> Result<Decision, Error> {
        if !self.force {
            account::keep_an_administrator(state, id, &decision)?;
        }
        Ok(decision)
    }
}

/// What requests that were tried before would have done, had they been meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TriedBefore {
    /// The seats that they would have given, by application.
    pub seats: BTreeMap<String, u64>,
    /// How many accounts they would have created.
    pub accounts: u64,
}

impl TriedBefore {
    /// The state as they would have left it.
    fn added_to(&self, state: &State) -> State {
        let mut state = state.clone();
        state.used.add(Quota::Accounts, bounded(self.accounts));
        for (application, seats) in &self.seats {
            state.used.add(Quota::Seats, bounded(*seats));
            if let Some(stored) = state.applications.get_mut(application) {
                stored.seats = stored.seats.saturating_add(*seats);
            }
        }
        state
    }
}

fn bounded(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// More seats than any account has.
const ALL_SEATS: usize = 1 << 30;

/// The permits of those who may name an account: to see it, to change it, or to make something that it is to own.
pub trait NamesAccounts<'c>: Copy + Sealed {
    /// The call that was asked.
    fn call(self) -> &'c Call;
}

impl<'c, A> NamesAccounts<'c> for Permit<'c, Accounts, A> {
    fn call(self) -> &'c Call {
        Permit::call(self)
    }
}

impl<'c> NamesAccounts<'c> for Permit<'c, Clients, Write> {
    fn call(self) -> &'c Call {
        Permit::call(self)
    }
}

impl<'c> NamesAccounts<'c> for Permit<'c, Tokens, Write> {
    fn call(self) -> &'c Call {
        Permit::call(self)
    }
}

impl Authority {
    /// At most `limit` accounts in order of their ids, beginning after `after`.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn accounts(
        &self,
        permit: Permit<'_, Accounts, Read>,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<Account>, Error> {
        let call = permit.call();
        self.store
            .accounts(call.organization.id, after, limit)
            .await
    }

    /// One account that is not removed.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a fault of the store.
    pub async fn account(
        &self,
        permit: Permit<'_, Accounts, Read>,
        id: Uuid,
    ) -> Result<Account, Error> {
        let call = permit.call();
        self.stored_account(call, id).await
    }

    /// The account with this e-mail, in whatever spelling; text that is no e-mail finds none.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn account_by_email(
        &self,
        permit: Permit<'_, Accounts, Read>,
        email: &str,
    ) -> Result<Option<Account>, Error> {
        let call = permit.call();
        self.store
            .account_by_email(call.organization.id, email)
            .await
    }

    /// At most `limit` seats that an account holds, which is why it counts, in order of their
    /// applications' keys, beginning after `after`; and who gave them.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a fault of the store.
    pub async fn seats_of(
        &self,
        permit: Permit<'_, Seats, Read>,
        account: Uuid,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(SeatId, SeatState, Option<Arc<ActorName>>)>, Error> {
        let call = permit.call();
        self.stored_account(call, account).await?;
        // Who sees one application alone has one seat of an account to see, wherever it stands.
        let limit = call.actor.application.as_ref().map_or(limit, |_| ALL_SEATS);
        let held = self
            .store
            .seats_of(call.organization.id, account, after, limit);
        let mut held = held.await?;
        held.retain(|(seat, _)| call.actor.sees(&seat.application));
        let positions = held.iter().map(|(_, seat)| seat.revision).collect();
        let mut givers = self.actor_names(call, positions).await?;
        let given = held.into_iter();
        Ok(given
            .map(|(id, seat)| {
                let giver = givers.remove(&seat.revision);
                (id, seat, giver)
            })
            .collect())
    }

    /// The account that is named by its id or its e-mail, to see it, to change it or to do something for it.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a fault of the store.
    pub async fn account_named<'c>(
        &self,
        permit: impl NamesAccounts<'c>,
        name: &str,
    ) -> Result<Account, Error> {
        let call = permit.call();
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

    /// The account that owns the caller's token; none: nobody does.
    pub fn own_account<'c>(&self, permit: Permit<'c, Accounts, Read>) -> Option<&'c Account> {
        permit.call().actor.account.as_deref()
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
    /// [`Error::InvalidInput`], [`Error::AlreadyExists`], or a fault of the
    /// store.
    pub async fn create_account(
        &self,
        permit: Permit<'_, Accounts, Write>,
        new: NewAccount,
    ) -> Result<Account, Error> {
        let call = permit.call();
        let facts = vec![Fact::AccountByEmail(new.email.clone())];
        self.decide(call, facts, move |state| account::create(state, &new))
            .await
    }

    /// Changes an account.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::InvalidInput`],
    /// [`Error::AlreadyExists`], [`Error::RevisionMismatch`], [`Error::LastAdministrator`], or a fault of
    /// the store.
    pub async fn set_account(
        &self,
        permit: Permit<'_, Accounts, Write>,
        id: Uuid,
        patch: AccountPatch,
        only_if: Preconditions,
    ) -> Result<Account, Error> {
        let call = permit.call();
        let mut facts = vec![Fact::Account(id), Fact::SeatsOf(id)];
        facts.extend(patch.email.clone().map(Fact::AccountByEmail));
        let shuts = patch.status.is_some() || patch.administrator.is_some();
        facts.extend(shuts.then_some(Fact::OtherAdministrator(id)));
        let rule = Rule::new(move |state: &State| {
            let decision = account::set(state, id, &patch, only_if.expected)?;
            only_if.check(state, id, decision)
        });
        self.write(call, call.organization.id, facts, rule).await?;
        self.stored_account(call, id).await
    }

    /// Removes an account: gives its seats back and erases its e-mail and name.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::RevisionMismatch`],
    /// [`Error::LastAdministrator`], or a fault of the store.
    pub async fn remove_account(
        &self,
        permit: Permit<'_, Accounts, Write>,
        id: Uuid,
        only_if: Preconditions,
    ) -> Result<(), Error> {
        let call = permit.call();
        let facts = vec![
            Fact::Account(id),
            Fact::SeatsOf(id),
            Fact::OtherAdministrator(id),
        ];
        let rule = Rule::new(move |state: &State| {
            let decision = account::remove(state, id, only_if.expected)?;
            only_if.check(state, id, decision)
        });
        self.write(call, call.organization.id, facts, rule).await?;
        Ok(())
    }

    /// Creates many accounts at once and gives them seats, for which `seats` is needed. An account that exists stays
    /// as it is, so that an import can be repeated. It is written in these
    /// [parts](Authority::parts_of_import).
    ///
    /// # Errors
    /// [`Error::Forbidden`] for seats without the permit, [`Error::InvalidInput`] for too many of them, or a fault of
    /// the store; parts before the one that it happened in are stored then.
    pub async fn import_accounts(
        &self,
        permit: Permit<'_, Accounts, Write>,
        seats: Option<Permit<'_, Seats, Write>>,
        rows: ImportRows,
        mode: BatchMode,
        parts: Vec<Range<usize>>,
    ) -> Result<Parts<Vec<Imported>>, Error> {
        let rows = rows.permitted(permit.call(), seats)?;
        parts::written(&self.parts, permit.call(), parts, |call, part, _| {
            self.import_part(call, rows.clone(), part, mode)
        })
        .await
    }

    async fn import_part(
        &self,
        call: Call,
        rows: Arc<Vec<ImportRow>>,
        part: Range<usize>,
        mode: BatchMode,
    ) -> Result<Written, Error> {
        let (applications, facts) = import_facts(&rows[part.clone()]);
        self.write_by_terms(&call, applications, facts, move |terms| {
            let (rows, part) = (rows.clone(), part.clone());
            Rule::new(move |state| import::import(state, &rows[part.clone()], mode, &terms))
        })
        .await
    }

    /// Decides what an import would do, and stores nothing. `before` has the seats that earlier parts of the
    /// same try would have given.
    ///
    /// # Errors
    /// As [`Authority::import_accounts`].
    pub async fn try_import(
        &self,
        permit: Permit<'_, Accounts, Write>,
        seats: Option<Permit<'_, Seats, Write>>,
        rows: ImportRows,
        mode: BatchMode,
        before: TriedBefore,
    ) -> Result<Vec<Imported>, Error> {
        let call = permit.call();
        let rows = rows.permitted(call, seats)?;
        let (applications, facts) = import_facts(&rows);
        self.decide_by_terms(call, applications, facts, move |state, terms| {
            let mut after = before.added_to(state);
            let (decision, outcome) = import::import(&after, &rows, mode, terms)?.split();
            decision.apply_to(&mut after);
            let tried = outcome(&after)?;
            Ok(Decision::nothing().with(|_| Ok(tried)))
        })
        .await
    }
}

/// The rows of an import: no more than one request may have.
#[derive(Clone)]
pub struct ImportRows(Arc<Vec<ImportRow>>);

impl ImportRows {
    /// These.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for too many rows.
    pub fn new(rows: Vec<ImportRow>) -> Result<Self, Error> {
        check_rows(rows.len())?;
        Ok(Self(Arc::new(rows)))
    }

    /// Whether they ask for seats, which takes a permit of its own.
    pub fn ask_for_seats(&self) -> bool {
        self.seats_asked() > 0
    }

    fn seats_asked(&self) -> usize {
        self.0.iter().map(|(_, seats)| seats.len()).sum()
    }

    /// The rows, for who may give the seats that they ask for.
    fn permitted(
        self,
        call: &Call,
        seats: Option<Permit<'_, Seats, Write>>,
    ) -> Result<Arc<Vec<ImportRow>>, Error> {
        if self.ask_for_seats() {
            needed(call, seats)?;
        }
        if self.seats_asked() > facts::seats::MAX_SEATS_ASKED {
            let reason = format!(
                "ask for at most {} seats at once",
                facts::seats::MAX_SEATS_ASKED
            );
            return Err(Error::InvalidInput {
                field: "rows",
                reason,
            });
        }
        Ok(self.0)
    }

    /// Each.
    pub(super) fn all(&self) -> &[ImportRow] {
        &self.0
    }
}

/// The applications that an import names, and the facts that it is decided by.
fn import_facts(rows: &[ImportRow]) -> (Vec<String>, Vec<Fact>) {
    let named: BTreeSet<&String> = rows.iter().flat_map(|(_, seats)| seats).collect();
    let applications: Vec<String> = named.into_iter().cloned().collect();
    let emails = rows.iter().map(|(new, _)| new.email.clone());
    let mut facts: Vec<Fact> = emails.map(Fact::AccountByEmail).collect();
    facts.extend(applications.iter().cloned().map(Fact::Application));
    (applications, facts)
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

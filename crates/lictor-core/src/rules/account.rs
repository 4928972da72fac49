//! Creating, changing and removing accounts.

use uuid::Uuid;

use crate::change::Change;
use crate::decision::Decision;
use crate::error::{Error, Kind, LastWay};
use crate::facts::account::{Account, AccountKind, AccountState, AccountStatus, DEFAULT_LANGUAGE};
use crate::facts::email::Email;
use crate::invalid::InvalidInput;
use crate::names::clean_name;
use crate::patch_field::PatchField;
use crate::record::Record;
use crate::state::State;

/// An account to create.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// UUID v7.
    pub id: Uuid,
    /// 1 to 2^53 - 1.
    pub number: u64,
    /// Its e-mail.
    pub email: String,
    /// Its display name.
    pub name: Option<String>,
    /// Its kind.
    pub kind: AccountKind,
    /// Whether it is only invited.
    pub invited: bool,
    /// Whether it administers its organization.
    pub administrator: bool,
    /// `xx_YY`; none: [`DEFAULT_LANGUAGE`].
    pub language: Option<String>,
}

/// What to change about an account. Members that are `None` stay as they are.
#[derive(Debug, Clone, Default)]
pub struct AccountPatch {
    /// Its e-mail.
    pub email: Option<String>,
    /// Its name.
    pub name: PatchField<String>,
    /// Its status; not [`AccountStatus::Removed`].
    pub status: Option<AccountStatus>,
    /// Whether it administers its organization.
    pub administrator: Option<bool>,
    /// `xx_YY`.
    pub language: Option<String>,
}

impl AccountPatch {
    fn clean_name(&self) -> Result<PatchField<String>, InvalidInput> {
        self.name.as_ref().try_map(|name| clean_name(name))
    }

    /// Refuses what no account can become, whether the one it is for is there or not.
    ///
    /// # Errors
    /// [`Error::InvalidInput`].
    pub fn check(&self) -> Result<(), Error> {
        self.email.as_deref().map(Email::parse).transpose()?;
        self.clean_name()?;
        self.language.as_deref().map_or(Ok(()), check_language)
    }
}

/// Creates an account. `state` contains the account with this e-mail, if there is one.
///
/// # Errors
/// [`Error::InvalidInput`], [`Error::AlreadyExists`].
pub fn create(state: &State, new: &NewAccount) -> Result<Decision<Account>, Error> {
    let email = Email::parse(&new.email)?;
    let name = new.name.as_deref().map(clean_name).transpose()?;
    let language = new.language.as_deref().unwrap_or(DEFAULT_LANGUAGE);
    check_language(language)?;
    if by_email(state, &email).is_some() {
        return Err(taken(&email));
    }
    let status = if new.invited {
        AccountStatus::Invited
    } else {
        AccountStatus::Active
    };
    let change = Change::AccountCreated {
        id: new.id,
        number: new.number,
        kind: new.kind,
        status,
        administrator: new.administrator,
        language: language.to_owned(),
    };
    let mut decision: Decision = change.into();
    let id = new.id;
    let shown = (email.shown.clone(), name.clone());
    decision.records.push(Record::Identity {
        id,
        email: Some(email),
        name: name.into(),
    });
    Ok(decision.with(move |after| {
        let (email, name) = shown;
        Ok(Account {
            id,
            email: Some(email),
            name,
            state: find(after, id)?.clone(),
        })
    }))
}

/// Changes an account. `state` contains it with its seats and their applications, and the account
/// with the new e-mail, if there is one. Deactivation gives its seats back.
///
/// # Errors
/// [`Error::NotFound`], [`Error::InvalidInput`], [`Error::AlreadyExists`], and
/// [`Error::RevisionMismatch`] if `expected` is not the stored revision.
pub fn set(
    state: &State,
    id: Uuid,
    patch: &AccountPatch,
    expected: Option<u64>,
) -> Result<Decision, Error> {
    let mut email = patch.email.as_deref().map(Email::parse).transpose()?;
    let name = patch.clean_name()?;
    patch.language.as_deref().map_or(Ok(()), check_language)?;
    let stored = find(state, id)?;
    check_revision(stored, expected)?;
    if let Some(given) = &email {
        if by_email(state, given).is_some_and(|owner| owner != id) {
            return Err(taken(given));
        }
        let key_owner = state.emails.get(&given.key);
        if key_owner.is_some_and(|owner| *owner != id) {
            // It stays as it is: it cannot have the key as well.
            email = None;
        }
    }
    let status = patch.status.unwrap_or(stored.status);
    let mut decision = Decision::nothing();
    if status == AccountStatus::Deactivated {
        release_seats(state, id, &mut decision);
    }
    let change = Change::AccountSet {
        id,
        status,
        administrator: patch.administrator.unwrap_or(stored.administrator),
        language: patch.language.clone().unwrap_or(stored.language.clone()),
    };
    let named = email.is_some() || !name.is_absent();
    if named || !is_same(stored, &change) {
        decision.changes.push(change);
    }
    if named {
        decision.records.push(Record::Identity { id, email, name });
    }
    Ok(decision)
}

/// Removes an account: its seats are given back, its e-mail and name erased, its id kept.
///
/// # Errors
/// [`Error::NotFound`], and [`Error::RevisionMismatch`] if `expected` is not the stored one.
pub fn remove(state: &State, id: Uuid, expected: Option<u64>) -> Result<Decision, Error> {
    let stored = find(state, id)?;
    check_revision(stored, expected)?;
    let mut decision = Decision::nothing();
    release_seats(state, id, &mut decision);
    decision.changes.push(Change::AccountRemoved { id });
    decision.records.push(Record::IdentityErased { id });
    Ok(decision)
}

/// Refuses a decision about an account after which none administers the organization. `state` contains
/// another active one that does, if there is one.
///
/// # Errors
/// [`Error::LastAdministrator`].
pub fn keep_an_administrator(state: &State, id: Uuid, decision: &Decision) -> Result<(), Error> {
    let administers = |account: &AccountState| account.administrator && account.is_active();
    let is_shut = |change: &Change| match change {
        Change::AccountSet {
            status,
            administrator,
            ..
        } => !administrator || *status != AccountStatus::Active,
        Change::AccountRemoved { .. } => true,
        _ => false,
    };
    let shut = decision.changes.iter().any(is_shut);
    let did = state.accounts.get(&id).is_some_and(administers);
    let mut others = state.accounts.iter().filter(|(other, _)| **other != id);
    if shut && did && !others.any(|(_, account)| administers(account)) {
        return Err(Error::LastAdministrator(LastWay::Account));
    }
    Ok(())
}

/// The account, if it is loaded and not removed.
///
/// # Errors
/// [`Error::NotFound`].
pub fn find(state: &State, id: Uuid) -> Result<&AccountState, Error> {
    let found = state.accounts.get(&id);
    found
        .filter(|account| account.status != AccountStatus::Removed)
        .ok_or_else(|| Error::NotFound {
            kind: Kind::Account,
            name: id.to_string(),
        })
}

/// The account that an e-mail means: the one with just this spelling, or else the one with its key.
pub fn by_email(state: &State, email: &Email) -> Option<Uuid> {
    let spelled = state.emails_apart.get(&email.shown);
    spelled.or_else(|| state.emails.get(&email.key)).copied()
}

fn release_seats(state: &State, id: Uuid, decision: &mut Decision) {
    let held = state.seats.keys().filter(|seat| seat.account == id);
    decision
        .changes
        .extend(held.map(|seat| Change::SeatReleased {
            application: seat.application.clone(),
            account: id,
        }));
}

fn is_same(stored: &AccountState, change: &Change) -> bool {
    matches!(change, Change::AccountSet { status, administrator, language, .. }
        if *status == stored.status && *administrator == stored.administrator
            && *language == stored.language)
}

fn check_revision(stored: &AccountState, expected: Option<u64>) -> Result<(), Error> {
    let current = stored.revision;
    match expected {
        Some(expected) if expected != current => Err(Error::RevisionMismatch { current }),
        Some(_) | None => Ok(()),
    }
}

fn taken(email: &Email) -> Error {
    Error::AlreadyExists {
        kind: Kind::Account,
        name: email.shown.clone(),
    }
}

fn check_language(language: &str) -> Result<(), Error> {
    let well_formed = matches!(language.as_bytes(), [a, b, b'_', c, d]
        if [a, b].iter().all(|letter| letter.is_ascii_lowercase())
            && [c, d].iter().all(|letter| letter.is_ascii_uppercase()));
    if well_formed {
        return Ok(());
    }
    let reason = "use a language and a country such as de_DE".to_owned();
    Err(Error::InvalidInput {
        field: "language",
        reason,
    })
}

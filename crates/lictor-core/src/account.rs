//! Accounts: people and services, what becomes of them, and which of them count. Their e-mail and
//! name are no part of the ledger, so that they can be erased.

use idna::AsciiDenyList;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;
use uuid::Uuid;

use crate::change::{Change, Decision, Record};
use crate::error::{Error, Kind, LastWay};
use crate::given::Given;
use crate::names;
use crate::organization::clean_name;
use crate::seats::SeatReason;
use crate::state::State;
use crate::time::Timestamp;

/// The longest e-mail, in characters (RFC 5321 allows no longer path).
pub const MAX_EMAIL_LENGTH: usize = 254;

/// The language of an account that names none.
pub const DEFAULT_LANGUAGE: &str = "en_US";

/// What stands behind an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// A human being.
    Person,
    /// A program; it holds no seats and is not counted.
    Service,
}

/// How far an account has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// Asked to join; holds seats already.
    Invited,
    /// In use.
    Active,
    /// Shut, until it is activated again.
    Deactivated,
    /// Gone: only its id and its history are left.
    Removed,
}

impl AccountKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Service => "service",
        }
    }
}

impl AccountStatus {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Deactivated => "deactivated",
            Self::Removed => "removed",
        }
    }
}

/// What the ledger knows of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountState {
    /// A random number below 2^53, for dialects whose ids are numbers.
    pub number: u64,
    /// What stands behind it.
    pub kind: AccountKind,
    /// How far it has come.
    pub status: AccountStatus,
    /// Whether it administers its organization.
    pub administrator: bool,
    /// `xx_YY`.
    pub language: String,
    /// How many seats it holds.
    pub seats: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// The ledger position of its last change, seats not counted.
    pub revision: u64,
}

impl AccountState {
    /// Whether it may be given a seat: invited and active persons may.
    ///
    /// # Errors
    /// Why not.
    pub fn may_hold_seats(&self) -> Result<(), SeatReason> {
        match (self.kind, self.status) {
            (AccountKind::Service, _) => Err(SeatReason::Service),
            (_, AccountStatus::Deactivated | AccountStatus::Removed) => {
                Err(SeatReason::Deactivated)
            }
            (AccountKind::Person, AccountStatus::Invited | AccountStatus::Active) => Ok(()),
        }
    }

    /// Whether it can be used to sign in.
    pub fn is_active(&self) -> bool {
        self.status == AccountStatus::Active
    }
}

/// A stored account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// UUID v7.
    pub id: Uuid,
    /// Its e-mail as it was given, in NFC; none once it is removed.
    pub email: Option<String>,
    /// What people call it.
    pub name: Option<String>,
    /// What the ledger knows of it.
    pub state: AccountState,
}

/// How many accounts there are of each sort. This is the one place that says who counts: persons
/// do, services never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AccountCounts {
    /// Persons who are invited.
    pub invited: u64,
    /// Persons who are active.
    pub active: u64,
    /// Persons who are deactivated.
    pub deactivated: u64,
    /// Persons who were removed.
    pub removed: u64,
    /// Persons who are administrators, removed ones excepted.
    pub administrators: u64,
    /// Distinct persons who hold a seat.
    pub holders: u64,
    /// Those of them who are active.
    pub active_holders: u64,
    /// Those of the active ones who are administrators.
    pub administrator_holders: u64,
    /// Services, removed ones excepted.
    pub services: u64,
}

impl AccountCounts {
    /// Counts one more account.
    pub fn add(&mut self, account: &AccountState) {
        for (cell, counts) in self.cells().into_iter().zip(sorts(account)) {
            *cell += u64::from(counts);
        }
    }

    /// Counts one account less.
    pub fn subtract(&mut self, account: &AccountState) {
        for (cell, counts) in self.cells().into_iter().zip(sorts(account)) {
            *cell = cell.saturating_sub(u64::from(counts));
        }
    }

    /// Persons who are not removed.
    pub fn persons(&self) -> u64 {
        self.invited + self.active + self.deactivated
    }

    fn cells(&mut self) -> [&mut u64; 9] {
        [
            &mut self.invited,
            &mut self.active,
            &mut self.deactivated,
            &mut self.removed,
            &mut self.administrators,
            &mut self.holders,
            &mut self.active_holders,
            &mut self.administrator_holders,
            &mut self.services,
        ]
    }
}

/// Which of the counts an account belongs to, in the order of the cells.
fn sorts(account: &AccountState) -> [bool; 9] {
    let person = account.kind == AccountKind::Person;
    let is = |status| person && account.status == status;
    let present = account.status != AccountStatus::Removed;
    let holds = person && account.seats > 0;
    let active = is(AccountStatus::Active);
    [
        is(AccountStatus::Invited),
        active,
        is(AccountStatus::Deactivated),
        is(AccountStatus::Removed),
        person && present && account.administrator,
        holds,
        holds && active,
        holds && active && account.administrator,
        !person && present,
    ]
}

/// An account to create.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// UUID v7.
    pub id: Uuid,
    /// 1 to 2^53 - 1.
    pub number: u64,
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
    /// `xx_YY`; none: [`DEFAULT_LANGUAGE`].
    pub language: Option<String>,
}

/// What is to change of an account; what is none stays.
#[derive(Debug, Clone, Default)]
pub struct AccountPatch {
    /// Its e-mail.
    pub email: Option<String>,
    /// Its name.
    pub name: Given<String>,
    /// How far it has come; not [`AccountStatus::Removed`].
    pub status: Option<AccountStatus>,
    /// Whether it administers its organization.
    pub administrator: Option<bool>,
    /// `xx_YY`.
    pub language: Option<String>,
}

impl AccountPatch {
    fn clean_name(&self) -> Result<Given<String>, Error> {
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

/// Creates an account. `state` holds the account with this e-mail, if there is one.
///
/// # Errors
/// [`Error::InvalidInput`], [`Error::AlreadyExists`].
pub fn create(state: &State, new: &NewAccount) -> Result<Decision, Error> {
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
    decision.records.push(Record::Identity {
        id: new.id,
        email: Some(email),
        name: name.into(),
    });
    Ok(decision)
}

/// Changes an account. `state` holds it with its seats and their applications, and the account
/// with the new e-mail, if there is one. Deactivation gives its seats back.
///
/// # Errors
/// [`Error::NotFound`], [`Error::InvalidInput`], [`Error::AlreadyExists`], and
/// [`Error::RevisionMismatch`] where `expected` is not the stored revision.
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
    let named = email.is_some() || !name.is_nothing();
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
/// [`Error::NotFound`], and [`Error::RevisionMismatch`] where `expected` is not the stored one.
pub fn remove(state: &State, id: Uuid, expected: Option<u64>) -> Result<Decision, Error> {
    let stored = find(state, id)?;
    check_revision(stored, expected)?;
    let mut decision = Decision::nothing();
    release_seats(state, id, &mut decision);
    decision.changes.push(Change::AccountRemoved { id });
    decision.records.push(Record::IdentityErased { id });
    Ok(decision)
}

/// Refuses a decision about an account after which none administers the organization. `state` holds
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

/// An e-mail, and what tells it from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// As it was given, in NFC.
    pub shown: String,
    /// The part before the `@` as [`fold`](crate::names::fold) has it, the domain in ASCII as UTS 46
    /// has it, without a dot at its end: two spellings of one address are the same here.
    pub key: String,
}

impl Email {
    /// Reads an e-mail: one `@` with text on both sides, no white space, no control characters, and
    /// a domain that has a form in ASCII, or an address in brackets.
    /// Whether mail arrives there is not for a license server to say.
    ///
    /// # Errors
    /// [`Error::InvalidInput`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let shown = Self::spelled(text);
        let (local, domain) = shown.split_once('@').unwrap_or_default();
        if !fits(&shown) {
            return Err(invalid(format!(
                "use one address such as ada@example.com, of at most {MAX_EMAIL_LENGTH} \
                 characters, without white space and control characters"
            )));
        }
        let key = domain_key(domain)
            .map(|domain| format!("{}@{domain}", names::fold(local)))
            .filter(|key| fits(key));
        match key {
            Some(key) => Ok(Self { shown, key }),
            None => Err(invalid(
                "its domain is invalid: use one such as example.com, bücher.example or \
                 xn--bcher-kva.example"
                    .to_owned(),
            )),
        }
    }

    /// The text as an e-mail of this spelling is stored: in NFC.
    pub fn spelled(text: &str) -> String {
        // ASCII is normalized already; almost all e-mails are.
        match text.is_ascii() {
            true => text.to_owned(),
            false => text.nfc().collect(),
        }
    }
}

fn invalid(reason: String) -> Error {
    Error::InvalidInput {
        field: "email",
        reason,
    }
}

fn fits(text: &str) -> bool {
    let (local, domain) = text.split_once('@').unwrap_or_default();
    let plain = |letter: char| !letter.is_whitespace() && !letter.is_control();
    let visible = match text.is_ascii() {
        true => text.bytes().all(|byte| byte.is_ascii_graphic()),
        false => text
            .chars()
            .all(|letter| plain(letter) && !is_invisible(letter)),
    };
    !local.is_empty()
        && !domain.is_empty()
        && !domain.contains('@')
        && visible
        && text.chars().count() <= MAX_EMAIL_LENGTH
}

/// A domain in the form in which its spellings are the same; none for one that UTS 46 refuses, or
/// that has an empty label.
fn domain_key(domain: &str) -> Option<String> {
    if domain.is_ascii() && domain.starts_with('[') && domain.ends_with(']') {
        return Some(domain.to_ascii_lowercase());
    }
    let ascii = idna::domain_to_ascii_cow(domain.as_bytes(), AsciiDenyList::EMPTY).ok()?;
    let key = ascii.strip_suffix('.').unwrap_or(&ascii);
    let whole = key.split('.').all(|label| !label.is_empty());
    whole.then(|| key.to_owned())
}

/// Characters that change nothing that can be seen, and so would make two addresses that look the
/// same: format characters in the general punctuation block, the byte-order mark, soft hyphens.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
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

//! Accounts: people and services, and which of them count. Their e-mail and name are not part of the
//! ledger, so that they can be erased.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::Timestamp;
use crate::words::words;

/// The language of an account that names none.
pub const DEFAULT_LANGUAGE: &str = "en_US";

/// Whether an account belongs to a person or to a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// A person.
    Person,
    /// A program. It has no seats and is not counted.
    Service,
}

words!(
    AccountKind, "a kind of account", {
        Person => "person",
        Service => "service",
    }
);

/// The status of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// Invited; may have seats already.
    Invited,
    /// Can be used to sign in.
    Active,
    /// Closed until it is activated again.
    Deactivated,
    /// Removed: only its id and its history remain.
    Removed,
}

words!(
    AccountStatus, "a status of accounts", {
        Invited => "invited",
        Active => "active",
        Deactivated => "deactivated",
        Removed => "removed",
    }
);

/// What the ledger records about an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountState {
    /// A random number below 2^53, for dialects whose ids are numbers.
    pub number: u64,
    /// Its kind.
    pub kind: AccountKind,
    /// Its status.
    pub status: AccountStatus,
    /// Whether it administers its organization.
    pub administrator: bool,
    /// `xx_YY`.
    pub language: String,
    /// How many seats it has.
    pub seats: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// The ledger position of its last change, seats not counted.
    pub revision: u64,
}

impl AccountState {
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
    /// Its e-mail as it was given, in NFC. `None` once it is removed.
    pub email: Option<String>,
    /// Its display name.
    pub name: Option<String>,
    /// What the ledger records about it.
    pub state: AccountState,
}

/// How many accounts there are of each kind and status. This is the only place that decides who counts:
/// persons do, services do not.
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

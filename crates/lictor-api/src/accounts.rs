//! Accounts: what is sent and answered.

use std::collections::BTreeMap;

use lictor_core::facts::account::{AccountKind, AccountStatus};
use lictor_core::patch_field::PatchField;
use lictor_core::whole_number::WholeNumber;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::row::Sent;
use crate::values::{Instant, Object, RowError, RowMode, Text, Words, Written, only};

/// The statuses that an account can be created with.
pub const CREATED: [AccountStatus; 2] = [AccountStatus::Active, AccountStatus::Invited];

/// The statuses that an account can be set to.
pub const SET: [AccountStatus; 3] = [
    AccountStatus::Invited,
    AccountStatus::Active,
    AccountStatus::Deactivated,
];

fn only_created(schema: &mut Schema) {
    only(schema, &CREATED);
}

fn only_set(schema: &mut Schema) {
    only(schema, &SET);
}

/// An account to create.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateAccount {
    /// Its e-mail, by which it can be named.
    pub email: String,
    /// What people call it, 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub name: Option<String>,
    /// Whether it is a `person`, or a `service`, which has no seats; left out: `person`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Text<AccountKind>>,
    /// `active`, or `invited`: it counts, but its tokens do not work yet; left out: `active`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = only_created)]
    pub status: Option<Text<AccountStatus>>,
    /// Whether it administers the organization; left out: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub administrator: Option<bool>,
    /// Its language, such as `de_DE`; left out: `en_US`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

impl Sent for CreateAccount {}

/// What is to change of an account. What is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChangeAccount {
    /// Its e-mail.
    #[serde(skip_serializing_if = "PatchField::is_absent")]
    #[schemars(with = "String")]
    pub email: PatchField<String>,
    /// What people call it, 1 to 200 characters; `null`: nothing.
    #[serde(skip_serializing_if = "PatchField::is_absent")]
    #[schemars(with = "Option<String>")]
    pub name: PatchField<String>,
    /// Its status. `deactivated` releases its seats and disables its tokens.
    #[serde(skip_serializing_if = "PatchField::is_absent")]
    #[schemars(with = "Text<AccountStatus>", transform = only_set)]
    pub status: PatchField<Text<AccountStatus>>,
    /// Whether it administers the organization.
    #[serde(skip_serializing_if = "PatchField::is_absent")]
    #[schemars(with = "bool")]
    pub administrator: PatchField<bool>,
    /// Its language, such as `de_DE`.
    #[serde(skip_serializing_if = "PatchField::is_absent")]
    #[schemars(with = "String")]
    pub language: PatchField<String>,
}

impl Sent for ChangeAccount {}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// Its id.
    pub id: Uuid,
    /// A number for programs that need one, up to 2^53 - 1.
    pub number: u64,
    /// Its e-mail, as first given.
    pub email: Option<String>,
    /// What people call it.
    pub name: Option<String>,
    /// Whether it is a person or a program.
    pub kind: Text<AccountKind>,
    /// Its status.
    pub status: Text<AccountStatus>,
    /// Whether it administers the organization.
    pub administrator: bool,
    /// Its language, such as `en_US`.
    pub language: String,
    /// Its named seats.
    pub seats: u64,
    /// When it was created.
    pub created_at: Instant,
    /// The ledger position of its last write.
    pub revision: u64,
}

/// An account that was changed; what was sent for whoever may not read accounts.
pub type WrittenAccount = Written<Account, ChangeAccount>;

/// Accounts to import: at most 1,000 rows, which ask for at most 10,000 seats.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportAccounts {
    /// The accounts. One that exists is not changed.
    #[schemars(length(max = 1_000))]
    pub rows: Vec<Object<ImportRow>>,
    /// Whether one refused row refuses them all (`all`), or each is decided by itself (`each`); left out: `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<RowMode>,
    /// Whether nothing is written, and only said what would happen; left out: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// Of a dry run in several requests: the seats that the earlier ones would have assigned, by application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<BTreeMap<String, u64>>")]
    pub earlier_seats: Option<BTreeMap<String, WholeNumber<u64>>>,
    /// Of a dry run in several requests: the accounts that the earlier ones would have created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<u64>")]
    pub earlier_accounts: Option<WholeNumber<u64>>,
}

impl Sent for ImportAccounts {}

/// An account to import, with the seats that it is to have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRow {
    /// Its e-mail, by which it can be named.
    pub email: String,
    /// What people call it, 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub name: Option<String>,
    /// Whether it is a `person`, or a `service`, which has no seats; left out: `person`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Text<AccountKind>>,
    /// `active`, or `invited`: it counts, but its tokens do not work yet; left out: `active`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = only_created)]
    pub status: Option<Text<AccountStatus>>,
    /// Whether it administers the organization; left out: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub administrator: Option<bool>,
    /// Its language, such as `de_DE`; left out: `en_US`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The keys of the applications that it gets a seat of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seats: Option<Vec<String>>,
}

/// What became of an account to import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportResult {
    /// It was created.
    Created,
    /// It was there.
    Existing,
    /// It was refused, or one of its seats.
    Refused,
}

impl Words for ImportResult {
    const ALL: &'static [Self] = &[Self::Created, Self::Existing, Self::Refused];

    fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Existing => "existing",
            Self::Refused => "refused",
        }
    }
}

/// What became of an import, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportedAccounts {
    /// Whether nothing was written.
    pub dry_run: bool,
    /// How many accounts were created.
    pub accounts_created: u64,
    /// How many seats were assigned.
    pub seats_assigned: u64,
    /// How many rows were refused, or a seat of theirs.
    pub refused: u64,
    /// What became of each row, in the order of the request.
    pub rows: Vec<ImportedAccount>,
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportedAccount {
    /// The account's id; `null`: there is none. That of a dry run means nothing afterwards.
    pub account: Option<Uuid>,
    /// What became of it.
    pub result: Text<ImportResult>,
    /// Whether the account was created, also where a seat of it was refused.
    pub created: bool,
    /// The keys of the applications for which the row assigned a seat.
    pub assigned: Vec<String>,
    /// Why it was refused, or its seats.
    pub errors: Vec<RowError>,
}

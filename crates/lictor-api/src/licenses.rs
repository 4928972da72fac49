//! Licenses: what is sent and answered.

use std::collections::BTreeMap;

use lictor_core::{Date, KeyId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::row::Sent;
use crate::values::{Day, Instant, KeyIdText, Text, Words};

/// A license to add.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddLicense {
    /// The signed document as text, at most 65,536 bytes. It is stored byte for byte.
    #[schemars(length(max = 65_536))]
    pub payload: String,
    /// The license's id; left out: a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
}

impl Sent for AddLicense {}

/// A license to put under the id of the path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PutLicense {
    /// The signed document as text, at most 65,536 bytes. It is stored byte for byte.
    #[schemars(length(max = 65_536))]
    pub payload: String,
}

impl Sent for PutLicense {}

/// How a license stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LicenseStatus {
    /// It is the one that counts for its application.
    InForce,
    /// Its creation date has not come.
    Waiting,
    /// It has ended.
    Expired,
    /// Another license of the application goes before it.
    Superseded,
    /// It counts for nothing.
    Rejected,
}

impl Words for LicenseStatus {
    const ALL: &'static [Self] = &[
        Self::InForce,
        Self::Waiting,
        Self::Expired,
        Self::Superseded,
        Self::Rejected,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::InForce => "in-force",
            Self::Waiting => "waiting",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::Rejected => "rejected",
        }
    }
}

/// Why a document is refused, or a stored license counts for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentReason {
    /// It is not JSON.
    NotJson,
    /// It lacks a member, or has one too many.
    WrongShape,
    /// It is signed with a key that is not known.
    UnknownKey,
    /// It is signed with a key that was revoked.
    RevokedKey,
    /// It is new, and signed with a key that was retired.
    RetiredKey,
    /// Its signature is not that of its payload.
    BadSignature,
    /// It is for another organization.
    WrongAudience,
    /// It has no end that can be read.
    BadExpirationDate,
    /// One of its claims is not allowed.
    BadClaim,
}

impl Words for DocumentReason {
    const ALL: &'static [Self] = &[
        Self::NotJson,
        Self::WrongShape,
        Self::UnknownKey,
        Self::RevokedKey,
        Self::RetiredKey,
        Self::BadSignature,
        Self::WrongAudience,
        Self::BadExpirationDate,
        Self::BadClaim,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::NotJson => "not-json",
            Self::WrongShape => "wrong-shape",
            Self::UnknownKey => "unknown-key",
            Self::RevokedKey => "revoked-key",
            Self::RetiredKey => "retired-key",
            Self::BadSignature => "bad-signature",
            Self::WrongAudience => "wrong-audience",
            Self::BadExpirationDate => "bad-expiration-date",
            Self::BadClaim => "bad-claim",
        }
    }
}

/// What an application is licensed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Paid for.
    Paid,
    /// Free of charge.
    Free,
    /// A trial.
    Trial,
    /// No license is in force.
    Unlicensed,
}

impl Words for Plan {
    const ALL: &'static [Self] = &[Self::Paid, Self::Free, Self::Trial, Self::Unlicensed];

    fn word(self) -> &'static str {
        match self {
            Self::Paid => lictor_core::Plan::Paid.as_str(),
            Self::Free => lictor_core::Plan::Free.as_str(),
            Self::Trial => lictor_core::Plan::Trial.as_str(),
            Self::Unlicensed => lictor_core::Plan::UNLICENSED,
        }
    }
}

impl From<Option<lictor_core::Plan>> for Plan {
    fn from(plan: Option<lictor_core::Plan>) -> Self {
        match plan {
            Some(lictor_core::Plan::Paid) => Self::Paid,
            Some(lictor_core::Plan::Free) => Self::Free,
            Some(lictor_core::Plan::Trial) => Self::Trial,
            None => Self::Unlicensed,
        }
    }
}

/// A stored license.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct License {
    /// Its id.
    pub id: Uuid,
    /// The key of the application that it is for.
    pub application: String,
    /// The ledger position of its last write.
    pub revision: u64,
    /// When it was added.
    pub created_at: Instant,
    /// When it was last written.
    pub updated_at: Instant,
    /// How it stands.
    pub status: Text<LicenseStatus>,
    /// Why it counts for nothing, if it is `rejected`.
    pub reason: Option<Text<DocumentReason>>,
    /// The id of the license in force, if this one is `superseded`. `null` for whoever may not read licenses.
    pub superseded_by: Option<Uuid>,
    /// For how many dates it still counts: 1 on the last day, 0 once expired.
    pub days_left: i64,
    /// When its application has no license in force any more, counting this one and those that follow without a gap.
    /// `null` while none is in force, and for whoever may not read licenses.
    pub covered_until: Option<Instant>,
    /// Whether a trusted key signed it.
    pub verified: bool,
    /// The id of that key.
    #[schemars(with = "Option<KeyIdText>")]
    pub signed_by: Option<KeyId>,
    /// What the document says.
    pub claims: Claims,
    /// The document, byte for byte.
    pub payload: String,
}

/// What a document says, by the names that stand in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claims {
    /// Who bought it.
    pub customer: Option<String>,
    /// What was bought.
    pub product_subscription: Option<String>,
    /// The vendor's name for the license.
    pub license_key: Option<String>,
    /// The first date on which it is valid; `null`: it always was.
    #[schemars(with = "Option<Day>")]
    pub license_creation_date: Option<Date>,
    /// The date at whose start, in UTC, it ends.
    #[schemars(with = "Day")]
    pub license_expiration_date: Date,
    /// Seats, 0 to 2,147,483,647; `null`: unlimited.
    pub admin_seats: Option<u32>,
    /// Data planes, 0 to 2,147,483,647; `null`: unlimited.
    pub dataplanes: Option<u32>,
    /// The vendor's support plan.
    pub support_plan: Option<String>,
    /// The key of the application that it is for.
    pub application: String,
    /// The plan that it grants.
    pub plan: Text<Plan>,
    /// The id of the one organization that it is for; `null`: any.
    pub organization: Option<Uuid>,
    /// What it grants besides.
    pub features: Vec<String>,
    /// Every other claim, as text.
    pub unknown: BTreeMap<String, String>,
}

/// A license that was added, and where it came to stand among those of its application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AddedLicense {
    /// The license.
    #[serde(flatten)]
    pub license: License,
    /// Where it stands. All is `null` for whoever may not read licenses.
    pub place: Succession,
}

/// Where a license stands among the others of its application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Succession {
    /// The license that is in force when this one comes into force.
    pub takes_over_from: Option<Neighbor>,
    /// The license that is in force when this one ends.
    pub followed_by: Option<Neighbor>,
    /// When none is in force before it.
    pub gap_before: Option<Gap>,
    /// When none is in force after it.
    pub gap_after: Option<Gap>,
}

/// Another license of the application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Neighbor {
    /// Its id.
    pub id: Uuid,
    /// Who bought it.
    pub customer: Option<String>,
    /// What was bought.
    pub product_subscription: Option<String>,
    /// The first date on which it is valid; `null`: it always was.
    #[schemars(with = "Option<Day>")]
    pub license_creation_date: Option<Date>,
    /// The date at whose start, in UTC, it ends.
    #[schemars(with = "Day")]
    pub license_expiration_date: Date,
}

/// A time in which no license of the application is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// When it begins.
    pub from: Instant,
    /// When it ends.
    pub until: Instant,
}

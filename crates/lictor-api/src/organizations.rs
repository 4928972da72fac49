//! Organizations and their quotas: what is sent and answered.

use std::collections::BTreeMap;

use lictor_core::patch_field::PatchField;
use lictor_core::whole_number::WholeNumber;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::row::Sent;
use crate::values::{Instant, Written};

/// An organization to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateOrganization {
    /// Its key in paths and headers: 1 to 63 lower-case letters, digits and hyphens. It never changes.
    #[schemars(regex(pattern = "^[a-z0-9][a-z0-9-]{0,62}$"))]
    pub key: String,
    /// What people call it, 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub name: Option<String>,
}

impl Sent for CreateOrganization {}

/// What is to change of an organization. What is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeOrganization {
    /// What people call it, 1 to 200 characters; `null`: nothing.
    #[serde(default, skip_serializing_if = "PatchField::is_absent")]
    #[schemars(with = "Option<String>")]
    pub name: PatchField<String>,
    /// Limits by the names of quotas, 0 to 2^53 - 1; `null`: the default again.
    #[serde(default, skip_serializing_if = "PatchField::is_absent")]
    #[schemars(with = "BTreeMap<String, Option<u64>>")]
    pub limits: PatchField<BTreeMap<String, Option<WholeNumber<u64>>>>,
}

impl Sent for ChangeOrganization {}

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Organization {
    /// Its id.
    pub id: Uuid,
    /// Its key.
    pub key: String,
    /// A number for programs that need one, up to 2^53 - 1.
    pub number: u64,
    /// What people call it.
    pub name: Option<String>,
    /// When it was created.
    pub created_at: Instant,
}

/// An organization, what it has and may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrganizationDetails {
    /// The organization.
    #[serde(flatten)]
    pub organization: Organization,
    /// Its quotas.
    pub quotas: Vec<Quota>,
    /// What only grows.
    pub ledger: LedgerSize,
}

/// An organization that was changed; what was sent for whoever may not read organizations.
pub type WrittenOrganization = Written<OrganizationDetails, ChangeOrganization>;

/// How much of something there is and may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Quota {
    /// Its name.
    pub name: String,
    /// How much there may be.
    pub limit: u64,
    /// How much there may be if nothing is set.
    pub default: u64,
    /// How much there is; `null`: it is not one figure of the organization.
    pub used: Option<u64>,
    /// What it limits, for people.
    pub description: String,
}

/// What only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerSize {
    /// Entries of the ledger.
    pub entries: u64,
    /// Their bytes.
    pub entry_bytes: u64,
    /// The bytes of license documents.
    pub payload_bytes: u64,
    /// Records of ended leases that were dropped because there were too many.
    pub ended_leases_dropped: u64,
}

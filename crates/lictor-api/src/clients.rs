//! OAuth clients: what is sent and answered.

use lictor_core::facts::scope::Scope;
use lictor_core::patch_field::PatchField;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::row::Sent;
use crate::values::{Instant, Text, Written};

/// A client to create.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateClient {
    /// What its access tokens may do at most: `RESOURCE`, `RESOURCE:read` or `RESOURCE:write`, 1 to 64.
    #[serde(default)]
    #[schemars(!default, length(min = 1, max = 64))]
    pub scopes: Vec<Text<Scope>>,
    /// What people call it, 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub name: Option<String>,
    /// The account that it acts for, by its id or e-mail. It may do no more than the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The key of the one application whose figures it sees; left out: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
}

impl Sent for CreateClient {}

/// What is to change of a client. What is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeClient {
    /// What people call it, 1 to 200 characters; `null`: nothing.
    #[serde(default, skip_serializing_if = "PatchField::is_absent")]
    #[schemars(with = "Option<String>")]
    pub name: PatchField<String>,
}

impl Sent for ChangeClient {}

/// A client, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Client {
    /// Its id, which the ledger has as the actor of what it does.
    pub id: Uuid,
    /// The id that it signs in with.
    pub client_id: String,
    /// What people call it.
    pub name: Option<String>,
    /// What its access tokens may do at most.
    pub scopes: Vec<Text<Scope>>,
    /// The id of the account that it acts for.
    pub account: Option<Uuid>,
    /// The key of the one application whose figures it sees; `null`: all.
    pub application: Option<String>,
    /// When it was created.
    pub created_at: Instant,
}

/// A client that was changed; what was sent for whoever may not read clients.
pub type WrittenClient = Written<Client, ChangeClient>;

/// A client that was just created, with its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreatedClient {
    /// The client.
    #[serde(flatten)]
    pub client: Client,
    /// The secret that it signs in with. It is answered only this once, as those below.
    pub client_secret: String,
    /// What it exchanges for access tokens.
    pub refresh_token: String,
    /// What it can exchange once for a refresh token of its own.
    #[serde(flatten)]
    pub code: Code,
}

/// A code that a client can exchange once for a refresh token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Code {
    /// The code. It is answered only this once, and stored nowhere.
    pub code: String,
    /// When it ends.
    pub code_expires_at: Instant,
}

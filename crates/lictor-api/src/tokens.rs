//! Tokens: what is sent and answered.

use lictor_core::facts::role::Role;
use lictor_core::facts::scope::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::row::Sent;
use crate::values::{Instant, Text, Words};

/// A token to create.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// What it may do at most; left out: `reader`, or of an account what the account may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Text<Role>>,
    /// What it is narrowed to: `RESOURCE`, `RESOURCE:read` or `RESOURCE:write`, at most 64; left out: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub scopes: Option<Vec<Text<Scope>>>,
    /// When it ends; left out: never, or when the token ends that creates it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Text<Instant>>,
    /// What people call it, 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub name: Option<String>,
    /// The account that owns it, by its id or e-mail. The token may do no more than the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

impl Sent for CreateToken {}

/// Where a token came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenOrigin {
    /// `LICTOR_ADMIN_TOKEN` of the server.
    Environment,
    /// The first start of the server.
    FirstStart,
    /// A token or client, which `created_by` names.
    Token,
}

impl Words for TokenOrigin {
    const ALL: &'static [Self] = &[Self::Environment, Self::FirstStart, Self::Token];

    fn word(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::FirstStart => "first-start",
            Self::Token => "token",
        }
    }
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Token {
    /// Its id.
    pub id: Uuid,
    /// The id of the organization that it belongs to; `null`: it is an operator's.
    pub organization: Option<Uuid>,
    /// What people call it.
    pub name: Option<String>,
    /// What it may do at most.
    pub role: Text<Role>,
    /// What it is narrowed to; empty: all that the role allows.
    pub scopes: Vec<Text<Scope>>,
    /// When it was created.
    pub created_at: Instant,
    /// When it ends; `null`: never.
    pub expires_at: Option<Instant>,
    /// When it was revoked.
    pub revoked_at: Option<Instant>,
    /// Whether it can be used.
    pub live: bool,
    /// The id of the account that owns it.
    pub account: Option<Uuid>,
    /// Where it came from; `null`: that was not recorded then.
    pub origin: Option<Text<TokenOrigin>>,
    /// The id of the token or client that created it.
    pub created_by: Option<Uuid>,
}

/// A token that was just created, with its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreatedToken {
    /// The token.
    #[serde(flatten)]
    pub token: Token,
    /// What a client sends. It is answered only this once, and stored nowhere.
    pub secret: String,
}

//! Tokens, without their secrets.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::elapsed::{Elapsed, Now};
use crate::facts::account::Account;
use crate::facts::role::Role;
use crate::facts::scope::Scope;
use crate::time::Timestamp;

/// A stored token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// UUID v7.
    pub id: Uuid,
    /// The organization it belongs to. `None` for operators.
    pub organization: Option<Uuid>,
    /// Its display name; not part of the ledger.
    pub name: Option<String>,
    /// What it may do at most.
    pub role: Role,
    /// What it is narrowed to; empty: all that the role allows.
    pub scopes: Vec<Scope>,
    /// When it was created.
    pub created_at: Timestamp,
    /// The date that it was given to end at. `None` if it has none.
    pub expires_at: Option<Timestamp>,
    /// Where its span ends. `None` if it has none.
    pub ends: Option<Elapsed>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The account that owns it. `None` if it has no owner.
    pub account: Option<Arc<Account>>,
    /// The one application that it shows. `None` for all.
    pub application: Option<String>,
    /// Where it came from. `None` if it is of a version that did not note it, or an access token.
    pub origin: Option<Origin>,
}

/// Where a token came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The environment of the server, which provides it at each start.
    Environment,
    /// The first start of the server, which made it.
    FirstStart,
    /// Whoever showed this token or client.
    Token(Uuid),
}

impl Origin {
    /// The word for what it is.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::FirstStart => "first-start",
            Self::Token(_) => "token",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(id) => id.fmt(f),
            Self::Environment | Self::FirstStart => f.write_str(self.as_str()),
        }
    }
}

impl FromStr for Origin {
    type Err = uuid::Error;

    /// Reads what is displayed.
    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        let mut words = [Self::Environment, Self::FirstStart].into_iter();
        match words.find(|origin| origin.as_str() == text) {
            Some(origin) => Ok(origin),
            None => Uuid::try_parse(text).map(Self::Token),
        }
    }
}

impl Token {
    /// Whether the token can be used: it was not revoked, has not ended, and its owner is active.
    pub fn is_live(&self, now: &Now) -> bool {
        let owned = self.account.as_ref();
        self.revoked_at.is_none()
            && self.expires_at.is_none_or(|end| now.wall() < end)
            && self.ends.is_none_or(|end| now.elapsed() < end)
            && owned.is_none_or(|account| account.state.is_active())
    }
}

/// What the ledger records about a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenState {
    /// Its role.
    pub role: Role,
    /// What it is narrowed to.
    pub scopes: Vec<Scope>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The account that owns it.
    pub account: Option<Uuid>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_read_as_it_is_displayed() {
        let id = Uuid::from_u128(7);
        for origin in [Origin::Environment, Origin::FirstStart, Origin::Token(id)] {
            assert_eq!(origin.to_string().parse(), Ok(origin));
        }
    }
}

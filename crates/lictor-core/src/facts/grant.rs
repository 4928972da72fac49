//! What OAuth clients are handed: grants, codes and access tokens (RFC 6749).

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::elapsed::Elapsed;
use crate::facts::scope::Scope;
use crate::time::Timestamp;

/// How long an access token lives, in seconds.
pub const ACCESS_TTL: i64 = 3_600;

/// The most live access tokens of one grant; the next one ends the oldest.
pub const MAX_LIVE_ACCESS: usize = 15;

/// The most live grants of one client; the next one revokes the oldest.
pub const MAX_GRANTS: usize = 20;

/// The most access tokens of one grant that are given within [`WINDOW`].
pub const MAX_IN_WINDOW: usize = 10;

/// Ten minutes, in seconds.
pub const WINDOW: i64 = 600;

/// What the ledger records about a grant: that a client may have access tokens until it is revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantState {
    /// The client's id.
    pub client: Uuid,
    /// Whether it was given for a grant code; else it came with the client.
    pub by_code: bool,
    /// When it was given.
    pub created_at: Timestamp,
    /// The ledger position at which it was given.
    pub revision: u64,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A grant code, as far as it is still remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Nobody has used it.
    Unused {
        /// The client's id.
        client: Uuid,
        /// From when on it cannot be used.
        expires_at: Elapsed,
    },
    /// It became this grant.
    Used(Uuid),
}

/// An access token. It is not part of the ledger: it is gone an hour later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The client's id.
    pub client: Uuid,
    /// The grant it rests on; none: on the client's own credentials.
    pub grant: Option<Uuid>,
    /// What it may do at most.
    pub scopes: Vec<Scope>,
    /// Its place among those that rest on the same.
    pub ordinal: u64,
    /// When it was handed out.
    pub issued_at: Elapsed,
    /// When it ends.
    pub expires_at: Elapsed,
    /// Whether it ended before its time.
    pub ended: bool,
}

/// Why a client gets no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantRefusal {
    /// Too many attempts with a wrong secret.
    TooManyFailures,
    /// No such client, or one that was removed.
    UnknownClient,
    /// Not the client's secret.
    WrongSecret,
    /// A code or a refresh token that is unknown, used, expired or revoked.
    InvalidCode,
    /// Something the client may not do, or that is no scope.
    InvalidScope,
    /// The organization was not named, or is another one.
    MissingOrganization,
    /// The client was given as many grants for codes within [`WINDOW`] as it may have codes.
    TooManyCodes,
    /// [`MAX_IN_WINDOW`] access tokens were handed out within [`WINDOW`].
    TooManyTokens,
}

impl fmt::Display for GrantRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooManyFailures => "too many attempts with a wrong secret; wait a minute",
            Self::UnknownClient => "there is no such client",
            Self::WrongSecret => "this is not the client's secret",
            Self::InvalidCode => "the code or refresh token is unknown, used, expired or revoked",
            Self::InvalidScope => "the client does not have this scope",
            Self::MissingOrganization => "name the client's own organization",
            Self::TooManyCodes => "too many codes were used within 10 minutes; wait",
            Self::TooManyTokens => "10 access tokens were given within 10 minutes; wait",
        })
    }
}

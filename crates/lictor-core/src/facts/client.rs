//! OAuth clients: programs that trade an id and a secret for access tokens.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::elapsed::Elapsed;
use crate::facts::scope::Scope;
use crate::time::Timestamp;

/// How long a grant code can be used, in seconds.
pub const CODE_TTL: i64 = 180;

/// What the ledger records about a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientState {
    /// The account it acts for.
    pub account: Option<Uuid>,
    /// The one application whose figures it sees. `None` for all.
    pub application: Option<String>,
    /// What its access tokens may do at most.
    pub scopes: Vec<Scope>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was removed.
    pub removed_at: Option<Timestamp>,
}

/// A stored client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// UUID v7.
    pub id: Uuid,
    /// The organization it belongs to.
    pub organization: Uuid,
    /// What it calls itself when it signs in.
    pub client_id: String,
    /// Its display name.
    pub name: Option<String>,
    /// What the ledger records about it.
    pub state: ClientState,
}

/// The codes that were made for a client within [`WINDOW`](crate::facts::grant::WINDOW), used or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CodesMade {
    /// How many.
    pub count: u64,
    /// When the first of them was made.
    pub oldest: Option<Elapsed>,
}

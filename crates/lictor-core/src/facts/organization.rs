//! Organizations: the tenants of an installation, their keys and numbers.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::Timestamp;

/// The stream of the installation itself: its organizations, trusted keys, policy and operators.
pub const INSTALLATION: Uuid = Uuid::nil();

/// The key of the organization that always exists.
pub const DEFAULT_KEY: &str = "default";

/// First path segments of the server's routes. Because a path may begin with an organization's key, none of
/// these can be a key. A test of the router checks that the list contains all of its routes.
pub const RESERVED_KEYS: &[&str] = &[
    "acls",
    "basic-auths",
    "ca-certificates",
    "certificates",
    "console",
    "consumers",
    "crm",
    "ex",
    "healthz",
    "hmac-auths",
    "jwts",
    "key-auths",
    "kong",
    "license",
    "licenses",
    "metrics",
    "mtls-auths",
    "oauth",
    "oauth2",
    "plugins",
    "readyz",
    "rest",
    "routes",
    "services",
    "snis",
    "status",
    "upstreams",
    "v1",
    "workspaces",
];

/// Those of [`RESERVED_KEYS`] that became paths of the server when organizations could have them as
/// keys. Nobody is given one any more; whoever has one keeps it, and the paths that begin with it.
pub const FORMERLY_FREE_KEYS: &[&str] = &["kong", "status", "workspaces"];

/// The longest organization key, in characters.
pub const MAX_KEY_LENGTH: usize = 63;

/// One tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// UUID v7.
    pub id: Uuid,
    /// Its word in paths and commands; never changes.
    pub key: String,
    /// A random number below 2^53, for dialects whose ids are numbers.
    pub number: u64,
    /// Its display name; not part of the ledger.
    pub name: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// What the ledger records about an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationState {
    /// Its key.
    pub key: String,
    /// Its number.
    pub number: u64,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Whether `key` is well formed: `[a-z0-9][a-z0-9-]{0,62}`.
pub fn is_key(key: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_KEY_LENGTH).contains(&key.len()) && key.bytes().all(allowed) && !key.starts_with('-')
}

/// Whether `key` can be that of an organization: well formed, and never a path of the server when it
/// was given.
pub fn may_be_stored(key: &str) -> bool {
    is_key(key) && (!RESERVED_KEYS.contains(&key) || FORMERLY_FREE_KEYS.contains(&key))
}

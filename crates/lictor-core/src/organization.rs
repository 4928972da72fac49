//! Organizations: the tenants of an installation, their keys and numbers.

use uuid::Uuid;

use crate::change::{Change, Decision, Record};
use crate::error::{Error, Kind};
use crate::state::State;
use crate::time::Timestamp;

/// The stream of the installation itself: its organizations, trusted keys, policy and operators.
pub const INSTALLATION: Uuid = Uuid::nil();

/// The key of the organization that always exists.
pub const DEFAULT_KEY: &str = "default";

/// First path segments of the server's routes. An organization's key may stand there as a prefix,
/// so none of these can be one. The router has a test that this list holds all of its own.
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
    "upstreams",
    "v1",
];

/// The longest organization key, in characters.
pub const MAX_KEY_LENGTH: usize = 63;

/// The longest name of an organization or a token, in characters.
pub const MAX_NAME_LENGTH: usize = 200;

/// One tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// UUID v7.
    pub id: Uuid,
    /// Its word in paths and commands; never changes.
    pub key: String,
    /// A random number below 2^53, for dialects whose ids are numbers.
    pub number: u64,
    /// What people call it; not part of the ledger.
    pub name: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Creates an organization. `state` holds the live organization with this key, if there is one.
///
/// # Errors
/// [`Error::InvalidInput`] for a key or name out of bounds, [`Error::AlreadyExists`].
pub fn create(
    state: &State,
    (id, number): (Uuid, u64),
    key: &str,
    name: Option<&str>,
) -> Result<Decision, Error> {
    check_key(key)?;
    check_name("name", name)?;
    if state
        .organizations
        .values()
        .any(|organization| organization.key == key)
    {
        return Err(Error::AlreadyExists {
            kind: Kind::Organization,
            name: key.to_owned(),
        });
    }
    let mut decision: Decision = Change::OrganizationCreated {
        id,
        key: key.to_owned(),
        number,
    }
    .into();
    if let Some(name) = name {
        decision.records.push(Record::OrganizationName {
            id,
            name: name.to_owned(),
        });
    }
    Ok(decision)
}

/// Removes the organization whose stream `state` is of; it holds any one license, if there is one.
///
/// # Errors
/// [`Error::DefaultOrganization`], [`Error::OrganizationNotEmpty`].
pub fn remove(state: &State, key: &str) -> Result<Decision, Error> {
    if key == DEFAULT_KEY {
        return Err(Error::DefaultOrganization);
    }
    if !state.licenses.is_empty() {
        return Err(Error::OrganizationNotEmpty {
            key: key.to_owned(),
        });
    }
    Ok(Change::OrganizationRemoved.into())
}

/// Whether `key` is well formed: `[a-z0-9][a-z0-9-]{0,62}`.
pub fn is_key(key: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_KEY_LENGTH).contains(&key.len()) && key.bytes().all(allowed) && !key.starts_with('-')
}

fn check_key(key: &str) -> Result<(), Error> {
    let reason = if !is_key(key) {
        "use 1 to 63 lower-case letters, digits and hyphens, not beginning with a hyphen"
    } else if RESERVED_KEYS.contains(&key) {
        "this word is a path of the server; choose another"
    } else {
        return Ok(());
    };
    Err(Error::InvalidInput {
        field: "key",
        reason: reason.to_owned(),
    })
}

/// Refuses names that are empty, too long, or hold control characters.
pub(crate) fn check_name(field: &'static str, name: Option<&str>) -> Result<(), Error> {
    let Some(name) = name else { return Ok(()) };
    let fits = (1..=MAX_NAME_LENGTH).contains(&name.chars().count());
    if fits && !name.chars().any(char::is_control) {
        return Ok(());
    }
    let reason = format!("use 1 to {MAX_NAME_LENGTH} characters without control characters");
    Err(Error::InvalidInput { field, reason })
}

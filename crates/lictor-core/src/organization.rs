//! Organizations: the tenants of an installation, their keys and numbers.

use uuid::Uuid;

use crate::change::{Change, Decision, Record};
use crate::error::{Error, Kind};
use crate::given::Given;
use crate::names::label;
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
    let name = name.map(clean_name).transpose()?;
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
    if name.is_some() {
        decision.records.push(Record::OrganizationName { id, name });
    }
    Ok(decision)
}

/// Names an organization, or takes its name away.
///
/// # Errors
/// [`Error::InvalidInput`].
pub fn rename(id: Uuid, name: Given<&str>) -> Result<Decision, Error> {
    let mut decision = Decision::nothing();
    if let Some(name) = name.try_map(clean_name)?.said() {
        decision.records.push(Record::OrganizationName { id, name });
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

/// Whether `key` can be that of an organization: well formed, and never a path of the server when it
/// was given.
pub fn may_be_stored(key: &str) -> bool {
    is_key(key) && (!RESERVED_KEYS.contains(&key) || FORMERLY_FREE_KEYS.contains(&key))
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

/// A name as [`label`] stores it.
///
/// # Errors
/// [`Error::InvalidInput`].
pub fn clean_name(text: &str) -> Result<String, Error> {
    label("name", text, MAX_NAME_LENGTH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Digest;
    use crate::state::{LicenseState, OrganizationState};

    const ID: (Uuid, u64) = (Uuid::from_u128(1), 7);

    fn field(result: Result<Decision, Error>) -> Option<&'static str> {
        match result {
            Err(Error::InvalidInput { field, .. }) => Some(field),
            _ => None,
        }
    }

    #[test]
    fn a_key_is_a_plain_word_and_no_path_of_the_server() {
        let state = State::default();
        let long = "a".repeat(MAX_KEY_LENGTH);
        for key in [
            "a",
            "0",
            "default",
            "team-1",
            "a-",
            "a--b",
            "license-team",
            "v11",
            &long,
        ] {
            assert!(create(&state, ID, key, None).is_ok(), "{key}");
        }
        let longer = "a".repeat(MAX_KEY_LENGTH + 1);
        let bad = [
            "", "-a", "A", "a_b", "a b", "a.b", "a/b", "ä", "a\n", "%61", &longer,
        ];
        for key in bad.iter().chain(RESERVED_KEYS) {
            assert_eq!(
                field(create(&state, ID, key, Some(""))),
                Some("key"),
                "{key}"
            );
        }
    }

    #[test]
    fn a_key_that_was_free_may_be_stored_and_is_given_to_nobody() {
        for key in FORMERLY_FREE_KEYS {
            assert!(RESERVED_KEYS.contains(key) && may_be_stored(key), "{key}");
        }
        let free = |key: &&&str| may_be_stored(key);
        let kept = RESERVED_KEYS.iter().filter(free).count();
        assert_eq!(kept, FORMERLY_FREE_KEYS.len());
        assert!(may_be_stored("team") && !may_be_stored("Team"));
    }

    #[test]
    fn a_name_is_short_and_has_no_control_characters() {
        let state = State::default();
        let long = "ü".repeat(MAX_NAME_LENGTH);
        for name in ["x", "Prüf GmbH 🦀", &long] {
            assert!(create(&state, ID, "team", Some(name)).is_ok(), "{name}");
        }
        let longer = "ü".repeat(MAX_NAME_LENGTH + 1);
        for name in ["", " ", "a\nb", "a\0", "a\u{7f}", "a\u{85}", &longer] {
            assert_eq!(
                field(create(&state, ID, "team", Some(name))),
                Some("name"),
                "{name:?}"
            );
        }
    }

    #[test]
    fn a_key_is_given_once_and_the_name_stays_out_of_the_ledger() {
        let mut state = State::default();
        let created = create(&state, ID, "team", Some("The Team")).expect("a new key");
        let change = Change::OrganizationCreated {
            id: ID.0,
            key: "team".to_owned(),
            number: 7,
        };
        assert_eq!(created.changes, [change]);
        let record = Record::OrganizationName {
            id: ID.0,
            name: Some("The Team".to_owned()),
        };
        assert_eq!(created.records, [record]);
        state.apply(1, 99, &created.changes[0]);
        let expected = OrganizationState {
            key: "team".to_owned(),
            number: 7,
            created_at: 99,
        };
        assert_eq!(state.organizations[&ID.0], expected);
        let again = create(&state, (Uuid::from_u128(2), 8), "team", None);
        assert!(matches!(
            again,
            Err(Error::AlreadyExists {
                kind: Kind::Organization,
                ..
            })
        ));
    }

    #[test]
    fn an_organization_goes_when_it_is_empty_and_default_never() {
        let mut state = State::default();
        assert!(matches!(
            remove(&state, DEFAULT_KEY),
            Err(Error::DefaultOrganization)
        ));
        let removed = remove(&state, "team").expect("it is empty");
        assert_eq!(removed.changes, [Change::OrganizationRemoved]);
        let license = LicenseState {
            application: "editor".to_owned(),
            payload_sha256: Digest::of(b""),
            created_at: 0,
            updated_at: 0,
            revision: 1,
        };
        state.licenses.insert(Uuid::from_u128(1), license);
        assert!(matches!(
            remove(&state, "team"),
            Err(Error::OrganizationNotEmpty { .. })
        ));
    }
}

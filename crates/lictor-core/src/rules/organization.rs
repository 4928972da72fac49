//! Creating, renaming and removing organizations.

use uuid::Uuid;

use crate::change::Change;
use crate::decision::Decision;
use crate::error::{Error, Kind};
use crate::facts::organization::{DEFAULT_KEY, Organization, RESERVED_KEYS, is_key};
use crate::names::clean_name;
use crate::patch_field::PatchField;
use crate::record::Record;
use crate::state::State;
use crate::time::Timestamp;

/// Creates an organization. `state` contains the live organization with this key, if there is one.
///
/// # Errors
/// [`Error::InvalidInput`] for a key or name out of bounds, [`Error::AlreadyExists`].
pub fn create(
    state: &State,
    (id, number): (Uuid, u64),
    key: &str,
    name: Option<&str>,
    now: Timestamp,
) -> Result<Decision<Organization>, Error> {
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
    let created = Organization {
        id,
        key: key.to_owned(),
        number,
        name: name.clone(),
        created_at: now,
    };
    if name.is_some() {
        decision.records.push(Record::OrganizationName { id, name });
    }
    Ok(decision.with(|_| Ok(created)))
}

/// Names an organization, or takes its name away.
///
/// # Errors
/// [`Error::InvalidInput`].
pub fn rename(id: Uuid, name: PatchField<&str>) -> Result<Decision, Error> {
    let mut decision = Decision::nothing();
    if let Some(name) = name.try_map(clean_name)?.into_change() {
        decision.records.push(Record::OrganizationName { id, name });
    }
    Ok(decision)
}

/// Removes the organization of this stream. `state` contains one of its licenses, if there are any.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::facts::license::LicenseState;
    use crate::facts::organization::OrganizationState;
    use crate::facts::organization::{FORMERLY_FREE_KEYS, MAX_KEY_LENGTH, may_be_stored};
    use crate::names::MAX_NAME_LENGTH;

    const ID: (Uuid, u64) = (Uuid::from_u128(1), 7);

    fn field<T>(result: Result<Decision<T>, Error>) -> Option<&'static str> {
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
            assert!(create(&state, ID, key, None, 0).is_ok(), "{key}");
        }
        let longer = "a".repeat(MAX_KEY_LENGTH + 1);
        let bad = [
            "", "-a", "A", "a_b", "a b", "a.b", "a/b", "ä", "a\n", "%61", &longer,
        ];
        for key in bad.iter().chain(RESERVED_KEYS) {
            assert_eq!(
                field(create(&state, ID, key, Some(""), 0)),
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
            assert!(create(&state, ID, "team", Some(name), 0).is_ok(), "{name}");
        }
        let longer = "ü".repeat(MAX_NAME_LENGTH + 1);
        for name in ["", " ", "a\nb", "a\0", "a\u{7f}", "a\u{85}", &longer] {
            assert_eq!(
                field(create(&state, ID, "team", Some(name), 0)),
                Some("name"),
                "{name:?}"
            );
        }
    }

    #[test]
    fn a_key_is_given_once_and_the_name_stays_out_of_the_ledger() {
        let mut state = State::default();
        let created = create(&state, ID, "team", Some("The Team"), 0).expect("a new key");
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
        let again = create(&state, (Uuid::from_u128(2), 8), "team", None, 0);
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

//! Creating, changing and removing applications.

use crate::change::Change;
use crate::decision::Decision;
use crate::document::claims::is_application_key;
use crate::error::{Error, Kind};
use crate::facts::application::{ApplicationState, OverLimit};
use crate::names::clean_name;
use crate::patch_field::PatchField;
use crate::record::Record;
use crate::state::State;

/// Creates an application. `state` contains the one with this key, if there is one.
///
/// # Errors
/// [`Error::InvalidInput`], [`Error::AlreadyExists`].
pub fn create(
    state: &State,
    key: &str,
    name: Option<&str>,
    over_limit: OverLimit,
) -> Result<Decision, Error> {
    check_key(key)?;
    let name = name.map(clean_name).transpose()?;
    if state.applications.contains_key(key) {
        return Err(Error::AlreadyExists {
            kind: Kind::Application,
            name: key.to_owned(),
        });
    }
    let mut decision: Decision = Change::ApplicationCreated {
        key: key.to_owned(),
    }
    .into();
    if over_limit != OverLimit::default() {
        decision.changes.push(Change::ApplicationSet {
            key: key.to_owned(),
            over_limit,
        });
    }
    decision
        .records
        .extend(name.map(|name| named(key, Some(name))));
    Ok(decision)
}

/// Changes what is given of an application.
///
/// # Errors
/// [`Error::NotFound`], [`Error::InvalidInput`].
pub fn set(
    state: &State,
    key: &str,
    name: PatchField<&str>,
    over_limit: Option<OverLimit>,
) -> Result<Decision, Error> {
    let name = name.try_map(clean_name)?.into_change();
    let stored = find(state, key)?;
    let mut decision = Decision::nothing();
    if let Some(over_limit) = over_limit.filter(|given| *given != stored.over_limit) {
        decision.changes.push(Change::ApplicationSet {
            key: key.to_owned(),
            over_limit,
        });
    }
    decision.records.extend(name.map(|name| named(key, name)));
    Ok(decision)
}

/// Removes an application. `state` contains any one of its licenses, if there is one, and its nodes.
///
/// # Errors
/// [`Error::NotFound`], [`Error::ApplicationInUse`].
pub fn remove(state: &State, key: &str) -> Result<Decision, Error> {
    let stored = find(state, key)?;
    let licensed = state
        .licenses
        .values()
        .any(|license| license.application == key);
    if stored.used() > 0 || licensed || stored.nodes > 0 {
        return Err(Error::ApplicationInUse {
            key: key.to_owned(),
            seats: stored.seats,
            leases: stored.leases,
            nodes: stored.nodes,
        });
    }
    Ok(Change::ApplicationRemoved {
        key: key.to_owned(),
    }
    .into())
}

/// The application, if it is loaded.
///
/// # Errors
/// [`Error::NotFound`].
pub fn find<'a>(state: &'a State, key: &str) -> Result<&'a ApplicationState, Error> {
    let found = state.applications.get(key);
    found.ok_or_else(|| Error::NotFound {
        kind: Kind::Application,
        name: key.to_owned(),
    })
}

fn named(key: &str, name: Option<String>) -> Record {
    Record::ApplicationName {
        key: key.to_owned(),
        name,
    }
}

fn check_key(key: &str) -> Result<(), Error> {
    if is_application_key(key) {
        return Ok(());
    }
    Err(Error::InvalidInput {
        field: "key",
        reason: "use 1 to 64 lower-case letters, digits and single hyphens between them".to_owned(),
    })
}

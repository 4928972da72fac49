//! Applications: what seats and licenses are for. Most come into being with their first license.

use serde::{Deserialize, Serialize};

use crate::change::{Change, Decision, Record};
use crate::claims::is_application_key;
use crate::error::{Error, Kind};
use crate::given::Given;
use crate::organization::clean_name;
use crate::state::State;

/// What happens to a request for a seat when none is left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverLimit {
    /// It is refused.
    #[default]
    Refuse,
    /// It is granted, recorded and shown, as long as a license is in force.
    Allow,
}

impl OverLimit {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Allow => "allow",
        }
    }
}

/// What the ledger knows of an application.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApplicationState {
    /// What happens when no seat is left.
    pub over_limit: OverLimit,
    /// Accounts that hold a seat.
    pub seats: u64,
    /// Leases that have not ended.
    pub leases: u64,
    /// Stored licenses.
    pub licenses: u64,
    /// The sum of their revisions. With their number it tells one set of them from every later one:
    /// what is written has a greater revision than all that was there.
    pub license_revisions: u64,
    /// Nodes that are neither revoked nor have left.
    pub nodes: u64,
    /// Those of them that have joined.
    pub joined_nodes: u64,
}

impl ApplicationState {
    /// Seats in use: named ones and leases come out of one pool.
    pub fn used(&self) -> u64 {
        self.seats + self.leases
    }
}

/// A stored application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Its key; never changes.
    pub key: String,
    /// What people call it; not part of the ledger.
    pub name: Option<String>,
    /// What the ledger knows of it.
    pub state: ApplicationState,
}

/// Creates an application. `state` holds the one with this key, if there is one.
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
    name: Given<&str>,
    over_limit: Option<OverLimit>,
) -> Result<Decision, Error> {
    let name = name.try_map(clean_name)?.said();
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

/// Removes an application. `state` holds any one of its licenses, if there is one, and its nodes.
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

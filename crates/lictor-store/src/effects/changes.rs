//! What each change does to rows, after the state has applied it.

use lictor_core::Timestamp;
use lictor_core::change::Change;
use lictor_core::facts::application::OverLimit;
use lictor_core::facts::node::NodeGroup;
use lictor_core::facts::seats::SeatId;
use lictor_core::facts::usage::UsageKey;
use lictor_core::feed::NodePolicy;
use lictor_core::state::State;
use uuid::Uuid;

use super::{Add, BatchError, Carried, Put, Remove, Rows, loaded, unasked};

/// What the effects of a change need of the state before it.
pub(crate) struct Before {
    place: Option<NodeGroup>,
    /// How many of each were loaded, of those that a change can remove.
    licenses: usize,
    applications: usize,
    seats: usize,
    leases: usize,
    nodes: usize,
}

impl Before {
    /// Of the state that the change is about to be applied to.
    pub(crate) fn of(state: &State, change: &Change) -> Self {
        Self {
            place: state.group_of(change),
            licenses: state.licenses.len(),
            applications: state.applications.len(),
            seats: state.seats.len(),
            leases: state.leases.len(),
            nodes: state.nodes.len(),
        }
    }
}

/// A rule may only remove what it asked for: else counters would still count it.
fn removed<E>(before: usize, after: usize, kind: &str) -> Result<(), BatchError<E>> {
    match before.checked_sub(after) {
        Some(1) => Ok(()),
        _ => Err(unasked(kind)),
    }
}

/// Carries out what a change does, decided at `now`, that `state` has applied.
///
/// # Errors
/// What the database says, and that a rule changed what it had not asked for.
pub(crate) fn carry_out_change<R: Rows>(
    rows: &mut R,
    stream: Uuid,
    now: Timestamp,
    before: &Before,
    state: &State,
    change: &Change,
) -> Carried<R> {
    let mut on = On { rows, stream };
    match change {
        Change::PolicySet { policy } => on.put(&Put::Policy(*policy)),
        Change::OrganizationCreated { id, .. } => {
            let organization = loaded(state.organizations.get(id), "organization")?;
            on.put(&Put::NewHead(*id))?;
            on.put(&Put::NewOrganization(*id, organization))
        }
        // The head row is marked when it is stored.
        Change::OrganizationRemoved => on.put(&Put::OrganizationRemoved),
        Change::KeyTrusted { key_id, .. }
        | Change::KeyRetired { key_id }
        | Change::KeyRevoked { key_id } => {
            on.put(&Put::Key(*key_id, loaded(state.keys.get(key_id), "key")?))
        }
        Change::TokenCreated { id, .. } => {
            on.put(&Put::NewToken(*id, loaded(state.tokens.get(id), "token")?))
        }
        Change::TokenRevoked { id } => {
            let token = loaded(state.tokens.get(id), "token")?;
            on.put(&Put::Token(*id, token))
        }
        // The row of a new one is stored with its dates, so that each index is written once.
        Change::LicenseWritten { replaces: None, .. } => Ok(()),
        Change::LicenseWritten { id, .. } => {
            let license = loaded(state.licenses.get(id), "license")?;
            on.put(&Put::License(*id, license))
        }
        Change::LicenseRemoved { id } => {
            removed(before.licenses, state.licenses.len(), "license")?;
            on.remove(&Remove::License(*id))
        }
        Change::ApplicationCreated { key } => {
            let application = loaded(state.applications.get(key), "application")?;
            on.put(&Put::NewApplication(key, application))
        }
        Change::ApplicationSet { key, .. } => {
            let application = loaded(state.applications.get(key), "application")?;
            on.put(&Put::Application(key, application))
        }
        Change::ApplicationRemoved { key } => {
            removed(before.applications, state.applications.len(), "application")?;
            on.remove(&Remove::Application(key))
        }
        Change::AccountCreated { id, .. } => {
            let account = loaded(state.accounts.get(id), "account")?;
            on.put(&Put::NewAccount(*id, account))
        }
        Change::AccountSet { id, .. } | Change::AccountRemoved { id } => {
            let account = loaded(state.accounts.get(id), "account")?;
            on.put(&Put::Account(*id, account))
        }
        Change::SeatAssigned {
            application,
            account,
            limit,
            used: _,
        } => {
            on.put(&new_seat(state, application, *account)?)?;
            on.put(&seats_of(state, *account)?)?;
            on.add(&taken(state, application, *limit, (1, 0))?)
        }
        Change::SeatReleased {
            application,
            account,
        } => {
            removed(before.seats, state.seats.len(), "seat")?;
            on.remove(&Remove::Seat(application, *account))?;
            on.put(&seats_of(state, *account)?)?;
            on.add(&free(application, (1, 0)))
        }
        // The row comes with the record of its holder, fence and end.
        Change::LeaseCheckedOut {
            id: _,
            application,
            limit,
            used: _,
        } => on.add(&taken(state, application, *limit, (0, 1))?),
        Change::LeaseEnded {
            id,
            application,
            reason,
        } => {
            removed(before.leases, state.leases.len(), "lease")?;
            on.remove(&Remove::Lease {
                id: *id,
                until: now,
                position: state.position,
                reason: *reason,
            })?;
            on.add(&free(application, (0, 1)))
        }
        Change::ClientCreated { id, .. } => {
            let client = loaded(state.clients.get(id), "client")?;
            on.put(&Put::NewClient(*id, client))
        }
        Change::ClientRemoved { id } => {
            let client = loaded(state.clients.get(id), "client")?;
            on.put(&Put::Client(*id, client))
        }
        Change::GrantCreated { id, .. } => {
            on.put(&Put::NewGrant(*id, loaded(state.grants.get(id), "grant")?))
        }
        Change::GrantRevoked { id } => {
            let grant = loaded(state.grants.get(id), "grant")?;
            on.put(&Put::Grant(*id, grant))
        }
        Change::NodeEnrolled { id, .. } => {
            on.put(&Put::NewNode(*id, loaded(state.nodes.get(id), "node")?))?;
            on.move_place(before.place.as_ref(), state.group_of(change).as_ref())
        }
        Change::NodeJoined { id }
        | Change::NodeRevoked { id }
        | Change::NodeLeft { id, .. }
        | Change::NodeReturned { id, .. }
        | Change::NodeBarred { id } => {
            on.put(&Put::Node(*id, loaded(state.nodes.get(id), "node")?))?;
            on.move_place(before.place.as_ref(), state.group_of(change).as_ref())
        }
        Change::NodeRemoved { id } => {
            removed(before.nodes, state.nodes.len(), "node")?;
            on.remove(&Remove::Node(*id))?;
            on.move_place(before.place.as_ref(), None)
        }
        Change::NodePoolCreated { id, .. } => {
            let pool = loaded(state.node_pools.get(id), "pool of nodes")?;
            on.put(&Put::NewPool(*id, pool))
        }
        Change::NodePoolRevoked { id } => {
            let pool = loaded(state.node_pools.get(id), "pool of nodes")?;
            on.put(&Put::Pool(*id, pool))
        }
        // These two go by what the change says and not by what the state holds: in the state of a rule that
        // did not ask for the settings, the rest of them is the default.
        Change::NodePolicySet {
            stale_after,
            expires_after,
            grace,
        } => on.put(&Put::NodePolicy(NodePolicy {
            stale_after: *stale_after,
            expires_after: *expires_after,
            grace: *grace,
        })),
        Change::NodesAdopted { raise } => on.add(&Add::Raised(*raise)),
        // The quotas are stored with the head row.
        Change::QuotaSet { .. } => Ok(()),
        Change::UsageCorrected {
            source,
            service,
            month,
            by: _,
            reason: _,
        } => on.put(&Put::Correction {
            month,
            service,
            source,
            sum: corrected(state, month, service, source),
        }),
    }
}

/// The rows of one stream.
struct On<'a, R> {
    rows: &'a mut R,
    stream: Uuid,
}

impl<R: Rows> On<'_, R> {
    fn put(&mut self, put: &Put<'_>) -> Carried<R> {
        self.rows.put(self.stream, put)
    }

    fn remove(&mut self, remove: &Remove<'_>) -> Carried<R> {
        self.rows.remove(self.stream, remove)
    }

    fn add(&mut self, add: &Add<'_>) -> Carried<R> {
        self.rows.add(self.stream, add)
    }

    /// Counts a node where it is now, and no more where it was.
    fn move_place(&mut self, before: Option<&NodeGroup>, after: Option<&NodeGroup>) -> Carried<R> {
        if before == after {
            return Ok(());
        }
        for (place, by) in [(after, 1), (before, -1)] {
            let Some(place) = place else { continue };
            let joined = if place.joined { by } else { 0 };
            self.add(&Add::Nodes {
                application: &place.application,
                nodes: by,
                joined,
            })?;
            if let Some(pool) = place.pool {
                self.add(&Add::Places(pool, by))?;
            }
        }
        Ok(())
    }
}

fn new_seat<'a, E>(
    state: &State,
    application: &'a str,
    account: Uuid,
) -> Result<Put<'a>, BatchError<E>> {
    let id = SeatId {
        application: application.to_owned(),
        account,
    };
    let seat = loaded(state.seats.get(&id), "seat")?;
    Ok(Put::NewSeat(application, account, *seat))
}

fn seats_of<E>(state: &State, account: Uuid) -> Result<Put<'_>, BatchError<E>> {
    let stored = loaded(state.accounts.get(&account), "account")?;
    Ok(Put::AccountSeats(account, stored))
}

/// The ceiling repeats what the rule has decided; if a row ever objects, the rule is wrong.
fn taken<'a, E>(
    state: &State,
    application: &'a str,
    limit: Option<u32>,
    (seats, leases): (u64, u64),
) -> Result<Add<'a>, BatchError<E>> {
    let over_limit = loaded(state.applications.get(application), "application")?.over_limit;
    Ok(Add::Taken {
        application,
        seats,
        leases,
        ceiling: limit.filter(|_| over_limit == OverLimit::Refuse),
    })
}

fn free(application: &str, (seats, leases): (u64, u64)) -> Add<'_> {
    Add::Free {
        application,
        seats,
        leases,
    }
}

fn corrected(state: &State, month: &str, service: &str, source: &str) -> i64 {
    let key = UsageKey {
        month: month.to_owned(),
        service: service.to_owned(),
        source: source.to_owned(),
    };
    state.corrections.get(&key).copied().unwrap_or_default()
}

//! Checking leases out, renewing and releasing them, and forgetting their holders.

use uuid::Uuid;

use crate::change::Change;
use crate::decision::Decision;
use crate::elapsed::Elapsed;
use crate::error::{Error, Kind};
use crate::facts::entitlement::SeatTerms;
use crate::facts::lease::{
    EndedLease, Lease, LeaseEnd, LeaseTerms, MAX_HOLDER_LENGTH, MAX_TTL, holder_key,
};
use crate::facts::seats::{Holder, SeatRefusal};
use crate::names;
use crate::record::Record;
use crate::rules::application;
use crate::rules::seats::{refusal, refuse, room};
use crate::state::State;

/// A lease that is asked for.
#[derive(Debug, Clone)]
pub struct CheckOut {
    /// The id that a new lease gets; UUID v7.
    pub id: Uuid,
    /// The application's key.
    pub application: String,
    /// The holder's name.
    pub holder: String,
    /// How long, in seconds: 1 to [`MAX_TTL`].
    pub ttl: i64,
}

/// A lease that was checked out, with the figures of its application after that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedOut {
    /// The lease.
    pub lease: Lease,
    /// Seats granted. `None` if unlimited.
    pub limit: Option<u32>,
    /// Seats in use.
    pub used: u64,
}

/// Checks a lease out. `state` contains the application, the holder's lease and those of the
/// application whose time is over. A holder with a live lease gets the same one, its fence raised.
///
/// # Errors
/// [`Error::InvalidInput`], [`Error::NotFound`], [`Error::Outdated`]. A lease that is refused is a
/// decision too, so that it is recorded.
pub fn check_out(
    state: &State,
    request: &CheckOut,
    terms: &SeatTerms,
    now: Elapsed,
) -> Result<Decision<Result<CheckedOut, SeatRefusal>>, Error> {
    let CheckOut {
        id,
        application,
        holder,
        ttl,
    } = request;
    let held = held_by(state, application, holder, now);
    if held.is_none() {
        names::check("holder", names::trimmed(holder), MAX_HOLDER_LENGTH)?;
    }
    let expires_at = end(*ttl, now)?;
    application::find(state, application)?;
    let mut decision = expire(state, now);
    let limit = terms.limit;
    if let Some((id, held)) = held {
        let terms = LeaseTerms {
            fence: held.fence + 1,
            expires_at,
            ..held.clone()
        };
        decision.records.push(Record::Lease { id, terms });
        return Ok(decision.with(move |after| checked_out(after, id, limit).map(Ok)));
    }
    let holder = names::trimmed(holder);
    let mut after = state.clone();
    decision.apply_to(&mut after);
    let stored = application::find(&after, application)?;
    if let Err(reason) = room(&after, stored, terms)? {
        let holder = Holder::Lease(holder.to_owned());
        return Ok(refuse(
            decision,
            refusal(&after, application, holder, reason, terms),
        ));
    }
    let id = *id;
    decision.changes.push(Change::LeaseCheckedOut {
        id,
        application: application.clone(),
        limit,
        used: stored.used() + 1,
    });
    let terms = LeaseTerms {
        holder: holder.to_owned(),
        fence: 1,
        expires_at,
    };
    decision.records.push(Record::Lease { id, terms });
    Ok(decision.with(move |after| checked_out(after, id, limit).map(Ok)))
}

fn checked_out(after: &State, id: Uuid, limit: Option<u32>) -> Result<CheckedOut, Error> {
    let lease = live(after, id)?;
    let used = application::find(after, &lease.state.application)?.used();
    Ok(CheckedOut { lease, limit, used })
}

/// A lease that has not ended.
fn live(state: &State, id: Uuid) -> Result<Lease, Error> {
    let (stored, terms) = (state.leases.get(&id), find(state, id)?);
    Ok(Lease {
        id,
        state: stored.ok_or_else(|| missing(id))?.clone(),
        terms: terms.clone(),
    })
}

/// The live lease of a holder: the one of just this spelling, or else of one that is the same.
/// Of one name there were two spellings before such were one.
fn held_by<'a>(
    state: &'a State,
    application: &str,
    holder: &str,
    now: Elapsed,
) -> Option<(Uuid, &'a LeaseTerms)> {
    let live = || {
        state.lease_terms.iter().filter(|(id, terms)| {
            let lease = state.leases.get(*id);
            terms.expires_at > now && lease.is_some_and(|lease| lease.application == application)
        })
    };
    let key = holder_key(holder);
    live()
        .find(|(_, terms)| terms.holder == holder)
        .or_else(|| live().find(|(_, terms)| holder_key(&terms.holder) == key))
        .map(|(id, terms)| (*id, terms))
}

/// Moves a lease's end. It is no seat taken, so that it needs no license in force.
///
/// # Errors
/// [`Error::NotFound`] for one that has ended, [`Error::FenceMismatch`], [`Error::InvalidInput`].
pub fn renew(
    state: &State,
    id: Uuid,
    fence: u64,
    ttl: i64,
    now: Elapsed,
) -> Result<Decision<Lease>, Error> {
    let expires_at = end(ttl, now)?;
    let renewed = find(state, id)?;
    if renewed.expires_at <= now {
        return Err(missing(id));
    }
    check_fence(renewed, fence)?;
    let mut decision = Decision::nothing();
    decision.records.push(Record::Lease {
        id,
        terms: LeaseTerms {
            expires_at,
            ..renewed.clone()
        },
    });
    Ok(decision.with(move |after| live(after, id)))
}

/// Releases a lease; without a fence it is forced.
///
/// # Errors
/// [`Error::NotFound`] for one that has ended, [`Error::FenceMismatch`].
pub fn release(state: &State, id: Uuid, fence: Option<u64>) -> Result<Decision, Error> {
    let live = find(state, id)?;
    let reason = match fence {
        Some(fence) => {
            check_fence(live, fence)?;
            LeaseEnd::Released
        }
        None => LeaseEnd::Forced,
    };
    Ok(ended(state, id, reason).into_iter().collect())
}

/// Ends the leases that have expired.
pub fn expire(state: &State, now: Elapsed) -> Decision {
    let due = state
        .lease_terms
        .iter()
        .filter(|(_, terms)| terms.expires_at <= now);
    due.filter_map(|(id, _)| ended(state, *id, LeaseEnd::Expired))
        .collect()
}

/// From how much the name of a holder was taken, beside the ended leases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    /// From how many refusals.
    pub refusals: u64,
    /// How many kept answers went.
    pub answers: u64,
}

/// Forgets a holder: what is kept of `ended` leases, which were the holder's, and of refusals stays,
/// without the name; kept answers with the name go. `state` contains the holder's leases, and how many
/// refusals and answers there are.
///
/// # Errors
/// [`Error::HolderHasLeases`]: their records would have the name once more.
pub fn forget(
    state: &State,
    key: &str,
    ended: &[EndedLease],
) -> Result<Decision<Forgotten>, Error> {
    let held = state.lease_terms.iter();
    let held = held.filter(|(_, terms)| holder_key(&terms.holder) == key);
    let leases: Vec<_> = held.map(|(id, _)| *id).collect();
    if !leases.is_empty() {
        return Err(Error::HolderHasLeases { leases });
    }
    let mut decision = Decision::nothing();
    let ended = ended.iter().cloned();
    decision
        .records
        .extend(ended.map(Record::HolderOfEndedForgotten));
    if state.refusals_of_holder > 0 {
        let key = key.to_owned();
        decision
            .records
            .push(Record::HolderOfRefusalsForgotten { key });
    }
    if state.answers_of_holder > 0 {
        let key = key.to_owned();
        decision
            .records
            .push(Record::AnswersNamingHolderDropped { key });
    }
    Ok(decision.with(|after| {
        Ok(Forgotten {
            refusals: after.refusals_of_holder,
            answers: after.answers_of_holder,
        })
    }))
}

fn ended(state: &State, id: Uuid, reason: LeaseEnd) -> Option<Change> {
    let application = state.leases.get(&id)?.application.clone();
    Some(Change::LeaseEnded {
        id,
        application,
        reason,
    })
}

fn find(state: &State, id: Uuid) -> Result<&LeaseTerms, Error> {
    state.lease_terms.get(&id).ok_or_else(|| missing(id))
}

fn missing(id: Uuid) -> Error {
    Error::NotFound {
        kind: Kind::Lease,
        name: id.to_string(),
    }
}

fn check_fence(live: &LeaseTerms, fence: u64) -> Result<(), Error> {
    if live.fence == fence {
        return Ok(());
    }
    Err(Error::FenceMismatch {
        current: live.fence,
    })
}

fn end(ttl: i64, now: Elapsed) -> Result<Elapsed, Error> {
    if (1..=MAX_TTL).contains(&ttl) {
        return Ok(now.plus(ttl));
    }
    Err(Error::InvalidInput {
        field: "ttl_seconds",
        reason: format!("use 1 to {MAX_TTL} seconds"),
    })
}

//! Enforcing quotas: what is refused once a limit is reached.

use std::collections::BTreeMap;

use crate::change::{Change, Step};
use crate::decision::Decision;
use crate::elapsed::Elapsed;
use crate::error::Error;
use crate::facts::account::AccountStatus;
use crate::facts::quota::{MAX_LIMIT, Quota, Quotas, Used};
use crate::state::State;

/// Refuses changes that would take an organization beyond a quota. What it has beyond one already
/// stays, and changes that do not add to it are never refused. `state` contains the applications that
/// licenses are added to.
///
/// # Errors
/// [`Error::QuotaReached`].
pub fn admit(state: &State, changes: &[Change]) -> Result<(), Error> {
    let mut after = state.used;
    changes.iter().for_each(|change| after.count(change));
    for quota in Quota::of_ledger() {
        let (count, limit) = (after.of(quota), state.quotas.limit(quota));
        if count > limit && count > state.used.of(quota) {
            return Err(reached(quota, limit));
        }
    }
    let limit = state.quotas.limit(Quota::LicensesPerApplication);
    for (application, added) in added_licenses(changes) {
        let stored = state.applications.get(application);
        let count = stored.map_or(0, |stored| stored.licenses) + added;
        if count > limit {
            return Err(Error::QuotaReached {
                quota: Quota::LicensesPerApplication,
                limit,
                of: Some(application.to_owned()),
                retry_after: None,
            });
        }
    }
    Ok(())
}

fn added_licenses(changes: &[Change]) -> BTreeMap<&str, u64> {
    let mut added = BTreeMap::new();
    for change in changes {
        if let Change::LicenseWritten {
            application,
            replaces: None,
            ..
        } = change
        {
            *added.entry(application.as_str()).or_default() += 1;
        }
    }
    added
}

fn reached(quota: Quota, limit: u64) -> Error {
    Error::QuotaReached {
        quota,
        limit,
        of: None,
        retry_after: None,
    }
}

/// Refuses one more of what there are so many of already.
///
/// # Errors
/// [`Error::QuotaReached`].
pub fn room(state: &State, quota: Quota, count: u64) -> Result<(), Error> {
    let limit = state.quotas.limit(quota);
    match count < limit {
        true => Ok(()),
        false => Err(reached(quota, limit)),
    }
}

/// A day, in seconds of elapsed time.
const DAY: i64 = 86_400;

/// Which day it is, counted on the line of elapsed time.
pub fn day(now: Elapsed) -> i64 {
    now.seconds().div_euclid(DAY)
}

/// Refuses changes that would take an organization beyond its entries of the day. Whoever only takes
/// something away may do so all the same, and quotas can be set: how much there is of that is bounded
/// by what was there.
///
/// # Errors
/// [`Error::QuotaReached`], with the time until the next day.
pub fn admit_entries(state: &State, changes: &[Change], now: Elapsed) -> Result<(), Error> {
    let (quota, limit) = (
        Quota::EntriesPerDay,
        state.quotas.limit(Quota::EntriesPerDay),
    );
    let count = state.used.of(quota).saturating_add(changes.len() as u64);
    if count <= limit || changes.iter().all(|change| takes_away(state, change)) {
        return Ok(());
    }
    let left = DAY - now.seconds().rem_euclid(DAY);
    Err(Error::QuotaReached {
        quota,
        limit,
        of: None,
        retry_after: Some(left.unsigned_abs()),
    })
}

fn takes_away(state: &State, change: &Change) -> bool {
    match change {
        Change::OrganizationRemoved | Change::QuotaSet { .. } => true,
        // Somebody who is to be shut out at once.
        Change::AccountSet { id, status, .. } => {
            let stored = state.accounts.get(id).map(|stored| stored.status);
            *status == AccountStatus::Deactivated && stored != Some(AccountStatus::Deactivated)
        }
        _ => change.about().1 == Step::Ends,
    }
}

/// In how many seconds a request may come again for which no answer can be kept.
const ANSWERS_AGAIN_AFTER: u64 = 600;

/// Refuses a request for which no answer can be kept.
///
/// # Errors
/// [`Error::QuotaReached`].
pub fn room_for_answer(quotas: &Quotas, used: &Used) -> Result<(), Error> {
    let (quota, limit) = (Quota::KeptAnswers, quotas.limit(Quota::KeptAnswers));
    match used.of(quota) < limit {
        true => Ok(()),
        false => Err(Error::QuotaReached {
            quota,
            limit,
            of: None,
            retry_after: Some(ANSWERS_AGAIN_AFTER),
        }),
    }
}

/// Sets limits, each to a number or back to its default. What is so already is no change.
///
/// # Errors
/// [`Error::InvalidInput`] for a limit above [`MAX_LIMIT`].
pub fn set(state: &State, limits: &BTreeMap<Quota, Option<u64>>) -> Result<Decision, Error> {
    for (quota, limit) in limits {
        if limit.is_some_and(|limit| limit > MAX_LIMIT) {
            return Err(Error::InvalidInput {
                field: quota.name(),
                reason: format!("use a whole number from 0 to {MAX_LIMIT}"),
            });
        }
    }
    let differs = |(quota, limit): &(&Quota, &Option<u64>)| state.quotas.set_to(**quota) != **limit;
    let changes = limits.iter().filter(differs);
    Ok(changes
        .map(|(quota, limit)| Change::QuotaSet {
            quota: *quota,
            limit: *limit,
        })
        .collect())
}

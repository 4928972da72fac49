//! What all changes and records of a write together do to figures: each row is stored once.

use std::collections::BTreeMap;

use lictor_core::facts::account::AccountCounts;
use lictor_core::facts::application::ApplicationState;
use lictor_core::state::State;
use uuid::Uuid;

use super::{Add, Carried, Put, Rows};

/// The figures before the write.
pub(crate) struct Figured {
    /// Of each application that was loaded: how many licenses it has, and the sum of their revisions.
    licenses: Vec<(String, (u64, u64))>,
    counts: AccountCounts,
    usage_sum: u64,
    usage_months: BTreeMap<String, u64>,
}

impl Figured {
    /// Of the state that a write is about to change.
    pub(crate) fn before(state: &State) -> Self {
        let loaded = state.applications.iter();
        Self {
            licenses: loaded
                .map(|(key, application)| (key.clone(), licenses_of(application)))
                .collect(),
            counts: state.counts,
            usage_sum: state.usage_sum,
            usage_months: state.usage_months.clone(),
        }
    }
}

fn licenses_of(application: &ApplicationState) -> (u64, u64) {
    (application.licenses, application.license_revisions)
}

/// Stores the figures that are not what they were before.
///
/// # Errors
/// What the database says, and that a row is not there.
pub(crate) fn carry_out_figures<R: Rows>(
    rows: &mut R,
    stream: Uuid,
    before: &Figured,
    state: &State,
) -> Carried<R> {
    for (key, application) in &state.applications {
        let known = before.licenses.iter().find(|(before, _)| before == key);
        if licenses_of(application) != known.map_or((0, 0), |(_, before)| *before) {
            rows.put(stream, &Put::ApplicationLicenses(key, application))?;
        }
    }
    if state.counts != before.counts {
        rows.put(stream, &Put::AccountCounts(&state.counts))?;
    }
    if state.usage_sum != before.usage_sum {
        rows.put(stream, &Put::UsageSum(state.usage_sum))?;
    }
    for (month, by) in &state.usage_moved {
        rows.add(stream, &Add::MonthSum(month, *by))?;
    }
    for (month, series) in &state.usage_months {
        let known = before.usage_months.get(month).copied().unwrap_or_default();
        if *series > known {
            rows.add(stream, &Add::Series(month, series - known))?;
        }
    }
    Ok(())
}

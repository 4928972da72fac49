//! The figures of an organization and its census, between the authority and the contract.

use std::sync::Arc;

use lictor_api::census::CensusRow;
use lictor_api::counts::{Count, CountTotal};
use lictor_api::licenses::Plan;
use lictor_core::facts::figures::{ApplicationFigures, OrganizationFigures};

/// The key that a page of figures goes on after.
pub(in crate::dialects::native) fn key(row: &Arc<ApplicationFigures>) -> String {
    row.application.key.clone()
}

pub(in crate::dialects::native) fn count(row: &Arc<ApplicationFigures>) -> Count {
    Count {
        application: row.application.key.clone(),
        plan: Plan::from(row.plan).into(),
        limit: row.limit,
        used: row.used(),
        available: row.available(),
        overage: row.overage(),
        seats: row.application.state.seats,
        leases: row.application.state.leases,
    }
}

pub(in crate::dialects::native) fn total(figures: &OrganizationFigures) -> CountTotal {
    CountTotal {
        limit: figures.limit(),
        used: figures.used(),
        available: figures.available(),
        accounts: figures.accounts(),
    }
}

pub(in crate::dialects::native) fn census_row((application, seats): (&str, u64)) -> CensusRow {
    CensusRow {
        application: application.to_owned(),
        seats,
    }
}

//! The figures of an organization and its census as JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use lictor_authority::Census;
use lictor_core::elapsed::Now;
use lictor_core::facts::figures::{ApplicationFigures, OrganizationFigures};
use serde::Serialize;

use super::{plan_word, time};

/// The figures of some of an organization's applications, and what those of all come to.
#[derive(Serialize)]
pub(in crate::dialects::native) struct CountsView {
    applications: Vec<CountView>,
    total: TotalView,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct CountView {
    application: String,
    plan: &'static str,
    limit: Option<u32>,
    used: u64,
    available: Option<u64>,
    overage: u64,
    accounts: u64,
    leases: u64,
}

#[derive(Serialize)]
struct TotalView {
    limit: Option<u64>,
    used: u64,
    available: Option<u64>,
    accounts: u64,
}

impl CountsView {
    pub(in crate::dialects::native) fn of(
        rows: &[&Arc<ApplicationFigures>],
        figures: &OrganizationFigures,
        next_cursor: Option<String>,
    ) -> Self {
        let row = |row: &&Arc<ApplicationFigures>| CountView {
            application: row.application.key.clone(),
            plan: plan_word(row.plan),
            limit: row.limit,
            used: row.used(),
            available: row.available(),
            overage: row.overage(),
            accounts: row.application.state.seats,
            leases: row.application.state.leases,
        };
        Self {
            applications: rows.iter().map(row).collect(),
            total: TotalView {
                limit: figures.limit(),
                used: figures.used(),
                available: figures.available(),
                accounts: figures.accounts(),
            },
            next_cursor,
        }
    }
}

/// The census of some of the applications.
#[derive(Serialize)]
pub(in crate::dialects::native) struct CensusView {
    accounts: u64,
    applications: BTreeMap<String, u64>,
    taken_at: String,
    age: i64,
    next_at: String,
    next_cursor: Option<String>,
}

impl CensusView {
    pub(in crate::dialects::native) fn of(
        census: &Census,
        rows: Vec<(&str, u64)>,
        next_cursor: Option<String>,
        now: &Now,
    ) -> Self {
        let rows = rows.into_iter();
        Self {
            accounts: census.accounts(),
            applications: rows.map(|(key, seats)| (key.to_owned(), seats)).collect(),
            taken_at: time(now.shown(census.taken_at)),
            age: now.elapsed().since(census.taken_at),
            next_at: time(now.shown(census.next_at)),
            next_cursor,
        }
    }
}

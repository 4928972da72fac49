//! The figures of an organization and its census as JSON.

use std::collections::BTreeMap;

use lictor_core::Now;
use lictor_core::figures::{ApplicationFigures, OrganizationFigures};
use serde::Serialize;

use super::{plan_word, time};
use crate::authority::Census;

/// The figures of an organization.
#[derive(Serialize)]
pub(in crate::dialects::native) struct CountsView {
    applications: Vec<CountView>,
    total: TotalView,
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
    pub(in crate::dialects::native) fn of(figures: &OrganizationFigures) -> Self {
        let row = |row: &ApplicationFigures| CountView {
            application: row.application.clone(),
            plan: plan_word(row.plan),
            limit: row.limit,
            used: row.used(),
            available: row.available(),
            overage: row.overage(),
            accounts: row.seats,
            leases: row.leases,
        };
        Self {
            applications: figures.applications.iter().map(row).collect(),
            total: TotalView {
                limit: figures.limit(),
                used: figures.used(),
                available: figures.available(),
                accounts: figures.accounts(),
            },
        }
    }
}

/// The census.
#[derive(Serialize)]
pub(in crate::dialects::native) struct CensusView {
    accounts: u64,
    applications: BTreeMap<String, u64>,
    taken_at: String,
    age: i64,
    next_at: String,
}

impl CensusView {
    pub(in crate::dialects::native) fn of(census: &Census, now: &Now) -> Self {
        Self {
            accounts: census.accounts(),
            applications: census
                .applications()
                .map(|(key, seats)| (key.to_owned(), seats))
                .collect(),
            taken_at: time(now.shown(census.taken_at)),
            age: now.elapsed().since(census.taken_at),
            next_at: time(now.shown(census.next_at)),
        }
    }
}

//! Between the contract and the authority's types, by noun, and what cursors are made of. Nothing is decided here.

pub(super) mod accounts;
pub(super) mod applications;
pub(super) mod clients;
pub(super) mod counts;
pub(super) mod leases;
pub(super) mod licenses;
pub(super) mod node_pools;
pub(super) mod nodes;
pub(super) mod organizations;
pub(super) mod refusals;
pub(super) mod report;
pub(super) mod seats;
pub(super) mod tokens;
pub(super) mod trust;
pub(super) mod usage;

use serde::{Deserialize, Serialize};

/// Where a page begins.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cursor {
    pub(super) v: u8,
    pub(super) after: String,
    pub(super) bound: String,
}

impl Cursor {
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn from_json(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

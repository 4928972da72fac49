//! The contract of the native API, `/v1`: its types by noun, and one row per operation. Data, no handlers.

pub mod answer;
pub mod list;
pub mod openapi;
pub mod operations;
pub mod permits;
pub mod problems;
pub mod query;
pub mod row;
pub mod values;

pub mod accounts;
pub mod applications;
pub mod census;
pub mod clients;
pub mod counts;
pub mod leases;
pub mod ledger;
pub mod licenses;
pub mod node_pools;
pub mod nodes;
pub mod organizations;
pub mod refusals;
pub mod report;
pub mod seats;
pub mod tokens;
pub mod trust;
pub mod usage;

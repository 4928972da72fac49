//! The table of operations: one row for each, by noun.

mod access;
mod accounts;
mod installation;
mod licenses;
mod nodes;
mod seats;
mod usage;
mod variables;

pub use self::access::*;
pub use self::accounts::*;
pub use self::installation::*;
pub use self::licenses::*;
pub use self::nodes::*;
pub use self::seats::*;
pub use self::usage::*;
use crate::row::Row;

/// Every row.
pub const ALL: &[&dyn Row] = &[
    &LIST_LICENSES,
    &ADD_LICENSE,
    &SHOW_LICENSE,
    &PUT_LICENSE,
    &REMOVE_LICENSE,
    &LIST_APPLICATIONS,
    &CREATE_APPLICATION,
    &SHOW_APPLICATION,
    &SHOW_OUTLOOK,
    &CHANGE_APPLICATION,
    &REMOVE_APPLICATION,
    &LIST_SEATS,
    &ASSIGN_SEAT,
    &CHANGE_SEATS,
    &RELEASE_SEAT,
    &LIST_LEASES,
    &CHECK_OUT_LEASE,
    &LIST_ENDED_LEASES,
    &SHOW_LEASE,
    &RENEW_LEASE,
    &RELEASE_LEASE,
    &FORGET_HOLDER,
    &LIST_ACCOUNTS,
    &CREATE_ACCOUNT,
    &IMPORT_ACCOUNTS,
    &SHOW_ACCOUNT,
    &CHANGE_ACCOUNT,
    &REMOVE_ACCOUNT,
    &LIST_SEATS_OF_ACCOUNT,
    &SHOW_COUNTS,
    &LIST_REFUSALS,
    &LIST_REFUSALS_BY_HOUR,
    &SHOW_CENSUS,
    &TAKE_CENSUS,
    &LIST_ORGANIZATIONS,
    &CREATE_ORGANIZATION,
    &SHOW_ORGANIZATION,
    &CHANGE_ORGANIZATION,
    &REMOVE_ORGANIZATION,
    &SHOW_TRUST,
    &TRUST_KEY,
    &SHOW_KEY,
    &RETIRE_KEY,
    &REVOKE_KEY,
    &LIST_TOKENS,
    &CREATE_TOKEN,
    &SHOW_TOKEN,
    &REVOKE_TOKEN,
    &LIST_CLIENTS,
    &CREATE_CLIENT,
    &SHOW_CLIENT,
    &CHANGE_CLIENT,
    &REMOVE_CLIENT,
    &CREATE_CODE,
    &LIST_NODES,
    &ENROLL_NODE,
    &SHOW_NODE,
    &REVOKE_NODE,
    &LIST_NODE_POOLS,
    &CREATE_NODE_POOL,
    &SHOW_NODE_POOL,
    &REVOKE_NODE_POOL,
    &SHOW_NODE_POLICY,
    &SET_NODE_POLICY,
    &ADOPT_NODES,
    &LIST_USAGE,
    &RECORD_USAGE,
    &CORRECT_USAGE,
    &LIST_ENTRIES,
    &SHOW_REPORT,
    &COPY_DATABASE,
    &SHOW_CONTROL_PLANE_KEY,
];

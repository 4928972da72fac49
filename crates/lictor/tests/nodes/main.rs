//! Nodes of a control plane, against the real binary over raw HTTP: they are enrolled, join, are
//! sent signed states, report, are revoked, and are led back after a restored backup.

#![expect(
    clippy::expect_used,
    reason = "clippy exempts test functions, but not the helpers of an integration test"
)]

mod access;
mod beyond;
mod busy;
mod certificates;
mod clocked;
mod commands;
mod connected;
mod content;
mod copies;
mod embedded;
mod enroll;
mod events;
mod feed;
mod harness;
mod hostile;
mod join;
mod key;
mod left;
mod node;
mod planes;
mod planes_alone;
mod planes_counts;
mod poll;
mod pools;
mod proxies;
mod ready;
mod reports;
mod restore;
mod revoke;

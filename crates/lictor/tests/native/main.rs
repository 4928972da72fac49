//! The native API over HTTP, against a running server: what docs/native.md promises, by resource.

#![expect(
    clippy::expect_used,
    reason = "clippy exempts test functions, but not the helpers of an integration test"
)]

#[path = "../common/body.rs"]
mod body;
#[path = "../common/foreign.rs"]
mod foreign;
#[path = "../common/http.rs"]
mod http;
#[path = "../common/process.rs"]
mod process;

mod access;
mod bodies;
mod changes;
mod conditions;
mod dialect;
mod idempotency;
mod installation;
mod licenses;
mod matrix;
mod names;
mod own_words;
mod pages;
mod quotas;
mod server;
mod standing;
mod tokens;
mod untold;
mod usage;
mod ways_in;
mod world;

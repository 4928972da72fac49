//! The native API over HTTP, against a running server: what docs/native.md promises, by resource.

#![expect(
    clippy::expect_used,
    reason = "clippy exempts test functions, but not the helpers of an integration test"
)]

mod access;
mod bodies;
mod changes;
mod conditions;
mod description;
mod idempotency;
mod installation;
mod licenses;
mod matrix;
mod names;
mod own_words;
mod pages;
mod quotas;
mod standing;
mod tokens;
mod untold;
mod usage;
mod ways_in;
mod world;

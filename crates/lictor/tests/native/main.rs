//! The native API over HTTP, against a running server: what docs/native.md promises, by resource.

#![expect(
    clippy::expect_used,
    reason = "clippy exempts test functions, but not the helpers of an integration test"
)]

mod access;
mod bodies;
mod client;
mod idempotency;
mod installation;
mod licenses;
mod pages;
mod server;
mod standing;
mod tokens;
mod usage;

//! The native API over HTTP, against a running server: what docs/native.md promises, by resource.

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

//! The Kong dialect of the real binary, in tables: what each request answers. Nothing here looks behind
//! the answers; how the server is started is in `harness` alone.

#![expect(clippy::expect_used, reason = "a test that cannot go on should stop")]

mod access;
mod bodies;
mod client;
mod documents;
mod entity;
mod expect;
mod harness;
mod headers;
mod pages;
mod report;
mod routes;
mod schema;

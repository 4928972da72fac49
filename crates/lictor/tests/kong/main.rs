//! The Kong dialect of the real binary, in tables: what each request answers. Nothing here looks behind
//! the answers.

#![expect(clippy::expect_used, reason = "a test that cannot go on should stop")]

mod access;
mod beside;
mod bodies;
mod documents;
mod encodings;
mod entity;
mod expect;
mod faults;
mod harness;
mod headers;
mod limits;
mod pages;
mod report;
mod routes;
mod schema;

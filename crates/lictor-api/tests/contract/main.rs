//! The contract as a whole: the table of operations, and the document that is made from it.
#![expect(clippy::expect_used, reason = "a test that cannot go on should stop")]

mod openapi;
mod routes;
mod rows;

//! What nobody can make the real binary hold without bound: bodies on their way in and out, connections.

#![expect(
    clippy::expect_used,
    reason = "clippy exempts test functions, but not the helpers of an integration test"
)]

mod answers;
mod bodies;
mod connections;
mod guesses;
mod harness;
mod rates;
mod words;

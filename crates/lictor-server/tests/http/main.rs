//! The accept loop, its limits and TLS, over real sockets.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "clippy exempts test functions, but not the helpers of an integration test"
)]

mod framing;
mod limits;
mod page;
mod server;
mod tls;

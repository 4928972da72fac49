//! The real node against a small control plane that signs real states.

#![expect(
    clippy::expect_used,
    reason = "clippy exempts test functions, but not the helpers of an integration test"
)]

mod control_plane;
mod counting;
mod in_turn;
mod joining;
mod leaving;
mod local;
mod setting;
mod states;
mod tls;

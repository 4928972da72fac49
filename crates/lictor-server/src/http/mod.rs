//! The HTTP server.

pub mod call;

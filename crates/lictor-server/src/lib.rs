//! The control plane of Lictor as a library: the authority, which holds the use cases, the
//! dialects, which translate, and the HTTP server they are reached through.

pub mod authority;
pub mod clock;
pub mod dialects;
mod holding;
pub mod http;
mod network;
pub mod random;
pub mod settings;
mod standing;

//! The control plane of Lictor as a library: the dialects, which translate requests to the use cases of the
//! authority, and the HTTP server they are reached through.

pub mod dialects;
mod holding;
pub mod http;
pub mod settings;
mod standing;

//! The native dialect.

use crate::settings::Server;

/// Not there yet.
pub fn routes() -> axum::Router<Server> {
    axum::Router::new()
}

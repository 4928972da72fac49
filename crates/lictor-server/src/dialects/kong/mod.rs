//! The kong dialect.

use axum::extract::State;

use crate::settings::Server;

/// Not there yet.
pub async fn handle(State(_): State<Server>) -> axum::http::StatusCode {
    axum::http::StatusCode::NOT_FOUND
}

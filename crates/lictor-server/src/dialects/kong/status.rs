//! `GET /status`: what controllers ask before anything else. Figures that a gateway has and Lictor has
//! not are zeros.

use axum::http::StatusCode;
use axum::response::Response;

use super::{Ask, wire};

/// `GET /status`
pub(super) async fn show(ask: &Ask<'_>) -> Response {
    let reachable = match ask.server.authority.ready().await {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "not ready");
            false
        }
    };
    wire::json(
        StatusCode::OK,
        &wire::Status::of(reachable, ask.server.metrics.traffic()),
    )
}

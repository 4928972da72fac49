//! `serverInfo`: what clients ask before anything else. It is no imitation of a version.

use axum::http::StatusCode;
use axum::response::Response;

use super::Ask;
use super::wire::{self, ServerInfo};

pub(super) fn info(ask: &Ask<'_>) -> Response {
    let info = ServerInfo::of(&ask.server.settings.public_url);
    wire::json(StatusCode::OK, &info)
}

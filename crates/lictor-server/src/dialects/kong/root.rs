//! `GET /`: what clients look at before they begin.

use axum::http::StatusCode;
use axum::response::Response;

use super::{Ask, wire};
use crate::authority::System;

/// Kong's word for keeping its configuration in a database, as against `off`. Clients refuse to
/// work with any other, so it is not the name of our engine: the report tells that one.
const IN_A_DATABASE: &str = "postgres";

/// `GET /`
pub(super) fn show(ask: &Ask<'_>) -> Response {
    let settings = &ask.server.settings;
    let hostname = settings.shown_hostname(&System::here().hostname);
    wire::json(
        StatusCode::OK,
        &wire::Root {
            tagline: "Lictor, a self-hosted license server",
            version: &settings.kong_version,
            hostname: &hostname,
            configuration: wire::Configuration {
                database: IN_A_DATABASE,
            },
        },
    )
}

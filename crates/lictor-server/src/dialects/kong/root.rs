//! `GET /` and `GET /kong`: what clients look at before they begin.

use axum::http::StatusCode;
use axum::response::Response;
use lictor_authority::System;
use lictor_core::Error;

use super::error::Refusal;
use super::report::license_of;
use super::{Ask, wire};

/// Kong's word for keeping its configuration in a database, as against `off`. Clients refuse to
/// work with any other, so it is not the name of our engine: the report tells that one.
const IN_A_DATABASE: &str = "postgres";

/// `GET /`
pub(super) async fn show(ask: &Ask<'_>) -> Result<Response, Refusal> {
    let current = match ask.call.permit() {
        Ok(permit) => ask.server.authority.current_license(permit).await?,
        // Whoever may not read the report is told no part of it.
        Err(Error::Forbidden(_) | Error::OutOfScope(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let settings = &ask.server.settings;
    let hostname = settings.shown_hostname(&System::here().hostname);
    Ok(wire::json(
        StatusCode::OK,
        &wire::Root {
            tagline: "Lictor, a self-hosted license server",
            version: &settings.kong_version,
            hostname: &hostname,
            configuration: wire::Configuration {
                database: IN_A_DATABASE,
            },
            license: current.as_ref().map(|current| license_of(Some(current))),
        },
    ))
}

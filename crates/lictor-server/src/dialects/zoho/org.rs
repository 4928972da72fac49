//! `org`: the organization, and what was bought for it.

use axum::http::StatusCode;
use axum::response::Response;

use super::Ask;
use super::error::Refusal;
use super::wire::{self, Orgs};

pub(super) async fn show(ask: &Ask<'_>) -> Result<Response, Refusal> {
    let all = ask
        .server
        .authority
        .figures_of_organization(ask.call)
        .await?;
    let orgs = Orgs::of(&ask.call.organization, &all.figures);
    Ok(wire::json(StatusCode::OK, &orgs))
}

//! `org`: the organization, and what was bought for it.

use axum::http::StatusCode;
use axum::response::Response;
use lictor_authority::permits::Permit;
use lictor_authority::right::{Organizations, Read};

use super::Ask;
use super::error::Refusal;
use super::wire::{self, Orgs};

pub(super) async fn show(
    ask: &Ask<'_>,
    permit: Permit<'_, Organizations, Read>,
) -> Result<Response, Refusal> {
    let all = ask.server.authority.figures(permit).await?;
    let orgs = Orgs::of(&ask.call.organization, &all.figures);
    Ok(wire::json(StatusCode::OK, &orgs))
}

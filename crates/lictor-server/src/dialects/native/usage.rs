//! `/v1/usage`: record and show request counts. How counts are merged is decided elsewhere.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::Uri;
use axum::response::Response;
use lictor_core::{Resource, Right};

use super::auth::Caller;
use super::error::Problem;
use super::idempotency::{Begun, Post};
use super::page::Query;
use super::wire::{self, UsageView};
use crate::settings::Server;

pub(super) async fn list(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: Uri,
) -> Result<Json<UsageView>, Problem> {
    Query::begin(&call, Resource::Usage, &uri)?.finish()?;
    let counts = server.authority.usage(&call).await?;
    Ok(Json(UsageView::from_counts(counts)))
}

pub(super) async fn record(
    State(server): State<Server>,
    request: Request,
) -> Result<Response, Problem> {
    let right = Right::write(Resource::Usage);
    let mut post = match Post::<wire::NewUsage>::begin(&server, right, "id", request).await? {
        Begun::First(post) => post,
        Begun::Answered(response) => return Ok(response),
    };
    let counts = std::mem::take(&mut post.request).into_counts(post.call.now.wall());
    let accepted = counts.len();
    let answer = wire::answer(200, &wire::Accepted { accepted });
    let kept = answer.clone();
    post.keep(move |_| kept.clone());
    server.authority.record_usage(&post.call, counts).await?;
    Ok(post.respond(answer))
}

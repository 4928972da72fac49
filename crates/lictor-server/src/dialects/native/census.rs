//! `/v1/census`: how many distinct accounts count, how old that figure is, and a way to take it now.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::Uri;
use axum::response::Response;
use lictor_core::{Resource, Right};

use super::auth::Caller;
use super::error::Problem;
use super::idempotency::{Begun, Post};
use super::page::no_query;
use super::wire::counts::CensusView;
use super::wire::{self, Nothing};
use crate::settings::Server;

pub(super) async fn show(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: Uri,
) -> Result<Json<CensusView>, Problem> {
    no_query(&uri)?;
    let census = server.authority.census(&call).await?;
    Ok(Json(CensusView::of(&census, &call.now)))
}

pub(super) async fn take(
    State(server): State<Server>,
    request: Request,
) -> Result<Response, Problem> {
    let right = Right::write(Resource::Census);
    let post = match Post::<Nothing>::begin(&server, right, "id", request).await? {
        Begun::First(post) => post,
        Begun::Answered(response) => return Ok(response),
    };
    let census = server.authority.take_census(&post.call).await?;
    Ok(post.respond(wire::answer(200, &CensusView::of(&census, &post.call.now))))
}

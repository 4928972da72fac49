//! `/v1/census`: how many distinct accounts count, how old that figure is, and a way to take it now.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::Uri;
use axum::response::Response;
use lictor_authority::{Call, Census};

use super::auth::Caller;
use super::error::Problem;
use super::idempotency::{Begun, Post};
use super::page::{Page, Query};
use super::wire::Nothing;
use super::wire::counts::CensusView;
use crate::settings::Server;

pub(super) async fn show(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: Uri,
) -> Result<Json<CensusView>, Problem> {
    let (permit, query) = Query::begin(&call, &uri)?;
    let page = Page::take(query, &call, None)?;
    let census = server.authority.census(permit).await?;
    Ok(Json(view(&census, &page, &call)))
}

fn view(census: &Census, page: &Page, call: &Call) -> CensusView {
    let is_behind = |(key, _): &(&str, u64)| page.after.as_deref().is_none_or(|after| *key > after);
    let rows = census.applications().filter(is_behind);
    let (rows, next_cursor) = page.rows_of(rows, |(key, _)| (*key).to_owned());
    CensusView::of(census, rows, next_cursor, &call.now)
}

pub(super) async fn take(
    State(server): State<Server>,
    request: Request,
) -> Result<Response, Problem> {
    let post = match Post::<Nothing, _>::begin(&server, "id", request).await? {
        Begun::First(post) => post,
        Begun::Answered(response) => return Ok(response),
    };
    let census = server.authority.take_census(post.permit()).await?;
    let page = Page::first(post.permit());
    let view = view(&census, &page, &post.call);
    let answer = post.told.answer(200, &view, &["taken_at"]);
    Ok(post.respond(answer))
}

//! `/v1/usage`: record, correct and show request counts. How counts are merged is decided elsewhere.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::Uri;
use axum::response::Response;
use lictor_core::usage::UsageReport;
use lictor_core::{Resource, Right};

use super::auth::Caller;
use super::error::Problem;
use super::idempotency::{Begun, Post};
use super::page::Query;
use super::wire;
use super::wire::usage::{CorrectedView, NewCorrection, NewUsage, Recorded, UsageView};
use crate::settings::Server;

pub(super) async fn list(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: Uri,
) -> Result<Json<UsageView>, Problem> {
    Query::begin(&call, Resource::Usage, &uri)?.finish()?;
    let rows = server.authority.usage(&call).await?;
    Ok(Json(UsageView::from_rows(rows)))
}

pub(super) async fn record(
    State(server): State<Server>,
    request: Request,
) -> Result<Response, Problem> {
    let right = Right::write(Resource::Usage);
    let mut post = match Post::<NewUsage>::begin(&server, right, "id", request).await? {
        Begun::First(post) => post,
        Begun::Answered(response) => return Ok(response),
    };
    let now = post.call.now.wall();
    let reports = std::mem::take(&mut post.request).into_reports(now);
    let reports: Arc<[UsageReport]> = reports.into();
    let kept = Arc::clone(&reports);
    post.keep(move |written| wire::answer(200, &Recorded::of(&kept, written, now)));
    let recorded = server
        .authority
        .record_usage(&post.call, Arc::clone(&reports));
    let written = recorded.await?;
    let answer = wire::answer(200, &Recorded::of(&reports, &written, now));
    Ok(post.respond(answer))
}

pub(super) async fn correct(
    State(server): State<Server>,
    request: Request,
) -> Result<Response, Problem> {
    let right = Right::write(Resource::Corrections);
    let post = match Post::<NewCorrection>::begin(&server, right, "id", request).await? {
        Begun::First(post) => post,
        Begun::Answered(response) => return Ok(response),
    };
    let (mut post, request) = post.split();
    let request = request.into_request();
    let key = request.key.clone();
    let answer = move |written: &_| match CorrectedView::of(&key, written) {
        Ok(corrected) => wire::answer(200, &corrected),
        Err(problem) => problem.into_answer(),
    };
    post.keep(answer.clone());
    let written = server.authority.correct_usage(&post.call, request).await?;
    Ok(post.respond(answer(&written)))
}

//! `/v1/applications/{key}/seats`: give seats, take them back, list who holds them.

use std::sync::Arc;

use axum::RequestExt as _;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use lictor_authority::{Answer, Assigned, Row};
use lictor_core::facts::seats::Seat;

use super::auth::Caller;
use super::error::Problem;
use super::idempotency::{Begun, Post};
use super::page::{Page, Query};
use super::path::{Pair, PathKey};
use super::told::Told;
use super::wire::seats::{AssignedView, BulkSeats, BulkView, NewSeat, SeatView, who};
use super::wire::{self, List};
use crate::settings::Server;

pub(super) async fn list(
    State(server): State<Server>,
    Caller(call): Caller,
    PathKey(key): PathKey,
    uri: Uri,
) -> Result<List, Problem> {
    let (permit, query) = Query::begin(&call, &uri)?;
    let page = Page::take(query, &call, Some(&format!("seats of {key}")))?;
    let (after, rows) = (page.after()?, page.rows());
    let seats = server.authority.seats(permit, &key, after, rows).await?;
    let id = |(seat, _): &(Seat, _)| seat.account.id.to_string();
    page.cut(seats, id, |seat| SeatView::of(&key, seat))
}

pub(super) async fn assign(
    State(server): State<Server>,
    mut request: Request,
) -> Result<Response, Problem> {
    let PathKey(key) = request.extract_parts_with_state(&server).await?;
    let post = Post::<NewSeat, _>::begin(&server, "account", request).await?;
    let (mut post, body) = match post {
        Begun::First(post) => post.split(),
        Begun::Answered(response) => return Ok(response),
    };
    let told = post.told.clone();
    let render = move |seat: &Assigned| assigned(&told, seat);
    post.keep_unless_refused(render.clone());
    let assigned = server
        .authority
        .assign_seat(post.permit(), &key, who(body.account))
        .await
        .map_err(|error| post.told.problem(error))?;
    Ok(post.respond(render(&assigned)))
}

/// 201 for a seat that was given, 200 for one that was there.
fn assigned(told: &Told, assigned: &Assigned) -> Answer {
    let status = if assigned.given { 201 } else { 200 };
    told.answer(
        status,
        &AssignedView::of(assigned),
        &["application", "account"],
    )
}

pub(super) async fn bulk(
    State(server): State<Server>,
    mut request: Request,
) -> Result<Response, Problem> {
    let PathKey(key) = request.extract_parts_with_state(&server).await?;
    let post = Post::<BulkSeats, _>::begin_naming(&server, "account", request, named_again);
    let (mut post, body) = match post.await? {
        Begun::First(post) => post.split(),
        Begun::Answered(response) => return Ok(response),
    };
    let (rows, mode) = body.into_rows()?;
    let rows = Arc::new(rows);
    let kept = rows.clone();
    let told = post.told.clone();
    let view = move |outcomes: &Vec<Row<bool>>| BulkView::of(&kept, outcomes, &told);
    let unnamed = view.clone();
    post.keep_if(move |rows: &Vec<Row<bool>>| {
        let changed = rows.iter().any(|row| row.done == Some(true));
        let refused = rows.iter().any(|row| !row.refused.is_empty());
        (changed || !refused).then(|| wire::answer(200, &unnamed(rows).unnamed()))
    });
    let outcomes = server
        .authority
        .change_seats(post.permit(), &key, rows, mode)
        .await?;
    Ok(post.respond(wire::answer(200, &view(&outcomes))))
}

/// The kept answer, with the accounts as the repeated request names them.
fn named_again(request: BulkSeats, answer: Answer) -> Answer {
    match (BulkView::read(&answer.body), request.into_rows()) {
        (Some(view), Ok((rows, _))) => wire::answer(answer.status, &view.named(&rows)),
        _ => answer,
    }
}

pub(super) async fn release(
    State(server): State<Server>,
    Caller(call): Caller,
    pair: Pair,
) -> Result<StatusCode, Problem> {
    let (permit, (key, text)) = pair.names(&call)?;
    server
        .authority
        .release_seat(permit, &key, who(text))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

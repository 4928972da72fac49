//! `/v1/applications/{key}/seats`: give seats, take them back, list who holds them.

use std::sync::Arc;

use axum::RequestExt as _;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use lictor_core::Error;
use lictor_core::change::Change;
use lictor_core::facts::application::ApplicationState;
use lictor_core::facts::right::{Resource, Right};
use lictor_core::facts::seats::Seat;
use lictor_core::rules::rows::Rows;

use super::auth::Caller;
use super::error::Problem;
use super::idempotency::{Begun, Post};
use super::page::{Page, Query};
use super::path::{Pair, PathKey};
use super::told::Told;
use super::wire::seats::{AssignedView, BulkSeats, BulkView, NewSeat, SeatView, who};
use super::wire::{self, List};
use crate::authority::{Answer, SeatRow, Written};
use crate::settings::Server;

const WRITE: Right = Right::write(Resource::Seats);

pub(super) async fn list(
    State(server): State<Server>,
    Caller(call): Caller,
    PathKey(key): PathKey,
    uri: Uri,
) -> Result<List, Problem> {
    let query = Query::begin(&call, Resource::Seats, &uri)?;
    let page = Page::take(query, &call, Some(&format!("seats of {key}")))?;
    let (after, rows) = (page.after()?, page.rows());
    let seats = server.authority.seats(&call, &key, after, rows).await?;
    let id = |(seat, _): &(Seat, _)| seat.account.id.to_string();
    page.cut(seats, id, |seat| SeatView::of(&key, seat))
}

pub(super) async fn assign(
    State(server): State<Server>,
    mut request: Request,
) -> Result<Response, Problem> {
    let PathKey(key) = request.extract_parts_with_state(&server).await?;
    let post = Post::<NewSeat>::begin(&server, WRITE, "account", request).await?;
    let (mut post, body) = match post {
        Begun::First(post) => post.split(),
        Begun::Answered(response) => return Ok(response),
    };
    let limit = server
        .authority
        .entitlement_now(&post.call, &key)
        .await?
        .seat_limit();
    let application = key.clone();
    let told = post.told.clone();
    let render = move |written: &Written| assigned(&told, written, &application, limit);
    post.keep(render.clone());
    let rows = Arc::new(vec![SeatRow::Assign(who(body.account))]);
    let written = server
        .authority
        .change_seats(&post.call, &key, rows, Rows::Each)
        .await
        .and_then(Written::unless_refused)
        .map_err(|error| post.told.problem(error))?;
    Ok(post.respond(render(&written)))
}

/// 201 for a seat that was given, 200 for one that was there.
fn assigned(told: &Told, written: &Written, application: &str, limit: Option<u32>) -> Answer {
    let Some(account) = written.state.accounts.keys().next().copied() else {
        let error = Error::internal("a seat was given to nobody");
        return Problem::from(error).into_answer();
    };
    let given = written.entries.iter().find_map(|entry| match entry.change {
        Change::SeatAssigned { limit, .. } => Some(limit),
        _ => None,
    });
    let used = written.state.applications.get(application);
    let view = AssignedView {
        application: application.to_owned(),
        account,
        limit: given.unwrap_or(limit),
        used: used.map_or(0, ApplicationState::used),
    };
    let status = if given.is_some() { 201 } else { 200 };
    told.answer(status, &view, &["application", "account"])
}

pub(super) async fn bulk(
    State(server): State<Server>,
    mut request: Request,
) -> Result<Response, Problem> {
    let PathKey(key) = request.extract_parts_with_state(&server).await?;
    let post = Post::<BulkSeats>::begin_naming(&server, WRITE, "account", request, named_again);
    let (mut post, body) = match post.await? {
        Begun::First(post) => post.split(),
        Begun::Answered(response) => return Ok(response),
    };
    let (rows, mode) = body.into_rows()?;
    let rows = Arc::new(rows);
    let kept = rows.clone();
    let told = post.told.clone();
    let view = move |written: &Written| BulkView::of(&kept, &written.refused, mode, &told);
    let unnamed = view.clone();
    post.keep(move |written| wire::answer(200, &unnamed(written).unnamed()));
    let written = server
        .authority
        .change_seats(&post.call, &key, rows, mode)
        .await?;
    Ok(post.respond(wire::answer(200, &view(&written))))
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
    let (key, text) = pair.names(&call, WRITE)?;
    let rows = Arc::new(vec![SeatRow::Release(who(text))]);
    server
        .authority
        .change_seats(&call, &key, rows, Rows::Each)
        .await?
        .unless_refused()?;
    Ok(StatusCode::NO_CONTENT)
}

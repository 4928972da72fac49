//! `/v1/applications/{key}/leases`, `/v1/leases` and `/v1/holders`: check out, renew, release and
//! show leases, and what is kept of those that ended.

use std::str::FromStr;

use axum::Json;
use axum::RequestExt as _;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use lictor_authority::permits::{Permit, PermittedCall};
use lictor_authority::right::{Leases, Read, Write};
use lictor_authority::{CheckedOut, EndedFilter, EndedKey};
use lictor_core::error::Kind;
use lictor_core::facts::lease::{EndedLease, Lease};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::auth::{self, Caller};
use super::error::{Problem, invalid};
use super::idempotency::{Begun, Post};
use super::json;
use super::page::{Page, Query};
use super::path::{PathKey, Segment};
use super::wire::List;
use super::wire::kept::{EndedLeaseView, ForgottenView};
use super::wire::leases::{CheckedOutView, LeaseView, NewLease, Release, Renewal};
use crate::settings::Server;

/// What a check-out makes: a lease, of which its holder must know all.
const LEASE: [&str; 7] = [
    "id",
    "application",
    "holder",
    "fence",
    "since",
    "expires_at",
    "position",
];

pub(super) async fn list(
    State(server): State<Server>,
    Caller(call): Caller,
    PathKey(key): PathKey,
    uri: Uri,
) -> Result<List, Problem> {
    let (permit, mut query) = Query::begin(&call, &uri)?;
    match query.take("ended")?.as_deref() {
        None | Some("false") => {}
        Some("true") => return list_ended(&server, permit, key, query).await,
        Some(_) => return Err(invalid("ended", "use true or false")),
    }
    let page = Page::take(query, &call, Some(&key))?;
    let (after, rows) = (page.after::<String>()?, page.rows());
    let leases = server
        .authority
        .leases(permit, &key, after.as_deref(), rows)
        .await?;
    let view = |lease: Lease| LeaseView::from_lease(lease, &call.now);
    page.cut(leases, |lease| lease.terms.holder.clone(), view)
}

/// The leases that ended. What narrows them is a part of what their cursors are bound to.
async fn list_ended(
    server: &Server,
    permit: Permit<'_, Leases, Read>,
    application: String,
    mut query: Query,
) -> Result<List, Problem> {
    let filter = EndedFilter {
        application,
        holder: query.take("holder")?,
        since: query.take_time("since")?,
        until: query.take_time("until")?,
    };
    let page = Page::take(query, permit.call(), Some(&format!("ended {filter:?}")))?;
    let before = page.after::<EndedPlace>()?.map(|EndedPlace(key)| key);
    let ended = server
        .authority
        .ended_leases(permit, &filter, before, page.rows())
        .await?;
    let key = |ended: &EndedLease| format!("{} {}", ended.until, ended.position);
    page.cut(ended, key, EndedLeaseView::from_ended)
}

/// Where the list of ended leases goes on.
struct EndedPlace(EndedKey);

impl FromStr for EndedPlace {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (until, position) = text.split_once(' ').ok_or(())?;
        Ok(Self(EndedKey {
            until: until.parse().map_err(|_| ())?,
            position: position.parse().map_err(|_| ())?,
        }))
    }
}

/// Takes the holder's name from what is kept.
pub(super) async fn forget(
    State(server): State<Server>,
    Caller(call): Caller,
    segment: Segment,
) -> Result<Json<ForgottenView>, Problem> {
    let (permit, holder) = segment.name(&call)?;
    let forgotten = server.authority.forget_holder(permit, &holder).await?;
    Ok(Json(ForgottenView::of(forgotten)))
}

pub(super) async fn show(
    State(server): State<Server>,
    Caller(call): Caller,
    segment: Segment,
) -> Result<Json<LeaseView>, Problem> {
    let (permit, id) = segment.id(&call, Kind::Lease)?;
    let lease = server.authority.lease(permit, id).await?;
    Ok(Json(LeaseView::from_lease(lease, &call.now)))
}

pub(super) async fn check_out(
    State(server): State<Server>,
    mut request: Request,
) -> Result<Response, Problem> {
    let PathKey(key) = request.extract_parts_with_state(&server).await?;
    let (mut post, body) = match Post::<NewLease, _>::begin(&server, "id", request).await? {
        Begun::First(post) => post.split(),
        Begun::Answered(response) => return Ok(response),
    };
    let authority = server.authority.clone();
    let (now, told) = (post.call.now, post.told.clone());
    let render = move |out: &CheckedOut| told.answer(201, &CheckedOutView::of(out, &now), &LEASE);
    post.keep_unless_refused(render.clone());
    let (holder, ttl) = (&body.holder, body.ttl());
    let out = authority.check_out(post.permit(), &key, holder, ttl).await;
    let out = out.map_err(|error| post.told.problem(error))?;
    Ok(post.respond(render(&out)))
}

pub(super) async fn renew(
    State(server): State<Server>,
    request: Request,
) -> Result<Json<LeaseView>, Problem> {
    let (call, id, body) = change::<Renewal>(&server, request).await?;
    let lease = server
        .authority
        .renew_lease(call.as_permit(), id, body.fence, body.ttl())
        .await?;
    Ok(Json(LeaseView::from_lease(lease, &call.now)))
}

pub(super) async fn release(
    State(server): State<Server>,
    request: Request,
) -> Result<Response, Problem> {
    let (call, id, body) = change::<Release>(&server, request).await?;
    server
        .authority
        .release_lease(call.as_permit(), id, body.fence()?)
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A change of one lease. Its fence makes it safe to repeat, so that it needs no idempotency key.
async fn change<T: DeserializeOwned + Send + 'static>(
    server: &Server,
    mut request: Request,
) -> Result<(PermittedCall<Leases, Write>, Uuid, T), Problem> {
    let segment: Segment = request.extract_parts_with_state(server).await?;
    let (parts, body) = request.into_parts();
    let call = auth::call(&server.authority, &parts.headers).await?;
    let call = call.permitted()?;
    let id = segment.permitted_id(Kind::Lease)?;
    let (request, _held) = json::object(server, &call, &parts, body).await?;
    Ok((call, id, request))
}

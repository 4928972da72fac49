//! `/v1/node-pools`: make, show and revoke pools of nodes. A pool's token leaves this file once and is
//! kept nowhere.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use lictor_authority::PoolStanding;
use uuid::Uuid;

use super::auth::Caller;
use super::error::{Problem, shown_already};
use super::idempotency::{Begun, Post};
use super::nodes::MADE;
use super::page::{Page, Query};
use super::path::Segment;
use super::wire::List;
use super::wire::node_pools::{NewPool, PoolView};
use crate::settings::Server;

/// Tells the list from that of nodes, for whom a cursor is of no use.
const LIST: &str = "pools";

pub(super) async fn list(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: Uri,
) -> Result<List, Problem> {
    let (permit, query) = Query::begin(&call, &uri)?;
    let page = Page::take(query, &call, Some(LIST))?;
    let (after, rows) = (page.after()?, page.rows());
    let pools = server.authority.node_pools(permit, after, rows).await?;
    let key = |standing: &PoolStanding| standing.pool.id.to_string();
    page.cut(pools, key, PoolView::of)
}

pub(super) async fn show(
    State(server): State<Server>,
    Caller(call): Caller,
    segment: Segment,
) -> Result<Json<PoolView>, Problem> {
    let (permit, name) = segment.name(&call)?;
    let standing = server.authority.node_pool(permit, &name).await?;
    Ok(Json(PoolView::of(standing)))
}

pub(super) async fn create(
    State(server): State<Server>,
    request: Request,
) -> Result<Response, Problem> {
    let mut post = match Post::<NewPool, _>::begin(&server, "name", request).await? {
        Begun::First(post) => post,
        Begun::Answered(response) => return Ok(response),
    };
    let request = std::mem::take(&mut post.request).into_request();
    post.keep(|id: &Uuid| {
        let detail = "this request made the pool and showed its token, which is not kept; if the answer \
                      was lost, revoke the pool and make it again";
        shown_already(detail, Some(id.to_string())).into_answer()
    });
    let issued = server.authority.create_pool(post.permit(), request).await?;
    let view = PoolView::with_token(issued);
    Ok(post.respond(post.told.answer(201, &view, &MADE)))
}

pub(super) async fn revoke(
    State(server): State<Server>,
    Caller(call): Caller,
    segment: Segment,
) -> Result<StatusCode, Problem> {
    let (permit, name) = segment.name(&call)?;
    server.authority.revoke_pool(permit, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! `/v1/nodes`: enroll, show and revoke nodes, and what holds for all of them. An enrollment token
//! leaves this file once and is kept nowhere.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use lictor_authority::NodeStanding;
use lictor_authority::right::Nodes;
use uuid::Uuid;

use super::auth::Caller;
use super::error::{Problem, shown_already};
use super::idempotency::{Begun, Post};
use super::page::{Page, Query, no_query};
use super::path::Segment;
use super::wire::nodes::{AdoptionView, NewNode, NodePolicyBody, NodeView};
use super::wire::{List, Nothing};
use super::{auth, conditions, json};
use crate::settings::Server;

/// What nobody could go on without who makes a node or a pool.
pub(super) const MADE: [&str; 3] = ["id", "enrollment_token", "token_expires_at"];

pub(super) async fn list(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: Uri,
) -> Result<List, Problem> {
    let (permit, query) = Query::begin(&call, &uri)?;
    let page = Page::take(query, &call, None)?;
    let (after, rows) = (page.after()?, page.rows());
    let nodes = server.authority.nodes(permit, after, rows).await?;
    let key = |standing: &NodeStanding| standing.node.id.to_string();
    page.cut(nodes, key, NodeView::of)
}

pub(super) async fn show(
    State(server): State<Server>,
    Caller(call): Caller,
    segment: Segment,
) -> Result<Json<NodeView>, Problem> {
    let (permit, name) = segment.name(&call)?;
    let standing = server.authority.node(permit, &name).await?;
    Ok(Json(NodeView::of(standing)))
}

pub(super) async fn enroll(
    State(server): State<Server>,
    request: Request,
) -> Result<Response, Problem> {
    let mut post = match Post::<NewNode, _>::begin(&server, "name", request).await? {
        Begun::First(post) => post,
        Begun::Answered(response) => return Ok(response),
    };
    let request = std::mem::take(&mut post.request).into_request();
    post.keep(|id: &Uuid| {
        let detail = "this request enrolled the node and showed its token, which is not kept; if \
                      the answer was lost, revoke the node and enroll it again";
        shown_already(detail, Some(id.to_string())).into_answer()
    });
    let enrolled = server.authority.enroll_node(post.permit(), request).await;
    let enrolled = enrolled.map_err(|error| post.told.problem(error))?;
    let view = NodeView::with_token(enrolled);
    Ok(post.respond(post.told.answer(201, &view, &MADE)))
}

pub(super) async fn revoke(
    State(server): State<Server>,
    Caller(call): Caller,
    segment: Segment,
) -> Result<StatusCode, Problem> {
    let (permit, name) = segment.name(&call)?;
    server.authority.revoke_node(permit, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn show_policy(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: Uri,
) -> Result<Json<NodePolicyBody>, Problem> {
    let permit = call.permit()?;
    no_query(&uri)?;
    let policy = server.authority.node_policy(permit).await?;
    Ok(Json(policy.into()))
}

pub(super) async fn set_policy(
    State(server): State<Server>,
    request: Request,
) -> Result<Json<NodePolicyBody>, Problem> {
    let (parts, body) = request.into_parts();
    let call = auth::call(&server.authority, &parts.headers).await?;
    let permit = call.permit()?;
    conditions::refuse(&parts.headers)?;
    no_query(&parts.uri)?;
    let (policy, _held) = json::object::<NodePolicyBody>(&server, &call, &parts, body).await?;
    let policy = server
        .authority
        .set_node_policy(permit, policy.into())
        .await?;
    Ok(Json(policy.into()))
}

pub(super) async fn adopt(
    State(server): State<Server>,
    request: Request,
) -> Result<Response, Problem> {
    let call = auth::call(&server.authority, request.headers()).await?;
    let permit = call.permit()?;
    let post = match Post::<Nothing, Nodes>::begin(&server, "id", request).await? {
        Begun::First(post) => post,
        Begun::Answered(response) => return Ok(response),
    };
    let adopted = server.authority.adopt_nodes(permit).await?;
    let view = AdoptionView { nodes: adopted };
    Ok(post.respond(post.told.answer(200, &view, &[])))
}

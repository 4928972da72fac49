//! `/v1/clients`: create, show and remove OAuth clients, and make grant codes. Secrets leave this
//! file once and are kept nowhere.

use axum::Json;
use axum::RequestExt as _;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use lictor_core::facts::right::{Resource, Right};
use uuid::Uuid;

use super::auth::Caller;
use super::error::{Problem, shown_already};
use super::idempotency::{Begun, Post};
use super::json;
use super::page::{Page, Query};
use super::path::{PathKey, Segment};
use super::wire::clients::{ClientView, CodeView, NewClient, PatchClient};
use super::wire::{self, List, Nothing};
use crate::settings::Server;

const READ: Right = Right::read(Resource::Clients);
pub(super) async fn list(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: Uri,
) -> Result<List, Problem> {
    let (permit, query) = Query::begin(&call, &uri)?;
    let page = Page::take(query, &call, None)?;
    let (after, rows) = (page.after()?, page.rows());
    let clients = server.authority.clients(permit, after, rows).await?;
    page.cut(clients, |client| client.id.to_string(), ClientView::of)
}

pub(super) async fn show(
    State(server): State<Server>,
    Caller(call): Caller,
    segment: Segment,
) -> Result<Json<ClientView>, Problem> {
    let (permit, name) = segment.name(&call)?;
    let client = server.authority.client(permit, &name).await?;
    Ok(Json(ClientView::of(client)))
}

pub(super) async fn create(
    State(server): State<Server>,
    request: Request,
) -> Result<Response, Problem> {
    let mut post = match Post::<NewClient, _>::begin(&server, "id", request).await? {
        Begun::First(post) => post,
        Begun::Answered(response) => return Ok(response),
    };
    let request = std::mem::take(&mut post.request);
    let account = match &request.account {
        Some(name) => {
            let named = server.authority.account_named(post.permit(), name);
            Some(named.await?)
        }
        None => None,
    };
    let request = request.into_request(account.as_ref())?;
    post.keep(|id: &Uuid| {
        let detail = "this request created the client and showed its secrets, which are not kept; \
                      if the answer was lost, remove the client and create another";
        shown_already(detail, Some(id.to_string()))
    });
    let issued = server
        .authority
        .create_client(post.permit(), request)
        .await?;
    Ok(post.respond(wire::answer(201, &ClientView::with_secrets(issued))))
}

pub(super) async fn create_code(
    State(server): State<Server>,
    mut request: Request,
) -> Result<Response, Problem> {
    let PathKey(name) = request.extract_parts_with_state(&server).await?;
    let mut post = match Post::<Nothing, _>::begin(&server, "id", request).await? {
        Begun::First(post) => post,
        Begun::Answered(response) => return Ok(response),
    };
    post.keep(|(): &()| {
        let detail = "this request made the code and showed it, and it is not kept; if the \
                      answer was lost, make another";
        shown_already(detail, None)
    });
    let code = server.authority.create_code(post.permit(), &name).await?;
    Ok(post.respond(wire::answer(201, &CodeView::of(code))))
}

pub(super) async fn set(
    State(server): State<Server>,
    Caller(call): Caller,
    segment: Segment,
    request: Request,
) -> Result<Response, Problem> {
    let (permit, name) = segment.name(&call)?;
    let (parts, body) = request.into_parts();
    let (patch, _held) = json::object::<PatchClient>(&server, &call, &parts, body).await?;
    let authority = &server.authority;
    let client = authority
        .rename_client(permit, &name, patch.name.clone())
        .await?;
    // What else it is, is for whoever may read it.
    if !call.has(READ) {
        return Ok(Json(patch).into_response());
    }
    Ok(Json(ClientView::of(client)).into_response())
}

pub(super) async fn remove(
    State(server): State<Server>,
    Caller(call): Caller,
    segment: Segment,
) -> Result<StatusCode, Problem> {
    let (permit, name) = segment.name(&call)?;
    server.authority.remove_client(permit, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

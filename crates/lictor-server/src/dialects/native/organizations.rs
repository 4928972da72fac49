//! `/v1/organizations`: create, show and remove organizations, and set their quotas. What an organization holds is in the
//! other files.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use lictor_authority::Answer;
use lictor_authority::right::Organizations;
use lictor_core::facts::organization::Organization;
use lictor_core::facts::right::{Resource, Right};
use lictor_core::names::clean_name;

use super::auth::Caller;
use super::error::Problem;
use super::idempotency::{Begun, Post};
use super::json;
use super::page::{Page, Query};
use super::path::Segment;
use super::wire::quotas::{BoundsView, OrganizationPatch};
use super::wire::{self, List, OrganizationView};
use crate::settings::Server;

const READ: Right = Right::read(Resource::Organizations);
pub(super) async fn list(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: Uri,
) -> Result<List, Problem> {
    let (permit, query) = Query::begin(&call, &uri)?;
    let page = Page::take(query, &call, None)?;
    let (after, rows) = (page.after.as_deref(), page.rows());
    let organizations = server.authority.organizations(permit, after, rows);
    let key = |organization: &Arc<Organization>| organization.key.clone();
    let view = |organization: Arc<_>| OrganizationView::from_organization(&organization);
    page.cut(organizations, key, view)
}

pub(super) async fn show(
    State(server): State<Server>,
    Caller(call): Caller,
    segment: Segment,
) -> Result<Json<BoundsView>, Problem> {
    let (permit, key) = segment.name(&call)?;
    let (organization, bounds) = server.authority.bounds(permit, &key).await?;
    Ok(Json(BoundsView::of(&organization, &bounds)))
}

pub(super) async fn set(
    State(server): State<Server>,
    Caller(call): Caller,
    segment: Segment,
    request: Request,
) -> Result<Response, Problem> {
    let (permit, key) = segment.name(&call)?;
    let (parts, body) = request.into_parts();
    let (mut patch, _held) =
        json::object::<OrganizationPatch>(&server, &call, &parts, body).await?;
    let said = Json(&patch).into_response();
    let limits = patch.limits()?;
    let authority = &server.authority;
    let (organization, bounds) = authority
        .set_organization(permit, &key, patch.name, limits)
        .await?;
    // What it has, and what else it may have, is for whoever may read it.
    match call.has_in_installation(READ) {
        true => Ok(Json(BoundsView::of(&organization, &bounds)).into_response()),
        false => Ok(said),
    }
}

pub(super) async fn create(
    State(server): State<Server>,
    request: Request,
) -> Result<Response, Problem> {
    let begun =
        Post::<wire::NewOrganization, Organizations>::begin(&server, "key", request).await?;
    let mut post = match begun {
        Begun::First(post) => post,
        Begun::Answered(response) => return Ok(response),
    };
    // Before the key is looked at.
    let name = post.request.name.as_deref().map(clean_name).transpose()?;
    post.keep(answer);
    let organization = server
        .authority
        .create_organization(post.call.permit()?, &post.request.key, name.as_deref())
        .await?;
    Ok(post.respond(answer(&organization)))
}

pub(super) async fn remove(
    State(server): State<Server>,
    Caller(call): Caller,
    segment: Segment,
) -> Result<StatusCode, Problem> {
    let (permit, key) = segment.name(&call)?;
    server.authority.remove_organization(permit, &key).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn answer(organization: &Organization) -> Answer {
    wire::answer(201, &OrganizationView::from_organization(organization))
}

//! `/v1/applications`: what the organization's applications are, are entitled to, and use.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use lictor_authority::right::Applications;
use lictor_authority::{Answer, Enrolled};
use lictor_core::facts::application::{Application, ApplicationState};
use lictor_core::facts::entitlement::Entitlement;
use lictor_core::facts::figures::ApplicationFigures;
use lictor_core::names::clean_name;

use super::auth::Caller;
use super::error::Problem;
use super::idempotency::{Begun, Post};
use super::json;
use super::page::{Page, Query};
use super::path::Segment;
use super::told::Told;
use super::wire::applications::{ApplicationPatch, ApplicationView, NewApplication};
use super::wire::{self, List};
use crate::settings::Server;

pub(super) async fn list(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: Uri,
) -> Result<List, Problem> {
    let (permit, query) = Query::begin(&call, &uri)?;
    let page = Page::take(query, &call, None)?;
    let all = server.authority.figures(permit).await?;
    let nodes = server.authority.enrolled_nodes(permit).await?;
    let rows = all.after(page.after.as_deref());
    page.cut(
        rows,
        |(figures, _)| figures.application.key.clone(),
        |(figures, entitlement)| ApplicationView::of(figures, entitlement, &nodes, call.now.wall()),
    )
}

pub(super) async fn show(
    State(server): State<Server>,
    Caller(call): Caller,
    segment: Segment,
) -> Result<Json<ApplicationView>, Problem> {
    let (permit, key) = segment.name(&call)?;
    let (figures, entitlement) = server.authority.application(permit, &key).await?;
    let nodes = server.authority.enrolled_nodes(permit).await?;
    Ok(Json(ApplicationView::of(
        &figures,
        &entitlement,
        &nodes,
        call.now.wall(),
    )))
}

pub(super) async fn create(
    State(server): State<Server>,
    request: Request,
) -> Result<Response, Problem> {
    let mut post = match Post::<NewApplication, _>::begin(&server, "key", request).await? {
        Begun::First(post) => post,
        Begun::Answered(response) => return Ok(response),
    };
    let over_limit = post.request.over_limit()?;
    let key = post.request.key.clone();
    // As it will be stored.
    let name = post.request.name.as_deref().map(clean_name).transpose()?;
    let none = Entitlement::of(&key, &[], post.call.now.wall());
    let application = Application {
        key: key.clone(),
        name: name.clone(),
        state: ApplicationState {
            over_limit,
            ..ApplicationState::default()
        },
    };
    let figures = ApplicationFigures::of(&application, &none);
    let answer: Answer = wire::answer(
        201,
        &ApplicationView::of(&figures, &none, &Enrolled::new(), post.call.now.wall()),
    );
    let kept = answer.clone();
    post.keep(move |(): &()| kept.clone());
    server
        .authority
        .create_application(post.permit(), &key, name.as_deref(), over_limit)
        .await?;
    Ok(post.respond(answer))
}

pub(super) async fn set(
    State(server): State<Server>,
    Caller(call): Caller,
    segment: Segment,
    request: Request,
) -> Result<Response, Problem> {
    let (permit, key) = segment.name(&call)?;
    let (parts, body) = request.into_parts();
    let (patch, _held) = json::object::<ApplicationPatch>(&server, &call, &parts, body).await?;
    let over_limit = patch.over_limit()?;
    let (figures, entitlement) = server
        .authority
        .set_application(permit, &key, patch.name.clone(), over_limit)
        .await?;
    // What it is entitled to and uses is for whoever may read it.
    let Ok(permit) = call.permit() else {
        return Ok(Json(patch).into_response());
    };
    let nodes = server.authority.enrolled_nodes(permit).await?;
    let view = ApplicationView::of(&figures, &entitlement, &nodes, call.now.wall());
    Ok(Json(view).into_response())
}

pub(super) async fn remove(
    State(server): State<Server>,
    Caller(call): Caller,
    segment: Segment,
) -> Result<StatusCode, Problem> {
    let (permit, key) = segment.name(&call)?;
    let removed = server.authority.remove_application(permit, &key).await;
    removed.map_err(|error| Told::about::<Applications>(&call).problem(error))?;
    Ok(StatusCode::NO_CONTENT)
}

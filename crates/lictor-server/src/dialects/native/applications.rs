//! `/v1/applications`: what the organization's applications are entitled to, shown and never changed.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use lictor_core::Resource;

use super::auth::Caller;
use super::error::Problem;
use super::page::{Page, Query};
use super::path::Segment;
use super::wire::{ApplicationView, List};
use crate::settings::Server;

pub(super) async fn list(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: Uri,
) -> Result<Json<List<ApplicationView>>, Problem> {
    let query = Query::begin(&call, Resource::Applications, &uri)?;
    let page = Page::take(query, &call, None)?;
    let all = server.authority.entitlements(&call).await?;
    let page = page.pick(all, |entitlement| entitlement.application.clone());
    let view =
        |entitlement: std::sync::Arc<_>| ApplicationView::from_entitlement(&entitlement, call.now);
    Ok(Json(page.map(view)))
}

pub(super) async fn show(
    State(server): State<Server>,
    Caller(call): Caller,
    Segment(key): Segment,
) -> Result<Json<ApplicationView>, Problem> {
    let entitlement = server.authority.entitlement(&call, &key).await?;
    Ok(Json(ApplicationView::from_entitlement(
        &entitlement,
        call.now,
    )))
}

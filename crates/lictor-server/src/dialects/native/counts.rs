//! `/v1/counts`: what was bought, what is used and what is left.

use axum::Json;
use axum::extract::State;
use lictor_core::{Error, Kind, Resource};

use super::auth::Caller;
use super::error::Problem;
use super::page::Query;
use super::wire::counts::CountsView;
use crate::settings::Server;

pub(super) async fn show(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: axum::http::Uri,
) -> Result<Json<CountsView>, Problem> {
    let mut query = Query::begin(&call, Resource::Seats, &uri)?;
    let application = query.take("application")?;
    query.finish()?;
    let mut figures = server.authority.figures(&call).await?;
    if let Some(key) = application {
        figures.applications.retain(|row| row.application == key);
        if figures.applications.is_empty() {
            let kind = Kind::Application;
            return Err(Error::NotFound { kind, name: key }.into());
        }
        figures.counts.holders = figures.applications.iter().map(|row| row.seats).sum();
    }
    Ok(Json(CountsView::of(&figures)))
}

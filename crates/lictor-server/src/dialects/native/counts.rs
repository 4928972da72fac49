//! `/v1/counts`: what was bought, what is used and what is left.

use axum::Json;
use axum::extract::State;
use lictor_authority::right::Seats;
use lictor_core::Error;
use lictor_core::error::Kind;
use lictor_core::facts::figures::OrganizationFigures;

use super::auth::Caller;
use super::error::Problem;
use super::page::{Page, Query};
use super::wire::counts::CountsView;
use crate::settings::Server;

pub(super) async fn show(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: axum::http::Uri,
) -> Result<Json<CountsView>, Problem> {
    let (permit, mut query) = Query::begin::<Seats>(&call, &uri)?;
    let application = query.take("application")?;
    let page = Page::take(query, &call, application.as_deref())?;
    let all = server.authority.figures(permit).await?;
    let Some(key) = application else {
        let rows = all.after(page.after.as_deref()).map(|(row, _)| row);
        let (rows, next_cursor) = page.rows_of(rows, |row| row.application.key.clone());
        return Ok(Json(CountsView::of(&rows, &all.figures, next_cursor)));
    };
    let Some((row, _)) = all.one(&key) else {
        let kind = Kind::Application;
        return Err(Error::NotFound { kind, name: key }.into());
    };
    let mut figures = OrganizationFigures {
        applications: vec![row.clone()],
        counts: all.figures.counts,
    };
    figures.counts.holders = row.application.state.seats;
    Ok(Json(CountsView::of(&[row], &figures, None)))
}

//! `/v1/report`: the usage report of the organization. Its figures are made elsewhere.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;

use super::auth::Caller;
use super::error::Problem;
use super::page::Query;
use super::wire::ReportView;
use crate::settings::Server;

pub(super) async fn show(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: Uri,
) -> Result<Json<ReportView>, Problem> {
    let (permit, query) = Query::begin(&call, &uri)?;
    query.finish()?;
    let report = server.authority.report(permit).await?;
    let hostname = server.settings.shown_hostname(&report.system.hostname);
    Ok(Json(ReportView::from_report(report, hostname)))
}

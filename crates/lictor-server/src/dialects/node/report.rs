//! `POST /v1/feed/report`: what a node says of itself, and its counts.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;

use super::error::Refusal;
use super::{auth, wire};
use crate::settings::Server;

pub(super) async fn handle(server: &Server, request: Request) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let node = auth::node(server, &parts.headers).await?;
    let report = wire::read(server, node.organization, &parts, body).await?;
    let reported = server.authority.report_of_node(&node, report).await?;
    Ok(wire::json(StatusCode::OK, &reported))
}

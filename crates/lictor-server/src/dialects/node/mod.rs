//! The node dialect, `/v1/feed`: nodes join, are sent signed states, and report. Its routes, and the
//! order in which a request is looked at.

mod auth;
mod error;
mod events;
mod join;
mod report;
mod state;
mod wire;

use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use lictor_core::feed::{FEED_PATH, FailureCode, JOIN_PATH, REPORT_PATH};

use crate::http::peer::Peer;
use crate::settings::Server;
use error::Refusal;

/// The paths of all routes, for tests that must know each of them.
pub fn paths() -> [&'static str; 3] {
    [FEED_PATH, JOIN_PATH, REPORT_PATH]
}

/// What is told to who asks too often; when to come again is for the caller to add.
pub fn too_many() -> Response {
    Refusal::too_many().into_response()
}

/// Answers every request of the dialect.
pub async fn handle(server: Server, peer: Peer, request: Request) -> Response {
    let answered = answer(server, peer, request).await;
    answered.unwrap_or_else(Refusal::into_response)
}

async fn answer(server: Server, peer: Peer, request: Request) -> Result<Response, Refusal> {
    let method = match request.uri().path() {
        FEED_PATH => Method::GET,
        JOIN_PATH | REPORT_PATH => Method::POST,
        _ => return Err(Refusal::new(FailureCode::NoRoute, "there is no such path")),
    };
    if *request.method() != method {
        return Err(Refusal::wrong_method(&method));
    }
    if server.settings.node_certificates && !peer.certified {
        return Err(Refusal::new(
            FailureCode::CertificateRequired,
            "nodes need a client certificate here; start the node with --tls-cert and --tls-key",
        ));
    }
    auth::check_formats(request.headers())?;
    match request.uri().path() {
        JOIN_PATH => join::handle(&server, peer.address, request).await,
        REPORT_PATH => report::handle(&server, request).await,
        _ => state::handle(server, request).await,
    }
}

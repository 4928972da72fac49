//! Who asks: the node behind a credential. Tokens of other dialects are of no use here, nor are
//! credentials of nodes anywhere else.

use std::sync::Arc;

use axum::http::HeaderMap;
use lictor_core::Error;
use lictor_core::facts::node::Node;
use lictor_core::feed::{FORMAT, FORMATS_HEADER, FailureCode};

use super::error::Refusal;
use crate::http::call::bearer;
use crate::settings::Server;

/// The node that asks. One that was revoked is told so with a state that says it too.
pub(super) async fn node(server: &Server, headers: &HeaderMap) -> Result<Arc<Node>, Refusal> {
    let credential = bearer(headers).ok_or_else(Refusal::no_credential)?;
    let node = match server.authority.sign_in_node(credential).await {
        Err(error @ Error::Unauthenticated) => {
            let instance = server.authority.feed().instance();
            return Err(Refusal::from(error).said_by(instance));
        }
        other => other?,
    };
    if server.authority.has_left(&node) {
        let instance = server.authority.feed().instance();
        return Err(Refusal::left().said_by(instance));
    }
    let state = server.authority.state_if_revoked(&node).await?;
    match state {
        None => Ok(node),
        Some(state) => Err(Refusal::revoked(state.document.to_string())),
    }
}

/// Refuses a node that takes none of the formats that are spoken here; one that names none takes
/// the first.
pub(super) fn check_formats(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(value) = headers.get(FORMATS_HEADER) else {
        return Ok(());
    };
    let formats = value.to_str().unwrap_or_default().split(',');
    if formats
        .map(str::trim)
        .any(|format| format.parse() == Ok(FORMAT))
    {
        return Ok(());
    }
    let reason = format!(
        "this control plane speaks format {FORMAT} of the state, and the node does not; update \
         whichever is older"
    );
    Err(Refusal::new(FailureCode::UnsupportedFormat, reason))
}

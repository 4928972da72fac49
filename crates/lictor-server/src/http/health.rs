//! What the server says of itself, in nobody's dialect: alive, ready, metrics, and that it panicked.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE, VARY, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::response::IntoResponse;
use lictor_authority::clock::Step;
use lictor_core::Error;
use lictor_core::error::Class;
use lictor_core::exposition::Format;
use serde_json::json;

use super::call;
use super::metrics::{Database, Nodes};
use super::status;
use crate::settings::Server;

/// `GET /healthz`: the process lives.
pub(super) async fn healthz() -> Response<Body> {
    answer(StatusCode::OK, &json!({ "status": "alive" }))
}

/// `GET /readyz`: whether writes would be taken, and why not.
pub(super) async fn readyz(State(server): State<Server>) -> Response<Body> {
    match server.authority.ready().await {
        Ok(()) => {
            let clock = server.authority.clock();
            answer(StatusCode::OK, &ready(clock.last_step()))
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "not ready");
            let body = json!({ "status": "not ready", "reason": error.to_string() });
            answer(StatusCode::SERVICE_UNAVAILABLE, &body)
        }
    }
}

/// A clock that was set is no reason not to be ready, but somebody has to look at it.
fn ready(step: Option<Step>) -> serde_json::Value {
    match step {
        None => json!({ "status": "ready" }),
        Some(Step { by, .. }) => {
            let warning = format!(
                "the wall clock was set by {by:+} s within the last day: dates of licenses and \
                 tokens go by it; check the clock of this machine"
            );
            json!({ "status": "ready", "warning": warning })
        }
    }
}

/// `GET /metrics` with an operator's token.
pub(super) async fn metrics_for_operators(
    State(server): State<Server>,
    headers: HeaderMap,
) -> Response<Body> {
    let Some(secret) = call::bearer(&headers) else {
        return refused(&Error::Unauthenticated);
    };
    let authority = &server.authority;
    let caller = authority.sign_in(secret).await;
    match caller.and_then(|caller| authority.may_read_metrics(&caller.actor)) {
        Ok(()) => metrics_for_all(State(server), headers).await,
        Err(error) => refused(&error),
    }
}

/// `GET /metrics` on a listener of its own, without a token.
pub(super) async fn metrics_for_all(
    State(server): State<Server>,
    headers: HeaderMap,
) -> Response<Body> {
    let accept = headers.get_all(ACCEPT).iter();
    let format = Format::asked_for(accept.filter_map(|value| value.to_str().ok()));
    let authority = &server.authority;
    let read = async {
        let ends = authority.license_ends().await?;
        let of = authority.nodes_of_all().await?;
        Ok((ends, of, authority.sizes().await?))
    };
    match read.await {
        Ok((ends, of, sizes)) => {
            let nodes = Nodes {
                copied: authority.copied_nodes(),
                of,
            };
            let text = server.metrics.text(
                format,
                &Database {
                    engine: authority.engine(),
                    sizes,
                    licenses_looked_at: authority.licenses_looked_at(),
                },
                &ends,
                authority.clock().figures(),
                &authority.quota_refusals(),
                &nodes,
            );
            let headers = [(CONTENT_TYPE, format.content_type()), (VARY, "Accept")];
            (headers, text).into_response()
        }
        Err(error) => refused(&error),
    }
}

fn refused(error: &Error) -> Response<Body> {
    let status = status::of(error.class());
    if error.class() == Class::Internal {
        let error = error as &dyn std::error::Error;
        tracing::error!(error, "metrics could not be read");
    }
    let mut response = answer(status, &json!({ "message": error.to_string() }));
    if status == StatusCode::UNAUTHORIZED {
        let scheme = axum::http::HeaderValue::from_static("Bearer");
        response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    }
    response
}

/// The answer to a request whose handler panicked.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer hands the panic over by value"
)]
pub(super) fn after_panic(panic: Box<dyn std::any::Any + Send>) -> Response<Body> {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(
        panic = text.unwrap_or("of an unknown kind"),
        "a request panicked"
    );
    let body = json!({ "message": "An unexpected error occurred" });
    answer(StatusCode::INTERNAL_SERVER_ERROR, &body)
}

fn answer(status: StatusCode, body: &serde_json::Value) -> Response<Body> {
    let json = [(CONTENT_TYPE, "application/json")];
    (status, json, body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_is_told_by_a_server_that_is_ready() {
        assert_eq!(ready(None), json!({ "status": "ready" }));
        let at = lictor_core::elapsed::Elapsed::from_seconds(1);
        let told = ready(Some(Step { by: -7_200, at }));
        let warning = told["warning"].as_str().expect("a warning");
        assert_eq!(told["status"], "ready");
        assert!(warning.contains("set by -7200 s"), "{warning}");
    }

    #[test]
    fn a_panic_is_answered_and_not_shown() {
        let response = after_panic(Box::new("the secret of the panic"));
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let json = &response.headers()[CONTENT_TYPE];
        assert_eq!(json, "application/json");
    }
}

//! The whole URL space on one screen, and the little that is nobody's dialect: health and metrics.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use lictor_core::{Actor, Error, Role};
use serde_json::json;
use tower_http::catch_panic::CatchPanicLayer;
use uuid::Uuid;

use super::body::BodyLimit;
use super::call;
use super::metrics::{self, Count, LicenseEnd, Metrics, StoreFigures};
use crate::dialects::{kong, native};
use crate::settings::Server;

const HEALTHZ: &str = "/healthz";
const METRICS: &str = "/metrics";
const READYZ: &str = "/readyz";
const V1: &str = "/v1";
/// A nested router has no path that ends here; without this it would be the other dialect's.
const V1_SLASH: &str = "/v1/";

/// The parts of the URL space that requests are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// Everything that belongs to nobody else.
    Kong,
    /// `/v1`.
    Native,
    /// Health and metrics.
    Server,
}

/// The names of [`Dialect`]'s variants, in their order.
const DIALECTS: [&str; 3] = ["kong", "native", "server"];

/// Counters for the routes here, all at zero.
pub fn counters(store: Box<StoreFigures>) -> Arc<Metrics> {
    Arc::new(Metrics::new(&DIALECTS, store))
}

/// Everything that the server answers.
pub fn router(server: Server, metrics: Arc<Metrics>) -> Router {
    // How large a body may be is for the dialects to say, in their own words.
    let patience = BodyLimit::new(u64::MAX);
    let kong = Router::new().fallback(kong::handle).layer(patience);
    let native: Router<()> = native::routes().layer(patience).with_state(server.clone());
    Router::new()
        .route(HEALTHZ, get(healthz))
        .route(READYZ, get(readyz))
        .route(METRICS, get(metrics_for_operators))
        .route_service(V1_SLASH, native.clone())
        .nest(V1, native.with_state(()))
        .fallback_service(kong.with_state(server.clone()))
        .layer(CatchPanicLayer::custom(after_panic))
        .layer(Count::new(metrics.clone(), |path| {
            dialect_of(path) as usize
        }))
        .with_state(Observed { server, metrics })
}

/// The metrics without a token, for a listener of their own.
pub fn metrics_router(server: Server, metrics: Arc<Metrics>) -> Router {
    Router::new()
        .route(HEALTHZ, get(healthz))
        .route(METRICS, get(metrics_for_all))
        .layer(CatchPanicLayer::custom(after_panic))
        .with_state(Observed { server, metrics })
}

/// What the routes here are given.
#[derive(Clone)]
struct Observed {
    server: Server,
    metrics: Arc<Metrics>,
}

async fn healthz() -> Response<Body> {
    answer(StatusCode::OK, &json!({ "status": "alive" }))
}

async fn readyz(State(observed): State<Observed>) -> Response<Body> {
    match observed.server.authority.ready().await {
        Ok(()) => answer(StatusCode::OK, &json!({ "status": "ready" })),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "not ready");
            let body = json!({ "status": "not ready", "reason": error.to_string() });
            answer(StatusCode::SERVICE_UNAVAILABLE, &body)
        }
    }
}

async fn metrics_for_operators(
    State(observed): State<Observed>,
    headers: HeaderMap,
) -> Response<Body> {
    let Some(secret) = call::bearer(&headers) else {
        return refused(&Error::Unauthenticated);
    };
    let actor = observed.server.authority.sign_in(secret).await;
    match actor.and_then(|actor| observed.server.authority.may_read_metrics(&actor)) {
        Ok(()) => metrics_for_all(State(observed)).await,
        Err(error) => refused(&error),
    }
}

async fn metrics_for_all(State(observed): State<Observed>) -> Response<Body> {
    let text = match license_ends(&observed.server).await {
        Ok(ends) => observed
            .metrics
            .text(observed.server.authority.engine(), ends),
        Err(error) => Err(error),
    };
    match text {
        Ok(text) => ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => refused(&error),
    }
}

async fn license_ends(server: &Server) -> Result<Vec<LicenseEnd>, Error> {
    // The right to read metrics was checked; the figures are of every organization.
    let itself = Actor {
        token: Uuid::nil(),
        name: None,
        role: Role::Operator,
        organization: None,
        scopes: Vec::new(),
    };
    let authority = &server.authority;
    let call = authority.call(itself.clone(), None)?;
    let mut ends = Vec::new();
    for organization in authority.organizations(&call)? {
        let call = authority.call(itself.clone(), Some(&organization.key))?;
        for entitlement in authority.entitlements(&call).await? {
            let license = entitlement.license.as_ref();
            ends.push(LicenseEnd {
                organization: organization.key.clone(),
                application: entitlement.application.clone(),
                seconds_left: license.map_or(0, |license| license.expires_at - call.now),
            });
        }
    }
    Ok(ends)
}

fn refused(error: &Error) -> Response<Body> {
    let status = match error {
        Error::Unauthenticated => StatusCode::UNAUTHORIZED,
        Error::Forbidden(_) => StatusCode::FORBIDDEN,
        _ => {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "metrics could not be read"
            );
            StatusCode::INTERNAL_SERVER_ERROR
        }
    };
    let mut response = answer(status, &json!({ "message": error.to_string() }));
    if status == StatusCode::UNAUTHORIZED {
        let scheme = axum::http::HeaderValue::from_static("Bearer");
        response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    }
    response
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer hands the panic over by value"
)]
fn after_panic(panic: Box<dyn std::any::Any + Send>) -> Response<Body> {
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

fn dialect_of(path: &str) -> Dialect {
    match path {
        HEALTHZ | READYZ | METRICS => Dialect::Server,
        _ if path
            .strip_prefix(V1)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) =>
        {
            Dialect::Native
        }
        _ => Dialect::Kong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_organization_can_have_a_route_for_its_key() {
        for route in [HEALTHZ, METRICS, READYZ, V1] {
            let first = route.trim_start_matches('/').split('/').next();
            let reserved = lictor_core::organization::RESERVED_KEYS;
            assert!(
                first.is_some_and(|first| reserved.contains(&first)),
                "{route}"
            );
        }
    }

    #[test]
    fn a_panic_is_answered_and_not_shown() {
        let response = after_panic(Box::new("the secret of the panic"));
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let json = &response.headers()[CONTENT_TYPE];
        assert_eq!(json, "application/json");
    }

    #[test]
    fn requests_are_counted_where_they_are_routed() {
        for (path, dialect) in [
            ("/healthz", Dialect::Server),
            ("/v1", Dialect::Native),
            ("/v1/licenses", Dialect::Native),
            ("/v12", Dialect::Kong),
            ("/licenses", Dialect::Kong),
            ("/", Dialect::Kong),
            ("/healthz/x", Dialect::Kong),
        ] {
            assert_eq!(dialect_of(path), dialect, "{path}");
        }
    }
}

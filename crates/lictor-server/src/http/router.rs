//! The whole URL space on one screen: which path goes to which dialect. It answers nothing itself.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;

use super::body::BodyDeadline;
use super::health::{
    Observed, after_panic, healthz, metrics_for_all, metrics_for_operators, readyz,
};
use super::metrics::{Count, Metrics, StoreFigures};
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
    let patience = BodyDeadline::default();
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

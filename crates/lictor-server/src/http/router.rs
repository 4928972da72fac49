//! The whole URL space on one screen: which path goes to which dialect. It answers nothing itself.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::RETRY_AFTER;
use axum::response::Response;
use axum::routing::get;
use futures_util::FutureExt;
use lictor_core::exposition::Section;
use tokio::time::sleep;
use tower::Service;

use super::body::BodyDeadline;
use super::budget::Budgets;
use super::connection::Answers;
use super::fairness::{self, Fairness};
use super::health::{after_panic, healthz, metrics_for_all, metrics_for_operators, readyz};
use super::limits::{CREDENTIAL_READ_TIMEOUT, REFUSED_AFTER};
use super::metrics::{Metrics, StoreFigures};
use super::peer::Peer;
use super::rates::{self, Rates};
use super::traffic::Connections;
use crate::dialects::{jira, kong, native, node, zoho};
use crate::settings::Server;

const HEALTHZ: &str = "/healthz";
const METRICS: &str = "/metrics";
const READYZ: &str = "/readyz";
const JIRA: [&str; 3] = ["/rest", "/ex/jira", "/_edge"];
const ZOHO: [&str; 2] = ["/crm", "/oauth"];
const FEED: &str = "/v1/feed";
const V1: &str = "/v1";

/// The parts of the URL space that requests are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// Everything that belongs to nobody else.
    Kong,
    /// `/rest`, `/ex/jira` and `/_edge`.
    Jira,
    /// `/crm` and `/oauth`.
    Zoho,
    /// `/v1/feed`.
    Node,
    /// The rest of `/v1`.
    Native,
    /// Health and metrics.
    Server,
}

/// The names of [`Dialect`]'s variants, in their order.
const DIALECTS: [&str; 6] = ["kong", "jira", "zoho", "node", "native", "server"];

/// Counters for the routes here, all at zero; `process` adds its metrics to theirs.
pub fn counters(store: Box<StoreFigures>, process: Box<Section>) -> Arc<Metrics> {
    Arc::new(Metrics::new(&DIALECTS, store, process))
}

/// Everything that the server answers: what `router` returns, shared by all connections.
#[derive(Clone)]
pub struct App(Arc<AppParts>);

#[derive(Clone)]
struct AppParts {
    server: Server,
    /// `None` if anybody may ask as often as they like.
    rates: Option<Arc<Rates>>,
    fairness: Arc<Fairness>,
    native: native::Routes,
    /// Health and metrics.
    observed: Router,
}

/// A request on its way through its dialect.
type Routed = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Everything that the server answers.
pub fn router(server: Server) -> App {
    let native = native::Routes::new(server.clone());
    let observed = Router::new()
        .route(HEALTHZ, get(healthz))
        .route(READYZ, get(readyz))
        .route(METRICS, get(metrics_for_operators))
        .with_state(server.clone());
    App(Arc::new(AppParts {
        rates: server.settings.rate_limit.map(Rates::new).map(Arc::new),
        fairness: Arc::default(),
        server,
        native,
        observed,
    }))
}

/// The metrics without a token, for a listener of their own.
pub fn metrics_router(server: Server) -> Router {
    Router::new()
        .route(HEALTHZ, get(healthz))
        .route(METRICS, get(metrics_for_all))
        .with_state(server)
}

impl Answers for App {
    /// Counts every answer; a panic becomes one.
    fn answer(
        self,
        peer: Peer,
        request: Request,
    ) -> impl Future<Output = Response> + Send + 'static {
        let begun = Instant::now();
        let method = request.method().clone();
        let dialect = dialect_of(request.uri().path());
        let parts = &self.0;
        let routed = if parts.rates.is_none() || dialect == Dialect::Server {
            parts.route(dialect, peer, request, begun)
        } else {
            let parts = Arc::clone(parts);
            Box::pin(parts.route_within_rate(dialect, peer, request, begun))
        };
        let caught = AssertUnwindSafe(routed).catch_unwind();
        fairness::of(self.clone(), begun, caught).map(move |(answered, ended)| {
            let response = match answered {
                Ok(response) => response,
                Err(panic) => after_panic(panic),
            };
            let took = ended.duration_since(begun);
            let metrics = &self.0.server.metrics;
            metrics.count(dialect as usize, &method, response.status(), took);
            response
        })
    }

    fn for_connection(&self) -> Self {
        let parts = &*self.0;
        Self(Arc::new(AppParts {
            server: parts.server.for_connection(),
            ..parts.clone()
        }))
    }

    fn traffic(&self) -> Option<Arc<Connections>> {
        Some(self.0.server.metrics.connections())
    }

    fn budgets(&self) -> Option<Budgets> {
        Some(self.0.server.budgets.clone())
    }
}

impl AsRef<Arc<Fairness>> for App {
    fn as_ref(&self) -> &Arc<Fairness> {
        &self.0.fairness
    }
}

impl AppParts {
    /// Routes a request if its token, or its address where it shows none that is good, has not made
    /// too many.
    async fn route_within_rate(
        self: Arc<Self>,
        dialect: Dialect,
        peer: Peer,
        request: Request,
        begun: Instant,
    ) -> Response {
        if let Some(rates) = &self.rates
            && let Err(seconds) = self
                .count(rates, dialect, (peer, begun), request.headers())
                .await
        {
            let mut answer = match dialect {
                Dialect::Kong | Dialect::Server => kong::too_many(&self.server, request, begun),
                Dialect::Jira => jira::too_many(),
                Dialect::Zoho => zoho::too_many(request.uri().path()),
                Dialect::Node => node::too_many(),
                Dialect::Native => native::too_many(),
            };
            answer.headers_mut().insert(RETRY_AFTER, seconds.into());
            // Many who come again at once would keep the runtime busy with nothing but refusals.
            Box::pin(sleep(REFUSED_AFTER)).await;
            return answer;
        }
        self.route(dialect, peer, request, begun).await
    }

    /// Whoever shows a token that nobody has asked with yet is counted by address until it is known
    /// to be good, so that tokens cannot be made up to ask more often.
    async fn count(
        &self,
        rates: &Rates,
        dialect: Dialect,
        (peer, begun): (Peer, Instant),
        headers: &HeaderMap,
    ) -> Result<(), u64> {
        let own = (dialect == Dialect::Kong).then_some(kong::TOKEN);
        let shown = rates::token_of(headers, own);
        let known = shown
            .as_ref()
            .and_then(|shown| rates.of_token(shown.digest(), begun));
        if let Some(counted) = known {
            return counted;
        }
        rates.of_address(peer.address, begun)?;
        if let Some(shown) = shown {
            let authority = &self.server.authority;
            let is_good = match dialect {
                Dialect::Node => authority.sign_in_node(shown.secret()).await.is_ok(),
                _ => authority.sign_in(shown.secret()).await.is_ok(),
            };
            if is_good {
                return rates.of_good_token(*shown.digest(), begun);
            }
        }
        Ok(())
    }

    /// The way of a request through its dialect, in a box of its size: who asks for little pays for no
    /// more.
    fn route(
        self: &Arc<Self>,
        dialect: Dialect,
        peer: Peer,
        request: Request,
        begun: Instant,
    ) -> Routed {
        let (server, in_time) = (self.server.clone(), BodyDeadline::default());
        match dialect {
            Dialect::Kong => {
                Box::pin(in_time.around(request, |request| kong::handle(server, request, begun)))
            }
            Dialect::Jira => {
                Box::pin(in_time.around(request, |request| jira::handle(server, request)))
            }
            Dialect::Zoho => {
                // The only bodies here are those that clients sign in with.
                let in_time = BodyDeadline(CREDENTIAL_READ_TIMEOUT);
                Box::pin(in_time.around(request, |request| {
                    zoho::handle(server, peer.address, request)
                }))
            }
            Dialect::Node => {
                Box::pin(in_time.around(request, |request| node::handle(server, peer, request)))
            }
            Dialect::Native => {
                Box::pin(in_time.around(request, |request| self.native.answer(server, request)))
            }
            Dialect::Server => {
                Box::pin(self.observed.clone().call(request).map(|Ok(answer)| answer))
            }
        }
    }
}

fn dialect_of(path: &str) -> Dialect {
    match path {
        HEALTHZ | READYZ | METRICS => Dialect::Server,
        _ if is_under(path, FEED) => Dialect::Node,
        _ if is_under(path, V1) => Dialect::Native,
        _ if ZOHO.iter().any(|prefix| is_under(path, prefix)) => Dialect::Zoho,
        _ if JIRA.iter().any(|prefix| is_under(path, prefix)) => Dialect::Jira,
        _ => Dialect::Kong,
    }
}

/// Whether the path is the prefix, or goes on behind it with a segment of its own.
fn is_under(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_organization_can_have_a_route_for_its_key() {
        for route in [HEALTHZ, METRICS, READYZ, V1]
            .into_iter()
            .chain(JIRA)
            .chain(ZOHO)
        {
            let first = route.trim_start_matches('/').split('/').next();
            let free = first.is_none_or(lictor_core::facts::organization::may_be_stored);
            assert!(!free, "{route}");
        }
    }

    #[test]
    fn requests_are_counted_where_they_are_routed() {
        for (path, dialect) in [
            ("/healthz", Dialect::Server),
            ("/v1", Dialect::Native),
            ("/v1/licenses", Dialect::Native),
            ("/v1/feed", Dialect::Node),
            ("/v1/feed/report", Dialect::Node),
            ("/v1/feeds", Dialect::Native),
            ("/v12", Dialect::Kong),
            ("/rest/api", Dialect::Jira),
            ("/rest/api/3/myself", Dialect::Jira),
            ("/crm", Dialect::Zoho),
            ("/crm/v7/org", Dialect::Zoho),
            ("/oauth/v2/token", Dialect::Zoho),
            ("/crmx", Dialect::Kong),
            ("/rest/apix", Dialect::Jira),
            ("/rest", Dialect::Jira),
            ("/rest/auth/1/session", Dialect::Jira),
            ("/restx", Dialect::Kong),
            ("/_edge/tenant_info", Dialect::Jira),
            ("/ex/jira/x/rest/api/2/myself", Dialect::Jira),
            ("/ex/other", Dialect::Kong),
            ("/licenses", Dialect::Kong),
            ("/", Dialect::Kong),
            ("/healthz/x", Dialect::Kong),
        ] {
            assert_eq!(dialect_of(path), dialect, "{path}");
        }
    }
}

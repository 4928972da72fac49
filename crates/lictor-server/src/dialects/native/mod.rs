//! The native dialect, `/v1`: its route table, and nothing of what stands behind the routes.

mod accounts;
mod applications;
mod auth;
mod backup;
mod census;
mod clients;
mod conditions;
mod counts;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod idempotency;
mod json;
mod leases;
mod ledger;
mod licenses;
mod node_pools;
mod nodes;
mod organizations;
mod page;
mod path;
mod refusals;
mod report;
mod seats;
mod tokens;
mod told;
mod trust;
mod usage;
mod wire;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, delete, get, post};
use futures_util::FutureExt as _;
use lictor_authority::answering;
use tower::Service as _;

use crate::http::budget::{NoRoom, Owner};
use crate::settings::Server;

/// What answers under `/v1`.
#[derive(Clone)]
pub struct Routes {
    router: Router,
    running: Arc<idempotency::Running>,
}

impl Routes {
    /// All of them.
    pub fn new(server: Server) -> Self {
        // One router with whole paths: each that is nested and each layer would cost every request
        // some allocations.
        let router = table()
            .into_iter()
            .fold(Router::new(), |router, (path, methods)| {
                router.route(&format!("/v1{path}"), methods)
            })
            .fallback(error::no_such_route)
            .method_not_allowed_fallback(error::wrong_method)
            .with_state(server);
        Self {
            router,
            running: Arc::default(),
        }
    }

    /// Answers one request. How large a body may be is for each route to say.
    pub fn answer(
        &self,
        server: Server,
        mut request: Request,
    ) -> impl Future<Output = Response> + Send + use<> {
        let is_read = request.method().is_safe();
        if !is_read {
            request.extensions_mut().insert(Arc::clone(&self.running));
        }
        let answered = self.router.clone().call(request);
        answered.then(move |Ok(answer)| hand_over(server, answer, is_read))
    }
}

/// What is told to who asks too often; when to come again is for the caller to add.
pub fn too_many() -> Response {
    error::too_many().into_response()
}

/// Hands an answer over, for the memory of the organization that the request was about.
async fn hand_over(server: Server, answer: Response, is_read: bool) -> Response {
    let is_done = !is_read && answer.status().is_success();
    let owner = answering::organization().map_or(Owner::Anonymous, Owner::Organization);
    let handed_over = server.budgets.hand_over(owner, answer).await;
    handed_over.unwrap_or_else(|NoRoom| match is_done {
        true => error::answer_lost().into_response(),
        false => error::busy().into_response(),
    })
}

/// The paths of all routes, for tests that must know each of them.
pub fn paths() -> Vec<&'static str> {
    table().into_iter().map(|(path, _)| path).collect()
}

fn table() -> Vec<(&'static str, MethodRouter<Server>)> {
    vec![
        ("/licenses", get(licenses::list).post(licenses::add)),
        (
            "/licenses/{id}",
            get(licenses::show)
                .put(licenses::put)
                .delete(licenses::remove),
        ),
        (
            "/applications",
            get(applications::list).post(applications::create),
        ),
        (
            "/applications/{key}",
            get(applications::show)
                .patch(applications::set)
                .delete(applications::remove),
        ),
        (
            "/applications/{key}/seats",
            get(seats::list).post(seats::assign),
        ),
        ("/applications/{key}/seats/bulk", post(seats::bulk)),
        (
            "/applications/{key}/seats/{account}",
            delete(seats::release),
        ),
        (
            "/applications/{key}/leases",
            get(leases::list).post(leases::check_out),
        ),
        ("/leases/{id}", get(leases::show)),
        ("/leases/{id}/renew", post(leases::renew)),
        ("/leases/{id}/release", post(leases::release)),
        ("/holders/{holder}", delete(leases::forget)),
        ("/accounts", get(accounts::list).post(accounts::create)),
        ("/accounts/import", post(accounts::import)),
        (
            "/accounts/{account}",
            get(accounts::show)
                .patch(accounts::set)
                .delete(accounts::remove),
        ),
        ("/accounts/{account}/seats", get(accounts::seats)),
        ("/counts", get(counts::show)),
        ("/refusals", get(refusals::list)),
        ("/census", get(census::show).post(census::take)),
        (
            "/organizations",
            get(organizations::list).post(organizations::create),
        ),
        (
            "/organizations/{key}",
            get(organizations::show)
                .patch(organizations::set)
                .delete(organizations::remove),
        ),
        ("/trust", get(trust::list).post(trust::add)),
        ("/trust/{key_id}", get(trust::show)),
        ("/trust/{key_id}/retire", post(trust::retire)),
        ("/trust/{key_id}/revoke", post(trust::revoke)),
        ("/tokens", get(tokens::list).post(tokens::create)),
        ("/tokens/{id}", get(tokens::show).delete(tokens::revoke)),
        ("/clients", get(clients::list).post(clients::create)),
        (
            "/clients/{client}",
            get(clients::show)
                .patch(clients::set)
                .delete(clients::remove),
        ),
        ("/clients/{client}/codes", post(clients::create_code)),
        ("/nodes", get(nodes::list).post(nodes::enroll)),
        ("/nodes/{node}", get(nodes::show).delete(nodes::revoke)),
        (
            "/node-pools",
            get(node_pools::list).post(node_pools::create),
        ),
        (
            "/node-pools/{pool}",
            get(node_pools::show).delete(node_pools::revoke),
        ),
        (
            "/node-policy",
            get(nodes::show_policy).put(nodes::set_policy),
        ),
        ("/node-adoptions", post(nodes::adopt)),
        ("/usage", get(usage::list).post(usage::record)),
        ("/usage/corrections", post(usage::correct)),
        ("/ledger", get(ledger::list)),
        ("/report", get(report::show)),
        ("/backup", get(backup::send).head(backup::announce)),
        ("/backup/control-plane-key", get(backup::send_key)),
    ]
}

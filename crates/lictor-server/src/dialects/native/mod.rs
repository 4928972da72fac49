//! The native dialect, `/v1`: its route table, and nothing of what stands behind the routes.

mod accounts;
mod applications;
mod auth;
mod backup;
mod census;
mod clients;
mod conditions;
mod counts;
mod description;
mod error;
mod frame;
#[cfg(fuzzing)]
pub mod fuzzing;
mod json;
mod leases;
mod ledger;
mod licenses;
mod node_pools;
mod nodes;
mod organizations;
mod paging;
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
use futures_util::FutureExt as _;
use lictor_api::operations;
use lictor_authority::answering;
use tower::Service as _;

use self::frame::{Served, serve, serve_naming};
use crate::http::budget::{NoRoom, Owner};
use crate::settings::Server;

/// What answers under `/v1`.
#[derive(Clone)]
pub struct Routes {
    router: Router,
    running: Arc<frame::Running>,
}

impl Routes {
    /// All of them.
    pub fn new(server: Server) -> Self {
        // One router with whole paths: each that is nested and each layer would cost every request
        // some allocations.
        let served = rows().into_iter();
        let served = served.map(|Served { facts, methods }| (facts.path, methods));
        let router = served
            .chain(description::routes())
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
    let rows = rows().into_iter().map(|served| served.facts.path);
    let mut paths: Vec<_> = rows.collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// Every operation, with its handler.
fn rows() -> Vec<Served> {
    vec![
        serve(&operations::LIST_LICENSES, licenses::list),
        serve(&operations::ADD_LICENSE, licenses::add),
        serve(&operations::SHOW_LICENSE, licenses::show),
        serve(&operations::PUT_LICENSE, licenses::put),
        serve(&operations::REMOVE_LICENSE, licenses::remove),
        serve(&operations::LIST_APPLICATIONS, applications::list),
        serve(&operations::CREATE_APPLICATION, applications::create),
        serve(&operations::SHOW_APPLICATION, applications::show),
        serve(&operations::SHOW_OUTLOOK, applications::outlook),
        serve(&operations::CHANGE_APPLICATION, applications::set),
        serve(&operations::REMOVE_APPLICATION, applications::remove),
        serve(&operations::LIST_SEATS, seats::list),
        serve(&operations::ASSIGN_SEAT, seats::assign),
        serve_naming(
            &operations::CHANGE_SEATS,
            Some(seats::named_again),
            seats::change,
        ),
        serve(&operations::RELEASE_SEAT, seats::release),
        serve(&operations::LIST_LEASES, leases::list),
        serve(&operations::CHECK_OUT_LEASE, leases::check_out),
        serve(&operations::LIST_ENDED_LEASES, leases::list_ended),
        serve(&operations::SHOW_LEASE, leases::show),
        serve(&operations::RENEW_LEASE, leases::renew),
        serve(&operations::RELEASE_LEASE, leases::release),
        serve(&operations::FORGET_HOLDER, leases::forget),
        serve(&operations::LIST_REFUSALS, refusals::list),
        serve(&operations::LIST_REFUSALS_BY_HOUR, refusals::list_by_hour),
        serve(&operations::LIST_ACCOUNTS, accounts::list),
        serve(&operations::CREATE_ACCOUNT, accounts::create),
        serve(&operations::IMPORT_ACCOUNTS, accounts::import),
        serve(&operations::SHOW_ACCOUNT, accounts::show),
        serve(&operations::CHANGE_ACCOUNT, accounts::set),
        serve(&operations::REMOVE_ACCOUNT, accounts::remove),
        serve(&operations::LIST_SEATS_OF_ACCOUNT, accounts::seats),
        serve(&operations::SHOW_COUNTS, counts::show),
        serve(&operations::SHOW_CENSUS, census::show),
        serve(&operations::TAKE_CENSUS, census::take),
        serve(&operations::LIST_ORGANIZATIONS, organizations::list),
        serve(&operations::CREATE_ORGANIZATION, organizations::create),
        serve(&operations::SHOW_ORGANIZATION, organizations::show),
        serve(&operations::CHANGE_ORGANIZATION, organizations::set),
        serve(&operations::REMOVE_ORGANIZATION, organizations::remove),
        serve(&operations::SHOW_TRUST, trust::list),
        serve(&operations::TRUST_KEY, trust::add),
        serve(&operations::SHOW_KEY, trust::show),
        serve(&operations::RETIRE_KEY, trust::retire),
        serve(&operations::REVOKE_KEY, trust::revoke),
        serve(&operations::LIST_TOKENS, tokens::list),
        serve(&operations::CREATE_TOKEN, tokens::create),
        serve(&operations::SHOW_TOKEN, tokens::show),
        serve(&operations::REVOKE_TOKEN, tokens::revoke),
        serve(&operations::LIST_CLIENTS, clients::list),
        serve(&operations::CREATE_CLIENT, clients::create),
        serve(&operations::SHOW_CLIENT, clients::show),
        serve(&operations::CHANGE_CLIENT, clients::set),
        serve(&operations::REMOVE_CLIENT, clients::remove),
        serve(&operations::CREATE_CODE, clients::create_code),
        serve(&operations::LIST_NODES, nodes::list),
        serve(&operations::ENROLL_NODE, nodes::enroll),
        serve(&operations::SHOW_NODE, nodes::show),
        serve(&operations::REVOKE_NODE, nodes::revoke),
        serve(&operations::LIST_NODE_POOLS, node_pools::list),
        serve(&operations::CREATE_NODE_POOL, node_pools::create),
        serve(&operations::SHOW_NODE_POOL, node_pools::show),
        serve(&operations::REVOKE_NODE_POOL, node_pools::revoke),
        serve(&operations::SHOW_NODE_POLICY, nodes::show_policy),
        serve(&operations::SET_NODE_POLICY, nodes::set_policy),
        serve(&operations::ADOPT_NODES, nodes::adopt),
        serve(&operations::LIST_USAGE, usage::list),
        serve(&operations::RECORD_USAGE, usage::record),
        serve(&operations::CORRECT_USAGE, usage::correct),
        serve(&operations::LIST_ENTRIES, ledger::list),
        serve(&operations::SHOW_REPORT, report::show),
        serve(&operations::COPY_DATABASE, backup::send),
        serve(&operations::SHOW_CONTROL_PLANE_KEY, backup::send_key),
    ]
}

//! Every read of `/v1`, by the small and the large tenant in turn.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lictor_api::operations;
use lictor_api::row::Method;
use lictor_testkit::{Connection, Server};
use serde_json::Value;

use super::fill::{PAGE, Tenant};
use crate::operator::Operator;

/// How often each is asked of each.
const TIMES: usize = 200;

/// How often it is tried, of which the best counts: a machine does other things too.
const TRIES: usize = 3;

/// How many times as long as of few accounts a read may take.
const SLOWER: f64 = 2.0;

/// What is too short to be compared on a machine that does other things too, in milliseconds.
const SHORT: f64 = 1.0;

/// Routes with a GET that is no read of a tenant.
const OTHERS: [&str; 3] = [
    "/v1/backup",
    "/v1/backup/control-plane-key",
    "/v1/trust/{key}",
];

/// The reads by the routes that they are of. `{}` stands for the id of one such thing, and `PAGE` for the
/// length of a page.
const READS: [(&str, &str); 35] = [
    ("/v1/licenses", "/v1/licenses?limit=PAGE"),
    ("/v1/licenses", "/v1/licenses?application=app-1&limit=4"),
    ("/v1/licenses/{license}", "/v1/licenses/{}"),
    ("/v1/applications", "/v1/applications?limit=PAGE"),
    ("/v1/applications/{application}", "/v1/applications/app-0"),
    (
        "/v1/applications/{application}/outlook",
        "/v1/applications/app-0/outlook",
    ),
    (
        "/v1/applications/{application}/seats",
        "/v1/applications/app-0/seats?limit=PAGE",
    ),
    (
        "/v1/applications/{application}/leases",
        "/v1/applications/app-0/leases?limit=PAGE",
    ),
    (
        "/v1/applications/{application}/leases/ended",
        "/v1/applications/app-0/leases/ended?holder=host-0",
    ),
    (
        "/v1/applications/{application}/leases/ended",
        "/v1/applications/app-0/leases/ended?limit=PAGE",
    ),
    ("/v1/leases/{lease}", "/v1/leases/{}"),
    ("/v1/accounts", "/v1/accounts?limit=PAGE"),
    (
        "/v1/accounts",
        "/v1/accounts?email=person-0000777@example.com",
    ),
    ("/v1/accounts/{account}", "/v1/accounts/{}"),
    ("/v1/accounts/{account}/seats", "/v1/accounts/{}/seats"),
    ("/v1/counts", "/v1/counts?limit=PAGE"),
    ("/v1/counts", "/v1/counts?application=app-1"),
    ("/v1/refusals", "/v1/refusals?limit=PAGE"),
    ("/v1/refusals/by-hour", "/v1/refusals/by-hour?limit=PAGE"),
    ("/v1/census", "/v1/census"),
    ("/v1/organizations", "/v1/organizations"),
    ("/v1/organizations/{organization}", "/v1/organizations/{}"),
    ("/v1/trust", "/v1/trust"),
    ("/v1/tokens", "/v1/tokens?limit=PAGE"),
    ("/v1/tokens/{token}", "/v1/tokens/{}"),
    ("/v1/clients", "/v1/clients?limit=PAGE"),
    ("/v1/clients/{client}", "/v1/clients/{}"),
    ("/v1/nodes", "/v1/nodes?limit=PAGE"),
    ("/v1/node-pools", "/v1/node-pools?limit=PAGE"),
    ("/v1/nodes/{node}", "/v1/nodes/{}"),
    ("/v1/node-pools/{pool}", "/v1/node-pools/{}"),
    ("/v1/node-policy", "/v1/node-policy"),
    ("/v1/usage", "/v1/usage?limit=PAGE"),
    (
        "/v1/ledger",
        "/v1/ledger?stream=organization&after=100&limit=PAGE",
    ),
    ("/v1/report", "/v1/report"),
];

/// Asks for all, and says which take longer of many accounts.
pub(super) fn compare(
    server: &Server,
    (small, large): (&Tenant, &Tenant),
    whole: bool,
) -> Result<Vec<String>> {
    let mut slower = unread();
    for (_, read) in READS {
        let paths = [small, large].map(|tenant| path(server, tenant, read));
        let [few, many] = paths;
        let paths = [few?, many?];
        let mut best = (f64::INFINITY, String::new());
        for _ in 0..TRIES {
            let [few, many] = asked(server, [small.key, large.key], &paths)?;
            // The whole is compared by the slowest, on a machine of its own.
            let at = if whole { 99 } else { 50 };
            let (few, many) = (within(at, &few), within(at, &many));
            let ratio = match !whole && many < SHORT {
                true => 1.0,
                false => many / few,
            };
            if ratio < best.0 {
                best = (ratio, format!("{read}: {few:.2} ms, {many:.2} ms of many"));
            }
            if ratio <= SLOWER {
                break;
            }
        }
        println!("{}", best.1);
        if best.0 > SLOWER {
            slower.push(best.1);
        }
    }
    Ok(slower)
}

/// The routes with a GET of which nothing is read here.
fn unread() -> Vec<String> {
    let facts = operations::ALL.iter().map(|row| row.facts());
    let gets = facts.filter(|facts| facts.method == Method::Get);
    let routes = gets.map(|facts| format!("/v1{}", facts.path));
    let is_read = |route: &String| {
        OTHERS.contains(&route.as_str()) || READS.iter().any(|(read, _)| read == route)
    };
    routes
        .filter(|route| !is_read(route))
        .map(|route| format!("{route} is never read"))
        .collect()
}

/// The path of a read, with the id of something that this tenant has.
fn path(server: &Server, tenant: &Tenant, read: &str) -> Result<String> {
    let read = read.replace("PAGE", &PAGE.to_string());
    let Some((list, _)) = read.split_once("/{}") else {
        return Ok(read);
    };
    if list == "/v1/organizations" {
        return Ok(read.replace("{}", tenant.key));
    }
    let of_all = match list {
        "/v1/leases" => "/v1/applications/app-0/leases",
        list => list,
    };
    let mut operator = Operator::of(server, tenant.key)?;
    let page = operator.send("GET", &format!("{of_all}?limit={PAGE}"), &Value::Null)?;
    let id = page["data"][PAGE / 2]["id"].as_str();
    Ok(read.replace("{}", id.with_context(|| format!("no id in {page}"))?))
}

/// How long both took each time.
fn asked(
    server: &Server,
    organizations: [&str; 2],
    paths: &[String; 2],
) -> Result<[Vec<Duration>; 2]> {
    let mut took = [Vec::new(), Vec::new()];
    let mut connections = Vec::new();
    for organization in organizations {
        let mut connection = Connection::open(&server.address)?;
        connection.act_in(organization);
        connections.push(connection);
    }
    for _ in 0..TIMES {
        for (at, connection) in connections.iter_mut().enumerate() {
            let begun = Instant::now();
            let answer = connection.get(&paths[at])?;
            took[at].push(begun.elapsed());
            let said = String::from_utf8_lossy(&answer.body);
            ensure!(
                answer.status == 200,
                "{}: {} {said}",
                paths[at],
                answer.status
            );
        }
    }
    Ok(took)
}

/// The time within which so many of 100 were answered, in milliseconds.
fn within(percent: usize, took: &[Duration]) -> f64 {
    let mut sorted = took.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted[place].as_secs_f64() * 1e3
}

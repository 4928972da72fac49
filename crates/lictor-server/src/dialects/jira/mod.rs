//! The Jira dialect: the license metrics of Jira's REST API, versions 2, 3 and `latest`, and what its
//! clients ask beside them. Its routes as data, and the order in which a request is looked at.

mod auth;
mod error;
mod license;
mod server;
mod user;
mod wire;

use std::borrow::Cow;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::response::Response;
use lictor_authority::Call;
use lictor_core::Error;
use percent_encoding::percent_decode_str;

use crate::dialects::patterns::variable;
use crate::http::budget::{NoRoom, Owner};
use crate::http::request_id::request_id;
use crate::settings::Server;
use auth::Caller;
use error::Refusal;

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    License,
    Total,
    Product,
    ServerInfo,
    Myself,
    Permissions,
}

impl Place {
    /// Whether it answers those who have not signed in.
    fn is_open(self) -> bool {
        matches!(self, Self::ServerInfo | Self::Permissions)
    }
}

/// The versions, which all answer alike.
const VERSIONS: [&str; 3] = ["2", "3", "latest"];

/// All paths after `/rest/api/` and a version; `{key}` is any segment.
const ROUTES: &[(&[&str], Place)] = &[
    (&["instance", "license"], Place::License),
    (&["license", "approximateLicenseCount"], Place::Total),
    (
        &["license", "approximateLicenseCount", "product", "{key}"],
        Place::Product,
    ),
    (&["serverInfo"], Place::ServerInfo),
    (&["myself"], Place::Myself),
    (&["mypermissions"], Place::Permissions),
];

const METHODS: &str = "GET,HEAD,OPTIONS";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-arequestid");
const ACCOUNT_ID: HeaderName = HeaderName::from_static("x-aaccountid");
const LOGIN_REASON: HeaderName = HeaderName::from_static("x-seraph-loginreason");

/// Where a path leads.
struct Found<'a> {
    place: Place,
    /// The id that the gateway's form of the path names.
    cloud: Option<&'a str>,
    key: Cow<'a, str>,
}

/// A request that was let through to its resource.
struct Ask<'a> {
    server: &'a Server,
    /// Who asks; none where nobody signed in and nobody has to.
    call: Option<&'a Call>,
    key: &'a str,
    query: &'a str,
}

/// The paths of all routes after the version, for tests that must know each of them.
pub fn paths() -> Vec<String> {
    let routes = ROUTES.iter();
    routes.map(|(segments, _)| segments.join("/")).collect()
}

/// What is told to who asks too often; when to come again is for the caller to add.
pub fn too_many() -> Response {
    let mut response = error::too_many();
    sign(&Caller::Nobody, response.headers_mut());
    response
}

/// Answers every request of the dialect.
pub async fn handle(server: Server, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let (method, path) = (&parts.method, parts.uri.path());
    let query = parts.uri.query().unwrap_or_default();
    let mut caller = Caller::Nobody;
    let answered = answer(&server, method, path, query, &parts.headers, &mut caller).await;
    let mut response = answered.unwrap_or_else(|refusal| refusal.into_response(method, path));
    sign(&caller, response.headers_mut());
    response
}

async fn answer(
    server: &Server,
    method: &Method,
    path: &str,
    query: &str,
    headers: &HeaderMap,
    caller: &mut Caller,
) -> Result<Response, Refusal> {
    let found = find(path).ok_or(Refusal::NoEndpoint)?;
    let known = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
    if !known {
        return Err(Refusal::WrongMethod);
    }
    *caller = auth::caller(server, headers, found.cloud).await?;
    let call = match caller {
        Caller::Known(call) => Some(&**call),
        Caller::Nobody | Caller::Rejected(_) if found.place.is_open() => {
            auth::check_cloud(server, found.cloud)?;
            None
        }
        Caller::Rejected(Some(status)) => return Err(Error::OwnerInactive(*status).into()),
        Caller::Nobody | Caller::Rejected(None) => return Err(Error::Unauthenticated.into()),
    };
    if method == Method::OPTIONS {
        return Ok(options());
    }
    let ask = Ask {
        server,
        call,
        key: &found.key,
        query,
    };
    let answer = match found.place {
        Place::License => license::plans(&ask).await,
        Place::Total => license::total(&ask).await,
        Place::Product => license::product(&ask).await,
        Place::ServerInfo => Ok(server::info(&ask)),
        Place::Myself => user::myself(&ask),
        Place::Permissions => user::permissions(&ask),
    }?;
    let owner = call.map_or(Owner::Anonymous, |call| {
        Owner::Organization(call.organization.id)
    });
    let handed_over = server.budgets.hand_over(owner, answer).await;
    handed_over.map_err(|NoRoom| Refusal::Busy)
}

impl Ask<'_> {
    /// The call of whoever signed in.
    fn call(&self) -> Result<&Call, Refusal> {
        self.call.ok_or(Refusal::Domain(Error::Unauthenticated))
    }
}

/// What stands at a path; one slash at its end makes no difference.
fn find(path: &str) -> Option<Found<'_>> {
    let path = path.strip_suffix('/').unwrap_or(path);
    // Room for all that a path of the table has, at once.
    let mut segments = Vec::with_capacity(12);
    segments.extend(path.strip_prefix('/')?.split('/'));
    let (cloud, rest) = match segments.as_slice() {
        ["ex", "jira", cloud, rest @ ..] => (Some(*cloud), rest),
        rest => (None, rest),
    };
    let ["rest", "api", version, rest @ ..] = rest else {
        return None;
    };
    if !VERSIONS.contains(version) {
        return None;
    }
    ROUTES.iter().find_map(|(route, place)| {
        let key = variable(route, rest)?;
        Some(Found {
            place: *place,
            cloud,
            key: percent_decode_str(key).decode_utf8_lossy(),
        })
    })
}

fn options() -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    let html = HeaderValue::from_static("text/html;charset=UTF-8");
    headers.insert(CONTENT_TYPE, html);
    headers.insert(ALLOW, HeaderValue::from_static(METHODS));
    response
}

/// What stands on every answer. Nothing of it lets a client keep one.
fn sign(caller: &Caller, headers: &mut HeaderMap) {
    let fresh = HeaderValue::from_static("no-cache, no-store, no-transform");
    headers.insert(CACHE_CONTROL, fresh);
    headers.insert(REQUEST_ID, request_id());
    match caller {
        Caller::Nobody => {}
        // Where an answer is open to anybody, nothing else tells that a token is wrong.
        Caller::Rejected(_) => {
            let failed = HeaderValue::from_static("AUTHENTICATED_FAILED");
            headers.insert(LOGIN_REASON, failed);
        }
        Caller::Known(call) => {
            let mut digits = uuid::Uuid::encode_buffer();
            let id = auth::account_id(&call.actor).hyphenated();
            if let Ok(id) = HeaderValue::from_str(id.encode_lower(&mut digits)) {
                headers.insert(ACCOUNT_ID, id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_the_table_says() {
        for (path, place) in [
            ("/rest/api/2/instance/license", Some(Place::License)),
            ("/rest/api/3/serverInfo", Some(Place::ServerInfo)),
            ("/ex/jira/x/rest/api/3/myself", Some(Place::Myself)),
            ("/ex/jira//rest/api/3/myself", Some(Place::Myself)),
            ("/rest/api/latest/myself", Some(Place::Myself)),
            ("/ex/jira/x/rest/api/latest/myself/", Some(Place::Myself)),
            ("/rest/api/Latest/myself", None),
            ("/rest/api/4/myself", None),
            ("/rest/auth/1/session", None),
            ("/rest", None),
            ("/rest/api/3/myself/", Some(Place::Myself)),
            ("/rest/api/3/myself//", None),
            ("/rest/api/3/instance/license/x", None),
            ("/rest/api/3/license/approximateLicenseCount/product/", None),
            (
                "/rest/api/3/license/approximateLicenseCount/product/a/b",
                None,
            ),
            ("/ex/jira/rest/api/3/myself", None),
            ("/rest/api", None),
            ("/", None),
        ] {
            assert_eq!(find(path).map(|found| found.place), place, "{path}");
        }
        let path = "/rest/api/3/license/approximateLicenseCount/product/a%2Fb%FF";
        assert_eq!(find(path).expect("a product").key, "a/b\u{fffd}");
    }
}

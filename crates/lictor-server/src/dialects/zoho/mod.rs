//! The Zoho dialect: the license count of Zoho CRM's REST API, what its SDKs ask beside it, and the
//! OAuth server they need. Its routes as data, and the order in which a request is looked at.

mod auth;
mod error;
mod features;
#[cfg(fuzzing)]
pub mod fuzzing;
mod labels;
mod oauth;
mod org;
mod scopes;
mod users;
mod wire;

use std::borrow::Cow;
use std::net::IpAddr;

use axum::extract::Request;
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::Response;
use lictor_authority::Call;
use percent_encoding::percent_decode_str;

use crate::dialects::patterns::variable;
use crate::http::budget::{NoRoom, Owner};
use crate::settings::Server;
use error::Refusal;

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    UserLicenses,
    Features,
    Feature,
    Users,
    UserCount,
    Org,
}

/// One path after the version: its segments (`{name}` is any), the first version that has it, and what stands
/// there.
struct Route(&'static [&'static str], u32, Place);

/// All paths of the dialect, the more exact ones first.
const ROUTES: &[Route] = &[
    Route(&["__features", "user_licenses"], 6, Place::UserLicenses),
    Route(&["__features", "{name}"], 6, Place::Feature),
    Route(&["__features"], 6, Place::Features),
    Route(&["users"], FIRST, Place::Users),
    Route(&["users", "actions", "count"], FIRST, Place::UserCount),
    Route(&["org"], FIRST, Place::Org),
];

/// The versions that are known.
const FIRST: u32 = 2;
const LAST: u32 = 8;

/// A request that was let through to its resource.
struct Ask<'a> {
    server: &'a Server,
    call: &'a Call,
    name: &'a str,
    query: &'a str,
}

/// The paths of all routes, for tests that must know each of them.
pub fn paths() -> Vec<String> {
    let routes = ROUTES.iter();
    let crm = routes.map(|Route(segments, ..)| format!("/crm/{{v}}/{}", segments.join("/")));
    crm.chain(oauth::PATHS.map(str::to_owned)).collect()
}

/// What is told to who asks too often; when to come again is for the caller to add.
pub fn too_many(path: &str) -> Response {
    match path.starts_with("/oauth") {
        true => oauth::too_many(),
        false => error::too_many(),
    }
}

/// Answers every request of the dialect.
pub async fn handle(server: Server, peer: IpAddr, request: Request) -> Response {
    if request.uri().path().starts_with("/oauth") {
        return oauth::handle(&server, peer, request).await;
    }
    let (parts, _) = request.into_parts();
    let answered = answer(&server, &parts).await;
    answered.unwrap_or_else(Refusal::into_response)
}

async fn answer(server: &Server, request: &Parts) -> Result<Response, Refusal> {
    let (route, version, name) = find(request.uri.path()).ok_or(Refusal::NoSuchPath)?;
    if request.method != Method::GET {
        return Err(Refusal::WrongMethod);
    }
    let Route(_, first, place) = route;
    if version < *first || version > LAST {
        return Err(Refusal::Version(version.clamp(*first, LAST)));
    }
    let call = auth::call(server, &request.headers).await?;
    let ask = Ask {
        server,
        call: &call,
        name: &name,
        query: request.uri.query().unwrap_or_default(),
    };
    let answer = match place {
        Place::UserLicenses => features::user_licenses(&ask, call.permit()?).await,
        Place::Feature => features::one(&ask, call.permit()?).await,
        Place::Features => features::list(&ask, call.permit()?).await,
        Place::Users => users::current(&ask, call.permit()?),
        Place::UserCount => users::count(&ask, call.permit()?).await,
        Place::Org => org::show(&ask, call.permit()?).await,
    }?;
    let owner = Owner::Organization(call.organization.id);
    let handed_over = server.budgets.hand_over(owner, answer).await;
    handed_over.map_err(|NoRoom| Refusal::Busy)
}

impl Ask<'_> {
    /// A parameter; the last one where it is given more than once.
    fn parameter(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_bytes())
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value.into_owned())
            .last()
    }

    /// The language of whoever owns the token.
    fn language(&self) -> &str {
        let account = self.call.actor.account.as_ref();
        account.map_or(lictor_core::facts::account::DEFAULT_LANGUAGE, |account| {
            account.state.language.as_str()
        })
    }
}

/// The route of a path, its version and its variable segment; one slash at its end makes no
/// difference.
fn find(path: &str) -> Option<(&'static Route, u32, Cow<'_, str>)> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let rest = path.strip_prefix("/crm/")?;
    // Room for all that a path of the table has, at once.
    let mut segments = Vec::with_capacity(8);
    segments.extend(rest.split('/'));
    let (version, rest) = segments.split_first()?;
    let number = version.strip_prefix('v')?;
    // The vendor has one version between two; what it adds is not here.
    let digits = if number == "2.1" { "2" } else { number };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // A number beyond all counts is a version that is not known.
    let version = digits.parse().unwrap_or(u32::MAX);
    ROUTES.iter().find_map(|route| {
        let name = percent_decode_str(variable(route.0, rest)?).decode_utf8_lossy();
        Some((route, version, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_the_table_says() {
        for (path, found) in [
            (
                "/crm/v7/__features/user_licenses",
                Some((Place::UserLicenses, 7)),
            ),
            ("/crm/v6/__features", Some((Place::Features, 6))),
            ("/crm/v8/__features/x", Some((Place::Feature, 8))),
            ("/crm/v2/users/actions/count", Some((Place::UserCount, 2))),
            (
                "/crm/v99999999999999999999/org",
                Some((Place::Org, u32::MAX)),
            ),
            ("/crm/v7/__features/", Some((Place::Features, 7))),
            ("/crm/v7/org/", Some((Place::Org, 7))),
            ("/crm/v7/org//", None),
            ("/crm/v2.1/org", Some((Place::Org, 2))),
            ("/crm/v2.1/__features", Some((Place::Features, 2))),
            ("/crm/v2.10/org", None),
            ("/crm/v2.1.1/org", None),
            ("/crm/v2./org", None),
            ("/crm/v7.1/org", None),
            ("/crm/7/org", None),
            ("/crm/v/org", None),
            ("/crm/v+7/org", None),
            ("/crm/v7", None),
            ("/crm", None),
            ("/oauth/v2/token", None),
        ] {
            let place = find(path).map(|(route, version, _)| (route.2, version));
            assert_eq!(place, found, "{path}");
        }
    }
}

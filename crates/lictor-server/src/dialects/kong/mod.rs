//! The Kong dialect: the `/licenses` part of Kong's Admin API. Its routes as data, and the order in
//! which a request is looked at; it decides nothing about licenses.

mod auth;
mod body;
mod error;
mod escape;
#[cfg(fuzzing)]
pub mod fuzzing;
mod headers;
mod licenses;
mod lists;
mod page;
mod report;
mod root;
mod schema;
mod status;
mod wire;
mod workspaces;

use std::borrow::Cow;
use std::time::Instant;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::Method;
use axum::http::header::{IF_MATCH, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::response::Response;
use bytes::Bytes;
use lictor_authority::Call;
use lictor_authority::permits::Permit;
use lictor_authority::right::{Licenses, Write};
use lictor_core::facts::organization::{RESERVED_KEYS, may_be_stored};

use crate::dialects::patterns::variable;
use crate::http::budget::{NoRoom, Owner};
use crate::http::intake::OfJob;
use crate::settings::Server;
use error::Refusal;
use schema::Deed;

/// What stands at a path.
#[derive(Clone, Copy)]
enum Place {
    Root,
    Licenses,
    License,
    Report,
    EmptyList,
    Status,
    Workspaces,
    Workspace,
}

/// One path: its segments (`{id}` is any, `{name}` any that can be an organization's or nobody's), the
/// verbs it serves, and what stands there.
struct Route(&'static [&'static str], &'static [&'static str], Place);

const READ: &[&str] = &["GET", "HEAD", "OPTIONS"];

/// All paths of the dialect. Each may stand behind an organization's key, the empty one excepted.
const ROUTES: &[Route] = &[
    Route(
        &["licenses", "{id}"],
        &["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "PUT"],
        Place::License,
    ),
    Route(
        &["licenses"],
        &["GET", "HEAD", "OPTIONS", "POST"],
        Place::Licenses,
    ),
    Route(&["license", "report"], READ, Place::Report),
    Route(&[], READ, Place::Root),
    Route(&["kong"], READ, Place::Root),
    Route(&["status"], READ, Place::Status),
    Route(&["workspaces"], READ, Place::Workspaces),
    Route(&["workspaces", "{name}"], READ, Place::Workspace),
    Route(&["certificates"], READ, Place::EmptyList),
    Route(&["consumers"], READ, Place::EmptyList),
    Route(&["plugins"], READ, Place::EmptyList),
    Route(&["routes"], READ, Place::EmptyList),
    Route(&["services"], READ, Place::EmptyList),
    Route(&["snis"], READ, Place::EmptyList),
    Route(&["upstreams"], READ, Place::EmptyList),
];

/// An organization's key and the longest path behind it.
const MAX_SEGMENTS: usize = 3;

/// Where a path leads.
struct Found<'a> {
    route: &'static Route,
    organization: Option<Cow<'a, str>>,
    id: Cow<'a, str>,
}

/// A request that was let through to its resource.
struct Ask<'a> {
    server: &'a Server,
    call: &'a Call,
    organization: Option<&'a str>,
    id: &'a str,
    query: &'a str,
}

/// The paths of all routes, for tests that must know each of them.
pub fn paths() -> Vec<String> {
    let routes = ROUTES.iter();
    routes
        .map(|route| format!("/{}", route.0.join("/")))
        .collect()
}

pub use auth::TOKEN;

/// What is told to who asks too often; when to come again is for the caller to add.
pub fn too_many(server: &Server, request: Request, started: Instant) -> Response {
    let (parts, _) = request.into_parts();
    let origins = &server.settings.kong_origins;
    headers::dress(error::too_many(), &parts, origins, started)
}

/// Answers every request of the dialect, and those of no dialect.
/// It began at `started`.
pub fn handle(
    server: Server,
    request: Request,
    started: Instant,
) -> impl Future<Output = Response> + Send {
    let (parts, body) = request.into_parts();
    async move {
        let response = match answer(&server, &parts, body).await {
            Ok(response) => response,
            Err(refusal) => refusal.into_response(),
        };
        headers::dress(response, &parts, &server.settings.kong_origins, started)
    }
}

/// The order of a request: preflight, authentication, content type, route and verb, and only then
/// its body.
async fn answer(server: &Server, parts: &Parts, body: Body) -> Result<Response, Refusal> {
    let found = find(parts.uri.path());
    if parts.method == Method::OPTIONS {
        let found = found.ok_or(Refusal::NotFound)?;
        return Ok(headers::preflight(found.route.1, &parts.headers));
    }
    let caller = auth::sign_in(server, &parts.headers).await?;
    let content_type = body::gate(&parts.method, &parts.headers, body.is_end_stream())?;
    let found = found.ok_or(Refusal::NotFound)?;
    let organization = found.organization.as_deref();
    let call = server.authority.call(caller, organization)?;
    if !found.serves(&parts.method) {
        return Err(match found.route.2 {
            Place::Workspaces | Place::Workspace => Refusal::WorkspacesAreRead,
            _ => Refusal::MethodNotAllowed,
        });
    }
    let ask = Ask {
        server,
        call: &call,
        organization,
        id: &found.id,
        query: parts.uri.query().unwrap_or_default(),
    };
    let answer = serve(&ask, found.route.2, parts, content_type, body)
        .await
        .map_err(|refusal| refusal.for_actor(&call.actor, &parts.method))?;
    let owner = Owner::Organization(call.organization.id);
    let handed_over = server.budgets.hand_over(owner, answer).await;
    handed_over.map_err(|NoRoom| match body::is_write(&parts.method) {
        true => Refusal::AnswerLost,
        false => Refusal::Busy,
    })
}

async fn serve(
    ask: &Ask<'_>,
    place: Place,
    head: &Parts,
    content_type: body::ContentType,
    body: Body,
) -> Result<Response, Refusal> {
    if body::is_write(&head.method) {
        // Before the body is looked at.
        let permit = ask.call.permit()?;
        let conditions = [IF_MATCH, IF_NONE_MATCH];
        if conditions
            .iter()
            .any(|name| head.headers.contains_key(name))
        {
            return Err(Refusal::NoEntityTags);
        }
        // In a box, so that the reads, which are many more, do not carry the room for it.
        return Box::pin(change(ask, permit, place, head, content_type, body)).await;
    }
    check_arguments(ask.query)?;
    match place {
        // What is asked for most often; the others are in boxes, so that it does not carry the room for them.
        Place::License => licenses::show(ask).await,
        Place::Licenses => Box::pin(licenses::list(ask)).await,
        Place::Root => Box::pin(root::show(ask)).await,
        Place::Status => Ok(Box::pin(status::show(ask)).await),
        Place::Report => Box::pin(report::show(ask)).await,
        Place::Workspaces => workspaces::list(ask),
        Place::Workspace => workspaces::show(ask),
        Place::EmptyList => lists::list(ask),
    }
}

async fn change(
    ask: &Ask<'_>,
    permit: Permit<'_, Licenses, Write>,
    place: Place,
    head: &Parts,
    content_type: body::ContentType,
    body: Body,
) -> Result<Response, Refusal> {
    let text = text(ask, head, &content_type, body).await?;
    // Its memory is held until the answer is made.
    let (bytes, read, deed) = (text.len(), text.clone(), Deed::of(&head.method));
    let reading = move || {
        let arguments = body::read(&content_type, read)?;
        let read = deed.map(|deed| schema::read(arguments, deed));
        Ok::<_, Refusal>(read.unwrap_or_default())
    };
    let organization = ask.call.organization.id;
    let read = ask.server.authority.long_work(organization, bytes, reading);
    let (fields, violations) = read.await??;
    check_arguments(ask.query)?;
    match (place, &head.method) {
        (Place::Licenses, &Method::POST) => licenses::add(ask, permit, fields, violations).await,
        (Place::License, &Method::PUT) => licenses::put(ask, permit, fields, violations).await,
        (Place::License, &Method::PATCH) => licenses::patch(ask, permit, fields, violations).await,
        (Place::License, &Method::DELETE) => licenses::remove(ask, permit).await,
        // Asked before, by `Found::serves`.
        _ => Err(Refusal::MethodNotAllowed),
    }
}

/// The body of a request whose content type says that it is read.
async fn text(
    ask: &Ask<'_>,
    head: &Parts,
    content_type: &body::ContentType,
    body: Body,
) -> Result<Bytes, Refusal> {
    if let body::ContentType::None = content_type {
        return Ok(Bytes::new());
    }
    let length = body.size_hint().exact();
    let job = ask.server.authority.begin_job(ask.call, length).await?;
    let owner = Owner::Organization(ask.call.organization.id);
    let read = ask.server.budgets.read(owner, head, body, body::MAX_BYTES);
    let bytes = read.await.map_err(|unread| content_type.refuse(unread))?;
    Ok(OfJob::held(bytes, job))
}

impl Ask<'_> {
    /// The address of a list, as the caller named it.
    fn path_of(&self, list: &str) -> String {
        match self.organization {
            Some(key) => format!("/{key}/{list}"),
            None => format!("/{list}"),
        }
    }
}

fn check_arguments(query: &str) -> Result<(), Refusal> {
    if escape::count(query.as_bytes()) > body::MAX_ARGUMENTS {
        return Err(Refusal::TooManyArguments);
    }
    Ok(())
}

/// What stands at a path; one slash at its end makes no difference.
fn find(path: &str) -> Option<Found<'_>> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return find_within(None, &[]);
    }
    let is_escaped = path.contains('%');
    let mut segments = [const { Cow::Borrowed("") }; MAX_SEGMENTS];
    let mut count = 0;
    for segment in path.split('/') {
        *segments.get_mut(count)? = match is_escaped {
            true => escape::decode_segment(segment),
            false => Cow::Borrowed(segment),
        };
        count += 1;
    }
    let segments = &segments[..count];
    find_within(None, segments).or_else(|| {
        let (key, rest) = segments
            .split_first()
            .filter(|(_, rest)| !rest.is_empty())?;
        // Whether there is such an organization is only told to those who may see it.
        may_be_stored(key).then(|| find_within(Some(key.clone()), rest))?
    })
}

fn find_within<'a>(
    organization: Option<Cow<'a, str>>,
    segments: &[Cow<'a, str>],
) -> Option<Found<'a>> {
    let mut path = [""; MAX_SEGMENTS];
    for (text, segment) in path.iter_mut().zip(segments) {
        *text = segment;
    }
    let path = &path[..segments.len()];
    let route = ROUTES.iter().find(|route| route.matches(path))?;
    Some(Found {
        route,
        organization,
        id: segments.get(1).cloned().unwrap_or_default(),
    })
}

impl Route {
    /// Whether a path of these segments leads here.
    fn matches(&self, path: &[&str]) -> bool {
        match (variable(self.0, path), self.2) {
            // What can be nobody's name is a path behind the organization `workspaces`, for those who
            // have one of old.
            (Some(name), Place::Workspace) => may_be_stored(name) || !RESERVED_KEYS.contains(&name),
            (found, _) => found.is_some(),
        }
    }
}

impl Found<'_> {
    fn serves(&self, verb: &Method) -> bool {
        self.route.1.contains(&verb.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_organization_can_have_a_route_for_its_key() {
        for first in ROUTES.iter().filter_map(|route| route.0.first()) {
            assert!(RESERVED_KEYS.contains(first), "{first}");
        }
    }
}

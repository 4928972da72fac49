//! What stands in the path: ids and keys. One that is not well formed names nothing, so it is 404.

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use lictor_core::{Kind, Right};
use uuid::Uuid;

use super::error::{Problem, invalid, missing};
use super::page::no_query;
use crate::authority::Call;

/// The two variable segments of the path.
pub(super) struct Pair(pub(super) String, pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Pair {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        no_query(&parts.uri)?;
        let segments: Result<Path<(String, String)>, PathRejection> =
            Path::from_request_parts(parts, state).await;
        segments
            .map(|Path((first, second))| Self(first, second))
            .map_err(|_| no_route(parts))
    }
}

/// The one variable segment of the path of a list, which has parameters after the question mark.
pub(super) struct PathKey(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for PathKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let segment: Result<Path<String>, PathRejection> =
            Path::from_request_parts(parts, state).await;
        segment
            .map(|Path(text)| Self(text))
            .map_err(|_| no_route(parts))
    }
}

/// The one variable segment of the path.
pub(super) struct Segment(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        no_query(&parts.uri)?;
        let segment: Result<Path<String>, PathRejection> =
            Path::from_request_parts(parts, state).await;
        segment
            .map(|Path(text)| Self(text))
            .map_err(|_| no_route(parts))
    }
}

/// The one variable segment of the path of what may have to be forced, with `?force=true`.
pub(super) struct Forceable {
    pub(super) segment: Segment,
    /// Whether it is done even if that shuts the last way in.
    pub(super) force: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Forceable {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let mut force = None;
        let query = parts.uri.query().unwrap_or_default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let given = match (&*name, &*value) {
                ("force", "true") => true,
                ("force", "false") => false,
                ("force", _) => return Err(invalid("force", "use true or false")),
                _ => return Err(invalid("query", format!("there is no parameter {name:?}"))),
            };
            if force.replace(given).is_some() {
                return Err(invalid("force", "give it once"));
            }
        }
        let PathKey(key) = PathKey::from_request_parts(parts, state).await?;
        Ok(Self {
            segment: Segment(key),
            force: force.unwrap_or(false),
        })
    }
}

fn no_route(parts: &Parts) -> Problem {
    missing(Kind::Route, parts.uri.path())
}

impl Segment {
    /// The segment as the id of such a thing, for who has the right.
    pub(super) fn id(&self, call: &Call, right: Right, kind: Kind) -> Result<Uuid, Problem> {
        call.actor.may(right, Some(call.organization.id))?;
        Uuid::try_parse(&self.0).map_err(|_| missing(kind, self.0.as_str()))
    }
}

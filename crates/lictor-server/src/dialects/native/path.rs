//! What stands in the path: ids and keys. One that is not well formed names nothing, so it is 404. What else a request
//! says that names one thing is looked at only for who has the right.

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use lictor_authority::Call;
use lictor_authority::permits::Asked;
use lictor_core::error::Kind;
use uuid::Uuid;

use super::auth::Caller;
use super::conditions;
use super::error::{Problem, invalid, missing};
use super::page::no_query;
use crate::settings::Server;

/// What a request must not have that takes no parameters and, where it writes, no conditions.
struct Rest {
    parameters: Result<(), Problem>,
    conditions: Result<(), Problem>,
}

impl Rest {
    fn of(parts: &Parts) -> Self {
        let conditions = match parts.method.is_safe() {
            true => Ok(()),
            false => conditions::refuse(&parts.headers),
        };
        Self {
            parameters: no_query(&parts.uri),
            conditions,
        }
    }

    fn check(self) -> Result<(), Problem> {
        self.parameters.and(self.conditions)
    }
}

/// The one variable segment of a path that may have parameters after the question mark.
pub(super) struct PathKey(pub(super) String);

impl FromRequestParts<Server> for PathKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, Problem> {
        let segment: Result<Path<String>, PathRejection> =
            Path::from_request_parts(parts, server).await;
        match segment {
            Ok(Path(text)) => Ok(Self(text)),
            Err(_) => Err(no_route(parts, server).await),
        }
    }
}

/// The one variable segment of the path.
pub(super) struct Segment {
    text: String,
    rest: Rest,
}

impl FromRequestParts<Server> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, Problem> {
        let PathKey(text) = PathKey::from_request_parts(parts, server).await?;
        let rest = Rest::of(parts);
        Ok(Self { text, rest })
    }
}

impl Segment {
    /// The segment, for who has the right, and the permit.
    pub(super) fn name<'c, P: Asked<'c>>(self, call: &'c Call) -> Result<(P, String), Problem> {
        let permit = call.permit()?;
        self.rest.check()?;
        Ok((permit, self.text))
    }

    /// The segment as the id of such a thing, for who has the right, and the permit.
    pub(super) fn id<'c, P: Asked<'c>>(
        self,
        call: &'c Call,
        kind: Kind,
    ) -> Result<(P, Uuid), Problem> {
        let permit = call.permit()?;
        Ok((permit, self.permitted_id(kind)?))
    }

    /// The segment as the id of such a thing, after the right was asked.
    pub(super) fn permitted_id(self, kind: Kind) -> Result<Uuid, Problem> {
        self.rest.check()?;
        let text = self.text;
        Uuid::try_parse(&text).map_err(|_| missing(kind, text))
    }

    /// The segment, for who has the right to a write that takes conditions, and the permit.
    pub(super) fn of_conditioned<'c, P: Asked<'c>>(
        mut self,
        call: &'c Call,
    ) -> Result<(P, String), Problem> {
        self.rest.conditions = Ok(());
        self.name(call)
    }
}

/// The one variable segment of the path of what may have to be forced, with `?force=true`.
pub(super) struct Forceable {
    text: String,
    /// Whether it is done even if that shuts the last way in.
    force: Result<bool, Problem>,
}

impl FromRequestParts<Server> for Forceable {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, Problem> {
        let PathKey(text) = PathKey::from_request_parts(parts, server).await?;
        let force = force(parts.uri.query().unwrap_or_default());
        Ok(Self { text, force })
    }
}

impl Forceable {
    /// The segment, and whether to force it, for who has the right, and the permit.
    pub(super) fn name<'c, P: Asked<'c>>(
        self,
        call: &'c Call,
    ) -> Result<(P, String, bool), Problem> {
        let permit = call.permit()?;
        Ok((permit, self.text, self.force?))
    }
}

fn force(query: &str) -> Result<bool, Problem> {
    let mut force = None;
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
    Ok(force.unwrap_or(false))
}

/// What is said of a path that cannot be read: to who has not signed in, that alone.
async fn no_route(parts: &mut Parts, server: &Server) -> Problem {
    match Caller::from_request_parts(parts, server).await {
        Ok(_) => missing(Kind::Route, parts.uri.path()),
        Err(problem) => problem,
    }
}

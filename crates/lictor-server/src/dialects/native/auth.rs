//! Who asks and about which organization: from the request's headers to a call of the authority.
//! What the caller may do is for the authority to say.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use lictor_authority::{Authority, Call};
use lictor_core::Error;

use super::error::{Problem, invalid};
use crate::http::call::bearer;
use crate::settings::Server;

/// Names the organization that an operator acts in.
pub(super) const ORGANIZATION: HeaderName = HeaderName::from_static("lictor-organization");

/// That somebody signed in.
pub(super) struct Caller;

impl FromRequestParts<Server> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, Problem> {
        let signed_in = call(&server.authority, &parts.headers).await;
        signed_in.map(|_| Self)
    }
}

/// Signs in with the bearer token.
pub(super) async fn call(authority: &Authority, headers: &HeaderMap) -> Result<Call, Problem> {
    single(headers, &AUTHORIZATION)?;
    let secret = bearer(headers).ok_or(Error::Unauthenticated)?;
    let caller = authority.sign_in(secret).await?;
    let call = match authority.call(caller, None) {
        // Its own organization is gone, and the token with it.
        Err(Error::NotFound { .. }) => return Err(Error::Unauthenticated.into()),
        other => other?,
    };
    match single(headers, &ORGANIZATION)? {
        None => Ok(call),
        Some(key) => Ok(authority.call(call.into(), Some(key))?),
    }
}

/// The text of a header that may be there once; characters that no key has become `?`.
pub(super) fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(invalid("header", format!("send `{name}` once")));
    }
    Ok(first.map(|value| value.to_str().unwrap_or("?")))
}

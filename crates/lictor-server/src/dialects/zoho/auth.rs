//! Who asks: the token in Zoho's scheme or as a bearer token, in the header and nowhere else.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use lictor_authority::Call;
use lictor_core::Error;

use super::error::Refusal;
use crate::settings::Server;

/// The schemes, in lower case.
const SCHEMES: [&str; 2] = ["zoho-oauthtoken", "bearer"];

/// A call by whoever the request's token belongs to, about that one's organization.
pub(super) async fn call(server: &Server, headers: &HeaderMap) -> Result<Call, Refusal> {
    let token = token(headers).ok_or(Refusal::NoToken)?;
    let caller = server.authority.sign_in(token).await?;
    match server.authority.call(caller, None) {
        // Its own organization is gone, and the token with it.
        Err(Error::NotFound { .. }) => Err(Error::Unauthenticated.into()),
        other => Ok(other?),
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let known = SCHEMES
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    Some(token.trim()).filter(|token| known && !token.is_empty())
}

//! What every dialect does with a request first: find the token, make the call.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

/// The token in `Authorization: Bearer TOKEN`; the scheme is compared without regard to case.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

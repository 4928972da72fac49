//! The bearer token of a request, which all parts of the server find alike; whose it is, is asked elsewhere.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

/// The token in `Authorization: Bearer TOKEN`; the scheme is compared without regard to case.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

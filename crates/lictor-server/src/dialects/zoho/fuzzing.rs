//! The door through which fuzz targets reach this dialect's private parsers; no other build has it.

use std::collections::BTreeMap;

use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;

use super::{oauth, scopes};

/// The parameters of a request for a token by name; none if it is refused.
pub fn parameters(content_type: &str, body: &[u8]) -> Option<BTreeMap<String, String>> {
    let request = Request::post("/oauth/v2/token").header(CONTENT_TYPE, content_type);
    let (parts, ()) = request.body(()).ok()?.into_parts();
    oauth::parameters(&parts, Bytes::copy_from_slice(body)).ok()
}

/// What a reply says of the scopes that a request names; none if one of them is no scope.
pub fn scopes(text: &str) -> Option<String> {
    scopes::parse(text).map(|scopes| scopes::shown(&scopes))
}

/// The version and the name that a path has, if it leads anywhere.
pub fn path(path: &str) -> Option<(u32, String)> {
    let (_, version, name) = super::find(path)?;
    Some((version, name.into_owned()))
}

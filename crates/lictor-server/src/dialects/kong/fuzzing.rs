//! The door through which fuzz targets reach this dialect's private parsers; no other build has it.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method};
use bytes::Bytes;
use uuid::Uuid;

use super::page::Page;
use super::schema::{self, Deed};
use super::{body, escape};

/// The arguments of a body by name, each as its debug text; none if it is refused.
pub fn arguments(content_type: &str, text: &[u8]) -> Option<Vec<(String, String)>> {
    let shown = |(name, argument)| (name, format!("{argument:?}"));
    Some(read(content_type, text)?.into_iter().map(shown).collect())
}

/// What a body says of a license, or what is wrong with it; none if it cannot be read.
pub fn license(content_type: &str, text: &[u8], deed: u8) -> Option<Result<String, String>> {
    let deed = [Deed::Add, Deed::Put, Deed::Patch][usize::from(deed % 3)];
    let (fields, violations) = schema::read(read(content_type, text)?, deed);
    Some(if violations.is_empty() {
        Ok(format!("{fields:?}"))
    } else {
        Err(violations.message())
    })
}

fn read(content_type: &str, text: &[u8]) -> Option<body::Arguments> {
    let value = HeaderValue::from_str(content_type).ok()?;
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, value)]);
    let content_type = body::gate(&Method::POST, &headers, text.is_empty()).ok()?;
    body::read(&content_type, Bytes::copy_from_slice(text)).ok()
}

/// A page's size and where it begins; none if the query is refused.
pub fn page(query: &str) -> Option<(usize, Option<Uuid>)> {
    let page = Page::read(query).ok()?;
    Some((page.size(), page.after))
}

/// The offset and the address of the page behind the one that ends with `last`.
pub fn next(query: &str, path: &str, last: Uuid) -> Option<(String, String)> {
    let next = Page::read(query).ok()?.next(path, last);
    Some((next.offset, next.address))
}

/// The organization and the id that a path names, if it leads anywhere.
pub fn path(path: &str) -> Option<(Option<String>, String)> {
    let found = super::find(path)?;
    let organization = found.organization.map(std::borrow::Cow::into_owned);
    Some((organization, found.id.into_owned()))
}

/// How many pairs a query or form has, and the pairs.
pub fn pairs(text: &[u8]) -> (usize, Vec<(Vec<u8>, Vec<u8>)>) {
    (escape::count(text), escape::pairs(text).collect())
}

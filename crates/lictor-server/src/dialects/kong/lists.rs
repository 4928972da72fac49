//! The lists that an export of a Kong configuration asks for. Lictor has no such entities, so they
//! are always empty.

use axum::response::Response;

use super::error::Refusal;
use super::page::Page;
use super::{Ask, wire};

/// `GET /services` and the like.
pub(super) fn list(ask: &Ask<'_>) -> Result<Response, Refusal> {
    Page::read(ask.query)?;
    Ok(wire::page(&[], None))
}

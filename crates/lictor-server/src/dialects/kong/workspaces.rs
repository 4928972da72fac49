//! `/workspaces`: the organizations that the caller may see, under Kong's name for them. They are read
//! here and changed elsewhere.

use axum::http::StatusCode;
use axum::response::Response;
use lictor_core::Error;

use super::Ask;
use super::error::Refusal;
use super::page::Page;
use super::wire::{self, Workspace};

/// `GET /workspaces`
pub(super) fn list(ask: &Ask<'_>) -> Result<Response, Refusal> {
    let page = Page::read(ask.query)?;
    let authority = &ask.server.authority;
    let rows = authority.organizations_by_id(ask.call.permit()?, page.after, page.size() + 1);
    let shown = &rows[..rows.len().min(page.size())];
    let next = match shown.last() {
        Some(last) if rows.len() > shown.len() => {
            Some(page.next(&ask.path_of("workspaces"), last.id))
        }
        Some(_) | None => None,
    };
    let shown = shown.iter().map(|organization| Workspace::of(organization));
    Ok(wire::workspaces(shown.collect(), next.as_ref()))
}

/// `GET /workspaces/{name}`, by key or by id.
pub(super) fn show(ask: &Ask<'_>) -> Result<Response, Refusal> {
    let authority = &ask.server.authority;
    let permit = ask.call.permit();
    match permit.and_then(|permit| authority.organization_named(permit, ask.id)) {
        Ok(found) => Ok(wire::json(StatusCode::OK, &Workspace::of(&found))),
        Err(Error::NotFound { .. }) => Err(Refusal::NotFound),
        Err(error) => Err(error.into()),
    }
}

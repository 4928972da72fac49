//! `/workspaces`: the organizations that the caller may see, under Kong's name for them. They are read
//! here and changed elsewhere.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use lictor_core::{Error, Organization};

use super::error::Refusal;
use super::page::Page;
use super::wire::{self, Workspace};
use super::{Ask, schema};

/// `GET /workspaces`
pub(super) fn list(ask: &Ask<'_>) -> Result<Response, Refusal> {
    let page = Page::read(ask.query)?;
    let mut all = visible(ask)?;
    all.sort_unstable_by_key(|organization| organization.id);
    all.retain(|organization| page.after.is_none_or(|after| organization.id > after));
    let shown = &all[..all.len().min(page.size())];
    let next = match shown.last() {
        Some(last) if all.len() > shown.len() => {
            Some(page.next(&ask.path_of("workspaces"), last.id))
        }
        Some(_) | None => None,
    };
    let rows = shown.iter().map(|organization| Workspace::of(organization));
    Ok(wire::workspaces(rows.collect(), next.as_ref()))
}

/// `GET /workspaces/{name}`, by key or by id.
pub(super) fn show(ask: &Ask<'_>) -> Result<Response, Refusal> {
    let id = schema::parse_id(ask.id);
    let asked = |organization: &&Arc<Organization>| {
        organization.key == ask.id || Some(organization.id) == id
    };
    let all = visible(ask)?;
    let found = all.iter().find(asked).ok_or(Refusal::NotFound)?;
    Ok(wire::json(StatusCode::OK, &Workspace::of(found)))
}

fn visible(ask: &Ask<'_>) -> Result<Vec<Arc<Organization>>, Error> {
    ask.server.authority.organizations(ask.call)
}

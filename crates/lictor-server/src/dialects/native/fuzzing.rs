//! The door through which fuzz targets reach this dialect's private parsers; no other build has it.

use std::sync::Arc;

use axum::http::Uri;
use lictor_authority::Call;
use lictor_core::Timestamp;
use lictor_core::access::Actor;
use lictor_core::elapsed::Now;
use lictor_core::facts::organization::Organization;
use lictor_core::facts::right::Resource;
use lictor_core::facts::role::Role;
use lictor_core::facts::usage::UsageReport;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::page::{Page, Query};
use super::{json, wire};

/// A list, which cursors are bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List<'a> {
    /// Which of the resources there are.
    pub resource: u8,
    /// Whose list it is.
    pub organization: u128,
    /// What it is narrowed to.
    pub filter: Option<&'a str>,
}

impl List<'_> {
    /// The limit and the key of the last row before the page; none if the query is refused.
    pub fn page(&self, query: &str) -> Option<(usize, Option<String>)> {
        let page = self.read(query)?;
        Some((page.limit, page.after))
    }

    /// The cursor of the page after the row with this key.
    pub fn cursor(&self, last: &str) -> Option<String> {
        let rows = vec![last.to_owned(), String::new()];
        let page = self.read("limit=1")?.cut(rows, String::clone, |row| row);
        page.ok()?.next_cursor
    }

    fn read(&self, query: &str) -> Option<Page> {
        let call = call(self.organization);
        let resource = Resource::ALL[usize::from(self.resource) % Resource::ALL.len()];
        let uri: Uri = format!("/?{query}").parse().ok()?;
        Page::take(Query::of(resource, &uri), &call, self.filter).ok()
    }
}

fn call(organization: u128) -> Call {
    let organization = Organization {
        id: Uuid::from_u128(organization),
        key: "default".to_owned(),
        number: 0,
        name: None,
        created_at: 0,
    };
    let actor = Actor {
        account: None,
        application: None,
        token: Uuid::nil(),
        name: None,
        role: Role::Operator,
        organization: None,
        scopes: Vec::new(),
        expires_at: None,
    };
    Call {
        actor,
        organization: Arc::new(organization),
        now: Now::at(0),
        idempotent: None,
    }
}

/// The payload and the id of a license to add.
pub fn new_license(body: &[u8]) -> Option<(String, Option<Uuid>)> {
    let license: wire::NewLicense = json::parse(body).ok()?;
    Some((license.payload, license.id))
}

/// The key and the name of an organization to create.
pub fn new_organization(body: &[u8]) -> Option<(String, Option<String>)> {
    let organization: wire::NewOrganization = json::parse(body).ok()?;
    Some((organization.key, organization.name))
}

/// The role, the scopes and the end of a token to create.
pub fn new_token(body: &[u8]) -> Option<(Role, Vec<String>, Option<Timestamp>)> {
    let token: wire::NewToken = json::parse(body).ok()?;
    let request = token.into_request(None).ok()?;
    let scopes = request.scopes.into_iter().map(String::from);
    Some((request.role, scopes.collect(), request.expires_at))
}

/// The counts of a usage report.
pub fn new_usage(body: &[u8], now: Timestamp) -> Option<Vec<UsageReport>> {
    let usage: wire::usage::NewUsage = json::parse(body).ok()?;
    Some(usage.into_reports(now))
}

/// How many of the bodies about accounts and what they hold this can be.
pub fn held(body: &[u8]) -> usize {
    let account = json::parse::<wire::accounts::NewAccount>(body).ok();
    let import = json::parse::<wire::accounts::Import>(body).ok();
    let patch = json::parse::<wire::accounts::PatchAccount>(body).ok();
    let bulk = json::parse::<wire::seats::BulkSeats>(body).ok();
    let client = json::parse::<wire::clients::NewClient>(body).ok();
    let fits = [
        account.is_some_and(|account| account.into_request().is_ok()),
        import.is_some_and(|import| import.into_rows().is_ok()),
        patch.is_some_and(|patch| patch.into_patch().is_ok()),
        bulk.is_some_and(|bulk| bulk.into_rows().is_ok()),
        client.is_some_and(|client| client.into_request(None).is_ok()),
        is::<wire::seats::NewSeat>(body),
        is::<wire::leases::NewLease>(body),
        is::<wire::leases::Renewal>(body),
        is::<wire::leases::Release>(body),
    ];
    fits.into_iter().filter(|fits| *fits).count()
}

/// How many of the other bodies this can be: a license to put, a key to trust, a pool of nodes, nothing
/// at all.
pub fn others(body: &[u8]) -> usize {
    let fits = [
        is::<wire::PutLicense>(body),
        is::<wire::NewKey>(body),
        is::<wire::node_pools::NewPool>(body),
        is::<wire::Nothing>(body),
    ];
    fits.into_iter().filter(|fits| *fits).count()
}

fn is<T: DeserializeOwned>(body: &[u8]) -> bool {
    json::parse::<T>(body).is_ok()
}

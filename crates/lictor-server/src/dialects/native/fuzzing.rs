//! The door through which fuzz targets reach this dialect's private parsers; no other build has it.

use std::sync::Arc;

use lictor_api::accounts::{ChangeAccount, CreateAccount, ImportAccounts};
use lictor_api::clients::CreateClient;
use lictor_api::leases::{CheckOutLease, ReleaseLease, RenewLease};
use lictor_api::licenses::{AddLicense, PutLicense};
use lictor_api::list;
use lictor_api::node_pools::CreateNodePool;
use lictor_api::organizations::CreateOrganization;
use lictor_api::query::Page;
use lictor_api::row::Body;
use lictor_api::seats::{AssignSeat, ChangeSeats};
use lictor_api::tokens::CreateToken;
use lictor_api::trust::TrustKey;
use lictor_api::usage::RecordUsage;
use lictor_api::values::Nothing;
use lictor_authority::Call;
use lictor_core::Timestamp;
use lictor_core::access::Actor;
use lictor_core::elapsed::Now;
use lictor_core::facts::organization::Organization;
use lictor_core::facts::right::Resource;
use lictor_core::facts::role::Role;
use lictor_core::facts::usage::UsageReport;
use uuid::Uuid;

use super::paging::{Paging, list_name};
use super::{frame, json, wire};

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
        Some((page.rows() - 1, page.after_text().map(str::to_owned)))
    }

    /// The cursor of the page after the row with this key.
    pub fn cursor(&self, last: &str) -> Option<String> {
        let rows = vec![last.to_owned(), String::new()];
        let page = self.read("limit=1")?;
        let filled = page.fill::<list::List<String>, _>(rows, String::clone, Ok);
        filled.ok()?.1
    }

    fn read(&self, query: &str) -> Option<Paging> {
        let call = call(self.organization);
        let resource = Resource::ALL[usize::from(self.resource) % Resource::ALL.len()];
        let page: Page = frame::query_of(query).ok()?;
        Paging::at(&page, list_name(resource, &call, self.filter)).ok()
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
    let license: AddLicense = json::parse(body).ok()?;
    Some((license.payload, license.id))
}

/// The key and the name of an organization to create.
pub fn new_organization(body: &[u8]) -> Option<(String, Option<String>)> {
    let organization: CreateOrganization = json::parse(body).ok()?;
    Some((organization.key, organization.name))
}

/// The role, the scopes and the end of a token to create.
pub fn new_token(body: &[u8]) -> Option<(Role, Vec<String>, Option<Timestamp>)> {
    let token: CreateToken = json::parse(body).ok()?;
    let request = wire::tokens::request(token, None).ok()?;
    let scopes = request.scopes.into_iter().map(String::from);
    Some((request.role, scopes.collect(), request.expires_at))
}

/// The counts of a usage report.
pub fn new_usage(body: &[u8], now: Timestamp) -> Option<Vec<UsageReport>> {
    let usage: RecordUsage = json::parse(body).ok()?;
    Some(wire::usage::reports(usage, now))
}

/// How many of the bodies about accounts and what they have this can be.
pub fn held(body: &[u8]) -> usize {
    let account = json::parse::<CreateAccount>(body).ok();
    let import = json::parse::<ImportAccounts>(body).ok();
    let patch = json::parse::<ChangeAccount>(body).ok();
    let seats = json::parse::<ChangeSeats>(body).ok();
    let client = json::parse::<CreateClient>(body).ok();
    let fits = [
        account.is_some_and(|account| wire::accounts::request(account).is_ok()),
        import.is_some_and(|import| wire::accounts::rows(import).is_ok()),
        patch.is_some_and(|patch| wire::accounts::patch(patch).is_ok()),
        seats.is_some_and(|seats| wire::seats::rows(seats).is_ok()),
        client.is_some_and(|client| wire::clients::request(client, None).is_ok()),
        is::<AssignSeat>(body),
        is::<CheckOutLease>(body),
        is::<RenewLease>(body),
        is::<ReleaseLease>(body),
    ];
    fits.into_iter().filter(|fits| *fits).count()
}

/// How many of the other bodies this can be: a license to put, a key to trust, a pool of nodes, nothing
/// at all.
pub fn others(body: &[u8]) -> usize {
    let fits = [
        is::<PutLicense>(body),
        is::<TrustKey>(body),
        is::<CreateNodePool>(body),
        is::<Nothing>(body),
    ];
    fits.into_iter().filter(|fits| *fits).count()
}

fn is<T: Body>(body: &[u8]) -> bool {
    json::parse::<T>(body).is_ok()
}

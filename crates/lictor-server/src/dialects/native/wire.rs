//! Every request and answer of `/v1` as JSON, and the conversions from and to the authority's
//! types. Nothing is decided here.

pub(super) mod accounts;
pub(super) mod added;
pub(super) mod applications;
pub(super) mod clients;
pub(super) mod counts;
pub(super) mod kept;
pub(super) mod leases;
pub(super) mod node_pools;
pub(super) mod nodes;
pub(super) mod quotas;
pub(super) mod seats;
pub(super) mod times;
pub(super) mod usage;

pub(super) use times::{into_time, time};

use std::fmt::Display;
use std::str::FromStr;

use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use lictor_authority::{
    Answer, LIST_BYTES, ListedChange, ListedEntry, Report, Standing, StandingLicense, TokenRequest,
};
use lictor_core::document::rotation::Rotation;
use lictor_core::elapsed::Now;
use lictor_core::facts::account::Account;
use lictor_core::facts::organization::Organization;
use lictor_core::facts::role::Role;
use lictor_core::facts::scope::Scope;
use lictor_core::facts::token::{Origin, Token};
use lictor_core::words::listed;
use lictor_core::{Claims, Date, Error, KeyId, KeyStatus, Plan, TrustPolicy, TrustedKey};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::error::{Problem, document_reason, invalid};

/// An answer with this body.
pub(super) fn answer(status: u16, body: &impl Serialize) -> Answer {
    match serde_json::to_string(body) {
        Ok(body) => Answer { status, body },
        Err(error) => Problem::from(Error::internal(error)).into_answer(),
    }
}

/// A page of a list, of which each row is written as soon as it is there.
pub(super) struct List {
    /// The page up to its last row.
    text: Vec<u8>,
    count: usize,
    /// Where the next page begins.
    pub(super) next_cursor: Option<String>,
    /// What all rows of all pages come to, where that is told.
    pub(super) total: Option<u64>,
}

#[derive(Serialize)]
struct ListEnd {
    next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
}

impl List {
    /// A page without rows.
    pub(super) fn new() -> Self {
        Self {
            text: br#"{"data":["#.to_vec(),
            count: 0,
            next_cursor: None,
            total: None,
        }
    }

    /// How many rows it has.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Adds a row, if the page has room for it; a page has room for one row at least.
    ///
    /// # Errors
    /// A fault of ours.
    pub(super) fn push(&mut self, row: &impl Serialize) -> Result<bool, Error> {
        let before = self.text.len();
        if self.count > 0 {
            self.text.push(b',');
        }
        serde_json::to_writer(&mut self.text, row).map_err(Error::internal)?;
        if self.count > 0 && self.text.len() > LIST_BYTES {
            self.text.truncate(before);
            return Ok(false);
        }
        self.count += 1;
        Ok(true)
    }

    fn whole(mut self) -> Result<Vec<u8>, serde_json::Error> {
        let end = serde_json::to_string(&ListEnd {
            next_cursor: self.next_cursor,
            total: self.total,
        })?;
        self.text.extend_from_slice(b"],");
        self.text.extend_from_slice(&end.as_bytes()[1..]);
        Ok(self.text)
    }
}

impl IntoResponse for List {
    fn into_response(self) -> Response {
        match self.whole() {
            Ok(text) => {
                let json = HeaderValue::from_static("application/json");
                ([(CONTENT_TYPE, json)], text).into_response()
            }
            Err(error) => Problem::from(Error::internal(error)).into_response(),
        }
    }
}

/// Where a page begins.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cursor {
    pub(super) v: u8,
    pub(super) after: String,
    pub(super) bound: String,
}

impl Cursor {
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn from_json(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// The body of requests that say all in their path.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// A license to add.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewLicense {
    pub(super) payload: String,
    pub(super) id: Option<Uuid>,
}

/// A license to put under the id of the path.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PutLicense {
    pub(super) payload: String,
}

/// A stored license.
#[derive(Serialize)]
pub(super) struct LicenseView {
    id: Uuid,
    application: String,
    pub(super) revision: u64,
    created_at: String,
    updated_at: String,
    state: &'static str,
    reason: Option<&'static str>,
    days_left: i64,
    /// Until when its application is covered.
    covered_until: Option<String>,
    verified: bool,
    signed_by: Option<KeyId>,
    claims: ClaimsView,
    payload: String,
}

impl LicenseView {
    pub(super) fn from_standing(standing: StandingLicense) -> Self {
        let license = standing.license;
        let (state, reason) = match &standing.standing {
            Standing::InForce => ("in_force", None),
            Standing::Waiting => ("waiting", None),
            Standing::Expired => ("expired", None),
            Standing::Superseded => ("superseded", None),
            Standing::Rejected(error) => ("rejected", Some(document_reason(error))),
        };
        let signed_by = standing.signer.key_id();
        Self {
            id: license.id,
            revision: license.state.revision,
            created_at: time(license.state.created_at),
            updated_at: time(license.state.updated_at),
            application: license.state.application,
            state,
            reason,
            days_left: standing.days_left,
            covered_until: standing.covered_until.map(time),
            verified: signed_by.is_some(),
            signed_by,
            claims: ClaimsView::from_claims(standing.claims),
            payload: license.payload.to_string(),
        }
    }

    /// The same for whoever may not read licenses: it says nothing of those around it.
    pub(super) fn alone(self) -> Self {
        Self {
            covered_until: None,
            ..self
        }
    }
}

#[derive(Serialize)]
struct ClaimsView {
    customer: Option<String>,
    product_subscription: Option<String>,
    license_key: Option<String>,
    license_creation_date: Option<Date>,
    license_expiration_date: Date,
    admin_seats: Option<u32>,
    dataplanes: Option<u32>,
    support_plan: Option<String>,
    application: String,
    plan: &'static str,
    organization: Option<Uuid>,
    features: Vec<String>,
    unknown: Map<String, Value>,
}

impl ClaimsView {
    fn from_claims(claims: Claims) -> Self {
        let unknown = claims.unknown.into_iter();
        Self {
            customer: claims.customer,
            product_subscription: claims.product_subscription,
            license_key: claims.license_key,
            license_creation_date: claims.creation_date,
            license_expiration_date: claims.expiration_date,
            admin_seats: claims.admin_seats,
            dataplanes: claims.dataplanes,
            support_plan: claims.support_plan,
            application: claims.application,
            plan: claims.plan.as_str(),
            organization: claims.organization,
            features: claims.features,
            unknown: unknown.map(|(name, text)| (name, text.into())).collect(),
        }
    }
}

/// Reads one of these words, or lists them.
fn one_of<T>(field: &'static str, text: &str, words: &[T]) -> Result<T, Problem>
where
    T: FromStr + Display + Copy + PartialEq,
{
    let word = text.parse().ok().filter(|word| words.contains(word));
    word.ok_or_else(|| invalid(field, format!("use {}", listed(words))))
}

fn plan_word(plan: Option<Plan>) -> &'static str {
    plan.map_or(Plan::UNLICENSED, Plan::as_str)
}

/// An organization to create.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOrganization {
    pub(super) key: String,
    pub(super) name: Option<String>,
}

/// An organization.
#[derive(Serialize)]
pub(super) struct OrganizationView {
    id: Uuid,
    key: String,
    number: u64,
    name: Option<String>,
    created_at: String,
}

impl OrganizationView {
    pub(super) fn from_organization(organization: &Organization) -> Self {
        Self {
            id: organization.id,
            key: organization.key.clone(),
            number: organization.number,
            name: organization.name.clone(),
            created_at: time(organization.created_at),
        }
    }
}

/// What the installation trusts.
#[derive(Serialize)]
pub(super) struct TrustView {
    pub(super) policy: TrustPolicy,
    pub(super) data: Vec<KeyView>,
}

/// A key to trust.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewKey {
    pub(super) public_key: String,
    /// By which nodes trust it that know the key before it.
    pub(super) rotation: Option<Rotation>,
}

/// A key that is or was trusted.
#[derive(Serialize)]
pub(super) struct KeyView {
    key_id: KeyId,
    public_key: String,
    status: KeyStatus,
}

impl KeyView {
    pub(super) fn from_key(key: &TrustedKey) -> Self {
        Self {
            key_id: key.public_key.id(),
            public_key: key.public_key.to_pem(),
            status: key.status,
        }
    }
}

/// A token to create.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    role: Option<String>,
    scopes: Option<Vec<String>>,
    expires_at: Option<String>,
    name: Option<String>,
    /// The owner: an account's id or e-mail.
    pub(super) account: Option<String>,
}

impl NewToken {
    /// The request; a token of an account may do what the account may unless it says less.
    pub(super) fn into_request(self, owner: Option<&Account>) -> Result<TokenRequest, Problem> {
        let default = owner.map_or(Role::Reader, Role::of);
        let role = self.role.map_or(Ok(default), |text| text.parse());
        let scopes = self.scopes.unwrap_or_default();
        let scopes: Result<Vec<Scope>, String> = scopes.iter().map(|text| text.parse()).collect();
        let expires_at = self.expires_at.map(|text| into_time(&text)).transpose();
        Ok(TokenRequest {
            role: role.map_err(|reason| invalid("role", reason))?,
            scopes: scopes.map_err(|reason| invalid("scopes", reason))?,
            expires_at: expires_at.map_err(|reason| invalid("expires_at", reason))?,
            name: self.name,
            account: owner.map(|account| account.id),
        })
    }
}

/// A token, with its secret only where it was just created.
#[derive(Serialize)]
pub(super) struct TokenView {
    id: Uuid,
    organization: Option<Uuid>,
    name: Option<String>,
    role: Role,
    scopes: Vec<Scope>,
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    live: bool,
    account: Option<Uuid>,
    origin: Option<&'static str>,
    created_by: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl TokenView {
    pub(super) fn from_token(token: Token, now: &Now, secret: Option<String>) -> Self {
        let created_by = match token.origin {
            Some(Origin::Token(id)) => Some(id),
            Some(Origin::Environment | Origin::FirstStart) | None => None,
        };
        Self {
            origin: token.origin.map(Origin::as_str),
            created_by,
            live: token.is_live(now),
            account: token.account.map(|account| account.id),
            id: token.id,
            organization: token.organization,
            name: token.name,
            role: token.role,
            scopes: token.scopes,
            created_at: time(token.created_at),
            expires_at: token.expires_at.map(time),
            revoked_at: token.revoked_at.map(time),
            secret,
        }
    }
}

/// An entry of the ledger.
#[derive(Serialize)]
pub(super) struct EntryView {
    stream: Uuid,
    position: u64,
    at: String,
    actor: Option<Uuid>,
    change: ListedChange,
}

impl EntryView {
    pub(super) fn from_entry(entry: ListedEntry) -> Self {
        Self {
            stream: entry.stream,
            position: entry.position,
            at: time(entry.at),
            actor: entry.actor,
            change: entry.change,
        }
    }
}

/// The usage report.
#[derive(Serialize)]
pub(super) struct ReportView {
    at: String,
    requests: Vec<MonthView>,
    total_requests: u64,
    license_key: Option<String>,
    license_expiration_date: Option<Date>,
    users: usize,
    services: usize,
    organizations: usize,
    connected_nodes: Option<usize>,
    engine: String,
    version: &'static str,
    system: SystemView,
}

#[derive(Serialize)]
struct MonthView {
    month: String,
    count: u64,
}

#[derive(Serialize)]
struct SystemView {
    cores: usize,
    hostname: String,
    uname: String,
}

impl ReportView {
    pub(super) fn from_report(report: Report, hostname: String) -> Self {
        let total_requests = report.total_requests();
        let license = report.current_license;
        Self {
            at: time(report.at),
            total_requests,
            license_expiration_date: license.as_ref().map(|license| license.expiration_date),
            license_key: license
                .map(|license| license.license_key)
                .filter(|key| !key.is_empty()),
            requests: report
                .requests
                .into_iter()
                .map(|(month, count)| MonthView { month, count })
                .collect(),
            users: report.users,
            services: report.services,
            connected_nodes: report.connected_nodes,
            organizations: report.organizations,
            engine: report.engine,
            version: env!("CARGO_PKG_VERSION"),
            system: SystemView {
                cores: report.system.cores,
                hostname,
                uname: report.system.uname,
            },
        }
    }
}

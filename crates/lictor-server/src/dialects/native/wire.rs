//! Every request and answer of `/v1` as JSON, and the conversions from and to the authority's
//! types. Nothing is decided here.

pub(super) mod accounts;
pub(super) mod added;
pub(super) mod applications;
pub(super) mod clients;
pub(super) mod counts;
pub(super) mod leases;
pub(super) mod node_pools;
pub(super) mod nodes;
pub(super) mod organizations;
pub(super) mod refusals;
pub(super) mod report;
pub(super) mod seats;
pub(super) mod times;
pub(super) mod tokens;
pub(super) mod trust;
pub(super) mod usage;

pub(super) use times::time;

use std::fmt::Display;
use std::str::FromStr;

use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use lictor_authority::{Answer, LIST_BYTES, ListedChange, ListedEntry, Standing, StandingLicense};
use lictor_core::words::listed;
use lictor_core::{Claims, Date, Error, KeyId};
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

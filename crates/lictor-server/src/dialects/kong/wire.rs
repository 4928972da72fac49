//! The JSON of the dialect, read and written. The only file here that knows serialization; it
//! decides nothing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use lictor_authority::{Breather, CachedLicense, LIST_BYTES};
use lictor_core::digest::Digest;
use lictor_core::facts::license::License;
use lictor_core::facts::organization::Organization;
use lictor_core::whole_number;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::body::{Argument, Arguments, MAX_ARGUMENTS};
use super::page::Next;
use super::schema::Violations;
use super::{error, headers};
use crate::http::traffic::Traffic;

/// An answer with nothing but a text.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    pub(super) message: &'a str,
}

/// An answer that says what is wrong with an entity or a page.
#[derive(Serialize)]
pub(super) struct Problem<'a> {
    pub(super) code: u8,
    pub(super) name: &'static str,
    pub(super) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fields: Option<Fields<'a>>,
}

/// Reasons by field.
pub(super) enum Fields<'a> {
    /// One field and one text.
    One(&'static str, &'a str),
    /// Everything that is wrong.
    All(&'a Violations),
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::One(field, text) => map.serialize_entry(field, text)?,
            Self::All(violations) => {
                if !violations.entity.is_empty() {
                    map.serialize_entry("@entity", &violations.entity)?;
                }
                for (field, reason) in &violations.fields {
                    map.serialize_entry(field, reason)?;
                }
            }
        }
        map.end()
    }
}

/// A license as clients see it.
#[derive(Serialize)]
struct LicenseBody<'a> {
    created_at: i64,
    id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a str>,
    updated_at: i64,
}

impl<'a> From<&'a License> for LicenseBody<'a> {
    fn from(license: &'a License) -> Self {
        Self {
            created_at: license.state.created_at,
            id: license.id,
            payload: Some(&license.payload),
            updated_at: license.state.updated_at,
        }
    }
}

#[derive(Serialize)]
struct PageBody<'a, T: Serialize> {
    #[serde(serialize_with = "one_by_one")]
    data: Vec<T>,
    next: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<&'a str>,
}

/// Rows, which may be large.
fn one_by_one<T: Serialize, S: Serializer>(rows: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    let (mut list, mut breather) = (serializer.serialize_seq(Some(rows.len()))?, Breather::new());
    for row in rows {
        list.serialize_element(row)?;
        breather.breathe();
    }
    list.end()
}

/// What `GET /` answers.
#[derive(Serialize)]
pub(super) struct Root<'a> {
    pub(super) tagline: &'static str,
    pub(super) version: &'a str,
    pub(super) hostname: &'a str,
    pub(super) configuration: Configuration<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) license: Option<CurrentLicense<'a>>,
}

/// The part of the configuration that clients ask for.
#[derive(Serialize)]
pub(super) struct Configuration<'a> {
    pub(super) database: &'a str,
}

/// What `GET /status` answers.
#[derive(Serialize)]
pub(super) struct Status {
    database: Database,
    memory: Memory,
    server: Connections,
}

#[derive(Serialize)]
struct Database {
    reachable: bool,
}

/// What a gateway's workers hold; there are none.
#[derive(Default, Serialize)]
struct Memory {
    lua_shared_dicts: BTreeMap<&'static str, u64>,
    workers_lua_vms: [u64; 0],
}

#[derive(Default, Serialize)]
struct Connections {
    connections_accepted: u64,
    connections_active: u64,
    connections_handled: u64,
    connections_reading: u64,
    connections_waiting: u64,
    connections_writing: u64,
    total_requests: u64,
}

impl Status {
    pub(super) fn of(reachable: bool, traffic: Traffic) -> Self {
        Self {
            database: Database { reachable },
            memory: Memory::default(),
            server: Connections {
                connections_accepted: traffic.accepted,
                connections_active: traffic.open,
                connections_handled: traffic.accepted,
                total_requests: traffic.requests,
                ..Connections::default()
            },
        }
    }
}

/// An organization as clients see it.
#[derive(Serialize)]
pub(super) struct Workspace<'a> {
    comment: Option<()>,
    config: BTreeMap<&'static str, ()>,
    created_at: i64,
    id: Uuid,
    meta: BTreeMap<&'static str, ()>,
    name: &'a str,
}

impl<'a> Workspace<'a> {
    pub(super) fn of(organization: &'a Organization) -> Self {
        Self {
            comment: None,
            config: BTreeMap::new(),
            created_at: organization.created_at,
            id: organization.id,
            meta: BTreeMap::new(),
            name: &organization.key,
        }
    }
}

/// What both shapes of the report have.
#[derive(Serialize)]
pub(super) struct Figures<'a> {
    pub(super) db_version: &'a str,
    pub(super) kong_version: &'a str,
    pub(super) rbac_users: usize,
    pub(super) services_count: usize,
    pub(super) system_info: SystemInfo<'a>,
    pub(super) workspaces_count: usize,
}

/// The machine.
#[derive(Serialize)]
pub(super) struct SystemInfo<'a> {
    pub(super) cores: usize,
    pub(super) hostname: &'a str,
    pub(super) uname: &'a str,
}

/// The requests of one month.
#[derive(Serialize)]
pub(super) struct Bucket<'a> {
    pub(super) bucket: &'a str,
    pub(super) request_count: u64,
}

/// The report as Kong 2.7 to 3.4.1 shape it.
#[derive(Serialize)]
pub(super) struct EarlierReport<'a> {
    pub(super) counters: Vec<Bucket<'a>>,
    pub(super) license_key: &'a str,
    #[serde(flatten)]
    pub(super) figures: Figures<'a>,
}

/// The report as Kong 3.4.2 and later shape it.
#[derive(Serialize)]
pub(super) struct LaterReport<'a> {
    pub(super) counters: Counters<'a>,
    pub(super) license: CurrentLicense<'a>,
    pub(super) plugins_count: PluginsCount,
    pub(super) routes_count: u64,
    pub(super) consumers_count: u64,
    pub(super) deployment_info: DeploymentInfo,
    pub(super) timestamp: i64,
    #[serde(flatten)]
    pub(super) figures: Figures<'a>,
}

/// All months and their sum.
#[derive(Serialize)]
pub(super) struct Counters<'a> {
    pub(super) buckets: Vec<Bucket<'a>>,
    pub(super) total_requests: u64,
}

/// The current license.
#[derive(Serialize)]
pub(super) struct CurrentLicense<'a> {
    pub(super) license_key: &'a str,
    pub(super) license_expiration_date: Cow<'a, str>,
}

/// Plugins: Lictor has none, so every figure is a true zero.
#[derive(Default, Serialize)]
pub(super) struct PluginsCount {
    tiers: Tiers,
    unique_route_lambdas: u64,
    unique_route_kafkas: u64,
}

#[derive(Default, Serialize)]
struct Tiers {
    free: BTreeMap<&'static str, u64>,
    enterprise: BTreeMap<&'static str, u64>,
    custom: BTreeMap<&'static str, u64>,
}

/// How the server is deployed.
#[derive(Serialize)]
pub(super) struct DeploymentInfo {
    pub(super) r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) connected_dp_count: Option<usize>,
}

#[derive(Serialize)]
struct Checked<'a, T> {
    #[serde(flatten)]
    report: &'a T,
    checksum: &'a str,
}

/// An answer with this body.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    render(status, 256, body)
}

/// An answer with one license.
pub(super) fn license(status: StatusCode, license: &License) -> Response {
    with_body(status, license_body(license))
}

/// An answer with a license that was touched by whoever may not read its payload.
pub(super) fn touched_license(license: &License) -> Response {
    let body = LicenseBody {
        payload: None,
        ..LicenseBody::from(license)
    };
    with_body(StatusCode::OK, rendered(192, &body))
}

/// The answer with a license that was read, whose body is made once for all who read it.
pub(super) fn kept_license(license: &CachedLicense) -> Response {
    with_body(StatusCode::OK, license.body(license_body))
}

fn license_body(license: &License) -> Bytes {
    // Quotes in the payload are escaped: an eighth more is about right for a document.
    rendered(size_of(license), &LicenseBody::from(license))
}

/// How many of these fit on a page, which has about [`LIST_BYTES`] at most; the first always does.
pub(super) fn fitting(licenses: &[License]) -> usize {
    let mut bytes = 0;
    let fits = licenses.iter().take_while(|license| {
        bytes += size_of(license);
        bytes <= LIST_BYTES
    });
    fits.count().max(1).min(licenses.len())
}

/// What a license takes in an answer: quotes within its payload take two bytes.
fn size_of(license: &License) -> usize {
    192 + license.payload.len() + license.payload.len() / 8
}

/// An answer with a page of licenses.
pub(super) fn page(licenses: &[License], next: Option<&Next>) -> Response {
    let rows: Vec<_> = licenses.iter().map(LicenseBody::from).collect();
    page_of(rows, next)
}

/// An answer with a page of workspaces.
pub(super) fn workspaces(rows: Vec<Workspace<'_>>, next: Option<&Next>) -> Response {
    page_of(rows, next)
}

fn page_of(rows: Vec<impl Serialize>, next: Option<&Next>) -> Response {
    let size = 64 + rows.len() * 1_024;
    let body = PageBody {
        data: rows,
        next: next.map(|next| next.address.as_str()),
        offset: next.map(|next| next.offset.as_str()),
    };
    render(StatusCode::OK, size, &body)
}

/// An answer with a report and the checksum of all that stands beside it.
pub(super) fn with_checksum(report: &LaterReport<'_>) -> Response {
    let Ok(bytes) = serde_json::to_vec(report) else {
        return error::internal();
    };
    let digits = hex::encode(Digest::of(&bytes).0);
    let checksum = &digits[..40];
    json(StatusCode::OK, &Checked { report, checksum })
}

fn render(status: StatusCode, size: usize, body: &impl Serialize) -> Response {
    with_body(status, rendered(size, body))
}

/// JSON, or nothing, which no JSON is, where it could not be written.
fn rendered(size: usize, body: &impl Serialize) -> Bytes {
    let mut bytes = Vec::with_capacity(size);
    if let Err(cause) = serde_json::to_writer(&mut bytes, body) {
        tracing::error!(%cause, "an answer could not be written as JSON");
        bytes.clear();
    }
    bytes.into()
}

fn with_body(status: StatusCode, body: Bytes) -> Response {
    if body.is_empty() {
        return error::internal();
    }
    headers::json(status, body.into())
}

/// The inside of a page's token.
pub(super) fn offset(last: Uuid) -> String {
    format!("[\"{last}\"]")
}

/// The id inside a page's token.
pub(super) fn read_offset(text: &[u8]) -> Option<Uuid> {
    let [id]: [Uuid; 1] = serde_json::from_slice(text).ok()?;
    Some(id)
}

/// The members of a JSON object; none if it is not one. The last of two equal names counts.
pub(super) fn read_arguments(text: &[u8]) -> Option<Arguments> {
    serde_json::from_slice(text).ok().map(|Members(all)| all)
}

struct Members(Arguments);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut arguments = Arguments::new();
        while let Some((name, argument)) = map.next_entry::<String, _>()? {
            // One too many is kept, for `body` to refuse; the rest only has to be JSON.
            if arguments.len() <= MAX_ARGUMENTS || arguments.contains_key(&name) {
                arguments.insert(name, argument);
            }
        }
        Ok(Members(arguments))
    }
}

/// What is nested is read and thrown away, so that a body takes no more memory than its length; its
/// depth is bounded by `serde_json`.
impl<'de> Deserialize<'de> for Argument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ArgumentVisitor)
    }
}

struct ArgumentVisitor;

impl<'de> Visitor<'de> for ArgumentVisitor {
    type Value = Argument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Argument, E> {
        Ok(Argument::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Argument, E> {
        Ok(Argument::Other)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Argument, E> {
        Ok(Argument::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Argument, E> {
        Ok(Argument::Integer(i64::try_from(number).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Argument, E> {
        Ok(whole_number::of_float(number).map_or(Argument::Other, Argument::Integer))
    }

    fn visit_str<E>(self, text: &str) -> Result<Argument, E> {
        Ok(Argument::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Argument, E> {
        Ok(Argument::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Argument, A::Error> {
        while list.next_element::<Argument>()?.is_some() {}
        Ok(Argument::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Argument, A::Error> {
        while map.next_entry::<IgnoredAny, Argument>()?.is_some() {}
        Ok(Argument::Other)
    }
}

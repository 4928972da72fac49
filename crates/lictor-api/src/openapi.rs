//! The OpenAPI 3.1 document, made from the table of operations. What is sent and what is answered is described by two
//! contracts: requests are closed, answers are open.

mod responses;
mod schemas;

use std::collections::BTreeSet;
use std::sync::OnceLock;

use lictor_core::facts::right::{Resource, Right};
use lictor_core::facts::scope::Scope;
use serde_json::{Map, Value, json};

use self::schemas::Schemas;
use crate::operations::ALL;
use crate::permits::Place;
use crate::query::{Parameter, Value as Holds};
use crate::row::{Depends, Facts, Header, Met, Method, Row};

/// What every path begins with.
pub const BASE: &str = "/v1";

const ABOUT: &str = "Everything that Lictor can do. Requests are closed: an unknown member, parameter or word is \
    refused, and the answer names it. Answers are open: members, words, types of problems and changes of the ledger \
    may be added. A word that is not known is to be read as text. Times are RFC 3339 in UTC, ids are UUIDs, and whole \
    numbers are at most 2^53 - 1. HEAD works where GET does.";

/// The document as text, made once: spread over lines, so that two of them can be compared.
pub fn document() -> &'static str {
    static DOCUMENT: OnceLock<String> = OnceLock::new();
    DOCUMENT.get_or_init(|| format!("{:#}\n", of_rows(ALL)))
}

/// The document of these rows.
pub fn of_rows(rows: &[&dyn Row]) -> Value {
    let mut schemas = Schemas::default();
    let mut paths: Map<String, Value> = Map::new();
    for row in rows {
        let facts = row.facts();
        let operation = operation(*row, &mut schemas);
        let path = paths.entry(format!("{BASE}{}", facts.path));
        let path = path.or_insert_with(|| json!({}));
        path[facts.method.as_str().to_lowercase()] = operation;
    }
    schemas.add_problem();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lictor",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "bearer": [] }],
        "tags": tags(rows),
        "paths": paths,
        "components": {
            "securitySchemes": { "bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "A token of Lictor, or an access token of an OAuth client.",
            } },
            "parameters": request_headers(),
            "headers": responses::headers(),
            "schemas": schemas.all(),
        },
    })
}

/// The resource that an operation is about in the first place.
fn tag(row: &dyn Row) -> Option<Resource> {
    row.rights().first().map(|(right, _)| right.resource)
}

fn tags(rows: &[&dyn Row]) -> Value {
    let tags: BTreeSet<Resource> = rows.iter().filter_map(|row| tag(*row)).collect();
    tags.into_iter()
        .map(|tag| json!({ "name": tag.as_str(), "description": about(tag) }))
        .collect()
}

/// What the operations of a tag are about.
fn about(resource: Resource) -> &'static str {
    match resource {
        Resource::Licenses => "License documents, stored byte for byte.",
        Resource::Applications => "The products that licenses and seats are for.",
        Resource::Organizations => "The tenants, and how much each may have.",
        Resource::Trust => "The keys whose signatures are accepted.",
        Resource::Tokens => "The tokens that give access.",
        Resource::Usage => "Counted requests by source, service and month.",
        Resource::Corrections => "Corrections of counted requests.",
        Resource::Ledger => "Every change, in order.",
        Resource::Report => "The figures of an organization and of the machine.",
        Resource::Backup => "Copies of the database.",
        Resource::Metrics => "Metrics of the server.",
        Resource::Accounts => "The people and services of an organization.",
        Resource::Seats => "Who has a seat, who was refused one, and what is left.",
        Resource::Leases => "Seats for a limited time.",
        Resource::Census => "How many distinct accounts count.",
        Resource::Clients => "Programs that sign in with an id and a secret (OAuth 2.0).",
        Resource::Nodes => "Data planes, which enforce licenses and count on their own.",
    }
}

fn operation(row: &dyn Row, schemas: &mut Schemas) -> Value {
    let facts = row.facts();
    let mut operation = json!({
        "operationId": facts.id,
        "tags": tag(row).map(Resource::as_str).into_iter().collect::<Vec<_>>(),
        "summary": facts.summary,
        "description": description(row),
        "parameters": parameters(row),
        "responses": responses::of_row(row, schemas),
        "x-permits": row.rights().iter().map(|(right, _)| scope(right)).collect::<Vec<_>>(),
    });
    if let Met::At(commands) = facts.command {
        operation["x-commands"] = commands.into();
    }
    if let Some(schema) = schemas.of_body(row) {
        let required = is_required(&schema, schemas);
        let example = facts.example.body.map(parsed);
        operation["requestBody"] = json!({
            "required": required,
            "content": { "application/json": { "schema": schema, "example": example } },
        });
    }
    operation
}

/// Whether an empty body is none that the operation takes.
fn is_required(schema: &Value, schemas: &Schemas) -> bool {
    let found = schemas.resolved(schema);
    found["required"]
        .as_array()
        .is_some_and(|names| !names.is_empty())
}

pub(crate) fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn scope(right: &Right) -> String {
    Scope::of(*right).to_string()
}

/// What is said of an operation besides its summary.
fn description(row: &dyn Row) -> String {
    let facts = row.facts();
    let needed = row.rights().iter();
    let needed: Vec<String> = needed
        .map(|(right, place)| format!("`{}`{}", scope(right), of_whom(*place)))
        .collect();
    let mut text = String::new();
    if !facts.details.is_empty() {
        text.push_str(facts.details);
        text.push_str("\n\n");
    }
    text.push_str(&format!("Needs {}.", needed.join(" and ")));
    for depends in facts.depends {
        text.push_str(&conditional(depends));
    }
    text
}

fn of_whom(place: Place) -> &'static str {
    match place {
        Place::Organization => "",
        Place::Installation => " of an operator",
    }
}

fn conditional(depends: &Depends) -> String {
    let (scope, whom) = (scope(&depends.right), of_whom(depends.place));
    format!(" If {}, it needs `{scope}`{whom}.", depends.when)
}

fn parameters(row: &dyn Row) -> Vec<Value> {
    let facts = row.facts();
    let variables = facts.variables.iter().map(|variable| {
        json!({
            "name": variable.name,
            "in": "path",
            "required": true,
            "description": variable.about,
            "schema": { "type": "string" },
            "example": variable.example,
        })
    });
    let headers = header_names(facts).into_iter();
    let headers = headers.map(|name| json!({ "$ref": format!("#/components/parameters/{name}") }));
    variables
        .chain(row.parameters().iter().map(parameter))
        .chain(headers)
        .collect()
}

fn header_names(facts: &Facts) -> Vec<&'static str> {
    let of = |header: &Header| match (header, facts.method) {
        (Header::IdempotencyKey, _) => Some("Idempotency-Key"),
        (Header::IfMatch, _) => Some("If-Match"),
        (Header::IfNoneMatch, Method::Put) => Some("If-None-Match-Any"),
        (Header::IfNoneMatch, _) => Some("If-None-Match"),
        (Header::ETag | Header::Location { .. }, _) => None,
    };
    let named = facts.headers.iter().filter_map(of);
    std::iter::once("Lictor-Organization")
        .chain(named)
        .collect()
}

/// A parameter after the question mark.
pub fn parameter(parameter: &Parameter) -> Value {
    let schema = match parameter.value {
        Holds::Text => json!({ "type": "string" }),
        Holds::Whole { min, max, default } => {
            json!({ "type": "integer", "minimum": min, "maximum": max, "default": default })
        }
        Holds::Flag => json!({ "type": "boolean", "default": false }),
        Holds::Instant => json!({ "type": "string", "format": "date-time" }),
        Holds::Word(words) => json!({ "type": "string", "enum": words, "default": words.first() }),
    };
    json!({
        "name": parameter.name,
        "in": "query",
        "description": parameter.about,
        "schema": schema,
    })
}

/// The headers of requests.
fn request_headers() -> Value {
    let header = |name: &str, about: &str, schema: Value| json!({ "name": name, "in": "header", "description": about, "schema": schema });
    let text = json!({ "type": "string" });
    json!({
        "Lictor-Organization": header(
            "Lictor-Organization",
            "The key of the organization to act in. Operators act in `default` without it; others may only name their own.",
            text.clone(),
        ),
        "Idempotency-Key": header(
            "Idempotency-Key",
            "The first answer to a request with this key is given again for 24 hours, per token, path and organization.",
            json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" }),
        ),
        "If-Match": header(
            "If-Match",
            "Only if the object has this entity tag, or this revision alone (`\"42\"`), or with `*` if it exists.",
            text.clone(),
        ),
        "If-None-Match": header(
            "If-None-Match",
            "Only if the object has none of these entity tags.",
            text,
        ),
        "If-None-Match-Any": header(
            "If-None-Match",
            "Only if there is no such object.",
            json!({ "type": "string", "enum": ["*"] }),
        ),
    })
}

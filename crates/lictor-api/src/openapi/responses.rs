//! The responses of an operation: its answers, and the problems that it can have.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::parsed;
use super::schemas::{Schemas, tell_words};
use crate::answer::{Content, Outcome};
use crate::problems::{KINDS, Kind, MEDIA_TYPE, Of};
use crate::row::{Facts, Header, Method, Row};

/// The headers of responses.
pub(super) fn headers() -> Value {
    let header = |about: &str, schema: Value| json!({ "description": about, "schema": schema });
    let (text, whole) = (
        json!({ "type": "string" }),
        json!({ "type": "integer", "minimum": 0 }),
    );
    json!({
        "ETag": header(
            "The entity tag of the object: its revision, and a digest of the body. Not for whoever may not read it.",
            text.clone(),
        ),
        "Location": header("Where it is.", text.clone()),
        "Idempotency-Replayed": header(
            "`true` if it is the answer to an earlier request with the same key.",
            json!({ "type": "string", "enum": ["true"] }),
        ),
        "Retry-After": header("In how many seconds to come again.", whole),
        "WWW-Authenticate": header("`Bearer`.", text),
    })
}

/// The responses of an operation, by status.
pub(super) fn of_row(row: &dyn Row, schemas: &mut Schemas) -> Map<String, Value> {
    let facts = row.facts();
    let outcomes = row.outcomes(&mut schemas.answered);
    let shown = facts
        .example
        .status
        .or(outcomes.first().map(|first| first.status));
    let mut responses: Map<String, Value> = outcomes
        .into_iter()
        .map(|outcome| {
            let example = facts
                .example
                .answer
                .filter(|_| shown == Some(outcome.status));
            (
                outcome.status.to_string(),
                of_outcome(facts, outcome, example),
            )
        })
        .collect();
    for (status, kinds) in by_status(row) {
        responses.insert(status.to_string(), of_problems(status, &kinds));
    }
    responses
}

fn of_outcome(facts: &Facts, outcome: Outcome, example: Option<&str>) -> Value {
    let mut response = json!({ "description": outcome.about });
    let example = example.map(parsed);
    match outcome.content {
        Content::Nothing => {}
        Content::Json(schema) => {
            let mut schema = schema.to_value();
            tell_words(&mut schema);
            let mut content = json!({ "schema": schema });
            if let Some(example) = example {
                content["example"] = example;
            }
            response["content"] = json!({ "application/json": content });
        }
        Content::Bytes(media_type) => {
            response["content"] = json!({ media_type: { "schema": {} } });
        }
    }
    let headers = facts.headers.iter().filter_map(|header| match header {
        Header::ETag => Some("ETag"),
        Header::Location { .. } if outcome.status == 201 => Some("Location"),
        Header::IdempotencyKey => Some("Idempotency-Replayed"),
        Header::Location { .. } | Header::IfMatch | Header::IfNoneMatch => None,
    });
    put_headers(&mut response, headers);
    response
}

fn put_headers<'h>(response: &mut Value, names: impl Iterator<Item = &'h str>) {
    let headers = names.map(|name| {
        let header = json!({ "$ref": format!("#/components/headers/{name}") });
        (name.to_owned(), header)
    });
    let headers: Map<String, Value> = headers.collect();
    if !headers.is_empty() {
        response["headers"] = headers.into();
    }
}

/// Whether an operation can have such a problem.
fn can_have(row: &dyn Row, kind: &Kind) -> bool {
    let facts = row.facts();
    let has = |wanted: Header| facts.headers.contains(&wanted);
    match kind.of {
        Of::All => true,
        Of::Writes => facts.method != Method::Get,
        Of::Bodies => matches!(facts.method, Method::Post | Method::Put | Method::Patch),
        Of::Idempotent => has(Header::IdempotencyKey),
        Of::Conditional => has(Header::IfMatch),
        Of::Named => facts.problems.contains(&kind.name),
        Of::NoOperation => false,
    }
}

fn by_status(row: &dyn Row) -> BTreeMap<u16, Vec<&'static Kind>> {
    let mut found: BTreeMap<u16, Vec<&Kind>> = BTreeMap::new();
    for kind in KINDS.iter().filter(|kind| can_have(row, kind)) {
        for status in kind.statuses {
            found.entry(*status).or_default().push(kind);
        }
    }
    found
}

fn of_problems(status: u16, kinds: &[&Kind]) -> Value {
    let lines: Vec<String> = kinds
        .iter()
        .map(|kind| format!("- `{}`: {}", kind.name, kind.about))
        .collect();
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    let mut response = json!({
        "description": lines.join("\n"),
        "content": { MEDIA_TYPE: { "schema": schema } },
    });
    let headers: &[&str] = match status {
        401 => &["WWW-Authenticate"],
        429 | 503 => &["Retry-After"],
        _ => &[],
    };
    put_headers(&mut response, headers.iter().copied());
    response
}

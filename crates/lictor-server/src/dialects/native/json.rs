//! Strict reading of JSON bodies: media type, size, UTF-8, objects only. What an object holds is
//! for `wire.rs` to say.

use axum::body::{Body, HttpBody as _};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use lictor_authority::Call;
use lictor_core::parse_error;

use super::error::{Problem, busy};
use crate::http::budget::Owner;
use crate::http::intake::{OfJob, Unread};
use crate::settings::Server;

/// The largest body, in bytes: 2 MiB.
const MAX_BYTES: usize = 2 * 1024 * 1024;

/// Reads the whole body of a request. One that is empty needs no media type. A large one is a job for
/// as long as what is returned is there.
async fn read(server: &Server, call: &Call, head: &Parts, body: Body) -> Result<Bytes, Problem> {
    let job = match body.is_end_stream() {
        true => None,
        false => {
            let length = body.size_hint().exact();
            server.authority.begin_job(call, length).await?
        }
    };
    let owner = Owner::Organization(call.organization.id);
    let read = server.budgets.read(owner, head, body, MAX_BYTES).await;
    let bytes = read.map_err(|unread| match unread {
        Unread::TooLarge => too_large(),
        Unread::Broken => not_json("the body ended early"),
        Unread::NoRoom => busy(),
    })?;
    if !bytes.is_empty() {
        check_media_type(&head.headers)?;
    }
    Ok(OfJob::held(bytes, job))
}

/// Reads the whole body of a request as its row has it; of an operation without a body nothing is read.
pub(super) async fn body<B: lictor_api::row::Body + Send + 'static>(
    server: &Server,
    call: &Call,
    head: &Parts,
    body: Body,
) -> Result<(B, Bytes), Problem> {
    if !B::IS_SENT {
        return Ok((parse(b"")?, Bytes::new()));
    }
    let bytes = read(server, call, head, body).await?;
    let text = bytes.clone();
    let parsing = move || parse(&text);
    let parsed = server
        .authority
        .long_work(call.organization.id, bytes.len(), parsing);
    Ok((parsed.await??, bytes))
}

/// Reads what a row takes from a body; an empty body is an empty object.
pub(super) fn parse<B: lictor_api::row::Body>(bytes: &[u8]) -> Result<B, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        not_json(format!("the body is not UTF-8 from byte {at} on"))
    })?;
    B::read(text).map_err(|error| {
        let text = if text.is_empty() { "{}" } else { text };
        not_json(parse_error::of_json(text, &error))
    })
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let encoding = text(CONTENT_ENCODING).unwrap_or("identity");
    if !encoding.eq_ignore_ascii_case("identity") {
        return Err(unsupported(
            "send the body as it is, without Content-Encoding",
        ));
    }
    let mut parts = text(CONTENT_TYPE).unwrap_or_default().split(';');
    let essence = parts.next().unwrap_or_default().trim();
    let utf8 = |parameter: &str| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        !name.trim().eq_ignore_ascii_case("charset")
            || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    };
    if essence.eq_ignore_ascii_case("application/json") && parts.all(utf8) {
        Ok(())
    } else {
        Err(unsupported(
            "send JSON in UTF-8, with `Content-Type: application/json`",
        ))
    }
}

fn unsupported(detail: &str) -> Problem {
    let title = "The media type is not supported";
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media-type",
        title,
        detail,
    )
}

fn too_large() -> Problem {
    let detail = format!("the body is larger than {MAX_BYTES} bytes");
    let title = "The body is too large";
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body-too-large",
        title,
        detail,
    )
    .with("max_bytes", MAX_BYTES)
}

fn not_json(detail: impl Into<String>) -> Problem {
    let title = "The body is not the JSON that this route takes";
    Problem::new(StatusCode::BAD_REQUEST, "invalid-json", title, detail)
}

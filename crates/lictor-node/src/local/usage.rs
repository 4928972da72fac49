//! `/usage`: requests that were served already are counted; nothing is decided.

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use lictor_core::usage::{MAX_COUNT, MAX_COUNTS};
use serde::Deserialize;

use super::Service;
use super::answers::{self, Answer};
use crate::counters::is_service;
use crate::error::Denial;
use crate::meter::written;

/// The longest body, in bytes.
const MAX_BODY: usize = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Usage {
    counts: Vec<Count>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    service: String,
    count: u64,
}

/// Answers.
pub(super) async fn answer(service: &Service, request: Request<Incoming>) -> Answer {
    let usage = match read(request).await {
        Ok(usage) => usage,
        Err((status, message)) => return answers::failure(status, "invalid", &message),
    };
    let counters = &service.shared.counters;
    for Count { service, count } in &usage.counts {
        counters.add(&counters.slot(service), *count);
    }
    match written(&service.shared).await {
        Ok(()) => answers::allowed(),
        Err(failed) => answers::denied(Denial::NotCounted(failed)),
    }
}

async fn read(request: Request<Incoming>) -> Result<Usage, (StatusCode, String)> {
    let body = Limited::new(request.into_body(), MAX_BODY).collect().await;
    let body: Bytes = match body {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            let message = "the body is longer than 1 MiB; send less at once".to_owned();
            return Err((StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        Err(error) => return Err((StatusCode::BAD_REQUEST, error.to_string())),
    };
    let bad = |message: String| (StatusCode::BAD_REQUEST, message);
    let usage: Usage = serde_json::from_slice(&body).map_err(|error| {
        bad(format!(
            "send {{\"counts\":[{{\"service\":\"NAME\",\"count\":1}}]}}: {error}"
        ))
    })?;
    if usage.counts.len() > MAX_COUNTS {
        return Err(bad(format!("send at most {MAX_COUNTS} counts at once")));
    }
    for count in &usage.counts {
        if !is_service(&count.service) {
            return Err(bad(
                "service: use 1 to 128 characters without control characters".to_owned(),
            ));
        }
        if count.count > MAX_COUNT {
            return Err(bad(format!(
                "count: use a whole number from 0 to {MAX_COUNT}"
            )));
        }
    }
    Ok(usage)
}

//! `/usage`: counts requests that were already served, without a decision.

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use lictor_core::facts::usage::{MAX_COUNT, MAX_COUNTS};
use lictor_core::{parse_error, whole_number};
use serde::Deserialize;

use super::Service;
use super::responses::{self, LocalResponse};
use crate::counters::Counters;
use crate::error::Denial;
use crate::meter::written;

/// What is said of a name that no service may have.
pub(super) const BAD_SERVICE: &str = "service: use 1 to 128 visible characters, without control \
                                      characters and those that change how text is shown";

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
    #[serde(deserialize_with = "whole_number::read")]
    count: u64,
}

/// Answers.
pub(super) async fn answer(service: &Service, request: Request<Incoming>) -> LocalResponse {
    let counters = &service.shared.counters;
    let usage = match read(counters, request).await {
        Ok(usage) => usage,
        Err((status, message)) => return responses::failure(status, "invalid", &message),
    };
    for Count { service, count } in &usage.counts {
        counters.add(&counters.counter(service), *count);
    }
    match written(&service.shared).await {
        Ok(()) => responses::allowed(),
        Err(failed) => responses::denied(Denial::NotCounted(failed)),
    }
}

async fn read(
    counters: &Counters,
    request: Request<Incoming>,
) -> Result<Usage, (StatusCode, String)> {
    let body = Limited::new(request.into_body(), MAX_BODY).collect().await;
    let body: Bytes = match body {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            let message = "the body is longer than 1 MiB; send less at once".to_owned();
            return Err((StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        Err(_) => {
            let message = "the body ended early; send it again".to_owned();
            return Err((StatusCode::BAD_REQUEST, message));
        }
    };
    let bad = |message: String| (StatusCode::BAD_REQUEST, message);
    let text = std::str::from_utf8(&body).map_err(|_| bad("the body is not UTF-8".to_owned()))?;
    let usage: Usage = serde_json::from_str(text).map_err(|error| {
        bad(format!(
            "send {{\"counts\":[{{\"service\":\"NAME\",\"count\":1}}]}}: {}",
            parse_error::of_json(text, &error)
        ))
    })?;
    if usage.counts.len() > MAX_COUNTS {
        return Err(bad(format!("send at most {MAX_COUNTS} counts at once")));
    }
    for count in &usage.counts {
        if !counters.takes(&count.service) {
            return Err(bad(BAD_SERVICE.to_owned()));
        }
        if count.count > MAX_COUNT {
            return Err(bad(format!(
                "count: use a whole number from 0 to {MAX_COUNT}"
            )));
        }
    }
    Ok(usage)
}

//! `/check`: whether a request may be served; it is counted if so.

use hyper::StatusCode;

use super::Service;
use super::answers::{self, Answer};
use super::query;
use super::usage::BAD_SERVICE;
use crate::meter::Meter;

/// Answers.
pub(super) async fn answer(service: &Service, query: Option<&str>) -> Answer {
    let Some(query) = query.filter(|query| !query.is_empty()) else {
        return outcome(service.meter.ask(None, None).await);
    };
    let asked = match query::read(query, ["service", "application", "feature"]) {
        Ok(asked) => asked,
        Err(message) => return answers::failure(StatusCode::BAD_REQUEST, "invalid", &message),
    };
    let [name, application, feature] = &asked;
    let meter = match name {
        None => None,
        Some(name) if service.shared.counters.takes(name) => {
            Some(Meter::new(&service.shared, name))
        }
        Some(_) => return answers::failure(StatusCode::BAD_REQUEST, "invalid", BAD_SERVICE),
    };
    let meter = meter.as_ref().unwrap_or(&service.meter);
    outcome(meter.ask(application.as_deref(), feature.as_deref()).await)
}

fn outcome(decided: Result<(), crate::error::Denial>) -> Answer {
    match decided {
        Ok(()) => answers::allowed(),
        Err(denial) => answers::denied(denial),
    }
}

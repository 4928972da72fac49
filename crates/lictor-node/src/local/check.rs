//! `/check`: decides whether a request may be served, and counts it if so.

use std::borrow::Cow;

use hyper::{HeaderMap, StatusCode};

use super::Service;
use super::query;
use super::responses::{self, LocalResponse};
use super::usage::BAD_SERVICE;
use crate::meter::Meter;

/// The header that names the service, as a proxy sets it.
const SERVICE: &str = "lictor-service";

/// Answers.
pub(super) async fn answer(
    service: &Service,
    query: Option<&str>,
    headers: &HeaderMap,
) -> LocalResponse {
    let query = query.unwrap_or_default();
    if query.is_empty() && !headers.contains_key(SERVICE) {
        return outcome(service.meter.ask(None, None).await);
    }
    let asked = query::read(query, ["service", "application", "feature"]);
    let asked = asked.and_then(|[name, application, feature]| {
        Ok([one_service(name, headers)?, application, feature])
    });
    let [name, application, feature] = match &asked {
        Ok(asked) => asked,
        Err(message) => return responses::failure(StatusCode::BAD_REQUEST, "invalid", message),
    };
    let meter = match name {
        None => None,
        Some(name) if service.shared.counters.takes(name) => {
            Some(Meter::new(&service.shared, name))
        }
        Some(_) => return responses::failure(StatusCode::BAD_REQUEST, "invalid", BAD_SERVICE),
    };
    let meter = meter.as_ref().unwrap_or(&service.meter);
    outcome(meter.ask(application.as_deref(), feature.as_deref()).await)
}

/// The service that query and header name. Which of two that differ is a visitor's nobody knows here.
///
/// # Errors
/// What is wrong and what to do, in words.
fn one_service<'a>(
    asked: Option<Cow<'a, str>>,
    headers: &'a HeaderMap,
) -> Result<Option<Cow<'a, str>>, String> {
    let mut given = headers.get_all(SERVICE).iter();
    let (first, second) = (given.next(), given.next());
    if second.is_some() {
        return Err("Lictor-Service is given twice; give it once".to_owned());
    }
    let named = first.map_or(Ok(""), |value| std::str::from_utf8(value.as_bytes()));
    let named = named.map_err(|_| "Lictor-Service: use UTF-8".to_owned())?;
    match asked {
        // As nginx has it where a variable is empty.
        asked if named.is_empty() => Ok(asked),
        Some(asked) if asked != named => Err(
            "the query names another service than Lictor-Service does; name it in one of them"
                .to_owned(),
        ),
        Some(_) | None => Ok(Some(Cow::Borrowed(named))),
    }
}

fn outcome(decided: Result<(), crate::error::Denial>) -> LocalResponse {
    match decided {
        Ok(()) => responses::allowed(),
        Err(denial) => responses::denied(denial),
    }
}

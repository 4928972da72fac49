//! A repeated request: found by its key, refused while the first is still running, and answered as that was.

use std::any::Any;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use bytes::Bytes;
use lictor_api::answer::{Answer, Rendered};
use lictor_api::row::{Facts, Header};
use lictor_authority::{Answer as Stored, Call, IdempotencyKey, kept_answer};
use lictor_core::Error;
use lictor_core::digest::Digest;
use lictor_core::facts::seats::SeatRefusal;
use uuid::Uuid;

use super::super::auth::single;
use super::super::error::{Problem, invalid};
use super::{Ask, Granted};
use crate::settings::Server;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const MAX_KEY_LENGTH: usize = 255;

type Place = (Uuid, String, String);

/// The requests with an idempotency key that are running in this process. The store refuses twins
/// too, but only when the first has been written.
#[derive(Default)]
pub(in super::super) struct Running(Mutex<HashSet<Place>>);

impl Running {
    fn enter(self: &Arc<Self>, key: &IdempotencyKey) -> Result<Guard, Problem> {
        let place = (key.token, key.route.clone(), key.key.clone());
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !running.insert(place.clone()) {
            return Err(Error::IdempotencyTwin.into());
        }
        let all = self.clone();
        Ok(Guard { all, place })
    }
}

/// A place among the running requests, free again when the request ends, however it ends.
struct Guard {
    all: Arc<Running>,
    place: Place,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut running = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.remove(&self.place);
    }
}

/// A request with an idempotency key.
pub(super) struct Repeat {
    key: IdempotencyKey,
    _guard: Guard,
}

impl Repeat {
    /// The request with this key, if it has one, and its place among the running ones.
    pub(super) fn of(
        key: Option<String>,
        call: &Call,
        parts: &Parts,
        body: &Bytes,
    ) -> Result<Option<Self>, Problem> {
        let Some(key) = key else {
            return Ok(None);
        };
        let key = IdempotencyKey {
            token: call.actor.token,
            // An operator's requests about two organizations are no twins.
            route: format!("POST {} {}", parts.uri.path(), call.organization.id),
            key,
            request_sha256: Digest::of(body).0,
        };
        let running = parts
            .extensions
            .get::<Arc<Running>>()
            .ok_or_else(|| Error::internal("the router lacks the set of running requests"))?;
        let guard = running.enter(&key)?;
        Ok(Some(Self { key, _guard: guard }))
    }

    /// What was answered before.
    pub(super) async fn answered(
        &self,
        server: &Server,
        call: &Call,
    ) -> Result<Option<Stored>, Error> {
        let organization = call.organization.id;
        server.authority.answered(organization, &self.key).await
    }
}

/// What is stored for a repeated request: the answer, or the problem that says that a secret was shown.
pub(in super::super) enum Kept<A> {
    Answer(A),
    Problem(Problem),
}

impl<A: Answer> Kept<A> {
    fn stored(self) -> Option<Stored> {
        match self {
            Self::Problem(problem) => Some(problem.into_answer()),
            Self::Answer(answer) => {
                let rendered = Rendered::of(&answer).ok()?;
                let status = rendered.status();
                let body = String::from_utf8(rendered.into_body()).ok()?;
                Some(Stored { status, body })
            }
        }
    }
}

impl<P: Granted, Q, B, A: Answer + 'static> Ask<P, Q, B, A> {
    /// Keeps the answer, which `render` makes of what was decided, for a repeated request.
    pub(in super::super) fn keep<O: Any>(
        &mut self,
        render: impl Fn(&O) -> Kept<A> + Send + Sync + 'static,
    ) {
        self.keep_of_parts_if(move |outcomes| match outcomes {
            [outcome] => Some(render(outcome)),
            _ => None,
        });
    }

    /// The same of what may be refused although something is stored. A refusal is not kept: the next request
    /// may find room.
    pub(in super::super) fn keep_unless_refused<O: Any>(
        &mut self,
        render: impl Fn(&O) -> A + Send + Sync + 'static,
    ) {
        let render = unless_refused(render);
        self.keep_of_parts_if(move |outcomes| match outcomes {
            [outcome] => render(outcome).map(Kept::Answer),
            _ => None,
        });
    }

    /// The same of a request that is written in parts, of the outcomes of all; none: the answer is not kept.
    pub(in super::super) fn keep_of_parts_if<O: Any>(
        &mut self,
        render: impl Fn(&[&O]) -> Option<Kept<A>> + Send + Sync + 'static,
    ) {
        let key = self.repeat.as_ref().map(|repeat| repeat.key.clone());
        let stored = move |outcomes: &[&O]| render(outcomes)?.stored();
        self.call.idempotent = key.map(|key| kept_answer(key, stored));
    }
}

fn unless_refused<O, A>(render: impl Fn(&O) -> A) -> impl Fn(&Result<O, SeatRefusal>) -> Option<A> {
    move |outcome| outcome.as_ref().ok().map(&render)
}

/// The key that the client gave, where the row takes one.
pub(super) fn client_key(facts: &Facts, headers: &HeaderMap) -> Result<Option<String>, Problem> {
    if !facts.headers.contains(&Header::IdempotencyKey) {
        return Ok(None);
    }
    let Some(key) = single(headers, &KEY)? else {
        return Ok(None);
    };
    let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    let single_form = headers.get(KEY).is_some_and(|value| value.to_str().is_ok());
    if single_form && visible && (1..=MAX_KEY_LENGTH).contains(&key.len()) {
        return Ok(Some(key.to_owned()));
    }
    let reason = format!("use 1 to {MAX_KEY_LENGTH} visible ASCII characters");
    Err(invalid("Idempotency-Key", reason))
}

#[cfg(test)]
mod tests {
    use lictor_core::facts::seats::{Holder, SeatReason};

    use super::*;

    #[test]
    fn a_refusal_is_not_kept_whatever_is_stored_beside_it() {
        let render = unless_refused(|status: &u16| *status);
        let refusal = SeatRefusal {
            application: "editor".to_owned(),
            holder: Holder::Lease("host".to_owned()),
            reason: SeatReason::Unlicensed,
            limit: Some(0),
            used: 0,
            position: 7,
        };
        assert_eq!(render(&Err(refusal)), None);
        assert_eq!(render(&Ok(201)), Some(201));
    }
}

//! What a write tells who asked for it: all of what was written to who may read it, and to others no more than
//! they sent and what they could not go on without.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use lictor_api::permits::Place;
use lictor_authority::right::OnResource;
use lictor_authority::{Answer, Call};
use lictor_core::Error;
use lictor_core::facts::right::{Action, Resource, Right};
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::error::Problem;
use super::wire;
use crate::settings::Server;

/// How much may be told of a write.
#[derive(Clone)]
pub(super) struct Told {
    /// The members that were sent; none: all may be told.
    sent: Option<Arc<[String]>>,
}

impl Told {
    /// About what is written with this body, by who has the right to write it. A large body is looked
    /// through beside the threads that answer.
    pub(super) async fn of<R: OnResource>(
        server: &Server,
        call: &Call,
        body: &Bytes,
    ) -> Result<Self, Problem> {
        let told = Self::about::<R>(call);
        if told.is_all() {
            return Ok(told);
        }
        let (organization, text) = (call.organization.id, body.clone());
        let names = move || members(&text);
        let names = server.authority.long_work(organization, body.len(), names);
        Ok(Self {
            sent: Some(names.await?),
        })
    }

    /// About what an operation with these rights writes.
    pub(super) fn of_row(call: &Call, rights: &[(Right, Place)]) -> Self {
        let mut rights = rights.iter();
        let written = rights.find(|(right, _)| right.action == Action::Write);
        match written {
            Some((written, _)) => Self::about_resource(call, written.resource),
            None => Self { sent: None },
        }
    }

    /// About what is there of a resource, to who sent none of it.
    pub(super) fn about<R: OnResource>(call: &Call) -> Self {
        Self::about_resource(call, R::RESOURCE)
    }

    fn about_resource(call: &Call, resource: Resource) -> Self {
        let read = Right::read(match resource {
            // What is corrected is usage: who may correct it need not be told what it comes to.
            Resource::Corrections => Resource::Usage,
            written => written,
        });
        let may_read = call.has(read);
        Self {
            sent: (!may_read).then(Arc::default),
        }
    }

    /// Whether all may be told.
    pub(super) fn is_all(&self) -> bool {
        self.sent.is_none()
    }

    /// What a refusal says, without figures where these may not be told.
    pub(super) fn said(&self, error: &Error) -> String {
        let less = match self.is_all() {
            true => None,
            false => error.without_figures(),
        };
        less.unwrap_or_else(|| error.to_string())
    }

    /// The refusal that tells so much.
    pub(super) fn problem(&self, error: Error) -> Problem {
        match error.without_figures() {
            Some(said) if !self.is_all() => Problem::from(error).without_figures(said),
            _ => error.into(),
        }
    }

    /// The answer that tells so much of `view`. The write itself made the members `made`: ids, secrets, and
    /// how long those last.
    pub(super) fn answer(&self, status: u16, view: &impl Serialize, made: &[&str]) -> Answer {
        let mut answer = wire::answer(status, view);
        let Some(sent) = &self.sent else {
            return answer;
        };
        if let Ok(mut all) = serde_json::from_str::<Map<String, Value>>(&answer.body) {
            all.retain(|name, _| sent.contains(name) || made.contains(&name.as_str()));
            answer.body = Value::Object(all).to_string();
        }
        answer
    }
}

/// The names of the members of a body that was read.
fn members(body: &[u8]) -> Arc<[String]> {
    let members = serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(body);
    members.unwrap_or_default().into_keys().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_may_not_read_is_told_what_was_sent_and_what_was_made() {
        let view = json!({ "id": 1, "name": "N", "secret": "s", "used": 7 });
        let told = |sent: Option<&[&str]>| {
            let sent = sent.map(|sent| sent.iter().map(|name| (*name).to_owned()).collect());
            let answer = Told { sent }.answer(201, &view, &["id", "secret"]);
            serde_json::from_str::<Value>(&answer.body).expect("JSON")
        };
        assert_eq!(told(None), view);
        let less = json!({ "id": 1, "name": "N", "secret": "s" });
        assert_eq!(told(Some(&["name", "x"])), less);
        assert_eq!(told(Some(&[])), json!({ "id": 1, "secret": "s" }));
    }
}

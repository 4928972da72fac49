//! What a write tells who asked for it: all of what was written to who may read it, and to others no more than
//! they sent and what they could not go on without.

use lictor_core::{Resource, Right};
use serde::Serialize;
use serde_json::{Map, Value};

use super::wire;
use crate::authority::{Answer, Call};

/// How much may be told of a write.
#[derive(Clone)]
pub(super) struct Told {
    /// The members that were sent; none: all may be told.
    sent: Option<Vec<String>>,
}

impl Told {
    /// About what is written with this body, by who has the right to write it.
    pub(super) fn of(call: &Call, write: Right, body: &[u8]) -> Self {
        let read = Right::read(match write.resource {
            // What is corrected is usage: who may correct it need not be told what it comes to.
            Resource::Corrections => Resource::Usage,
            written => written,
        });
        let may_read = call.actor.may(read, Some(call.organization.id)).is_ok();
        let sent = (!may_read).then(|| {
            let sent: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
            sent.into_iter().map(|(name, _)| name).collect()
        });
        Self { sent }
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

//! A node as the control plane sees one: it joins, asks for its state, and reports. It takes nothing
//! that its pinned key did not sign for it.

use std::sync::atomic::{AtomicU32, Ordering};

use lictor_core::digest::Digest;
use lictor_core::feed::{
    Applied, Audience, EnrollmentToken, FEED_PATH, JOIN_PATH, Joined, REPORT_PATH, StateDocument,
};
use lictor_core::{PublicKey, Timestamp};
use lictor_testkit::{Answer, Request};
use serde_json::{Value, json};

use crate::events::Feed;

/// A node that has joined.
pub(crate) struct Node {
    pub(crate) url: String,
    pub(crate) credential: String,
    pub(crate) audience: Audience,
    pub(crate) key: PublicKey,
    /// The state that it was given when it joined.
    pub(crate) first: State,
}

/// What a verified state says.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) revision: u64,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) revoked: bool,
    pub(crate) content: lictor_core::feed::Content,
    pub(crate) content_sha256: Digest,
}

impl State {
    /// Verifies a document.
    #[track_caller]
    pub(crate) fn verified(document: &str, key: &PublicKey, audience: Audience) -> Self {
        let state = StateDocument::verify(document, key, audience);
        let state = state.unwrap_or_else(|error| panic!("{error}: {document}"));
        Self {
            revision: state.revision(),
            issued_at: state.issued_at(),
            expires_at: state.expires_at(),
            revoked: state.is_revoked(),
            content: state.content().clone(),
            content_sha256: state.content_sha256(),
        }
    }

    /// The ids of the licenses in it.
    pub(crate) fn licenses(&self) -> Vec<String> {
        let licenses = self.content.licenses.iter();
        licenses.map(|license| license.id.to_string()).collect()
    }

    /// What a node says that applies it.
    pub(crate) fn applied(&self) -> Applied {
        Applied {
            revision: self.revision,
            issued_at: self.issued_at,
            content_sha256: self.content_sha256,
        }
    }
}

/// A credential that no other node has.
pub(crate) fn new_credential() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    format!("credential-of-a-node-of-the-tests-{number}")
}

/// The request to join with this token and credential.
pub(crate) fn join(url: &str, token: &str, credential: &str) -> Request {
    let body = json!({
        "credential_sha256": Digest::of(credential.as_bytes()), "host": "h", "version": "0.1.0",
        "formats": [1],
    });
    let call = Request::new(url, "POST", JOIN_PATH).token(token);
    call.json(&body)
}

impl Node {
    /// Joins with a credential of its own.
    pub(crate) fn join(url: &str, token: &EnrollmentToken) -> Self {
        let credential = new_credential();
        let joined = join(url, token.as_str(), &credential).expect(201);
        let joined: Joined = serde_json::from_slice(&joined.body).expect("what was promised");
        let key = joined.control_plane_key;
        assert_eq!(key.sha256(), token.pin(), "the token names the key");
        let audience = Audience {
            organization: joined.organization,
            node: joined.node,
        };
        Self {
            url: url.to_owned(),
            credential,
            audience,
            first: State::verified(&joined.state, &key, audience),
            key,
        }
    }

    /// The same node, whose control plane is at another address now.
    pub(crate) fn at(self, url: &str) -> Self {
        Self {
            url: url.to_owned(),
            ..self
        }
    }

    /// A request with its credential.
    pub(crate) fn call(&self, method: &str, path: &str) -> Request {
        Request::new(&self.url, method, path).token(&self.credential)
    }

    /// Verifies a document that is for it.
    #[track_caller]
    pub(crate) fn verify(&self, document: &str) -> State {
        State::verified(document, &self.key, self.audience)
    }

    /// The newest state.
    #[track_caller]
    pub(crate) fn poll(&self) -> State {
        self.verify(self.call("GET", FEED_PATH).expect(200).text())
    }

    /// A report that is in order, to change what a test is about.
    pub(crate) fn report_of(&self, state: &State) -> Value {
        json!({
            "host": "rack-7", "version": "0.1.0", "mode": "fresh", "applied": state.applied(),
            "control_plane": self.key.sha256(), "license": null, "requests": 0, "problems": [], "counts": [],
        })
    }

    /// Sends a report, whatever comes of it.
    pub(crate) fn report(&self, report: &Value) -> Answer {
        self.call("POST", REPORT_PATH).json(report).send()
    }

    /// Reports counts, which must be taken.
    #[track_caller]
    pub(crate) fn count(&self, counts: &Value) {
        let mut report = self.report_of(&self.first);
        report["counts"] = counts.clone();
        let answer = self.report(&report);
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Opens its feed.
    pub(crate) fn feed(&self) -> Feed<'_> {
        Feed::open(self)
    }
}

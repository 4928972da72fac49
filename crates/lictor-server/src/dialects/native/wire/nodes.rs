//! Requests and answers about nodes.

use lictor_authority::{EnrollRequest, EnrolledNode, NodeStanding};
use lictor_core::feed::{Mode, NodePolicy};
use lictor_core::whole_number;
use serde::{Deserialize, Serialize};

use super::time;

/// A node to enroll.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(in crate::dialects::native) struct NewNode {
    name: String,
    application: Option<String>,
}

impl NewNode {
    pub(in crate::dialects::native) fn into_request(self) -> EnrollRequest {
        EnrollRequest {
            name: self.name,
            application: self.application,
        }
    }
}

/// A node and how it stands; its enrollment token only in the answer to its enrollment.
#[derive(Serialize)]
pub(in crate::dialects::native) struct NodeView {
    id: String,
    name: String,
    application: String,
    pool: Option<String>,
    status: &'static str,
    reason: Option<String>,
    connected: bool,
    created_at: String,
    joined_at: Option<String>,
    seen_at: Option<String>,
    host: Option<String>,
    version: Option<String>,
    mode: Option<Mode>,
    state_revision: u64,
    applied_revision: Option<u64>,
    license: Option<String>,
    lives: usize,
    copied: bool,
    requests: Option<u64>,
    nodes: u64,
    node_limit: Option<u32>,
    problems: Vec<String>,
    #[serde(flatten)]
    token: Option<TokenView>,
}

#[derive(Serialize)]
struct TokenView {
    enrollment_token: String,
    token_expires_at: String,
}

impl NodeView {
    pub(in crate::dialects::native) fn of(standing: NodeStanding) -> Self {
        let node = standing.node;
        let seen = node.seen;
        let said = seen.as_ref();
        Self {
            id: node.id.to_string(),
            name: node.identity.name,
            application: node.state.application,
            pool: node.pool,
            status: standing.status.as_str(),
            reason: standing.reason,
            connected: standing.connected,
            created_at: time(node.state.created_at),
            joined_at: node.state.joined_at.map(time),
            seen_at: said.map(|seen| time(seen.at)),
            host: said.map(|seen| seen.host.clone()),
            version: said.map(|seen| seen.version.clone()),
            mode: said.map(|seen| seen.mode),
            state_revision: standing.state_revision,
            applied_revision: said.and_then(|seen| seen.applied).map(|at| at.revision),
            license: said
                .and_then(|seen| seen.license)
                .map(|license| license.to_string()),
            lives: standing.lives,
            copied: standing.copied,
            requests: said.map(|_| standing.requests),
            nodes: standing.enrolled,
            node_limit: standing.granted,
            problems: seen.map(|seen| seen.problems).unwrap_or_default(),
            token: None,
        }
    }

    pub(in crate::dialects::native) fn with_token(enrolled: EnrolledNode) -> Self {
        Self {
            token: Some(TokenView {
                enrollment_token: enrolled.token.as_str().to_owned(),
                token_expires_at: time(enrolled.expires_at),
            }),
            ..Self::of(enrolled.node)
        }
    }
}

/// How long nodes go on without news, in seconds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dialects::native) struct NodePolicyBody {
    #[serde(deserialize_with = "whole_number::read")]
    stale_after: i64,
    #[serde(deserialize_with = "whole_number::read")]
    expires_after: i64,
    #[serde(deserialize_with = "whole_number::read")]
    grace: i64,
}

impl From<NodePolicy> for NodePolicyBody {
    fn from(policy: NodePolicy) -> Self {
        Self {
            stale_after: policy.stale_after,
            expires_after: policy.expires_after,
            grace: policy.grace,
        }
    }
}

impl From<NodePolicyBody> for NodePolicy {
    fn from(body: NodePolicyBody) -> Self {
        Self {
            stale_after: body.stale_after,
            expires_after: body.expires_after,
            grace: body.grace,
        }
    }
}

/// How many nodes were ahead when what is stored was made to win.
#[derive(Serialize)]
pub(in crate::dialects::native) struct AdoptionView {
    pub(in crate::dialects::native) nodes: usize,
}

//! Nodes and their policy, between the authority and the contract.

use lictor_api::nodes::{
    EnrollNode, EnrolledNode, EnrolledNodePart, Node, NodePolicy, SetNodePolicy, WrittenNode,
};
use lictor_api::values::{Instant, Text, Told, Written};
use lictor_authority::{EnrolledNode as Enrolled, NodeStanding};
use lictor_core::feed::NodePolicy as Policy;

pub(in crate::dialects::native) fn node(standing: NodeStanding) -> Node {
    let node = standing.node;
    let seen = node.seen;
    let said = seen.as_ref();
    Node {
        id: node.id,
        name: node.identity.name,
        application: node.state.application,
        pool: node.pool,
        status: Text::new(standing.status.as_str()),
        detail: standing.reason,
        connected: standing.connected,
        created_at: Instant(node.state.created_at),
        joined_at: node.state.joined_at.map(Instant),
        seen_at: said.map(|seen| Instant(seen.at)),
        host: said.map(|seen| seen.host.clone()),
        version: said.map(|seen| seen.version.clone()),
        mode: said.map(|seen| seen.mode.into()),
        state_revision: standing.state_revision,
        applied_revision: said.and_then(|seen| seen.applied).map(|at| at.revision),
        license: said.and_then(|seen| seen.license),
        instances: standing.lives as u64,
        copied: standing.copied,
        requests_this_month: said.map(|_| standing.requests),
        nodes: standing.enrolled,
        node_limit: standing.granted,
        problems: seen.map(|seen| seen.problems).unwrap_or_default(),
    }
}

/// A node that was just enrolled, or as much of it as was sent or made, for whoever is not told `all`.
pub(in crate::dialects::native) fn enrolled(
    enrolled: Enrolled,
    sent: &EnrollNode,
    all: bool,
) -> WrittenNode {
    let enrollment_token = enrolled.token.as_str().to_owned();
    let token_expires_at = Instant(enrolled.expires_at);
    let node = node(enrolled.node);
    match all {
        true => Written::Whole(EnrolledNode {
            node,
            enrollment_token,
            token_expires_at,
        }),
        false => Written::Part(EnrolledNodePart {
            id: node.id,
            name: node.name,
            application: Told::if_told(sent.application.is_some(), node.application),
            enrollment_token,
            token_expires_at,
        }),
    }
}

pub(in crate::dialects::native) fn policy(policy: Policy) -> NodePolicy {
    NodePolicy {
        stale_after_seconds: policy.stale_after,
        expires_after_seconds: policy.expires_after,
        grace_seconds: policy.grace,
    }
}

pub(in crate::dialects::native) fn policy_to_set(sent: &SetNodePolicy) -> Policy {
    Policy {
        stale_after: sent.stale_after_seconds,
        expires_after: sent.expires_after_seconds,
        grace: sent.grace_seconds,
    }
}

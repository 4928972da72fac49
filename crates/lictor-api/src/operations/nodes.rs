//! The rows of nodes, their pools and their policy.

use super::variables::{NODE, POOL};
use crate::answer::{Created, Done, Shown};
use crate::list::List;
use crate::node_pools::{CreateNodePool, NodePool, WrittenNodePool};
use crate::nodes::{AdoptedNodes, EnrollNode, Node, NodePolicy, SetNodePolicy, WrittenNode};
use crate::permits::{InstallationPermit, Nodes, Permit, Read, Write};
use crate::query::{NoQuery, Page};
use crate::row::{Example, Facts, Header, Met, Method, NoBody, Operation};
use crate::values::Nothing;

/// Lists nodes.
pub const LIST_NODES: Operation<Permit<Nodes, Read>, Page, NoBody, Shown<List<Node>>> =
    Operation::new(Facts {
        id: "listNodes",
        path: "/nodes",
        summary: "Lists the nodes: what they apply, what they counted, and what is wrong.",
        example: Example::answer(
            r#"{"data": [{"id": "019dd0a8-5c00-7000-8000-00000000000b", "name": "edge-1", "application": "konnect",
 "pool": null, "status": "enrolled", "detail": null, "connected": false, "created_at": "2026-11-22T04:00:00Z",
 "joined_at": null, "seen_at": null, "host": null, "version": null, "mode": null, "state_revision": 12,
 "applied_revision": null, "license": null, "instances": 0, "copied": false, "requests_this_month": null, "nodes": 2,
 "node_limit": null, "problems": []}], "next_cursor": null}"#,
        ),
        command: Met::At(&["node list"]),
        page: Met::At(&["Nodes"]),
        ..Facts::EMPTY
    });

/// Enrolls a node.
pub const ENROLL_NODE: Operation<Permit<Nodes, Write>, NoQuery, EnrollNode, Created<WrittenNode>> =
    Operation::new(Facts {
        id: "enrollNode",
        method: Method::Post,
        path: "/nodes",
        summary: "Enrolls a node, and shows the token that it joins with this once.",
        details: "Enrolling a name again whose node never joined revokes that node.",
        headers: &[
            Header::IdempotencyKey,
            Header::Location {
                path: "/nodes/{node}",
                member: "name",
            },
        ],
        problems: &[
            "node-limit",
            "already-exists",
            "secret-already-shown",
            "outdated",
        ],
        example: Example::sent(
            r#"{"name": "edge-1", "application": "konnect"}"#,
            r#"{"id": "019dd0a8-5c00-7000-8000-00000000000b", "name": "edge-1", "application": "konnect",
 "pool": null, "status": "enrolled", "detail": null, "connected": false, "created_at": "2026-11-22T04:00:00Z",
 "joined_at": null, "seen_at": null, "host": null, "version": null, "mode": null, "state_revision": 12,
 "applied_revision": null, "license": null, "instances": 0, "copied": false, "requests_this_month": null, "nodes": 2,
 "node_limit": null, "problems": [], "enrollment_token": "…", "token_expires_at": "2026-11-23T04:00:00Z"}"#,
        ),
        command: Met::At(&["node enroll"]),
        page: Met::At(&["Nodes"]),
        ..Facts::EMPTY
    });

/// Shows a node.
pub const SHOW_NODE: Operation<Permit<Nodes, Read>, NoQuery, NoBody, Shown<Node>> = Operation::new(
    Facts {
        id: "showNode",
        path: "/nodes/{node}",
        variables: &[NODE],
        summary: "Shows a node and how it stands.",
        example: Example::answer(
            r#"{"id": "019dd0a8-5c00-7000-8000-00000000000b", "name": "edge-1", "application": "konnect",
 "pool": "edge", "status": "current", "detail": null, "connected": true, "created_at": "2026-11-22T04:00:00Z",
 "joined_at": "2026-11-22T04:01:00Z", "seen_at": "2026-11-22T05:00:00Z", "host": "rack-7", "version": "0.1.0",
 "mode": "fresh", "state_revision": 12, "applied_revision": 12,
 "license": "019dd0a8-5c00-7000-8000-000000000001", "instances": 1, "copied": false,
 "requests_this_month": 12345, "nodes": 2, "node_limit": 5, "problems": ["the disk is full"]}"#,
        ),
        command: Met::Nowhere("`lictor node list` shows the same of each"),
        page: Met::At(&["Nodes"]),
        ..Facts::EMPTY
    },
);

/// Revokes a node.
pub const REVOKE_NODE: Operation<Permit<Nodes, Write>, NoQuery, NoBody, Done> =
    Operation::new(Facts {
        id: "revokeNode",
        method: Method::Delete,
        path: "/nodes/{node}",
        variables: &[NODE],
        summary: "Revokes a node: its feed ends, and it allows nothing once it hears of it.",
        command: Met::At(&["node revoke"]),
        page: Met::At(&["Nodes"]),
        ..Facts::EMPTY
    });

/// Lists pools of nodes.
pub const LIST_NODE_POOLS: Operation<Permit<Nodes, Read>, Page, NoBody, Shown<List<NodePool>>> =
    Operation::new(Facts {
        id: "listNodePools",
        path: "/node-pools",
        summary: "Lists the pools of nodes, and how many of their places are taken.",
        example: Example::answer(
            r#"{"data": [{"id": "019dd0a8-5c00-7000-8000-00000000000c", "name": "edge", "application": "konnect",
 "limit": 200, "used": 12, "forget_after_seconds": 3600, "created_at": "2026-11-22T04:00:00Z",
 "token_expires_at": "2026-12-22T04:00:00Z", "token_expired": false}], "next_cursor": null}"#,
        ),
        command: Met::At(&["node pool list"]),
        page: Met::At(&["Nodes"]),
        ..Facts::EMPTY
    });

/// Makes a pool of nodes.
pub const CREATE_NODE_POOL: Operation<
    Permit<Nodes, Write>,
    NoQuery,
    CreateNodePool,
    Created<WrittenNodePool>,
> = Operation::new(Facts {
    id: "createNodePool",
    method: Method::Post,
    path: "/node-pools",
    summary: "Makes a pool: one token that many nodes join with, which is shown this once.",
    details: "The name of a pool whose token has expired can be given again, which revokes the expired pool.",
    headers: &[
        Header::IdempotencyKey,
        Header::Location {
            path: "/node-pools/{pool}",
            member: "name",
        },
    ],
    problems: &["already-exists", "secret-already-shown"],
    example: Example::sent(
        r#"{"name": "edge", "application": "konnect", "limit": 200, "ttl_seconds": 2592000,
 "forget_after_seconds": 3600}"#,
        r#"{"id": "019dd0a8-5c00-7000-8000-00000000000c", "name": "edge", "application": "konnect", "limit": 200,
 "used": 0, "forget_after_seconds": 3600, "created_at": "2026-11-22T04:00:00Z",
 "token_expires_at": "2026-12-22T04:00:00Z", "token_expired": false, "enrollment_token": "…"}"#,
    ),
    command: Met::At(&["node enroll --pool"]),
    page: Met::At(&["Nodes"]),
    ..Facts::EMPTY
});

/// Shows a pool of nodes.
pub const SHOW_NODE_POOL: Operation<Permit<Nodes, Read>, NoQuery, NoBody, Shown<NodePool>> =
    Operation::new(Facts {
        id: "showNodePool",
        path: "/node-pools/{pool}",
        variables: &[POOL],
        summary: "Shows a pool of nodes.",
        example: Example::answer(
            r#"{"id": "019dd0a8-5c00-7000-8000-00000000000c", "name": "edge", "application": "konnect", "limit": 200,
 "used": 12, "forget_after_seconds": 3600, "created_at": "2026-11-22T04:00:00Z",
 "token_expires_at": "2026-12-22T04:00:00Z", "token_expired": true}"#,
        ),
        command: Met::Nowhere("`lictor node pool list` shows the same of each"),
        page: Met::At(&["Nodes"]),
        ..Facts::EMPTY
    });

/// Revokes a pool of nodes.
pub const REVOKE_NODE_POOL: Operation<Permit<Nodes, Write>, NoQuery, NoBody, Done> = Operation::new(
    Facts {
        id: "revokeNodePool",
        method: Method::Delete,
        path: "/node-pools/{pool}",
        variables: &[POOL],
        summary: "Revokes a pool's token: nobody joins with it any more, and its nodes keep working.",
        command: Met::At(&["node pool revoke"]),
        page: Met::At(&["Nodes"]),
        ..Facts::EMPTY
    },
);

/// The policy of nodes, as examples show it.
const POLICY_EXAMPLE: &str =
    r#"{"stale_after_seconds": 300, "expires_after_seconds": 86400, "grace_seconds": 2592000}"#;

/// Shows the nodes' policy.
pub const SHOW_NODE_POLICY: Operation<Permit<Nodes, Read>, NoQuery, NoBody, Shown<NodePolicy>> =
    Operation::new(Facts {
        id: "showNodePolicy",
        path: "/node-policy",
        summary: "Shows how long nodes keep working without news.",
        example: Example::answer(POLICY_EXAMPLE),
        command: Met::At(&["node policy"]),
        page: Met::At(&["Nodes"]),
        ..Facts::EMPTY
    });

/// Sets the nodes' policy.
pub const SET_NODE_POLICY: Operation<
    InstallationPermit<Nodes, Write>,
    NoQuery,
    SetNodePolicy,
    Shown<NodePolicy>,
> = Operation::new(Facts {
    id: "setNodePolicy",
    method: Method::Put,
    path: "/node-policy",
    summary: "Sets how long nodes keep working without news.",
    example: Example::sent(POLICY_EXAMPLE, POLICY_EXAMPLE),
    command: Met::At(&["node policy --stale-after --expires-after --grace"]),
    page: Met::At(&["Nodes"]),
    ..Facts::EMPTY
});

/// Adopts nodes.
pub const ADOPT_NODES: Operation<
    InstallationPermit<Nodes, Write>,
    NoQuery,
    Nothing,
    Shown<AdoptedNodes>,
> = Operation::new(Facts {
    id: "adoptNodes",
    method: Method::Post,
    path: "/node-adoptions",
    summary: "Makes nodes that are ahead accept what is stored here, as after a backup was restored.",
    headers: &[Header::IdempotencyKey],
    example: Example::sent("{}", r#"{"adopted": 1}"#),
    command: Met::At(&["node adopt"]),
    page: Met::At(&["Nodes"]),
    ..Facts::EMPTY
});

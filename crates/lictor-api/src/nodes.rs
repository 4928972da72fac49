//! Nodes and their policy: what is sent and answered.

use lictor_core::feed::Mode;
use lictor_core::whole_number;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::row::Sent;
use crate::values::{Instant, Text, Told, Words, Written};

/// A node to enroll.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrollNode {
    /// Its name: 1 to 63 lower-case letters, digits, hyphens and dots, a letter or digit first.
    #[schemars(regex(pattern = "^[a-z0-9][a-z0-9.-]{0,62}$"))]
    pub name: String,
    /// The key of the application that it serves; left out: the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
}

impl Sent for EnrollNode {}

/// How a node stands. Of several that hold it is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeStatus {
    /// It gave its place in its pool back, and may come back.
    Left,
    /// It has not joined.
    Enrolled,
    /// It knows a state that was never made here.
    Ahead,
    /// It has not been heard from for 150 seconds.
    Silent,
    /// It applies the newest state.
    Current,
    /// It applies an older state, or none.
    Behind,
}

impl Words for NodeStatus {
    const ALL: &'static [Self] = &[
        Self::Left,
        Self::Enrolled,
        Self::Ahead,
        Self::Silent,
        Self::Current,
        Self::Behind,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Enrolled => "enrolled",
            Self::Ahead => "ahead",
            Self::Silent => "silent",
            Self::Current => "current",
            Self::Behind => "behind",
        }
    }
}

/// A node and how it stands. What it said of itself is `null` until it reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Node {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The key of the application that it serves.
    pub application: String,
    /// The name of its pool.
    pub pool: Option<String>,
    /// How it stands.
    pub status: Text<NodeStatus>,
    /// More about the status, for people.
    pub detail: Option<String>,
    /// Whether its feed is open at this server, and it was heard from in the last 90 seconds.
    pub connected: bool,
    /// When it was enrolled.
    pub created_at: Instant,
    /// When it joined.
    pub joined_at: Option<Instant>,
    /// When it last reported.
    pub seen_at: Option<Instant>,
    /// The name of its host.
    pub host: Option<String>,
    /// Its version of Lictor.
    pub version: Option<String>,
    /// How it stands towards this server, in its own eyes.
    pub mode: Option<Text<Mode>>,
    /// The revision of the state that is made for it now.
    pub state_revision: u64,
    /// The revision of the state that it applies.
    pub applied_revision: Option<u64>,
    /// The id of the license that it decides by; `null`: none is in force.
    pub license: Option<Uuid>,
    /// How many instances of it run at once. More than one: its folder was copied.
    pub instances: u64,
    /// Whether its folder was copied, or an older one was put back.
    pub copied: bool,
    /// The requests that it counted this month.
    pub requests_this_month: Option<u64>,
    /// How many nodes of its application take a place.
    pub nodes: u64,
    /// How many the license in force grants; `null`: it sets no limit, or there is none.
    pub node_limit: Option<u32>,
    /// What it reported to be wrong, for people.
    pub problems: Vec<String>,
}

/// A node that was just enrolled, with its enrollment token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnrolledNode {
    /// The node.
    #[serde(flatten)]
    pub node: Node,
    /// What a node joins with, once. It is answered only this once, and stored nowhere.
    pub enrollment_token: String,
    /// When that token ends: a day later.
    pub token_expires_at: Instant,
}

/// A node that was just enrolled, for whoever may not read nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnrolledNodePart {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The key of the application that it serves, if it was sent.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub application: Told<String>,
    /// What a node joins with, once.
    pub enrollment_token: String,
    /// When that token ends.
    pub token_expires_at: Instant,
}

/// A node that was just enrolled, as far as it is told.
pub type WrittenNode = Written<EnrolledNode, EnrolledNodePart>;

/// How long nodes keep working without news; all three are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetNodePolicy {
    /// After how many seconds without a newly signed state a node calls itself stale, 10 to 316,224,000.
    #[serde(deserialize_with = "whole_number::read")]
    #[schemars(range(min = 10, max = 316_224_000))]
    pub stale_after_seconds: i64,
    /// For how many seconds a state is valid, `stale_after_seconds` to 316,224,000.
    #[serde(deserialize_with = "whole_number::read")]
    #[schemars(range(min = 10, max = 316_224_000))]
    pub expires_after_seconds: i64,
    /// For how many seconds a node keeps working after that, 0 to 316,224,000.
    #[serde(deserialize_with = "whole_number::read")]
    #[schemars(range(min = 0, max = 316_224_000))]
    pub grace_seconds: i64,
}

impl Sent for SetNodePolicy {}

/// How long nodes keep working without news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodePolicy {
    /// After how many seconds without a newly signed state a node calls itself stale.
    pub stale_after_seconds: i64,
    /// For how many seconds a state is valid.
    pub expires_after_seconds: i64,
    /// For how many seconds a node keeps working after that.
    pub grace_seconds: i64,
}

/// What an adoption did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdoptedNodes {
    /// How many nodes were ahead. Only for whoever may read nodes.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub adopted: Told<u64>,
}

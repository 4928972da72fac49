//! Pools of nodes: what is sent and answered.

use lictor_core::whole_number;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::row::Sent;
use crate::values::{Instant, Told, Written};

/// A pool to make: one token for many nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateNodePool {
    /// Its name: 1 to 50 lower-case letters, digits, hyphens and dots, a letter or digit first.
    #[schemars(regex(pattern = "^[a-z0-9][a-z0-9.-]{0,49}$"))]
    pub name: String,
    /// The key of the application that its nodes serve; left out: the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// How many nodes may be in it at once, 1 to 1,000,000.
    #[serde(deserialize_with = "whole_number::read")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub limit: u64,
    /// How long nodes can join with its token, in seconds, 60 to 315,360,000; left out: 2,592,000.
    #[serde(default, deserialize_with = "whole_number::read_some")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 315_360_000))]
    pub ttl_seconds: Option<i64>,
    /// How long a node may be silent before it gives its place back, in seconds, 10 to 34,560,000; left out: 3,600.
    #[serde(default, deserialize_with = "whole_number::read_some")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 10, max = 34_560_000))]
    pub forget_after_seconds: Option<i64>,
}

impl Sent for CreateNodePool {}

/// A pool and its places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodePool {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The key of the application that its nodes serve.
    pub application: String,
    /// How many nodes may be in it at once.
    pub limit: u64,
    /// How many are.
    pub used: u64,
    /// How long a node may be silent before it gives its place back, in seconds.
    pub forget_after_seconds: i64,
    /// When it was made.
    pub created_at: Instant,
    /// Until when nodes can join with its token.
    pub token_expires_at: Instant,
    /// Whether that is over.
    pub token_expired: bool,
}

/// A pool that was just made, with its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreatedNodePool {
    /// The pool.
    #[serde(flatten)]
    pub pool: NodePool,
    /// What its nodes join with. It is answered only this once, and stored nowhere.
    pub enrollment_token: String,
}

/// A pool that was just made, for whoever may not read nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreatedNodePoolPart {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// How many nodes may be in it at once.
    pub limit: u64,
    /// The key of the application that its nodes serve, if it was sent.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub application: Told<String>,
    /// How long a node may be silent before it gives its place back, in seconds, if it was sent.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub forget_after_seconds: Told<i64>,
    /// What its nodes join with.
    pub enrollment_token: String,
    /// Until when nodes can join with that token.
    pub token_expires_at: Instant,
}

/// A pool that was just made, as far as it is told.
pub type WrittenNodePool = Written<CreatedNodePool, CreatedNodePoolPart>;

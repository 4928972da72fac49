//! Requests and answers about pools of nodes.

use lictor_authority::{IssuedPool, PoolRequest, PoolStanding};
use lictor_core::whole_number;
use serde::{Deserialize, Serialize};

use super::time;

/// A pool to make; spans in seconds.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(in crate::dialects::native) struct NewPool {
    name: String,
    application: Option<String>,
    #[serde(deserialize_with = "whole_number::read")]
    uses: u64,
    #[serde(default, deserialize_with = "whole_number::read_some")]
    ttl: Option<i64>,
    #[serde(default, deserialize_with = "whole_number::read_some")]
    forget_after: Option<i64>,
}

impl NewPool {
    pub(in crate::dialects::native) fn into_request(self) -> PoolRequest {
        PoolRequest {
            name: self.name,
            application: self.application,
            uses: self.uses,
            ttl: self.ttl,
            forget_after: self.forget_after,
        }
    }
}

/// A pool and its places; its token only in the answer to its making.
#[derive(Serialize)]
pub(in crate::dialects::native) struct PoolView {
    id: String,
    name: String,
    application: String,
    uses: u64,
    taken: u64,
    forget_after: i64,
    created_at: String,
    token_expires_at: String,
    expired: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    enrollment_token: Option<String>,
}

impl PoolView {
    pub(in crate::dialects::native) fn of(standing: PoolStanding) -> Self {
        let pool = standing.pool;
        Self {
            id: pool.id.to_string(),
            name: pool.identity.name,
            application: pool.state.application,
            uses: pool.state.uses,
            taken: pool.state.taken,
            forget_after: pool.state.forget_after,
            created_at: time(pool.state.created_at),
            token_expires_at: time(standing.expires_at),
            expired: standing.expired,
            enrollment_token: None,
        }
    }

    pub(in crate::dialects::native) fn with_token(issued: IssuedPool) -> Self {
        Self {
            enrollment_token: Some(issued.token.as_str().to_owned()),
            ..Self::of(issued.pool)
        }
    }
}

//! Pools of nodes, between the authority and the contract.

use lictor_api::node_pools::{
    CreateNodePool, CreatedNodePool, CreatedNodePoolPart, NodePool, WrittenNodePool,
};
use lictor_api::values::{Instant, Told, Written};
use lictor_authority::{IssuedPool, PoolRequest, PoolStanding};

pub(in crate::dialects::native) fn request(sent: &CreateNodePool) -> PoolRequest {
    PoolRequest {
        name: sent.name.clone(),
        application: sent.application.clone(),
        uses: sent.limit,
        ttl: sent.ttl_seconds,
        forget_after: sent.forget_after_seconds,
    }
}

pub(in crate::dialects::native) fn pool(standing: PoolStanding) -> NodePool {
    let pool = standing.pool;
    NodePool {
        id: pool.id,
        name: pool.identity.name,
        application: pool.state.application,
        limit: pool.state.uses,
        used: pool.state.taken,
        forget_after_seconds: pool.state.forget_after,
        created_at: Instant(pool.state.created_at),
        token_expires_at: Instant(standing.expires_at),
        token_expired: standing.expired,
    }
}

/// A pool that was just made, or as much of it as was sent or made, for whoever is not told `all`.
pub(in crate::dialects::native) fn created(
    issued: IssuedPool,
    sent: &CreateNodePool,
    all: bool,
) -> WrittenNodePool {
    let enrollment_token = issued.token.as_str().to_owned();
    let pool = pool(issued.pool);
    match all {
        true => Written::Whole(CreatedNodePool {
            pool,
            enrollment_token,
        }),
        false => Written::Part(CreatedNodePoolPart {
            id: pool.id,
            name: pool.name,
            limit: pool.limit,
            application: Told::if_told(sent.application.is_some(), pool.application),
            forget_after_seconds: Told::if_told(
                sent.forget_after_seconds.is_some(),
                pool.forget_after_seconds,
            ),
            enrollment_token,
            token_expires_at: pool.token_expires_at,
        }),
    }
}

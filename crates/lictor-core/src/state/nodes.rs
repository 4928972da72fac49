//! Applies changes of nodes and pools.

use crate::change::Change;
use crate::facts::node::NodeState;
use crate::facts::pool::PoolState;
use crate::feed::NodePolicy;
use crate::state::State;
use crate::time::Timestamp;

impl State {
    /// Applies a change of nodes.
    pub(super) fn apply_to_nodes(&mut self, position: u64, at: Timestamp, change: &Change) {
        let before = self.group_of(change);
        self.apply_to_node(position, at, change);
        let after = self.group_of(change);
        self.move_node(before, after);
    }

    fn apply_to_node(&mut self, position: u64, at: Timestamp, change: &Change) {
        match change {
            Change::NodeEnrolled {
                id,
                application,
                pool,
                ..
            } => {
                let node = NodeState {
                    application: application.clone(),
                    pool: *pool,
                    created_at: at,
                    joined_at: None,
                    revoked_at: None,
                    left: None,
                };
                self.nodes.insert(*id, node);
            }
            Change::NodeJoined { id } => {
                if let Some(node) = self.nodes.get_mut(id) {
                    node.joined_at = Some(at);
                }
            }
            Change::NodeRevoked { id } => {
                if let Some(node) = self.nodes.get_mut(id) {
                    node.revoked_at = Some(at);
                }
            }
            Change::NodeLeft { .. }
            | Change::NodeReturned { .. }
            | Change::NodeBarred { .. }
            | Change::NodeRemoved { .. }
            | Change::NodePoolCreated { .. }
            | Change::NodePoolRevoked { .. } => self.apply_to_pools(at, change),
            Change::NodePolicySet {
                stale_after,
                expires_after,
                grace,
            } => {
                self.node_settings.policy = NodePolicy {
                    stale_after: *stale_after,
                    expires_after: *expires_after,
                    grace: *grace,
                };
                self.basis_changed = position;
            }
            Change::NodesAdopted { raise } => {
                self.node_settings.raised = self.node_settings.raised.saturating_add(*raise);
                self.basis_changed = position;
            }
            _ => {}
        }
    }
}

impl State {
    /// Applies a change of pools, or of what a node has of one.
    pub(super) fn apply_to_pools(&mut self, at: Timestamp, change: &Change) {
        match change {
            Change::NodePoolCreated {
                id,
                application,
                uses,
                forget_after,
            } => {
                let pool = PoolState {
                    application: application.clone(),
                    uses: *uses,
                    forget_after: *forget_after,
                    created_at: at,
                    revoked_at: None,
                    taken: 0,
                };
                self.node_pools.insert(*id, pool);
            }
            Change::NodePoolRevoked { id } => {
                if let Some(pool) = self.node_pools.get_mut(id) {
                    pool.revoked_at = Some(at);
                }
            }
            Change::NodeLeft { id, by } => {
                if let Some(node) = self.nodes.get_mut(id) {
                    (node.revoked_at, node.left) = (Some(at), Some(*by));
                }
            }
            Change::NodeReturned { id, pool, .. } => {
                if let Some(node) = self.nodes.get_mut(id) {
                    (node.revoked_at, node.left, node.pool) = (None, None, Some(*pool));
                }
            }
            Change::NodeBarred { id } => {
                if let Some(node) = self.nodes.get_mut(id) {
                    (node.revoked_at, node.left) = (Some(at), None);
                }
            }
            Change::NodeRemoved { id } => {
                self.nodes.remove(id);
                self.node_identities.remove(id);
            }
            _ => {}
        }
    }
}

//! The numbers of nodes of each application and in each pool, kept as nodes come and go.

use crate::change::{Change, Subject};
use crate::facts::node::NodeGroup;
use crate::state::State;

impl State {
    /// The groups in which the node of a change is counted.
    pub fn group_of(&self, change: &Change) -> Option<NodeGroup> {
        let (Subject::Node(id), _) = change.about() else {
            return None;
        };
        let node = self.nodes.get(&id)?;
        node.is_live().then(|| NodeGroup {
            application: node.application.clone(),
            pool: node.pool,
            joined: node.joined_at.is_some(),
        })
    }

    /// Moves a node from the counts of one group to those of another.
    pub(super) fn move_node(&mut self, before: Option<NodeGroup>, after: Option<NodeGroup>) {
        if before == after {
            return;
        }
        for (group, by) in [(after, 1), (before, -1)] {
            let Some(group) = group else { continue };
            self.alter_application(&group.application, |application| {
                move_by(&mut application.nodes, by);
                if group.joined {
                    move_by(&mut application.joined_nodes, by);
                }
            });
            let pool = group.pool.and_then(|pool| self.node_pools.get_mut(&pool));
            if let Some(pool) = pool {
                move_by(&mut pool.taken, by);
            }
        }
    }
}

fn move_by(count: &mut u64, by: i64) {
    *count = count.saturating_add_signed(by);
}

//! How many nodes there are of each application, and in each pool: counted as they come and go.

use uuid::Uuid;

use crate::change::Change;
use crate::facts::node::Place;
use crate::state::State;

impl State {
    /// Where the node is counted that a change makes, moves or takes away.
    pub fn place_of(&self, change: &Change) -> Option<Place> {
        let node = self.nodes.get(&node_of(change)?)?;
        node.is_live().then(|| Place {
            application: node.application.clone(),
            pool: node.pool,
            joined: node.joined_at.is_some(),
        })
    }

    /// Counts a node where it is now, and no more where it was.
    pub(super) fn move_place(&mut self, before: Option<Place>, after: Option<Place>) {
        if before == after {
            return;
        }
        for (place, by) in [(after, 1), (before, -1)] {
            let Some(place) = place else { continue };
            self.alter_application(&place.application, |application| {
                move_by(&mut application.nodes, by);
                if place.joined {
                    move_by(&mut application.joined_nodes, by);
                }
            });
            let pool = place.pool.and_then(|pool| self.node_pools.get_mut(&pool));
            if let Some(pool) = pool {
                move_by(&mut pool.taken, by);
            }
        }
    }
}

/// Which node a change makes, moves to another place, or takes away.
fn node_of(change: &Change) -> Option<Uuid> {
    match change {
        Change::NodeEnrolled { id, .. }
        | Change::NodeJoined { id }
        | Change::NodeRevoked { id }
        | Change::NodeLeft { id, .. }
        | Change::NodeReturned { id, .. }
        | Change::NodeBarred { id }
        | Change::NodeRemoved { id } => Some(*id),
        _ => None,
    }
}

fn move_by(count: &mut u64, by: i64) {
    *count = count.saturating_add_signed(by);
}

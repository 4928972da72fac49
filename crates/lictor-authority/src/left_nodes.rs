//! Removes nodes that left their pool long ago. What they counted is added to the pool's counts.

use lictor_core::Error;
use lictor_core::rules::node::{self, Removal};
use lictor_core::state::State;
use lictor_store::{Fact, LeftNode, PoolBy, Rule, Write};

use super::Authority;

/// How many nodes are looked for at once.
const AT_ONCE: usize = 100;

impl Authority {
    /// Removes the nodes that left their pools so long ago that they are due.
    ///
    /// # Errors
    /// A fault of the store.
    pub(crate) async fn remove_left_nodes(&self) -> Result<(), Error> {
        loop {
            let due = self.store.left_nodes_due(self.clock.now(), AT_ONCE).await?;
            let mut removed = false;
            for node in due {
                removed |= self.remove_left_node(&node).await?;
            }
            if !removed {
                return Ok(());
            }
        }
    }

    /// Removes one, and says whether there was anything to remove. In parts, so that no other write waits long.
    async fn remove_left_node(&self, left: &LeftNode) -> Result<bool, Error> {
        let pool = self
            .store
            .node_pool(PoolBy::Id(left.organization, left.pool));
        let Some(pool) = pool.await? else {
            return Ok(false);
        };
        let into = node::left_source(&pool.identity.name);
        let mut removed = false;
        loop {
            let (id, before, now) = (left.id, left.before, self.clock.now());
            let written = self
                .run(Write {
                    stream: left.organization,
                    actor: None,
                    now,
                    facts: vec![
                        Fact::Node(id),
                        Fact::NodePool(left.pool),
                        // Of no epoch: of all that are remembered.
                        Fact::UsageEpoch {
                            series: node::merged(&left.name),
                            epoch: String::new(),
                        },
                        Fact::UsageOfNode {
                            name: left.name.clone(),
                            into: into.clone(),
                        },
                    ],
                    rule: Rule::new(move |state: &State| Ok(node::remove(state, id, before, now))),
                    idempotent: None,
                })
                .await?;
            match written.outcome.take()? {
                Removal::Part => removed = true,
                Removal::Done => return Ok(true),
                Removal::Nothing => return Ok(removed),
            }
        }
    }
}

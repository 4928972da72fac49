//! Whole nodes: each has a folder, connections, and a thread that writes what it counts, and looks at its clocks.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use lictor_core::feed::Mode;
use lictor_node::{Node, Options, Status};

use super::{PATIENCE, Plan, id_of, side_by_side};

/// Between two looks at those that have not applied it yet.
const LOOK: Duration = Duration::from_millis(10);

pub(crate) struct Nodes(Vec<Arc<Node>>);

impl Nodes {
    /// Starts a node for each token, and waits until all of them are fresh.
    pub(crate) async fn join(plan: &Arc<Plan>) -> Result<Self> {
        let start = |number: usize| {
            let plan = Arc::clone(plan);
            async move {
                let folder = plan.folder.join(number.to_string());
                let mut options = Options::new(format!("http://{}", plan.address), folder);
                let token = plan.tokens[number].parse();
                options.enroll = Some(token.map_err(|reason| anyhow!("{reason}"))?);
                Ok(Node::start(options).await?)
            }
        };
        let nodes = Self(side_by_side(plan.tokens.len(), start).await?);
        let waited = tokio::task::spawn_blocking(move || {
            nodes.when(|status| {
                status.mode == Mode::Fresh && status.connected && status.denied.is_none()
            })?;
            Ok(nodes)
        });
        waited.await?
    }

    /// When each of them applied the license that was stored.
    pub(crate) fn apply(&self, stored: &str) -> Result<Vec<Instant>> {
        let id = id_of(stored)?;
        self.when(|status| status.license.as_ref().is_some_and(|one| one.id == id))
    }

    /// When each of them was first seen to stand so.
    fn when(&self, so: impl Fn(&Status) -> bool) -> Result<Vec<Instant>> {
        let begun = Instant::now();
        let mut left: Vec<&Arc<Node>> = self.0.iter().collect();
        let mut times = Vec::with_capacity(left.len());
        while let Some(node) = left.first() {
            ensure!(begun.elapsed() < PATIENCE, "one is {:?}", node.status());
            left.retain(|node| {
                let is = so(&node.status());
                if is {
                    times.push(Instant::now());
                }
                !is
            });
            thread::sleep(LOOK);
        }
        Ok(times)
    }
}

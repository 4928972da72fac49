//! A node of a program that has no Tokio runtime: it brings one of its own.

use std::ops::Deref;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use crate::error::StartError;
use crate::node::Node;
use crate::options::Options;

/// A running node with a runtime of its own, of one thread. Dropped without [`BlockingNode::stop`] it ends
/// as well, without a last report.
pub struct BlockingNode {
    node: Arc<Node>,
    /// Accepted when it ends.
    runtime: Option<Runtime>,
}

impl Node {
    /// Starts the node of a folder as [`Node::start`] does, for a program without a Tokio runtime: the
    /// thread that calls waits until it has started, for minutes where it joins over a slow link.
    ///
    /// # Errors
    /// Why it does not start.
    pub fn start_blocking(options: Options) -> Result<BlockingNode, StartError> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(1).thread_name("lictor-node");
        let runtime = builder.enable_all().build();
        let runtime = runtime.map_err(|error| StartError::System(error.to_string()))?;
        let node = outside(&runtime, Self::start(options));
        let node = node.unwrap_or_else(|| Err(StartError::System("a thread failed".to_owned())));
        match node {
            Ok(node) => Ok(BlockingNode {
                node,
                runtime: Some(runtime),
            }),
            Err(error) => {
                runtime.shutdown_background();
                Err(error)
            }
        }
    }
}

impl BlockingNode {
    /// Stops it as [`Node::stop`] does, and waits until it has; whether it left its pool.
    pub fn stop(mut self) -> bool {
        let Some(runtime) = self.runtime.take() else {
            return false;
        };
        let left = outside(&runtime, self.node.stop());
        runtime.shutdown_background();
        left.unwrap_or_default()
    }
}

impl Deref for BlockingNode {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.node
    }
}

impl Drop for BlockingNode {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waiting for its end is not allowed within another runtime.
            runtime.shutdown_background();
        }
    }
}

/// What comes of a future, in a thread that is part of no runtime, wherever the caller is. `None` if it
/// panicked, or there is no thread.
fn outside<T: Send>(runtime: &Runtime, future: impl Future<Output = T> + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("lictor-node-wait".to_owned());
        let waiting = thread
            .spawn_scoped(scope, || runtime.block_on(future))
            .ok()?;
        waiting.join().ok()
    })
}

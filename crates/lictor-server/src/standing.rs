//! Whether anybody has signed in over a connection: noted by the authority, asked by the connection that the request came through.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::futures::TaskLocalFuture;

tokio::task_local! {
    /// That of the connection whose request is being answered.
    static STANDING: Arc<Standing>;
}

/// Whether anybody has signed in over a connection. Once is enough.
#[derive(Debug, Default)]
pub(crate) struct Standing(AtomicBool);

impl Standing {
    pub(crate) fn has_signed_in(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Lets what signs in while this future is polled be noted here.
    pub(crate) fn of<F: Future>(self: &Arc<Self>, future: F) -> TaskLocalFuture<Arc<Self>, F> {
        STANDING.scope(Arc::clone(self), future)
    }
}

/// Notes that whoever is being answered has signed in. Nobody is, in tests and background loops.
pub(crate) fn signed_in() {
    let _ = STANDING.try_with(|standing| standing.0.store(true, Ordering::Relaxed));
}

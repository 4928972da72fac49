//! Who is being answered: whether anybody has signed in over the connection, and what its requests hold of the memory for
//! bodies.

use std::sync::Arc;

use lictor_authority::answering::SignIns;
use tokio::task::futures::TaskLocalFuture;

use crate::holding::{Holding, Turn};

tokio::task_local! {
    /// That of the connection whose request is being answered.
    static STANDING: Arc<Standing>;
}

/// Whether anybody has signed in over a connection, and the memory that its requests hold.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    sign_ins: Arc<SignIns>,
    pub(crate) holding: Holding,
}

impl Standing {
    pub(crate) fn has_signed_in(&self) -> bool {
        self.sign_ins.has_any()
    }

    /// That of whoever is being answered; none in tests and background loops.
    pub(crate) fn current() -> Option<Arc<Self>> {
        STANDING.try_with(Arc::clone).ok()
    }

    /// Lets what signs in while this future is polled be noted here.
    pub(crate) fn of<F: Future>(
        self: &Arc<Self>,
        future: F,
    ) -> TaskLocalFuture<Arc<Self>, TaskLocalFuture<Arc<SignIns>, F>> {
        STANDING.scope(Arc::clone(self), self.sign_ins.during(future))
    }
}

/// Waits for the turn of whoever is being answered to have a long list read: [`Holding::turn_to_read`].
/// None in tests and background loops.
pub(crate) async fn turn_to_read() -> Option<Turn> {
    Standing::current()?.holding.turn_to_read().await
}

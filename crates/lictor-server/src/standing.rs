//! Who is being answered: whether anybody has signed in over the connection, and in which organization the request is.
//! Noted by the authority, asked by what the request came through.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::futures::TaskLocalFuture;
use uuid::Uuid;

use crate::holding::{Holding, Turn};

thread_local! {
    /// The organization of the request that this thread is answering.
    static ORGANIZATION: Cell<Option<Uuid>> = const { Cell::new(None) };
}

tokio::task_local! {
    /// That of the connection whose request is being answered.
    static STANDING: Arc<Standing>;
}

/// Whether anybody has signed in over a connection, for which once is enough, and the memory that its
/// requests hold.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    has_signed_in: AtomicBool,
    pub(crate) holding: Holding,
}

impl Standing {
    pub(crate) fn has_signed_in(&self) -> bool {
        self.has_signed_in.load(Ordering::Relaxed)
    }

    /// That of whoever is being answered; none in tests and background loops.
    pub(crate) fn current() -> Option<Arc<Self>> {
        STANDING.try_with(Arc::clone).ok()
    }

    /// Lets what signs in while this future is polled be noted here.
    pub(crate) fn of<F: Future>(self: &Arc<Self>, future: F) -> TaskLocalFuture<Arc<Self>, F> {
        STANDING.scope(Arc::clone(self), future)
    }
}

/// Notes that whoever is being answered has signed in. Nobody is, in tests and background loops.
pub(crate) fn signed_in() {
    let _ = STANDING.try_with(|standing| standing.has_signed_in.store(true, Ordering::Relaxed));
}

/// Waits for the turn of whoever is being answered to have a long list read: [`Holding::turn_to_read`].
/// None in tests and background loops.
pub(crate) async fn turn_to_read() -> Option<Turn> {
    Standing::current()?.holding.turn_to_read().await
}

/// Notes in which organization whoever is being answered acts.
pub(crate) fn acts_in(organization: Uuid) {
    ORGANIZATION.set(Some(organization));
}

/// The organization in which whoever is being answered acts, if that is known.
pub(crate) fn organization() -> Option<Uuid> {
    ORGANIZATION.get()
}

/// Goes on answering a request in that organization, if it is known yet, and gives the one it is in then.
pub(crate) fn answering<T>(
    organization: Option<Uuid>,
    go_on: impl FnOnce() -> T,
) -> (T, Option<Uuid>) {
    ORGANIZATION.set(organization);
    let done = go_on();
    (done, ORGANIZATION.take())
}

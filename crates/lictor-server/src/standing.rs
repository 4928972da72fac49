//! Who is being answered: whether anybody has signed in over the connection, and in which organization the request is.
//! Noted by the authority, asked by what the request came through.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::futures::TaskLocalFuture;
use uuid::Uuid;

thread_local! {
    /// The organization of the request that this thread is answering.
    static ORGANIZATION: Cell<Option<Uuid>> = const { Cell::new(None) };
}

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

/// Notes in which organization whoever is being answered acts.
pub(crate) fn acts_in(organization: Uuid) {
    ORGANIZATION.set(Some(organization));
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

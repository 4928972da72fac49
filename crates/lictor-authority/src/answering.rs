//! For whom a request is answered, as far as that is known: whether anybody has signed in over its connection, and in
//! which organization it is. The use cases note it, and whatever serves the request asks.

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
    /// Those over the connection whose request is being answered.
    static SIGN_INS: Arc<SignIns>;
}

/// Whether anybody has signed in over a connection; once is enough.
#[derive(Debug, Default)]
pub struct SignIns(AtomicBool);

impl SignIns {
    /// Whether anybody has.
    pub fn has_any(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Notes here who signs in while this future is polled.
    pub fn during<F: Future>(self: &Arc<Self>, future: F) -> TaskLocalFuture<Arc<Self>, F> {
        SIGN_INS.scope(Arc::clone(self), future)
    }
}

/// Notes that whoever is being answered has signed in. Nobody is, in tests and background loops.
pub fn signed_in() {
    let _ = SIGN_INS.try_with(|sign_ins| sign_ins.0.store(true, Ordering::Relaxed));
}

/// Notes in which organization whoever is being answered acts.
pub fn acts_in(organization: Uuid) {
    ORGANIZATION.set(Some(organization));
}

/// The organization in which whoever is being answered acts, if that is known.
pub fn organization() -> Option<Uuid> {
    ORGANIZATION.get()
}

/// Goes on answering a request in that organization, if it is known yet, and gives the one it is in then.
pub fn go_on<T>(organization: Option<Uuid>, further: impl FnOnce() -> T) -> (T, Option<Uuid>) {
    ORGANIZATION.set(organization);
    let done = further();
    (done, ORGANIZATION.take())
}

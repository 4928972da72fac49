//! Who follows long work: is told how far it is, and may end it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How far a check or a restore is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A backup is copied, in bytes.
    Copy {
        /// How many are.
        done: u64,
        /// How many there are.
        of: u64,
    },
    /// The file is looked through.
    File,
    /// The ledger is replayed, in entries.
    Ledger {
        /// How many are.
        done: u64,
        /// How many there are.
        of: u64,
    },
    /// What no entry says is added up.
    Sums,
}

/// Whoever follows.
#[derive(Clone)]
pub struct Watch {
    stop: Arc<AtomicBool>,
    tell: Arc<dyn Fn(Step) + Send + Sync>,
}

impl Watch {
    /// One that is told of each step.
    pub fn new(tell: impl Fn(Step) + Send + Sync + 'static) -> Self {
        Self {
            stop: Arc::default(),
            tell: Arc::new(tell),
        }
    }

    /// Ends the work as soon as it looks.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// Whether it is to end.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    pub(crate) fn tell(&self, step: Step) {
        (self.tell)(step);
    }
}

/// Tells the work to end when it is dropped, as when nobody waits for it any more.
pub(crate) struct EndsWith(pub(crate) Watch);

impl Drop for EndsWith {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Nobody.
impl Default for Watch {
    fn default() -> Self {
        Self::new(|_| {})
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("stop", &self.stop)
            .finish_non_exhaustive()
    }
}

//! What is wrong with a node, in words for people: one for each kind.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Kinds of problems, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The node was revoked.
    Revoked,
    /// The newest stored state cannot be read.
    StateLost,
    /// What the node remembered of its states was lost.
    RatchetLost,
    /// A license that was sent counts for nothing here.
    Untrusted,
    /// A state was refused.
    StateRefused,
    /// A state could not be saved.
    StateUnsaved,
    /// The control plane cannot be reached.
    Unreachable,
    /// Requests are answered, and the feed brings nothing.
    FeedHeldBack,
    /// Two control planes answer behind one address.
    TwoControlPlanes,
    /// The control plane does not let the node in.
    NotLetIn,
    /// A report was refused.
    ReportRefused,
    /// The machine's clock is wrong.
    Clock,
    /// Counts cannot be written.
    CountsUnwritten,
    /// The control plane did not take counts.
    CountsHeld,
    /// The folder is a copy, or an older one that was put back.
    Copied,
    /// The journal of counts was damaged.
    JournalDamaged,
    /// There are too many services.
    Services,
    /// More nodes are enrolled than the license grants.
    Beyond,
    /// All requests are denied.
    Denies,
}

/// All problems.
#[derive(Default)]
pub(crate) struct Problems(Mutex<BTreeMap<Kind, String>>);

impl Problems {
    /// Notes a problem, or that there is none of this kind any more; whether that is news.
    pub(crate) fn set(&self, kind: Kind, text: Option<String>) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.get(&kind) == text.as_ref() {
            return false;
        }
        match text {
            Some(text) => {
                tracing::warn!(problem = %text, "a problem");
                known.insert(kind, text);
            }
            None => {
                if let Some(text) = known.remove(&kind) {
                    tracing::info!(problem = %text, "a problem is over");
                }
            }
        }
        true
    }

    /// Whether there is one of this kind.
    pub(crate) fn has(&self, kind: Kind) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains_key(&kind)
    }

    /// All of them.
    pub(crate) fn list(&self) -> Vec<String> {
        self.but(None)
    }

    /// Those that the control plane does not know already.
    pub(crate) fn news(&self) -> Vec<String> {
        self.but(Some(Kind::Beyond))
    }

    fn but(&self, one: Option<Kind>) -> Vec<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let others = known.iter().filter(|(kind, _)| Some(**kind) != one);
        others.map(|(_, text)| text.clone()).collect()
    }
}

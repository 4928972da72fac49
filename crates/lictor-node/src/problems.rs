//! The problems of a node, in words for people: at most one of each kind.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Kinds of problems, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The node was revoked.
    Revoked,
    /// The newest stored state cannot be read.
    StateLost,
    /// `ratchet.json` was lost.
    RatchetLost,
    /// The newest license is not valid here.
    Untrusted,
    /// A state was refused.
    StateRefused,
    /// A state could not be saved.
    StateUnsaved,
    /// The control plane cannot be reached.
    Unreachable,
    /// Requests are answered, but the feed brings nothing.
    FeedHeldBack,
    /// Two control planes answer at one address.
    TwoControlPlanes,
    /// The control plane refuses the node.
    NotLetIn,
    /// A report was refused.
    ReportRefused,
    /// The machine's clock is wrong.
    Clock,
    /// Counts cannot be written.
    CountsUnwritten,
    /// The control plane rejected counts.
    CountsRejected,
    /// The folder is a copy, or an older one was restored.
    Copied,
    /// The journal of counts was damaged.
    JournalDamaged,
    /// There are too many services.
    Services,
    /// More nodes are enrolled than the license grants.
    NodeOverage,
    /// All requests are denied.
    Denies,
}

/// All problems.
#[derive(Default)]
pub(crate) struct Problems(Mutex<BTreeMap<Kind, String>>);

impl Problems {
    /// Sets or clears the problem of a kind. Returns whether that is a change.
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

    /// Whether there is a problem of this kind.
    pub(crate) fn has(&self, kind: Kind) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains_key(&kind)
    }

    /// All problems.
    pub(crate) fn list(&self) -> Vec<String> {
        self.but(None)
    }

    /// The problems that the control plane does not know of.
    pub(crate) fn news(&self) -> Vec<String> {
        self.but(Some(Kind::NodeOverage))
    }

    fn but(&self, one: Option<Kind>) -> Vec<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let others = known.iter().filter(|(kind, _)| Some(**kind) != one);
        others.map(|(_, text)| text.clone()).collect()
    }
}

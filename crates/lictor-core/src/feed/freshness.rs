//! How old a node's state may become, and what the node does then.

use serde::{Deserialize, Serialize};

use crate::invalid::InvalidInput;
use crate::time::Timestamp;
use crate::words::words;

/// The longest of each span: ten years, in seconds.
const LONGEST: i64 = 3_660 * 86_400;

/// How long a node keeps working without news. An operator sets it for an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodePolicy {
    /// After how many seconds without a newly signed state a node is stale. 10 or more.
    pub stale_after: i64,
    /// After how many seconds from its signing a state expires. Not less than `stale_after`.
    pub expires_after: i64,
    /// How many seconds a node keeps working after that. 0 or more.
    pub grace: i64,
}

impl Default for NodePolicy {
    /// Stale after 5 minutes, expired after a day, restricted 30 days later.
    fn default() -> Self {
        Self {
            stale_after: 300,
            expires_after: 86_400,
            grace: 30 * 86_400,
        }
    }
}

impl NodePolicy {
    /// Checks the bounds.
    ///
    /// # Errors
    /// [`InvalidInput`].
    pub fn check(&self) -> Result<(), InvalidInput> {
        let refused = |field, reason: &str| {
            Err(InvalidInput {
                field,
                reason: reason.to_owned(),
            })
        };
        if !(10..=LONGEST).contains(&self.stale_after) {
            return refused("stale_after_seconds", "use 10 seconds to 3660 days");
        }
        if !(self.stale_after..=LONGEST).contains(&self.expires_after) {
            return refused(
                "expires_after_seconds",
                "use stale_after_seconds to 3660 days",
            );
        }
        if !(0..=LONGEST).contains(&self.grace) {
            return refused("grace_seconds", "use 0 seconds to 3660 days");
        }
        Ok(())
    }

    /// After how many seconds the control plane signs the same revision again: less than half of
    /// `stale_after`.
    pub fn sign_again_after(&self) -> i64 {
        self.stale_after * 2 / 5
    }

    /// The mode at `now` of a node whose state was signed at `issued_at`.
    pub fn mode(&self, issued_at: Timestamp, expires_at: Timestamp, now: Timestamp) -> Mode {
        if now < issued_at.saturating_add(self.stale_after).min(expires_at) {
            Mode::Fresh
        } else if now < expires_at {
            Mode::Stale
        } else if now < expires_at.saturating_add(self.grace) {
            Mode::Grace
        } else {
            Mode::Restricted
        }
    }

    /// The next instant after `now` at which the mode changes by itself.
    pub fn next_change(
        &self,
        issued_at: Timestamp,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let stale = issued_at.saturating_add(self.stale_after).min(expires_at);
        let restricted = expires_at.saturating_add(self.grace);
        let edges = [stale, expires_at, restricted];
        edges.into_iter().filter(|edge| *edge > now).min()
    }
}

/// How recent a node's state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Its state was signed a short time ago.
    Fresh,
    /// No newly signed state has arrived for a while. The node decides as before.
    Stale,
    /// Its state has expired. The node decides as before, for a limited time.
    Grace,
    /// It allows nothing until it gets a newly signed state.
    Restricted,
}

words!(
    Mode, "a mode of nodes", {
        Fresh => "fresh",
        Stale => "stale",
        Grace => "grace",
        Restricted => "restricted",
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_ages_through_all_modes() {
        let policy = NodePolicy {
            stale_after: 10,
            expires_after: 100,
            grace: 1_000,
        };
        let at = |now| policy.mode(0, 100, now);
        for (now, mode) in [
            (-5, Mode::Fresh),
            (9, Mode::Fresh),
            (10, Mode::Stale),
            (99, Mode::Stale),
            (100, Mode::Grace),
            (1_099, Mode::Grace),
            (1_100, Mode::Restricted),
            (Timestamp::MAX, Mode::Restricted),
        ] {
            assert_eq!(at(now), mode, "{now}");
        }
        let mut edges = Vec::new();
        let mut now = 0;
        while let Some(edge) = policy.next_change(0, 100, now) {
            assert_ne!(at(edge), at(edge - 1));
            edges.push(edge);
            now = edge;
        }
        assert_eq!(edges, [10, 100, 1_100]);
    }

    #[test]
    fn a_policy_has_bounds() {
        let policy = |stale_after, expires_after, grace| NodePolicy {
            stale_after,
            expires_after,
            grace,
        };
        assert!(NodePolicy::default().check().is_ok());
        assert!(policy(10, 10, 0).check().is_ok());
        assert!(policy(LONGEST, LONGEST, LONGEST).check().is_ok());
        for bad in [
            policy(9, 10, 0),
            policy(LONGEST + 1, LONGEST + 1, 0),
            policy(10, 9, 0),
            policy(10, 10, -1),
            policy(10, 10, LONGEST + 1),
            policy(i64::MIN, i64::MAX, i64::MAX),
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }
}

//! All attackers on one server at once, and their results.

use std::time::Instant;

use anyhow::{Result, ensure};

use super::attackers::Attack;
use super::bodies::Crowd;
use super::stalled::Stalled;

/// All of them, ended at the latest when dropped.
pub(super) struct AllAttackers {
    slow: Attack,
    crowd: Crowd,
    still: Stalled,
    held: usize,
}

/// What came of them.
pub(super) struct AttackResult {
    /// The ways of those who were not cut off in time.
    pub(super) left: Vec<String>,
    /// How often those with bodies came, and how often a stranger's body was waited for.
    pub(super) bodies: (usize, usize),
}

impl AllAttackers {
    /// Lets `each` slow attackers begin in every way, and a third as many of the others. Those who
    /// have signed in have this token.
    pub(super) fn begin(address: &str, token: &str, each: usize) -> Result<Self> {
        let crowd = Crowd::begin(address, token, each.div_ceil(3));
        let slow = Attack::begin(address, each)?;
        let held = slow.wait_until_held()?;
        // Slow heads may be cut off by now; the others are not, unless the attack itself went wrong.
        ensure!(
            held >= 2 * each,
            "only {held} attackers came, which proves nothing"
        );
        let still = Stalled::begin(address, token, each.div_ceil(3));
        Ok(Self {
            slow,
            crowd,
            still,
            held,
        })
    }

    /// Lets nobody come again, and waits until all are cut off or were held for too long.
    pub(super) fn outlast(mut self) -> Result<AttackResult> {
        let (held, ended) = (self.slow.held()?, Instant::now());
        self.still.leave();
        let bodies = self.crowd.end();
        println!("attackers with bodies came {} times", bodies.0);
        let before = self.held;
        println!("attackers held when the load began: {before}, when it ended: {held}");
        let mut left = self.slow.outlast(ended)?;
        left.extend(self.still.outlast()?);
        Ok(AttackResult { left, bodies })
    }
}

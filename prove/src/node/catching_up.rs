//! How soon a node has the newest license once its link is whole again.

use anyhow::Result;

use super::clock::Seconds;
use super::site::Site;
use crate::promise::Promise;

/// How soon that must be.
pub(super) const CAUGHT_UP: Seconds = 5.0;

/// After which it is not waited for any longer.
const PATIENCE: Seconds = 60.0;

/// How long a site's node took, each time.
#[derive(Default)]
pub(super) struct CatchingUp {
    /// The longest.
    pub(super) longest: Seconds,
    late: Vec<String>,
}

impl CatchingUp {
    /// Makes the link whole, and waits for the license; `cut` says what was before, for people.
    pub(super) fn heal(&mut self, site: &Site, newest: &str, cut: &str) -> Result<()> {
        site.link.heal()?;
        let took = site.up_to_date(newest, PATIENCE)?;
        self.longest = self.longest.max(took.unwrap_or(PATIENCE));
        match took {
            Some(took) if took <= CAUGHT_UP => {}
            Some(took) => self.late.push(format!("{cut}: after {took:.1} s")),
            None => self.late.push(format!("{cut}: not within a minute")),
        }
        Ok(())
    }

    /// That it was soon enough.
    pub(super) fn promise(self, sentence: &'static str) -> Promise {
        (sentence, self.late)
    }
}

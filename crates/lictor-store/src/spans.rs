//! What is kept for a span, and until which moment or minute that is over.

use lictor_core::elapsed::{Elapsed, Now};
use lictor_core::facts::client::CODE_TTL;
use lictor_core::facts::grant::WINDOW;

/// How long refusals are kept: 90 days.
const REFUSALS_KEPT_SECONDS: i64 = 90 * 86_400;

/// The last moments of what is kept no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spans {
    /// Answers and access tokens that end at this moment or earlier.
    pub(crate) ended: Elapsed,
    /// Codes that end at this moment or earlier: they are counted no more.
    pub(crate) codes: Elapsed,
    /// The first minute, since 1970, of which refusals are kept.
    pub(crate) first_minute: i64,
}

impl Spans {
    /// Those of a moment.
    pub(crate) fn at(now: &Now) -> Self {
        Self {
            ended: now.elapsed(),
            codes: now.elapsed().minus(WINDOW - CODE_TTL),
            first_minute: (now.earlier() - REFUSALS_KEPT_SECONDS).div_euclid(60),
        }
    }
}

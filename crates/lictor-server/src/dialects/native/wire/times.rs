//! Times in requests and answers.

use lictor_core::{Timestamp, time};

/// `2026-11-22T04:00:00Z`; years 1 to 9999.
pub(in super::super) fn time(seconds: Timestamp) -> String {
    time::rfc3339(seconds)
}

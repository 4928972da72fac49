//! Times in requests and answers.

use lictor_core::{Timestamp, time};

/// `2026-11-22T04:00:00Z`; years 1 to 9999.
pub(in super::super) fn time(seconds: Timestamp) -> String {
    time::rfc3339(seconds)
}

/// Reads RFC 3339, with any offset; parts of a second are left out.
pub(in super::super) fn into_time(text: &str) -> Result<Timestamp, String> {
    let plain = text
        .get(10..11)
        .is_some_and(|letter| letter.eq_ignore_ascii_case("t"));
    let time = time::parse_rfc3339(text);
    time.filter(|_| plain && text.len() >= 20 && !text.contains('['))
        .ok_or_else(|| format!("{text:?} is not a time such as 2026-11-22T04:00:00Z"))
}

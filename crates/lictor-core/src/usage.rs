//! Usage: cumulative request counts by source, service and calendar month.

use std::collections::BTreeMap;

use crate::change::{Decision, Record};
use crate::error::Error;
use crate::time::{Date, SECONDS_PER_DAY, Timestamp};

/// The month of requests that were counted before months were kept.
pub const UNKNOWN_MONTH: &str = "UNKNOWN";

/// The largest count: 2^53 - 1, the largest whole number that every JSON reader keeps.
pub const MAX_COUNT: u64 = (1 << 53) - 1;

/// The longest name of a source or service, in characters.
pub const MAX_NAME_LENGTH: usize = 128;

/// The most counts in one report.
pub const MAX_COUNTS: usize = 1_000;

/// What one source counted for one service in one month, from its beginning until now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageCount {
    /// Who counted; two sources' counts are added.
    pub source: String,
    /// What was used.
    pub service: String,
    /// `2026-11`, or [`UNKNOWN_MONTH`].
    pub month: String,
    /// The requests so far, 0 to [`MAX_COUNT`].
    pub count: u64,
}

/// Records counts. A count is the greatest ever reported for its source, service and month, so
/// that a repeated or late report changes nothing.
///
/// # Errors
/// [`Error::InvalidInput`] for names, months or counts out of bounds; then nothing is recorded.
pub fn record(counts: &[UsageCount], now: Timestamp) -> Result<Decision, Error> {
    if counts.len() > MAX_COUNTS {
        return Err(invalid(
            "counts",
            format!("send at most {MAX_COUNTS} at once"),
        ));
    }
    for count in counts {
        check(count, now)?;
    }
    let records = counts.iter().cloned().map(Record::Usage).collect();
    Ok(Decision {
        changes: Vec::new(),
        records,
    })
}

fn check(count: &UsageCount, now: Timestamp) -> Result<(), Error> {
    for (field, name) in [("source", &count.source), ("service", &count.service)] {
        let fits = (1..=MAX_NAME_LENGTH).contains(&name.chars().count());
        if !fits || name.chars().any(char::is_control) {
            let reason =
                format!("use 1 to {MAX_NAME_LENGTH} characters without control characters");
            return Err(invalid(field, reason));
        }
    }
    if count.count > MAX_COUNT {
        return Err(invalid(
            "count",
            format!("use a whole number from 0 to {MAX_COUNT}"),
        ));
    }
    check_month(&count.month, now)
}

fn check_month(month: &str, now: Timestamp) -> Result<(), Error> {
    if month == UNKNOWN_MONTH {
        return Ok(());
    }
    let well_formed = month.len() == 7 && Date::parse(&format!("{month}-01")).is_some();
    if !well_formed {
        return Err(invalid(
            "month",
            format!("{month:?} is not a month such as 2026-11, nor UNKNOWN"),
        ));
    }
    // A source's clock may be a little ahead of ours when a month begins.
    if *month > *Date::of(now.saturating_add(SECONDS_PER_DAY)).month() {
        return Err(invalid("month", format!("{month} has not begun yet")));
    }
    Ok(())
}

fn invalid(field: &'static str, reason: String) -> Error {
    Error::InvalidInput { field, reason }
}

/// The requests of each month over all sources and services; the current month is always there.
pub fn by_month(counts: &[UsageCount], now: Timestamp) -> BTreeMap<String, u64> {
    let mut months = BTreeMap::from([(Date::of(now).month(), 0)]);
    for count in counts {
        let sum: &mut u64 = months.entry(count.month.clone()).or_default();
        *sum = sum.saturating_add(count.count);
    }
    months
}

/// How many distinct services reported.
pub fn services(counts: &[UsageCount]) -> usize {
    counts
        .iter()
        .map(|count| &count.service)
        .collect::<std::collections::BTreeSet<_>>()
        .len()
}

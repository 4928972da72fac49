//! Usage: cumulative request counts by source, service and calendar month.

use std::collections::BTreeMap;

use crate::change::{Decision, Record};
use crate::error::Error;
use crate::names;
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
        records,
        ..Decision::default()
    })
}

fn check(count: &UsageCount, now: Timestamp) -> Result<(), Error> {
    for (field, name) in [("source", &count.source), ("service", &count.service)] {
        names::check(field, name, MAX_NAME_LENGTH)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-30T23:00:00Z.
    const NOW: Timestamp = 1_796_079_600;

    fn count(source: &str, service: &str, month: &str, count: u64) -> UsageCount {
        let (source, service) = (source.to_owned(), service.to_owned());
        UsageCount {
            source,
            service,
            month: month.to_owned(),
            count,
        }
    }

    #[test]
    fn counts_out_of_bounds_are_refused_and_then_nothing_is_recorded() {
        let long = "ü".repeat(MAX_NAME_LENGTH);
        for good in [
            count("node", "service", "2026-11", 0),
            count(&long, "s", "0001-01", MAX_COUNT),
            count("n", "s", UNKNOWN_MONTH, 1),
            count("n", "s", "2026-12", 1),
        ] {
            let recorded = record(std::slice::from_ref(&good), NOW).expect("in bounds");
            assert_eq!(recorded.records, [Record::Usage(good)]);
            assert!(recorded.changes.is_empty());
        }
        let longer = "ü".repeat(MAX_NAME_LENGTH + 1);
        for (field, bad) in [
            ("source", count("", "", "", MAX_COUNT + 1)),
            ("source", count(&longer, "s", "2026-11", 1)),
            ("service", count("n", "", "", 1)),
            ("service", count("n", "a\0", "2026-11", 1)),
            ("count", count("n", "s", "", MAX_COUNT + 1)),
            ("count", count("n", "s", "2026-11", u64::MAX)),
            ("month", count("n", "s", "", 1)),
            ("month", count("n", "s", "unknown", 1)),
            ("month", count("n", "s", "2026-1", 1)),
            ("month", count("n", "s", "2026-13", 1)),
            ("month", count("n", "s", "2026-00", 1)),
            ("month", count("n", "s", "2026-1-", 1)),
            ("month", count("n", "s", "2026/11", 1)),
            ("month", count("n", "s", "0000-01", 1)),
            ("month", count("n", "s", "2027-01", 1)),
        ] {
            let refused = record(&[count("n", "s", "2026-11", 1), bad.clone()], NOW);
            let is = matches!(&refused, Err(Error::InvalidInput { field: found, .. }) if *found == field);
            assert!(is, "{bad:?}: {refused:?}");
        }
    }

    #[test]
    fn a_month_begins_a_day_early_for_a_source_and_no_earlier() {
        let december = || vec![count("n", "s", "2026-12", 1)];
        let first = Date::parse("2026-12-01").expect("a date").start();
        assert!(record(&december(), first - SECONDS_PER_DAY).is_ok());
        assert!(record(&december(), first - SECONDS_PER_DAY - 1).is_err());
        assert!(record(&december(), Timestamp::MIN).is_err());
        assert!(record(&december(), Timestamp::MAX).is_ok());
    }

    #[test]
    fn a_report_has_a_size() {
        let counts = |size| vec![count("n", "s", "2026-11", 1); size];
        assert!(record(&[], NOW).is_ok());
        assert!(record(&counts(MAX_COUNTS), NOW).is_ok());
        let refused = record(&counts(MAX_COUNTS + 1), NOW);
        assert!(matches!(
            refused,
            Err(Error::InvalidInput {
                field: "counts",
                ..
            })
        ));
    }

    #[test]
    fn months_are_sums_and_the_current_one_is_always_there() {
        assert_eq!(
            by_month(&[], NOW),
            BTreeMap::from([("2026-11".to_owned(), 0)])
        );
        let counts = [
            count("a", "s", "2026-10", MAX_COUNT),
            count("b", "s", "2026-10", 1),
            count("a", "t", UNKNOWN_MONTH, u64::MAX),
            count("b", "t", UNKNOWN_MONTH, 1),
        ];
        let expected = [
            ("2026-10", 1 << 53),
            ("2026-11", 0),
            (UNKNOWN_MONTH, u64::MAX),
        ];
        let expected = expected.map(|(month, sum)| (month.to_owned(), sum));
        assert_eq!(by_month(&counts, NOW), BTreeMap::from(expected));
        assert_eq!(services(&counts), 2);
    }
}

//! Usage: what sources counted, by service and calendar month, and how it was corrected.

use std::fmt;

use crate::elapsed::Elapsed;
use crate::names;
use crate::time::{Date, SECONDS_PER_DAY, Timestamp};

/// The month of requests that were counted before months were kept.
pub const UNKNOWN_MONTH: &str = "UNKNOWN";

/// The first month that there can be usage of.
pub const FIRST_MONTH: &str = "2000-01";

/// What the counts of months before the last one are counted under together. A month passes once, and
/// then no more of its counts come than were late.
pub const EARLIER: &str = "EARLIER";

/// Under which month a new count is one more.
pub fn counted_in(month: &str, now: Timestamp) -> String {
    let this = Date::of(now).month();
    let last = Date::parse(&format!("{this}-01"));
    let last = last.map(|first| Date::of(first.start().saturating_sub(1)).month());
    let recent = month != UNKNOWN_MONTH && last.is_none_or(|last| *month >= *last);
    if recent { month } else { EARLIER }.to_owned()
}

/// The largest count, and the largest sum of an organization's counts: 2^53 - 1, the largest whole
/// number that every JSON reader keeps.
pub const MAX_COUNT: u64 = (1 << 53) - 1;

/// The longest name of a source or service, in characters.
pub const MAX_NAME_LENGTH: usize = 128;

/// The longest name of an epoch, in characters.
pub const MAX_EPOCH_LENGTH: usize = 64;

/// The longest reason of a correction, in characters.
pub const MAX_REASON_LENGTH: usize = 200;

/// The most counts in one report.
pub const MAX_COUNTS: usize = 1_000;

/// The most epochs of a source and service that are remembered. One that were forgotten while it is
/// still reported would count whole again.
pub const MAX_EPOCHS: usize = 1_000;

/// How long an epoch must not have been heard of to be forgotten for another, in seconds of elapsed
/// time: 400 days, more than a source rests that runs once a year.
pub const EPOCH_SILENT_AFTER: i64 = 400 * SECONDS_PER_DAY;

/// What is counted apart. In order of month, service, source.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsageKey {
    /// `2026-11`, or [`UNKNOWN_MONTH`].
    pub month: String,
    /// What was used.
    pub service: String,
    /// Who counted; two sources' counts are added.
    pub source: String,
}

impl UsageKey {
    /// The same of another source.
    pub fn of_source(&self, source: &str) -> Self {
        Self {
            source: source.to_owned(),
            ..self.clone()
        }
    }

    /// With its names as [`label`](names::label) has them; those that it refuses stay.
    pub fn labeled(&self) -> Self {
        Self {
            month: self.month.clone(),
            service: labeled("service", &self.service),
            source: labeled("source", &self.source),
        }
    }
}

fn labeled(field: &'static str, name: &str) -> String {
    names::label(field, name, MAX_NAME_LENGTH).unwrap_or_else(|_| name.to_owned())
}

impl fmt::Display for UsageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            month,
            service,
            source,
        } = self;
        write!(f, "of {service} by {source} in {month}")
    }
}

/// What a source reported for a service and month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reported {
    /// The greatest count, 0 to [`MAX_COUNT`].
    pub counted: u64,
    /// By how much its running totals rose in the month, 0 to [`MAX_COUNT`].
    pub added: u64,
}

impl Reported {
    /// Both together.
    pub fn sum(self) -> u64 {
        self.counted.saturating_add(self.added)
    }
}

/// What is stored for a source, service and month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// Whose, of what, and when.
    pub key: UsageKey,
    /// What was reported.
    pub reported: Reported,
    /// The sum of the corrections.
    pub correction: i64,
}

impl UsageRow {
    /// The figure that is shown: what was reported, corrected; 0 to [`MAX_COUNT`].
    pub fn count(&self) -> u64 {
        self.reported.sum().saturating_add_signed(self.correction)
    }
}

/// A running total that is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochState {
    /// The greatest total.
    pub total: u64,
    /// When it was last heard of, or up to a day before.
    pub heard_at: Elapsed,
}

/// A source and a service.
pub type Series = (String, String);

/// What a source says that it counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageReport {
    /// Who counted.
    pub source: String,
    /// What was used.
    pub service: String,
    /// How much.
    pub reading: Reading,
}

/// How much a source counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// The requests of one month, from its beginning until now.
    Count {
        /// `2026-11`, or [`UNKNOWN_MONTH`].
        month: String,
        /// The requests so far.
        count: u64,
    },
    /// The requests since the beginning of an epoch, whatever months it goes over.
    Total {
        /// Distinguishes this start of the source from its others.
        epoch: String,
        /// The requests so far.
        total: u64,
    },
}

impl UsageReport {
    /// Where it is counted: a running total in the month in which it arrives.
    pub fn key(&self, now: Timestamp) -> UsageKey {
        let month = match &self.reading {
            Reading::Count { month, .. } => month.clone(),
            Reading::Total { .. } => Date::of(now).month(),
        };
        UsageKey {
            month,
            service: self.service.clone(),
            source: self.source.clone(),
        }
    }

    /// With its names as [`label`](names::label) has them; those that it refuses stay.
    pub fn labeled(&self) -> Self {
        Self {
            source: labeled("source", &self.source),
            service: labeled("service", &self.service),
            reading: self.reading.clone(),
        }
    }

    /// The count or total that it says.
    pub fn value(&self) -> u64 {
        match self.reading {
            Reading::Count { count, .. } => count,
            Reading::Total { total, .. } => total,
        }
    }

    /// Its source and service.
    pub fn series(&self) -> Series {
        (self.source.clone(), self.service.clone())
    }
}

/// Why a count, a total or a correction was refused, for who may not read what is stored of usage. `None` if it
/// is no such field.
pub(crate) fn without_figures(field: &str) -> Option<String> {
    match field {
        "count" | "total" => Some(format!(
            "use a whole number from 0 to {MAX_COUNT}, so that all counts of the organization come to no \
             more either"
        )),
        "by" => Some(format!(
            "use a difference, not 0, that leaves the count 0 or more, and all counts of the organization \
             at {MAX_COUNT} or less"
        )),
        _ => None,
    }
}

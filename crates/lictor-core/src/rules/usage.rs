//! Recording the counts of sources, and correcting them.

use crate::change::Change;
use crate::decision::Decision;
use crate::elapsed::{Elapsed, Now};
use crate::error::{Error, Kind};
use crate::facts::quota::Quota;
use crate::facts::usage::{
    EPOCH_SILENT_AFTER, EpochState, FIRST_MONTH, MAX_COUNT, MAX_COUNTS, MAX_EPOCH_LENGTH,
    MAX_EPOCHS, MAX_NAME_LENGTH, MAX_REASON_LENGTH, Reading, Series, UNKNOWN_MONTH, UsageKey,
    UsageReport, UsageRow, counted_in,
};
use crate::names;
use crate::record::Record;
use crate::rules::quota;
use crate::state::State;
use crate::time::{Date, SECONDS_PER_DAY, Timestamp};

/// While an epoch's total does not rise, the time of its last report is stored at most this often, in seconds.
const HEARD_WITHIN: i64 = SECONDS_PER_DAY;

impl UsageKey {
    /// The key under which it is stored: unchanged if something is stored under it, otherwise with names as
    /// [`label`](names::label) returns them.
    pub fn as_stored(&self, state: &State) -> Self {
        match state.usage.contains_key(self) {
            true => self.clone(),
            false => self.labeled(),
        }
    }
}

impl UsageReport {
    /// The report with the names under which it is stored: unchanged if something is stored under them, so that
    /// a source's running total is not counted twice; otherwise as [`label`](names::label) returns them.
    pub fn as_stored(&self, state: &State, now: Timestamp) -> Self {
        match self.is_stored(state, now) {
            true => self.clone(),
            false => self.labeled(),
        }
    }

    fn is_stored(&self, state: &State, now: Timestamp) -> bool {
        let epochs = state.usage_epochs.get(&self.series());
        let goes_on = matches!(self.reading, Reading::Total { .. })
            && epochs.is_some_and(|epochs| !epochs.is_empty());
        goes_on || state.usage.contains_key(&self.key(now))
    }

    /// The stored figure: the greatest count of its month, or the greatest total of its epoch.
    pub fn stored(&self, state: &State, now: Timestamp) -> u64 {
        match &self.reading {
            Reading::Count { .. } => state
                .usage
                .get(&self.key(now))
                .map_or(0, |reported| reported.counted),
            Reading::Total { epoch, .. } => {
                epoch_of(state, &self.series(), epoch).map_or(0, |known| known.total)
            }
        }
    }

    /// Checks names, months and counts. A name that is already stored stays allowed.
    fn check(&self, state: &State, now: Timestamp) -> Result<(), Error> {
        if !self.is_stored(state, now) {
            for (field, name) in [("source", &self.source), ("service", &self.service)] {
                names::check(field, name, MAX_NAME_LENGTH)?;
            }
        }
        match &self.reading {
            Reading::Count { month, count } => {
                check_count("count", *count)?;
                check_month(month, now)
            }
            Reading::Total { epoch, total } => {
                check_count("total", *total)?;
                Ok(names::check("epoch", epoch, MAX_EPOCH_LENGTH)?)
            }
        }
    }
}

fn epoch_of(state: &State, series: &Series, epoch: &str) -> Option<EpochState> {
    state.usage_epochs.get(series)?.get(epoch).copied()
}

/// Checks the number of reports in a request.
///
/// # Errors
/// [`Error::InvalidInput`] for more than [`MAX_COUNTS`].
pub fn check_reports(reports: usize) -> Result<(), Error> {
    if reports <= MAX_COUNTS {
        return Ok(());
    }
    let reason = format!("send at most {MAX_COUNTS} at once");
    Err(invalid("counts", reason))
}

/// The result of a report.
#[derive(Debug)]
pub struct Recorded {
    /// The report, with the names under which it is stored.
    pub report: UsageReport,
    /// The stored figure: the greatest count of its month, or the greatest total of its epoch.
    pub stored: u64,
    /// Why it was refused, if it was.
    pub refused: Option<Error>,
}

/// Records the counts of sources. `state` contains what is stored for each, the epochs of running totals, the sum
/// of the organization's counts, and the number of counts in each month. It contains every reported running total;
/// for one that is not stored, all of its source and service.
///
/// A stored count is the greatest ever reported for its source, service and month, so that a repeated or late
/// report changes nothing. The first running total of an epoch counts in full; later ones count by how much they
/// rose, and one that is not greater counts nothing. If there are [`MAX_EPOCHS`] already, a new epoch replaces the
/// one that has been silent longest, provided that it was silent for [`EPOCH_SILENT_AFTER`].
///
/// Each report is decided by itself. It is refused if it is out of bounds or exceeds a quota, if a sum would
/// exceed [`MAX_COUNT`], or if there is no room for its epoch. All others are recorded.
///
/// # Errors
/// [`Error::InvalidInput`] for more than [`MAX_COUNTS`] reports. If all reports are refused, the first refusal,
/// unless `may_all_be_refused`. Then nothing changes.
pub fn record(
    state: &State,
    reports: &[UsageReport],
    may_all_be_refused: bool,
    now: Now,
) -> Result<Decision<Vec<Recorded>>, Error> {
    let wall = now.wall();
    let reports = reports.iter().map(|report| report.as_stored(state, wall));
    let reports: Vec<_> = reports.collect();
    let (decision, mut refused) = record_within(state, &reports, now, |_| 0)?;
    // Nobody looks for refusals in an answer that reports success.
    if !may_all_be_refused && refused.len() == reports.len() && !reports.is_empty() {
        return Err(refused.swap_remove(0).1);
    }
    Ok(decision.with(move |after| {
        let mut refused = refused.into_iter().peekable();
        let recorded = reports
            .into_iter()
            .enumerate()
            .map(|(number, report)| Recorded {
                stored: report.stored(after, wall),
                refused: refused
                    .next_if(|(refused, _)| *refused == number)
                    .map(|(_, error)| error),
                report,
            });
        Ok(recorded.collect())
    }))
}

/// The refused reports, by their numbers in ascending order, with the reasons.
pub type RefusedReports = Vec<(usize, Error)>;

/// Like [`record`]. `beyond` says how much room a report has beyond the quota of a month's counts.
pub(crate) fn record_within(
    state: &State,
    reports: &[UsageReport],
    now: Now,
    beyond: impl Fn(&UsageReport) -> u64,
) -> Result<(Decision, RefusedReports), Error> {
    check_reports(reports.len())?;
    let mut ahead = state.clone();
    let (mut decision, mut refused) = (Decision::nothing(), Vec::new());
    for (number, report) in reports.iter().enumerate() {
        match record_one(&ahead, report, now, beyond(report)) {
            Ok(records) => {
                records.iter().for_each(|record| ahead.note(record));
                decision.records.extend(records);
            }
            Err(error) => {
                decision.note_quota(&error);
                refused.push((number, error));
            }
        }
    }
    Ok((decision, refused))
}

fn record_one(
    state: &State,
    report: &UsageReport,
    now: Now,
    beyond: u64,
) -> Result<Vec<Record>, Error> {
    report.check(state, now.wall())?;
    let key = report.key(now.wall());
    let known = state.usage.get(&key).copied();
    let mut reported = known.unwrap_or_default();
    let mut records = Vec::new();
    let field = match &report.reading {
        Reading::Count { count, .. } => {
            if known.is_some() && *count <= reported.counted {
                return Ok(records);
            }
            reported.counted = *count;
            "count"
        }
        Reading::Total { epoch, total } => {
            let series = report.series();
            let before = epoch_of(state, &series, epoch);
            let heard_at = now.elapsed();
            let heard = |total| Record::UsageEpoch {
                series: series.clone(),
                epoch: epoch.clone(),
                state: EpochState { total, heard_at },
            };
            match before {
                Some(before) if *total <= before.total => {
                    let again = heard_at.since(before.heard_at) >= HEARD_WITHIN;
                    records.extend(again.then(|| heard(before.total)));
                    return Ok(records);
                }
                Some(_) => {}
                None => records.extend(make_room(state, &series, heard_at)?),
            }
            let risen = total - before.map_or(0, |before| before.total);
            reported.added = reported.added.saturating_add(risen);
            records.push(heard(*total));
            "total"
        }
    };
    let risen = reported.sum() - known.unwrap_or_default().sum();
    check_sum(state, field, reported.sum(), risen)?;
    let mut new_in = None;
    if known.is_none() {
        let month = counted_in(&key.month, now.wall());
        let count = state.usage_months.get(&month).copied().unwrap_or_default();
        quota::room(state, Quota::UsageSeries, count.saturating_sub(beyond))?;
        new_in = Some(month);
    }
    records.push(Record::Usage {
        key,
        reported,
        counted_in: new_in,
    });
    Ok(records)
}

/// Checks that neither a count nor the organization's sum exceeds [`MAX_COUNT`].
fn check_sum(state: &State, field: &'static str, count: u64, risen: u64) -> Result<(), Error> {
    if count <= MAX_COUNT && state.usage_sum.saturating_add(risen) <= MAX_COUNT {
        return Ok(());
    }
    Err(invalid(
        field,
        format!(
            "all counts of the organization come to {}, and {risen} more would exceed \
             {MAX_COUNT}; if one of them is wrong, take it back with `lictor usage correct`",
            state.usage_sum
        ),
    ))
}

/// Makes room for a new epoch by forgetting another one, if the maximum number is reached. Returns what it
/// forgets. Otherwise checks that the quota has room.
fn make_room(state: &State, series: &Series, now: Elapsed) -> Result<Option<Record>, Error> {
    let known = state.usage_epochs.get(series).into_iter().flatten();
    if known.clone().count() < MAX_EPOCHS {
        let remembered = state.used.of(Quota::UsageEpochs);
        quota::room(state, Quota::UsageEpochs, remembered)?;
        return Ok(None);
    }
    let silent = known.filter(|(_, known)| now.since(known.heard_at) >= EPOCH_SILENT_AFTER);
    if let Some((epoch, _)) = silent.min_by_key(|(_, known)| known.heard_at) {
        return Ok(Some(Record::UsageEpochForgotten {
            series: series.clone(),
            epoch: epoch.clone(),
        }));
    }
    let (source, service) = series;
    let days = EPOCH_SILENT_AFTER / SECONDS_PER_DAY;
    Err(invalid(
        "epoch",
        format!(
            "{MAX_EPOCHS} epochs of {service} by {source} were reported within {days} days, and \
             a forgotten one could be counted twice; keep one epoch for as long as a total \
             continues, and give each reporter a source of its own"
        ),
    ))
}

/// A corrected count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrected {
    /// The count after the correction.
    pub row: UsageRow,
    /// The difference.
    pub by: i64,
    /// The reason, as it is stored.
    pub reason: String,
    /// The ledger position of the correction.
    pub position: u64,
}

/// Corrects the count of a source, service and month by a difference. The difference is stored beside what is
/// reported, so that the next report does not undo it. `state` contains what is stored for the count, and the sum
/// of the organization's counts.
///
/// # Errors
/// [`Error::NotFound`] if nothing was reported; [`Error::InvalidInput`] for a difference of 0, for one that takes
/// a figure below 0 or above [`MAX_COUNT`], and for an invalid reason.
pub fn correct(
    state: &State,
    key: &UsageKey,
    by: i64,
    reason: &str,
) -> Result<Decision<Corrected>, Error> {
    let key = key.as_stored(state);
    let reported = state.usage.get(&key).ok_or_else(|| Error::NotFound {
        kind: Kind::Usage,
        name: key.to_string(),
    })?;
    let mut row = UsageRow {
        correction: state.corrections.get(&key).copied().unwrap_or_default(),
        reported: *reported,
        key,
    };
    let reason = names::label("reason", reason, MAX_REASON_LENGTH)?;
    let count = row.count();
    let room = MAX_COUNT.saturating_sub(state.usage_sum.max(count));
    if by == 0 || by < 0 && by.unsigned_abs() > count || by > 0 && by.unsigned_abs() > room {
        let least = match count {
            0 => "0".to_owned(),
            count => format!("-{count}"),
        };
        return Err(invalid(
            "by",
            format!("the count is {count}; use a difference from {least} to {room}, and not 0"),
        ));
    }
    let UsageKey {
        month,
        service,
        source,
    } = row.key.clone();
    let decision = Decision::from(Change::UsageCorrected {
        source,
        service,
        month,
        by,
        reason: reason.clone(),
    });
    Ok(decision.with(move |after| {
        row.correction = after.corrections.get(&row.key).copied().unwrap_or_default();
        Ok(Corrected {
            row,
            by,
            reason,
            position: after.position,
        })
    }))
}

fn check_count(field: &'static str, count: u64) -> Result<(), Error> {
    if count <= MAX_COUNT {
        return Ok(());
    }
    Err(invalid(
        field,
        format!("use a whole number from 0 to {MAX_COUNT}"),
    ))
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
    if month < FIRST_MONTH {
        return Err(invalid(
            "month",
            format!("{month} is not possible; use {FIRST_MONTH} or a later one, or UNKNOWN"),
        ));
    }
    // A source's clock may be slightly ahead when a month begins.
    if *month > *Date::of(now.saturating_add(SECONDS_PER_DAY)).month() {
        return Err(invalid("month", format!("{month} has not begun yet")));
    }
    Ok(())
}

fn invalid(field: &'static str, reason: String) -> Error {
    Error::InvalidInput { field, reason }
}

#[cfg(test)]
mod tests;

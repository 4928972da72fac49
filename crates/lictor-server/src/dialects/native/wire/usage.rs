//! Usage, between the authority and the contract: what is reported, what became of it, what is corrected and stored.

use lictor_api::usage::{
    CorrectUsage, CorrectedUsage, Epoch, RecordUsage, RecordedCount, RecordedUsage, ReportedCount,
    UsageCount, UsageResult,
};
use lictor_api::values::{Object, Told as Member};
use lictor_authority::{Corrected, CorrectionRequest, Recorded};
use lictor_core::facts::usage::{Reading, UsageKey, UsageReport, UsageRow};
use lictor_core::{Date, Timestamp};

use super::seats::row_error;
use crate::dialects::native::told::Told;

/// The source of who does not say it.
const SOURCE: &str = "default";

/// What is reported; counts without a month are of the current one.
pub(in crate::dialects::native) fn reports(sent: RecordUsage, now: Timestamp) -> Vec<UsageReport> {
    let report = |Object(sent): Object<ReportedCount>| UsageReport {
        source: sent.source.unwrap_or_else(|| SOURCE.to_owned()),
        service: sent.service,
        reading: match (sent.total, sent.epoch) {
            (Some(total), Some(Epoch(epoch))) => Reading::Total { epoch, total },
            // Of the two forms the other: the contract reads none that is neither.
            (_, _) => Reading::Count {
                month: sent.month.unwrap_or_else(|| Date::of(now).month()),
                count: sent.count.unwrap_or_default(),
            },
        },
    };
    sent.counts.into_iter().map(report).collect()
}

/// What became of each report. Who may not read usage is not told whether more was stored before: by that it could
/// be found out.
pub(in crate::dialects::native) fn recorded<'a>(
    recorded: impl Iterator<Item = &'a Recorded>,
    told: Told,
) -> RecordedUsage {
    let (mut accepted, mut kept, mut refused) = (0, 0, 0);
    let counts = recorded.map(|one| {
        let result = result_of(one, told);
        match result {
            UsageResult::Accepted => accepted += 1,
            UsageResult::Kept => kept += 1,
            UsageResult::Refused => refused += 1,
            UsageResult::Reported => {}
        }
        recorded_count(one, result, told)
    });
    let counts = counts.collect();
    RecordedUsage {
        accepted: Member::if_told(told.is_all(), accepted),
        kept: Member::if_told(told.is_all(), kept),
        refused,
        counts,
    }
}

fn result_of(recorded: &Recorded, told: Told) -> UsageResult {
    match recorded.refused {
        Some(_) => UsageResult::Refused,
        None if !told.is_all() => UsageResult::Reported,
        None if recorded.stored > recorded.report.value() => UsageResult::Kept,
        None => UsageResult::Accepted,
    }
}

fn recorded_count(recorded: &Recorded, result: UsageResult, told: Told) -> RecordedCount {
    let report = &recorded.report;
    let (month, epoch) = match &report.reading {
        Reading::Count { month, .. } => (Member::Told(month.clone()), Member::Untold),
        Reading::Total { epoch, .. } => (Member::Untold, Member::Told(epoch.clone())),
    };
    let error = recorded.refused.as_ref();
    RecordedCount {
        source: report.source.clone(),
        service: report.service.clone(),
        month,
        epoch,
        result: result.into(),
        stored: Member::if_told(told.is_all(), recorded.stored),
        error: error.map_or(Member::Untold, |error| row_error(error, told).into()),
    }
}

pub(in crate::dialects::native) fn correction(sent: CorrectUsage) -> CorrectionRequest {
    CorrectionRequest {
        key: UsageKey {
            month: sent.month,
            service: sent.service,
            source: sent.source.unwrap_or_else(|| SOURCE.to_owned()),
        },
        by: sent.by,
        reason: sent.reason,
    }
}

/// A correction. The source is for whoever `named` it, or may read usage.
pub(in crate::dialects::native) fn corrected(
    corrected: &Corrected,
    named: bool,
    told: Told,
) -> CorrectedUsage {
    let all = told.is_all();
    let count = count(corrected.row.clone());
    let only = |member: Member<u64>| if all { member } else { Member::Untold };
    CorrectedUsage {
        position: corrected.position,
        by: corrected.by,
        reason: corrected.reason.clone(),
        source: Member::if_told(all || named, count.source),
        service: count.service,
        month: count.month,
        count: Member::if_told(all, count.count),
        reported: only(count.reported),
        correction: if all {
            count.correction
        } else {
            Member::Untold
        },
    }
}

pub(in crate::dialects::native) fn count(row: UsageRow) -> UsageCount {
    let corrected = row.correction != 0;
    UsageCount {
        count: row.count(),
        reported: Member::if_told(corrected, row.reported.sum()),
        correction: Member::if_told(corrected, row.correction),
        source: row.key.source,
        service: row.key.service,
        month: row.key.month,
    }
}

//! Usage as JSON: what is reported, what became of it, what is corrected, what is stored.

use std::fmt;

use lictor_authority::{Corrected, CorrectionRequest, Recorded};
use lictor_core::facts::usage::{Reading, UsageKey, UsageReport, UsageRow};
use lictor_core::{Date, Timestamp, whole_number};
use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::accounts::row_error;
use crate::dialects::native::json::Object;
use crate::dialects::native::told::Told;

/// The source of who does not say it.
const SOURCE: &str = "default";

/// Counts to record.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dialects::native) struct NewUsage {
    counts: Vec<Object<NewCount>>,
}

#[derive(Deserialize)]
#[serde(try_from = "CountMembers")]
struct NewCount {
    source: Option<String>,
    service: String,
    value: NewValue,
}

/// One of the two forms.
enum NewValue {
    Count { month: Option<String>, count: u64 },
    Total { epoch: String, total: u64 },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CountMembers {
    source: Option<String>,
    service: String,
    month: Option<String>,
    #[serde(default, deserialize_with = "given")]
    count: Option<u64>,
    #[serde(default, deserialize_with = "given")]
    total: Option<u64>,
    epoch: Option<Epoch>,
}

/// The name of an epoch: a text, or a number such as the time at which it began.
struct Epoch(String);

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EpochVisitor)
    }
}

struct EpochVisitor;

impl Visitor<'_> for EpochVisitor {
    type Value = Epoch;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or a whole number, 0 or more,")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Epoch, E> {
        Ok(Epoch(text.to_owned()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Epoch, E> {
        Ok(Epoch(number.to_string()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Epoch, E> {
        let whole = whole_number::of_float(number).filter(|whole| *whole >= 0);
        let refused = || E::invalid_value(Unexpected::Float(number), &self);
        whole
            .map(|whole| Epoch(whole.to_string()))
            .ok_or_else(refused)
    }
}

/// A member that may be left out, but is a number where it stands.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    whole_number::read(deserializer).map(Some)
}

impl TryFrom<CountMembers> for NewCount {
    type Error = &'static str;

    fn try_from(members: CountMembers) -> Result<Self, Self::Error> {
        let value = match (members.count, members.total, members.epoch) {
            (Some(count), None, None) => NewValue::Count {
                month: members.month,
                count,
            },
            (Some(_), None, Some(_)) => return Err("give `epoch` only with `total`"),
            (None, Some(_), _) if members.month.is_some() => {
                return Err("leave `month` out: a total counts in the month in which it arrives");
            }
            (None, Some(total), Some(epoch)) => NewValue::Total {
                epoch: epoch.0,
                total,
            },
            (None, Some(_), None) => {
                return Err(
                    "give an `epoch` with `total`: it tells this start of the source from \
                     others, such as the time of the start",
                );
            }
            (None, None, _) => return Err("missing field `count`, or `total` with `epoch`"),
            (Some(_), Some(_), _) => return Err("give either `count` or `total`"),
        };
        Ok(Self {
            source: members.source,
            service: members.service,
            value,
        })
    }
}

impl NewUsage {
    /// What is reported; counts without a month are of the current one.
    pub(in crate::dialects::native) fn into_reports(self, now: Timestamp) -> Vec<UsageReport> {
        let report = |Object(new): Object<NewCount>| UsageReport {
            source: new.source.unwrap_or_else(|| SOURCE.to_owned()),
            service: new.service,
            reading: match new.value {
                NewValue::Count { month, count } => Reading::Count {
                    month: month.unwrap_or_else(|| Date::of(now).month()),
                    count,
                },
                NewValue::Total { epoch, total } => Reading::Total { epoch, total },
            },
        };
        self.counts.into_iter().map(report).collect()
    }
}

/// What became of a usage report.
#[derive(Serialize)]
pub(in crate::dialects::native) struct RecordedView {
    /// Only to who may read usage, as the next two: what was reported may have changed nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<usize>,
    refused: usize,
    counts: Vec<OutcomeView>,
}

#[derive(Serialize)]
struct OutcomeView {
    source: String,
    service: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    month: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<String>,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stored: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
}

impl RecordedView {
    /// What was written says of each report. Who may not read usage is not told whether more was stored
    /// before: by that it could be found out.
    pub(in crate::dialects::native) fn of<'a>(
        recorded: impl Iterator<Item = &'a Recorded>,
        told: &Told,
    ) -> Self {
        let view = |recorded: &Recorded| {
            let report = &recorded.report;
            let (month, epoch) = match &report.reading {
                Reading::Count { month, .. } => (Some(month.clone()), None),
                Reading::Total { epoch, .. } => (None, Some(epoch.clone())),
            };
            let refused = recorded.refused.as_ref();
            OutcomeView {
                source: report.source.clone(),
                service: report.service.clone(),
                month,
                epoch,
                result: match refused {
                    Some(_) => "refused",
                    None if !told.is_all() => "reported",
                    None if recorded.stored > report.value() => "kept",
                    None => "taken",
                },
                stored: told.is_all().then_some(recorded.stored),
                error: refused.map(|error| row_error(error, told)),
            }
        };
        let counts: Vec<OutcomeView> = recorded.map(view).collect();
        let of = |word| counts.iter().filter(|count| count.result == word).count();
        Self {
            accepted: told.is_all().then(|| of("taken")),
            kept: told.is_all().then(|| of("kept")),
            refused: of("refused"),
            counts,
        }
    }
}

/// A count to correct.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dialects::native) struct NewCorrection {
    source: Option<String>,
    service: String,
    month: String,
    #[serde(deserialize_with = "whole_number::read")]
    by: i64,
    reason: String,
}

impl NewCorrection {
    /// The request.
    pub(in crate::dialects::native) fn into_request(self) -> CorrectionRequest {
        CorrectionRequest {
            key: UsageKey {
                month: self.month,
                service: self.service,
                source: self.source.unwrap_or_else(|| SOURCE.to_owned()),
            },
            by: self.by,
            reason: self.reason,
        }
    }
}

/// A correction, and the count as it is after it.
#[derive(Serialize)]
pub(in crate::dialects::native) struct CorrectedView {
    position: u64,
    by: i64,
    reason: String,
    #[serde(flatten)]
    count: CountView,
}

impl CorrectedView {
    /// Of a count that was corrected.
    pub(in crate::dialects::native) fn of(corrected: &Corrected) -> Self {
        Self {
            position: corrected.position,
            by: corrected.by,
            reason: corrected.reason.clone(),
            count: CountView::of(corrected.row.clone()),
        }
    }
}

/// A count.
#[derive(Serialize)]
pub(in crate::dialects::native) struct CountView {
    source: String,
    service: String,
    month: String,
    count: u64,
    /// Only of a count that was corrected, as the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    reported: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correction: Option<i64>,
}

impl CountView {
    /// Of what is stored.
    pub(in crate::dialects::native) fn of(row: UsageRow) -> Self {
        let corrected = row.correction != 0;
        Self {
            count: row.count(),
            reported: corrected.then(|| row.reported.sum()),
            correction: corrected.then_some(row.correction),
            source: row.key.source,
            service: row.key.service,
            month: row.key.month,
        }
    }
}

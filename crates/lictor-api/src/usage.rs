//! Usage: what is sent and answered.

use std::borrow::Cow;
use std::fmt;

use lictor_core::whole_number;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::list::Rows;
use crate::row::Sent;
use crate::values::{Object, RowError, Text, Told, Words};

/// Counts to record, at most 1,000.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordUsage {
    /// The counts.
    #[schemars(length(max = 1_000))]
    pub counts: Vec<Object<ReportedCount>>,
}

impl Sent for RecordUsage {}

/// A count in one of two forms: a `count` of a month, or a `total` since the start that `epoch` names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, try_from = "Members")]
#[schemars(!try_from)]
pub struct ReportedCount {
    /// Who counted, 1 to 128 characters; left out: `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub source: Option<String>,
    /// What was used, 1 to 128 characters.
    #[schemars(length(min = 1, max = 128))]
    pub service: String,
    /// The month of a `count`, as `YYYY-MM` from `2000-01` on, or `UNKNOWN`; left out: this month.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^([0-9]{4}-(0[1-9]|1[0-2])|UNKNOWN)$"))]
    pub month: Option<String>,
    /// How much it is in the month so far, 0 to 2^53 - 1. The greatest that was ever reported counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64", default, range(max = 9_007_199_254_740_991_u64))]
    pub count: Option<u64>,
    /// How much it is since the source was started, 0 to 2^53 - 1. What it rose by counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64", default, range(max = 9_007_199_254_740_991_u64))]
    pub total: Option<u64>,
    /// Which start of the source a `total` belongs to: 1 to 64 characters, or a number such as the time of the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    source: Option<String>,
    service: String,
    month: Option<String>,
    #[serde(default, deserialize_with = "given")]
    count: Option<u64>,
    #[serde(default, deserialize_with = "given")]
    total: Option<u64>,
    epoch: Option<Epoch>,
}

/// A member that may be left out, but is a number where it stands.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    whole_number::read(deserializer).map(Some)
}

impl TryFrom<Members> for ReportedCount {
    type Error = &'static str;

    fn try_from(members: Members) -> Result<Self, Self::Error> {
        match (members.count, members.total, members.epoch.is_some()) {
            (Some(_), None, false) => {}
            (Some(_), None, true) => return Err("give `epoch` only with `total`"),
            (None, Some(_), _) if members.month.is_some() => {
                return Err("leave `month` out: a total counts in the month in which it arrives");
            }
            (None, Some(_), true) => {}
            (None, Some(_), false) => {
                return Err(
                    "give an `epoch` with `total`: it tells this start of the source from \
                     others, such as the time of the start",
                );
            }
            (None, None, _) => return Err("missing field `count`, or `total` with `epoch`"),
            (Some(_), Some(_), _) => return Err("give either `count` or `total`"),
        }
        Ok(Self {
            source: members.source,
            service: members.service,
            month: members.month,
            count: members.count,
            total: members.total,
            epoch: members.epoch,
        })
    }
}

/// The name of an epoch: a text, or a number such as the time at which it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Epoch(pub String);

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

impl JsonSchema for Epoch {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Epoch".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"], "minimum": 0, "minLength": 1, "maxLength": 64 })
    }
}

/// What became of a reported count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageResult {
    /// It is stored.
    Accepted,
    /// A greater one was reported before: it changed nothing.
    Kept,
    /// It was refused.
    Refused,
    /// One of the first two, for whoever may not read usage.
    Reported,
}

impl Words for UsageResult {
    const ALL: &'static [Self] = &[Self::Accepted, Self::Kept, Self::Refused, Self::Reported];

    fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Kept => "kept",
            Self::Refused => "refused",
            Self::Reported => "reported",
        }
    }
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordedUsage {
    /// How many counts were accepted. Only for whoever may read usage.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub accepted: Told<u64>,
    /// How many changed nothing. Only for whoever may read usage.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub kept: Told<u64>,
    /// How many were refused.
    pub refused: u64,
    /// What became of each, in the order of the request.
    pub counts: Vec<RecordedCount>,
}

/// What became of one count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordedCount {
    /// Who counted.
    pub source: String,
    /// What was used.
    pub service: String,
    /// The month of a `count`.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub month: Told<String>,
    /// The epoch of a `total`.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub epoch: Told<String>,
    /// What became of it.
    pub result: Text<UsageResult>,
    /// What is stored now. Only for whoever may read usage.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub stored: Told<u64>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub error: Told<RowError>,
}

/// A count to correct by a difference, which is stored beside what is reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectUsage {
    /// Who counted; left out: `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub source: Option<String>,
    /// What was used.
    #[schemars(length(min = 1, max = 128))]
    pub service: String,
    /// The month, as `YYYY-MM`, or `UNKNOWN`.
    #[schemars(regex(pattern = "^([0-9]{4}-(0[1-9]|1[0-2])|UNKNOWN)$"))]
    pub month: String,
    /// By how much: less than 0 to subtract. No count falls below 0.
    #[serde(deserialize_with = "whole_number::read")]
    pub by: i64,
    /// Why, 1 to 200 characters. The ledger keeps it forever: name nobody in it.
    #[schemars(length(min = 1, max = 200))]
    pub reason: String,
}

impl Sent for CorrectUsage {}

/// A correction, and the count after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CorrectedUsage {
    /// The ledger position of the correction.
    pub position: u64,
    /// By how much it was corrected.
    pub by: i64,
    /// Why.
    pub reason: String,
    /// Who counted. Only for whoever sent it or may read usage.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub source: Told<String>,
    /// What was used.
    pub service: String,
    /// The month.
    pub month: String,
    /// The count after it. Only for whoever may read usage, as those below.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub count: Told<u64>,
    /// What was reported, if that is not the count.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub reported: Told<u64>,
    /// What all corrections come to, if that is not 0.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub correction: Told<i64>,
}

/// A count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageCount {
    /// Who counted.
    pub source: String,
    /// What was used.
    pub service: String,
    /// The month, as `YYYY-MM`, or `UNKNOWN`.
    pub month: String,
    /// How much it is, corrections included.
    pub count: u64,
    /// What was reported, if it was corrected.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub reported: Told<u64>,
    /// What all corrections come to, if it was corrected.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub correction: Told<i64>,
}

/// A page of the counts, and what all come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageList {
    /// The counts, by month, service and source.
    pub data: Vec<UsageCount>,
    /// Where the next page begins; `null`: this is the last.
    pub next_cursor: Option<String>,
    /// What the counts of all pages come to.
    pub total_requests: u64,
}

/// What stands behind the rows of [`UsageList`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageEnd {
    /// Where the next page begins.
    pub next_cursor: Option<String>,
    /// What the counts of all pages come to.
    pub total_requests: u64,
}

impl Rows for UsageList {
    type Row = UsageCount;
    type End = UsageEnd;
}

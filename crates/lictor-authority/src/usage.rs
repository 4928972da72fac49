//! Usage: record what sources counted, correct it, and read it.

use std::collections::BTreeSet;
use std::sync::Arc;

use lictor_core::facts::usage::{Reading, UsageKey, UsageReport};
use lictor_core::rules::usage::{self, Corrected, Recorded};
use lictor_core::{Error, Timestamp, facts};
use lictor_store::{Fact, Rule, UsagePage, Written};

use super::parts::{self, Parts};
use super::permits::Permit;
use super::right::{Corrections, Read, Usage, Write};
use super::{Authority, Call};

/// A correction to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrectionRequest {
    /// Which count.
    pub key: UsageKey,
    /// By how much.
    pub by: i64,
    /// Why.
    pub reason: String,
}

impl Authority {
    /// Records what sources counted, each for itself: what was written says which were refused, and
    /// what is stored for the others. A repeated or late report changes nothing. They are recorded in
    /// the [parts](parts::parts_of_usage) that they have.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for too many at once or where all are refused, or
    /// a fault of the store; parts before the one that it happened in are recorded then.
    pub async fn record_usage(
        &self,
        permit: Permit<'_, Usage, Write>,
        reports: Arc<[UsageReport]>,
    ) -> Result<Parts<Vec<Recorded>>, Error> {
        let call = permit.call();
        usage::check_reports(reports.len())?;
        let parts = parts::parts_of_usage(reports.len());
        parts::written(&self.parts, call, parts, |call, part, before| {
            let refused = before
                .iter()
                .map(|part| refused(part))
                .sum::<Result<usize, _>>();
            let (is_last, reports) = (part.end == reports.len(), Arc::clone(&reports));
            async move {
                let may_all_be_refused = !is_last || refused? < part.start;
                self.record_part(call, reports[part].into(), may_all_be_refused)
                    .await
            }
        })
        .await
    }

    async fn record_part(
        &self,
        call: Call,
        reports: Arc<[UsageReport]>,
        may_all_be_refused: bool,
    ) -> Result<Written, Error> {
        let (moment, now) = (call.now, call.now.wall());
        let labeled = reports.iter().map(UsageReport::labeled);
        let either: Vec<_> = reports.iter().cloned().chain(labeled).collect();
        let facts = facts(&either, now);
        let rule =
            Rule::new(move |state| usage::record(state, &reports, may_all_be_refused, moment));
        self.write(&call, call.organization.id, facts, rule).await
    }

    /// Corrects a count, and gives it as it is then.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::InvalidInput`], or a fault of the store.
    pub async fn correct_usage(
        &self,
        permit: Permit<'_, Corrections, Write>,
        request: CorrectionRequest,
    ) -> Result<Corrected, Error> {
        let call = permit.call();
        let keys = [request.key.clone(), request.key.labeled()];
        let facts = keys.map(Fact::Usage).into_iter().chain([Fact::UsageSum]);
        let facts = facts.collect();
        self.decide(call, facts, move |state| {
            usage::correct(state, &request.key, request.by, &request.reason)
        })
        .await
    }

    /// At most `limit` counts of the organization in order of month, service and source, beginning
    /// after `after`, and what all of them come to.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn usage(
        &self,
        permit: Permit<'_, Usage, Read>,
        after: Option<&UsageKey>,
        limit: usize,
    ) -> Result<UsagePage, Error> {
        let call = permit.call();
        self.store.usage(call.organization.id, after, limit).await
    }
}

/// How many reports of a part were refused.
fn refused(part: &Written) -> Result<usize, Error> {
    let recorded = part.outcome.get::<Vec<Recorded>>()?.iter();
    Ok(recorded.filter(|one| one.refused.is_some()).count())
}

/// What the rule looks at that records these.
pub(super) fn facts(reports: &[UsageReport], now: Timestamp) -> Vec<Fact> {
    let totals = reports.iter().filter_map(|report| match &report.reading {
        Reading::Total { epoch, .. } => Some((report.series(), epoch.clone())),
        Reading::Count { .. } => None,
    });
    let totals: BTreeSet<_> = totals.collect();
    let keys: BTreeSet<_> = reports.iter().map(|report| report.key(now)).collect();
    let rows = keys.into_iter().map(Fact::Usage);
    let epochs = totals
        .into_iter()
        .map(|(series, epoch)| Fact::UsageEpoch { series, epoch });
    let months: BTreeSet<_> = reports
        .iter()
        .map(|report| facts::usage::counted_in(&report.key(now).month, now))
        .collect();
    let months = months.into_iter().map(Fact::UsageMonth);
    let counts = months.chain([Fact::UsageSum]);
    rows.chain(epochs).chain(counts).collect()
}

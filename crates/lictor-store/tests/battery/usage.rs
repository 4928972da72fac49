//! The promises about usage: counts, running totals, corrections, and the sum that bounds them.

use lictor_core::rules::usage::Recorded;
use std::sync::Arc;

use lictor_core::decision::Decision;
use lictor_core::elapsed::Now;
use lictor_core::facts::quota::Quota;
use lictor_core::facts::usage::{
    EPOCH_SILENT_AFTER, MAX_COUNT, MAX_EPOCHS, Reading, Reported, UsageKey, UsageReport, UsageRow,
};
use lictor_core::record::Record;
use lictor_core::rules::usage;
use lictor_core::{Error, Timestamp, facts};
use lictor_store::{Fact, Store, UsageFigures, Write, Written};
use uuid::Uuid;

use crate::given::{ACME, NOW, acme, done, refused, write};
use crate::quotas::set_quota;

pub(crate) fn count(source: &str, service: &str, month: &str, count: u64) -> UsageReport {
    UsageReport {
        source: source.to_owned(),
        service: service.to_owned(),
        reading: Reading::Count {
            month: month.to_owned(),
            count,
        },
    }
}

/// A running total of the source `edge` for the service `web`.
pub(crate) fn total(epoch: &str, total: u64) -> UsageReport {
    UsageReport {
        source: "edge".to_owned(),
        service: "web".to_owned(),
        reading: Reading::Total {
            epoch: epoch.to_owned(),
            total,
        },
    }
}

/// The row of a count that was reported.
pub(crate) fn counted(source: &str, service: &str, month: &str, counted: u64) -> UsageRow {
    UsageRow {
        key: count(source, service, month, 0).key(NOW),
        reported: Reported { counted, added: 0 },
        correction: 0,
    }
}

/// All counts of a stream.
pub(crate) async fn counts_of(store: &dyn Store, stream: Uuid) -> Vec<UsageRow> {
    store.usage(stream, None, 1_000).await.expect("reads").rows
}

pub(crate) fn report_usage(stream: Uuid, reports: Vec<UsageReport>) -> Write {
    report_usage_at(stream, reports, NOW)
}

fn report_usage_at(stream: Uuid, reports: Vec<UsageReport>, now: Timestamp) -> Write {
    let mut facts = vec![Fact::UsageSum];
    for report in &reports {
        facts.push(Fact::Usage(report.key(now)));
        let month = facts::usage::counted_in(&report.key(now).month, now);
        facts.push(Fact::UsageMonth(month));
        if let Reading::Total { epoch, .. } = &report.reading {
            facts.push(Fact::UsageEpoch {
                series: report.series(),
                epoch: epoch.clone(),
            });
        }
    }
    write(stream, now, facts, move |state| {
        usage::record(state, &reports, true, Now::at(now))
    })
}

/// The numbers of those reports that are refused.
pub(crate) async fn refused_reports(store: &dyn Store, write: Write) -> Vec<usize> {
    numbers_of_refused(&done(store, write).await)
}

fn numbers_of_refused(written: &Written) -> Vec<usize> {
    let recorded: &Vec<Recorded> = written.outcome.get().expect("reports were recorded");
    let numbered = recorded.iter().enumerate();
    let refused = numbered.filter(|(_, recorded)| recorded.refused.is_some());
    refused.map(|(number, _)| number).collect()
}

/// Corrects the count of the source `edge` for the service `web` this month.
pub(crate) fn correct_usage(stream: Uuid, by: i64) -> Write {
    correct(stream, total("", 0).key(NOW), by)
}

pub(crate) fn correct_usage_of(key: UsageKey, by: i64) -> Write {
    correct(ACME, key, by)
}

fn correct(stream: Uuid, key: UsageKey, by: i64) -> Write {
    let facts = vec![Fact::Usage(key.clone()), Fact::UsageSum];
    write(stream, NOW, facts, move |state| {
        usage::correct(state, &key, by, "it was a test")
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_greatest_count_stays() {
    let store = crate::new_store();
    acme(&*store).await;
    let first = vec![
        count("edge", "web", "UNKNOWN", 1),
        count("edge", "web", "2026-11", 5),
        count("core", "web", "2026-11", 7),
        count("edge", "api", "2026-10", 9),
    ];
    let before = store.head(ACME).await.expect("reads");
    done(&*store, report_usage(ACME, first.clone())).await;
    done(&*store, report_usage(ACME, first)).await;
    done(
        &*store,
        report_usage(ACME, vec![count("edge", "web", "2026-11", 4)]),
    )
    .await;
    let late = vec![
        count("core", "web", "2026-11", 8),
        count("core", "web", "2026-11", 6),
    ];
    done(&*store, report_usage(ACME, late)).await;
    let expected = [
        counted("edge", "api", "2026-10", 9),
        counted("core", "web", "2026-11", 8),
        counted("edge", "web", "2026-11", 5),
        counted("edge", "web", "UNKNOWN", 1),
    ];
    assert_eq!(
        counts_of(&*store, ACME).await,
        expected,
        "by month, service, source"
    );
    assert_eq!(
        store.head(ACME).await.expect("reads"),
        before,
        "counts are no entries"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_count_is_kept_exactly() {
    let store = crate::new_store();
    acme(&*store).await;
    let largest = vec![count("edge", "web", "2026-11", MAX_COUNT)];
    done(&*store, report_usage(ACME, largest)).await;
    let expected = [counted("edge", "web", "2026-11", MAX_COUNT)];
    assert_eq!(counts_of(&*store, ACME).await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_come_in_pages_and_their_sums_at_once() {
    let store = crate::new_store();
    acme(&*store).await;
    let reports = vec![
        count("a", "s", "2026-10", 3),
        count("b", "s", "2026-10", 4),
        count("a", "t", "2026-10", 5),
        count("a", "t", "2026-11", 6),
        count("b", "t", "UNKNOWN", 7),
    ];
    done(&*store, report_usage(ACME, reports)).await;
    let all = counts_of(&*store, ACME).await;
    let (mut walked, mut after) = (Vec::new(), None);
    loop {
        let page = store.usage(ACME, after.as_ref(), 2).await.expect("reads");
        assert_eq!(page.total, 25);
        after = page.rows.last().map(|row| row.key.clone());
        if after.is_none() {
            break;
        }
        walked.extend(page.rows);
    }
    assert_eq!((walked.len(), walked), (5, all));
    let figures = store.usage_figures(ACME).await.expect("reads");
    let months = [("2026-10", 12), ("2026-11", 6), ("UNKNOWN", 7)];
    let months = months.map(|(month, sum)| (month.to_owned(), sum));
    assert_eq!((figures.months, figures.services), (months.into(), 2));
    // They are of rows, corrections included, and of no more than is stored.
    done(
        &*store,
        report_usage(ACME, vec![count("edge", "web", "2026-11", 0)]),
    )
    .await;
    done(
        &*store,
        report_usage(ACME, vec![count("edge", "web", "2026-11", 9)]),
    )
    .await;
    done(&*store, correct_usage(ACME, -4)).await;
    done(
        &*store,
        report_usage(ACME, vec![count("b", "s", "2026-10", 4)]),
    )
    .await;
    done(
        &*store,
        report_usage(ACME, vec![count("b", "s", "2026-09", 0)]),
    )
    .await;
    let figures = store.usage_figures(ACME).await.expect("reads");
    let months = [
        ("2026-09", 0),
        ("2026-10", 12),
        ("2026-11", 11),
        ("UNKNOWN", 7),
    ];
    let months = months.map(|(month, sum)| (month.to_owned(), sum));
    assert_eq!((figures.months, figures.services), (months.into(), 3));
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
    let none = store.usage_figures(Uuid::nil()).await.expect("reads");
    assert_eq!(none, UsageFigures::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_of_many_writers_never_pass_the_largest_sum() {
    let store = crate::new_store();
    acme(&*store).await;
    // Four of these have room, and all small ones beside them.
    let large = MAX_COUNT / 4 - 100;
    let writers: Vec<_> = (0..9)
        .map(|number| {
            let store = Arc::clone(&store);
            let counts = vec![
                count(&number.to_string(), "web", "2026-11", large),
                count("small", "web", "2026-11", number + 1),
            ];
            tokio::spawn(async move { store.write(report_usage(ACME, counts)).await })
        })
        .collect();
    let mut refused = 0;
    for writer in writers {
        let written = writer.await.expect("ends").expect("one is taken");
        refused += numbers_of_refused(&written).len();
    }
    assert_eq!(refused, 5);
    let rows = counts_of(&*store, ACME).await;
    let sum: u64 = rows.iter().map(UsageRow::count).sum();
    assert_eq!(sum, 4 * large + 9);
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_total_is_remembered_as_long_as_it_is_reported() {
    let store = crate::new_store();
    acme(&*store).await;
    let sum = async |reports, now| {
        let refused = refused_reports(&*store, report_usage_at(ACME, reports, now)).await;
        let rows = counts_of(&*store, ACME).await;
        let sum: u64 = rows.iter().map(UsageRow::count).sum();
        (refused.len(), sum)
    };
    let epoch = |number: usize| format!("e{number}");
    assert_eq!(sum(vec![total(&epoch(0), 100)], NOW).await, (0, 100));
    assert_eq!(sum(vec![total(&epoch(0), 130)], NOW).await, (0, 130));
    assert_eq!(sum(vec![total(&epoch(0), 5)], NOW).await, (0, 130));
    let others: Vec<_> = (1..MAX_EPOCHS)
        .map(|number| total(&epoch(number), 1))
        .collect();
    let place = 130 + others.len() as u64;
    assert_eq!(sum(others.clone(), NOW).await, (0, place));
    assert_eq!(sum(others, NOW).await, (0, place), "none was forgotten");
    let last = || vec![total("last", 7)];
    assert_eq!(sum(last(), NOW).await, (1, place), "there is no place");
    // The first is heard of again, with nothing new to say.
    let later = NOW + EPOCH_SILENT_AFTER;
    let first = vec![total(&epoch(0), 130)];
    assert_eq!(sum(first.clone(), later - 1).await, (0, place));
    assert_eq!(sum(last(), later - 1).await, (1, place));
    assert_eq!(sum(last(), later).await, (0, place + 7));
    assert_eq!(sum(first, later).await, (0, place + 7));
    assert_eq!(sum(last(), later).await, (0, place + 7));
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_is_an_entry_that_no_report_undoes() {
    let store = crate::new_store();
    acme(&*store).await;
    let reported = refused(&*store, correct_usage(ACME, 5)).await;
    assert!(matches!(reported, Error::NotFound { .. }), "{reported:?}");
    let report = async |value| {
        let counts = vec![count("edge", "web", "2026-11", value)];
        done(&*store, report_usage(ACME, counts)).await;
    };
    report(1_000).await;
    let written = done(&*store, correct_usage(ACME, -400)).await;
    assert_eq!(written.entries.len(), 1);
    report(1_100).await;
    let row = UsageRow {
        correction: -400,
        ..counted("edge", "web", "2026-11", 1_100)
    };
    assert_eq!(row.count(), 700);
    assert_eq!(counts_of(&*store, ACME).await, [row]);
    for by in [0, -701, i64::MAX] {
        refused(&*store, correct_usage(ACME, by)).await;
    }
    done(&*store, correct_usage(ACME, -700)).await;
    done(&*store, correct_usage(ACME, 1_100)).await;
    let expected = [counted("edge", "web", "2026-11", 1_100)];
    assert_eq!(counts_of(&*store, ACME).await, expected);
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

/// Puts what a source counted to another one.
fn merge(from: &str, into: &str) -> Write {
    let (source, into) = (from.to_owned(), into.to_owned());
    let fact = Fact::UsageOf {
        source: source.clone(),
        into: into.clone(),
    };
    write(ACME, NOW, vec![fact], move |state| {
        let mut decision = Decision::nothing();
        let own = state.usage.keys().filter(|key| key.source == source);
        decision.records.extend(own.map(|key| Record::UsageMerged {
            from: key.clone(),
            into: into.clone(),
        }));
        Ok(decision)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_of_a_source_are_put_to_another() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, set_quota(Quota::UsageSeries, Some(3))).await;
    let reports = vec![
        count("a", "web", "2026-11", 3),
        count("b", "web", "2026-11", 4),
        count("b", "api", "2026-11", 5),
        count("b", "web", "2026-01", 6),
    ];
    done(&*store, report_usage(ACME, reports)).await;
    let more = || report_usage(ACME, vec![count("c", "web", "2026-11", 1)]);
    let refused = async || refused_reports(&*store, more()).await;
    assert_eq!(refused().await, [0], "there is no room");
    let before = store.usage_figures(ACME).await.expect("reads");
    done(&*store, merge("a", "all")).await;
    done(&*store, merge("b", "all")).await;
    // Those of `b` are there no more.
    assert_eq!(done(&*store, merge("b", "all")).await.records.len(), 0);
    let expected = [
        counted("all", "web", "2026-01", 6),
        counted("all", "api", "2026-11", 5),
        counted("all", "web", "2026-11", 7),
    ];
    assert_eq!(counts_of(&*store, ACME).await, expected);
    let after = store.usage_figures(ACME).await.expect("reads");
    assert_eq!(
        (after.months, after.services),
        (before.months, before.services)
    );
    assert_eq!(refused().await, [0; 0], "there is room");
    // What somebody corrected stays where it is, and its correction with it.
    done(
        &*store,
        report_usage(ACME, vec![count("edge", "web", "2026-01", 9)]),
    )
    .await;
    let key = count("edge", "web", "2026-01", 9).key(NOW);
    let facts = vec![Fact::Usage(key.clone()), Fact::UsageSum];
    let correct = write(ACME, NOW, facts, move |state| {
        usage::correct(state, &key, -1, "it was a test")
    });
    done(&*store, correct).await;
    assert_eq!(done(&*store, merge("edge", "all")).await.records.len(), 0);
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

//! Counts, running totals, corrections and sums, decided on facts.

use super::*;
use crate::facts::usage::Reported;

/// 2026-11-30T23:00:00Z.
const NOW: Timestamp = 1_796_079_600;

fn count(source: &str, service: &str, month: &str, count: u64) -> UsageReport {
    UsageReport {
        source: source.to_owned(),
        service: service.to_owned(),
        reading: Reading::Count {
            month: month.to_owned(),
            count,
        },
    }
}

fn total(epoch: &str, total: u64) -> UsageReport {
    UsageReport {
        source: "s".to_owned(),
        service: "x".to_owned(),
        reading: Reading::Total {
            epoch: epoch.to_owned(),
            total,
        },
    }
}

fn decide(state: &State, reports: &[UsageReport], now: Timestamp) -> (Decision, RefusedReports) {
    record_within(state, reports, Now::at(now), |_| 0).expect("not too many")
}

/// Records them, and gives back which were refused.
fn report(state: &mut State, reports: &[UsageReport], now: Timestamp) -> Vec<usize> {
    let (decision, refused) = decide(state, reports, now);
    assert!(decision.changes.is_empty());
    decision
        .records
        .iter()
        .for_each(|record| state.note(record));
    refused.into_iter().map(|(number, _)| number).collect()
}

fn figures(state: &State) -> Vec<(&str, u64)> {
    let row = |(key, reported): (&UsageKey, &Reported)| UsageRow {
        correction: state.corrections.get(key).copied().unwrap_or(0),
        key: key.clone(),
        reported: *reported,
    };
    let rows: Vec<_> = state.usage.iter().map(row).collect();
    let sum: u64 = rows.iter().map(UsageRow::count).sum();
    assert_eq!(sum, state.usage_sum);
    let months = state.usage.keys().map(|key| key.month.as_str());
    months.zip(rows.iter().map(UsageRow::count)).collect()
}

#[test]
fn a_count_out_of_bounds_is_refused_and_no_other_with_it() {
    let long = "ü".repeat(MAX_NAME_LENGTH);
    for good in [
        count("node", "service", "2026-11", 0),
        count(&long, "s", FIRST_MONTH, MAX_COUNT),
        count("n", "s", UNKNOWN_MONTH, 1),
        count("n", "s", "2026-12", 1),
        total(&"e".repeat(MAX_EPOCH_LENGTH), 0),
    ] {
        let mut state = State::default();
        assert!(report(&mut state, std::slice::from_ref(&good), NOW).is_empty());
        assert_eq!(state.usage.len(), 1, "{good:?}");
        assert_eq!(good.stored(&state, NOW), good.value());
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
        ("month", count("n", "s", "0001-01", 1)),
        ("month", count("n", "s", "1970-01", 1)),
        ("month", count("n", "s", "1999-12", 1)),
        ("month", count("n", "s", "2027-01", 1)),
        ("month", count("n", "s", "9999-12", 1)),
        ("total", total("e", MAX_COUNT + 1)),
        ("epoch", total("", 1)),
        ("epoch", total("a\n", 1)),
        ("epoch", total(&"e".repeat(MAX_EPOCH_LENGTH + 1), 1)),
    ] {
        let reports = [bad.clone(), count("n", "s", "2026-11", 1)];
        let (decision, refused) = decide(&State::default(), &reports, NOW);
        assert_eq!(decision.records.len(), 1, "{bad:?}");
        let is = matches!(&refused[..], [(0, Error::InvalidInput { field: found, .. })] if *found == field);
        assert!(is, "{bad:?}: {refused:?}");
    }
}

#[test]
fn a_month_begins_a_day_early_for_a_source_and_no_earlier() {
    let december = count("n", "s", "2026-12", 1);
    let first = Date::parse("2026-12-01").expect("a date").start();
    assert!(
        december
            .check(&State::default(), first - SECONDS_PER_DAY)
            .is_ok()
    );
    assert!(
        december
            .check(&State::default(), first - SECONDS_PER_DAY - 1)
            .is_err()
    );
    assert!(december.check(&State::default(), Timestamp::MIN).is_err());
    assert!(december.check(&State::default(), Timestamp::MAX).is_ok());
}

#[test]
fn a_report_has_a_size() {
    let counts = |size| vec![count("n", "s", "2026-11", 1); size];
    let state = State::default();
    assert!(record(&state, &[], false, Now::at(NOW)).is_ok());
    assert!(record(&state, &counts(MAX_COUNTS), false, Now::at(NOW)).is_ok());
    let refused = record(&state, &counts(MAX_COUNTS + 1), false, Now::at(NOW));
    assert!(matches!(
        refused,
        Err(Error::InvalidInput {
            field: "counts",
            ..
        })
    ));
}

#[test]
fn a_running_total_counts_what_it_rose_by_in_the_month_of_arrival() {
    let december = NOW + 2 * SECONDS_PER_DAY;
    let mut state = State::default();
    let mut say = |epoch: &str, value: u64, now| {
        let report = total(epoch, value);
        self::report(&mut state, std::slice::from_ref(&report), now);
        let figures = figures(&state).into_iter().map(|(_, count)| count);
        (report.stored(&state, now), figures.collect::<Vec<_>>())
    };
    assert_eq!(say("a", 1_000, NOW), (1_000, vec![1_000]));
    assert_eq!(say("a", 1_000, NOW), (1_000, vec![1_000]));
    assert_eq!(say("a", 5, NOW), (1_000, vec![1_000]), "kept");
    assert_eq!(say("a", 1_200, december), (1_200, vec![1_000, 200]));
    assert_eq!(say("b", 5, december), (5, vec![1_000, 205]), "anew");
    assert_eq!(say("a", 1_201, december), (1_201, vec![1_000, 206]), "late");
    assert_eq!(say("b", 4, december), (5, vec![1_000, 206]));
}

#[test]
fn epochs_that_are_still_reported_never_count_twice_however_many_there_are() {
    let mut state = State::default();
    let all: Vec<_> = (0..MAX_EPOCHS + 3)
        .map(|number| total(&format!("e{number}"), 5))
        .collect();
    let mut say = |passed: i64, reports: &[UsageReport]| {
        let (decision, refused) = decide(&state, reports, NOW + passed);
        decision
            .records
            .iter()
            .for_each(|record| state.note(record));
        let refused = refused.into_iter().map(|(_, error)| error);
        (refused.collect::<Vec<_>>(), state.usage_sum)
    };
    let place = 5 * MAX_EPOCHS as u64;
    let (first, more) = all.split_at(MAX_EPOCHS);
    assert_eq!(say(0, first).1, place);
    let one_is_silent = &first[1..];
    let mut now = 0;
    // All but the first go on to report, mostly the same; nobody's total is counted anew.
    while now < EPOCH_SILENT_AFTER - SECONDS_PER_DAY {
        now += SECONDS_PER_DAY;
        let (refused, sum) = say(now, one_is_silent);
        assert_eq!((refused.len(), sum), (0, place));
        if now % (100 * SECONDS_PER_DAY) == 0 {
            let (refused, sum) = say(now, more);
            assert_eq!((refused.len(), sum), (more.len(), place));
            let error = &refused[0];
            let text = error.to_string();
            let is = matches!(error, Error::InvalidInput { field: "epoch", .. });
            assert!(is && text.contains("give each reporter a source"), "{text}");
        }
    }
    // The one that was silent for so long makes place for another, and for no second.
    let (refused, sum) = say(EPOCH_SILENT_AFTER, more);
    assert_eq!((refused.len(), sum), (more.len() - 1, place + 5));
    assert_eq!(say(EPOCH_SILENT_AFTER, one_is_silent).1, place + 5);
    // Were it to come back, it would find no place: what it had is not counted again.
    let (refused, sum) = say(EPOCH_SILENT_AFTER, &first[..1]);
    assert_eq!((refused.len(), sum), (1, place + 5));
}

#[test]
fn a_total_and_a_count_of_one_month_are_added() {
    let mut state = State::default();
    let month = count("s", "x", "2026-11", 7);
    report(&mut state, &[month.clone(), total("a", 5), month], NOW);
    assert_eq!(figures(&state), [("2026-11", 12)]);
}

#[test]
fn a_count_that_would_pass_the_largest_sum_is_refused_and_the_next_are_not() {
    let mut state = State::default();
    let reports = [
        count("a", "s", "2026-10", MAX_COUNT - 10),
        count("b", "t", "2026-11", 11),
        total("e", 11),
        total("e", 4),
        count("b", "t", "2026-11", 6),
        count("c", "t", UNKNOWN_MONTH, 1),
    ];
    assert_eq!(report(&mut state, &reports, NOW), [1, 2, 5]);
    assert_eq!(state.usage_sum, MAX_COUNT);
    // What is there already is no more than there was.
    assert!(report(&mut state, &reports[3..5], NOW).is_empty());
    // Where sums were not bounded before, nothing is added and nothing panics.
    state.usage_sum = 1 << 62;
    assert_eq!(report(&mut state, &[total("e", 5)], NOW), [0]);
}

fn corrected(state: &mut State, by: i64) -> Result<(), Error> {
    let key = total("", 0).key(NOW);
    let decision = correct(state, &key, by, "why")?;
    state.apply(state.position + 1, NOW, &decision.changes[0]);
    Ok(())
}

#[test]
fn a_correction_stands_beside_what_is_reported() {
    let mut state = State::default();
    assert!(matches!(
        corrected(&mut state, 1),
        Err(Error::NotFound { .. })
    ));
    let say = |state: &mut State, value| report(state, &[count("s", "x", "2026-11", value)], NOW);
    say(&mut state, 1_000);
    corrected(&mut state, -400).expect("it is less");
    assert_eq!(figures(&state), [("2026-11", 600)]);
    say(&mut state, 1_100);
    assert_eq!(figures(&state), [("2026-11", 700)]);
    for by in [0, -701, i64::MIN, i64::MAX, (1 << 53) - 700] {
        let refused = corrected(&mut state, by);
        let is = matches!(refused, Err(Error::InvalidInput { field: "by", .. }));
        assert!(is, "{by}: {refused:?}");
    }
    corrected(&mut state, -700).expect("to nothing");
    corrected(&mut state, 1_100).expect("to what was reported");
    assert!(state.corrections.is_empty());
    corrected(&mut state, (1 << 53) - 1 - 1_100).expect("to the largest");
    assert_eq!(figures(&state), [("2026-11", MAX_COUNT)]);
    assert_eq!(say(&mut state, 1_101), [0], "no sum passes the largest");
}

#[test]
fn a_reason_is_given_and_short() {
    let mut state = State::default();
    report(&mut state, &[count("s", "x", "2026-11", 5)], NOW);
    let key = || total("", 0).key(NOW);
    for bad in ["", " ", "a\nb", &"r".repeat(MAX_REASON_LENGTH + 1)] {
        let refused = correct(&state, &key(), -1, bad);
        let is = matches!(
            refused,
            Err(Error::InvalidInput {
                field: "reason",
                ..
            })
        );
        assert!(is, "{bad:?}");
    }
    assert!(correct(&state, &key(), -1, &"r".repeat(MAX_REASON_LENGTH)).is_ok());
}

#[test]
fn what_is_stored_goes_on_under_its_name_and_new_names_are_trimmed_and_composed() {
    let mut state = State::default();
    // As a version before stored it.
    let old = count("cafe\u{301} ", "a\u{202e}", "2026-11", 100);
    let reported = Reported {
        counted: 100,
        added: 0,
    };
    state.usage.insert(old.key(NOW), reported);
    state.usage_sum = 100;
    let mut say = |source: &str, service: &str, month: &str, value| {
        let report = count(source, service, month, value).as_stored(&state, NOW);
        let refused = self::report(&mut state, std::slice::from_ref(&report), NOW);
        (report.source, report.service, refused.is_empty())
    };
    let kept = |source: &str, service: &str| (source.to_owned(), service.to_owned(), true);
    let goes_on = kept("cafe\u{301} ", "a\u{202e}");
    assert_eq!(say("cafe\u{301} ", "a\u{202e}", "2026-11", 120), goes_on);
    let (source, service, taken) = say("cafe\u{301} ", "a\u{202e}", "2026-10", 7);
    assert_eq!(
        (source.as_str(), service.as_str(), taken),
        ("café", "a\u{202e}", false)
    );
    assert_eq!(
        say("cafe\u{301} ", " Web", "2026-11", 5),
        kept("café", "Web")
    );
    assert_eq!(say("café", "Web", "2026-11", 6), kept("café", "Web"));
    assert_eq!(say("café", "web", "2026-11", 1), kept("café", "web"));
    assert_eq!(
        figures(&state),
        [("2026-11", 6), ("2026-11", 120), ("2026-11", 1)]
    );
}

#[test]
fn a_running_total_goes_on_under_its_name_when_the_month_turns() {
    let december = NOW + 2 * SECONDS_PER_DAY;
    let mut state = State::default();
    let mut report = total("a", 1_000);
    report.source = "cafe\u{301}".to_owned();
    self::report(&mut state, std::slice::from_ref(&report), NOW);
    let Reading::Total { total, .. } = &mut report.reading else {
        panic!("a total");
    };
    *total = 1_010;
    let report = report.as_stored(&state, december);
    assert_eq!(report.source, "cafe\u{301}");
    self::report(&mut state, &[report], december);
    assert_eq!(figures(&state), [("2026-11", 1_000), ("2026-12", 10)]);
}

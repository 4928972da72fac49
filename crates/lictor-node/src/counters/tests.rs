//! Counts in memory: what is told of them, when, and under which name.

use super::*;

fn counters() -> Counters {
    Counters::new("00000000000000aa", "2026-11", BTreeMap::new())
}

fn entry(count: u64) -> Entry {
    Entry {
        count,
        as_other: false,
    }
}

fn flush(counters: &Counters) {
    let written = counters.unjournaled();
    counters.note_journaled(&written);
}

#[test]
fn nothing_is_reported_before_it_is_on_disk() {
    let counters = counters();
    counters.add(&counters.counter("a"), 3);
    assert_eq!(counters.unsent(9, false), []);
    let written = counters.unjournaled();
    counters.add(&counters.counter("a"), 2);
    assert_eq!(counters.totals().unjournaled, 5);
    counters.note_journaled(&written);
    let sent = counters.unsent(9, false);
    assert_eq!((sent.len(), sent[0].count), (1, 3));
    counters.note_reported(&sent);
    assert_eq!(counters.unsent(9, false), []);
    flush(&counters);
    assert_eq!(counters.unsent(9, false)[0].count, 5);
    counters.note_reported(&counters.unsent(9, false));
    counters.report_all_again();
    assert_eq!(counters.unsent(9, false)[0].count, 5);
    assert_eq!(counters.totals().unsent, 1);
}

#[test]
fn what_is_not_taken_stays_and_holds_up_nothing_else() {
    let counters = counters();
    for service in ["a", "b"] {
        counters.add(&counters.counter(service), 3);
    }
    flush(&counters);
    let sent = counters.unsent(9, false);
    counters.note_reported(&sent[1..]);
    counters.note_rejected(&sent[..1]);
    assert_eq!((counters.rejected(), counters.totals().unsent), (1, 1));
    assert_eq!(counters.unsent(9, false), []);
    counters.add(&counters.counter("b"), 1);
    counters.add(&counters.counter("a"), 1);
    flush(&counters);
    let services = |most, rejected| {
        let unsent = counters.unsent(most, rejected).into_iter();
        unsent
            .map(|count| (count.service, count.count))
            .collect::<Vec<_>>()
    };
    let (a, b) = (("a".to_owned(), 4), ("b".to_owned(), 4));
    assert_eq!(services(1, true), std::slice::from_ref(&b));
    assert_eq!(services(9, true), [b, a]);
    counters.note_reported(&counters.unsent(9, true));
    assert_eq!((counters.rejected(), counters.totals().unsent), (0, 0));
}

#[test]
fn an_earlier_epoch_is_settled_once_all_of_it_is_told_and_taken_and_the_own_one_never() {
    let (own, told, other) = ("00000000000000aa", "00000000000000ab", "00000000000000ac");
    let earlier = [(told, "a"), (other, "a"), (other, "b")].map(|(epoch, service)| {
        let key = Key {
            epoch: epoch.into(),
            month: "2026-11".into(),
            service: service.into(),
        };
        (key, entry(1))
    });
    let counters = Counters::new(own, "2026-11", BTreeMap::from(earlier));
    counters.add(&counters.counter("a"), 1);
    flush(&counters);
    assert_eq!(counters.settled(), [""; 0]);
    let sent = counters.unsent(9, false);
    let last = &sent[3..];
    assert_eq!((last.len(), last[0].service.as_str()), (1, "b"));
    counters.note_reported(&sent[..3]);
    assert_eq!(counters.settled(), [told]);
    counters.note_rejected(last);
    assert_eq!(counters.settled(), [told]);
    counters.note_no_room(last);
    assert_eq!(
        counters.settled(),
        [told],
        "that it is told so is not on disk"
    );
    flush(&counters);
    assert_eq!(counters.settled(), [told], "nor is it told");
    counters.note_reported(&counters.unsent(9, false));
    assert_eq!(counters.settled(), [told, other]);
    counters.report_all_again();
    assert_eq!(counters.settled(), [""; 0]);
}

#[test]
fn a_month_is_closed_with_what_was_counted_in_it() {
    let counters = counters();
    let counter = counters.counter("a");
    counters.add(&counter, 1);
    counters.set_month("2026-11");
    counters.set_month("2026-12");
    counters.add(&counter, 5);
    flush(&counters);
    let sent = counters.unsent(9, false);
    let sent: Vec<_> = sent
        .iter()
        .map(|count| (count.month.as_str(), count.count))
        .collect();
    assert_eq!(sent, [("2026-11", 1), ("2026-12", 5)]);
    assert_eq!(counters.totals().this_month["a"], 5);
}

#[test]
fn services_beyond_a_thousand_are_counted_together() {
    let counters = counters();
    for number in 0..1_500 {
        counters.add(&counters.counter(&number.to_string()), 1);
    }
    flush(&counters);
    let totals = counters.totals().this_month;
    assert_eq!((totals.len(), totals[OTHER]), (1_001, 500));
    assert_eq!(counters.unsent(1_000, false).len(), 1_000);
    assert_eq!(counters.counter("7").service.as_ref(), "7");
}

#[test]
fn counts_of_many_threads_add_up_and_end_at_the_largest() {
    let counters = counters();
    let counter = counters.counter("a");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..10_000).for_each(|_| counters.add(&counter, 1)));
        }
        for _ in 0..50 {
            flush(&counters);
        }
    });
    flush(&counters);
    assert_eq!(counters.totals().this_month["a"], 80_000);
    for _ in 0..5_000 {
        counters.add(&counter, MAX_COUNT);
    }
    flush(&counters);
    assert_eq!(counters.totals().this_month["a"], MAX_COUNT);
}

#[test]
fn a_service_has_a_name() {
    let counters = counters();
    assert!(counters.takes("a") && counters.takes(&"ü".repeat(128)));
    for bad in ["", " ", "a\n", "a\u{202e}", "\u{200b}", &"ü".repeat(129)] {
        assert!(!counters.takes(bad), "{bad:?}");
    }
}

#[test]
fn spellings_of_one_service_are_counted_as_one_and_what_is_counted_keeps_its_name() {
    let (old, epoch, month) = ("cafe\u{301} \u{202e}", "00000000000000aa", "2026-11");
    let key = Key {
        epoch: epoch.into(),
        month: month.into(),
        service: old.into(),
    };
    let counters = Counters::new(epoch, month, BTreeMap::from([(key, entry(7))]));
    assert!(counters.takes(old));
    for service in [old, "cafe\u{301}", " caf\u{e9} ", "Caf\u{e9}"] {
        counters.add(&counters.counter(service), 1);
    }
    flush(&counters);
    let counted = [(old, 8), ("caf\u{e9}", 2), ("Caf\u{e9}", 1)];
    let counted = counted.map(|(service, count)| (service.to_owned(), count));
    assert_eq!(counters.totals().this_month, BTreeMap::from(counted));
}

#[test]
fn what_was_told_among_others_is_told_apart_later_without_being_told_twice() {
    let mut known = BTreeMap::new();
    let mut tell = |counters: &Counters| {
        let sent = counters.unsent(99, false);
        for count in &sent {
            let key = (count.epoch.clone(), count.service.clone());
            let greatest: &mut u64 = known.entry(key).or_default();
            *greatest = count.count.max(*greatest);
        }
        counters.note_reported(&sent);
        known.values().sum::<u64>()
    };
    let counters = counters();
    let epoch = counters.totals().epoch;
    for (service, count) in [("a", 50), ("b", 30), ("c", 7)] {
        counters.add(&counters.counter(service), count);
    }
    flush(&counters);
    counters.note_no_room(&counters.unsent(2, false));
    flush(&counters);
    assert_eq!(tell(&counters), 87);
    // As of a control plane that was restored and knows another start.
    counters.report_all_again();
    assert_eq!(tell(&counters), 87);
    counters.add(&counters.counter("a"), 5);
    flush(&counters);
    assert!(counters.assign(
        &epoch,
        EpochAssignment {
            own: Vec::new(),
            rest: Some("00000000000000ff".into())
        }
    ));
    counters.add(&counters.counter("b"), 1);
    flush(&counters);
    assert_eq!(tell(&counters), 87, "what is put apart is told there");
    assert!(!counters.all_reported(), "it is not told yet");
    assert!(counters.apply_assignment());
    counters.note_snapshot(&counters.snapshot());
    assert_eq!(tell(&counters), 93);
}

#[test]
fn what_was_told_before_the_control_plane_began_anew_is_not_told_of_another_epoch() {
    let counters = counters();
    let (old, new) = (counters.totals().epoch, "00000000000000ff");
    counters.add(&counters.counter("a"), 3);
    flush(&counters);
    counters.note_reported(&counters.unsent(9, false));
    counters.report_all_again();
    counters.add(&counters.counter("a"), 2);
    flush(&counters);
    counters.pause_reporting();
    assert_eq!(counters.unsent(9, false), []);
    let rest = Some(new.into());
    let own = Vec::new();
    assert!(counters.assign(&old, EpochAssignment { own, rest }));
    assert!(counters.apply_assignment());
    // The journal has all of it, though in another epoch.
    assert_eq!(counters.totals().this_month["a"], 5);
    assert!(!counters.all_reported());
    counters.note_snapshot(&counters.snapshot());
    assert_eq!(counters.totals().this_month["a"], 5);
    let told = counters.unsent(9, false).into_iter();
    let told: Vec<_> = told.map(|count| (count.epoch, count.count)).collect();
    assert_eq!(told, [(old, 3), (new.to_owned(), 2)]);
}

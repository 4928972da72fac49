//! Promises about what is kept of leases that ended and of refusals: who, when and why.

use lictor_core::decision::Decision;
use lictor_core::elapsed::Now;
use lictor_core::facts::account::AccountKind;
use lictor_core::facts::application::OverLimit;
use lictor_core::facts::lease::{EndedLease, LeaseEnd, holder_key};
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::facts::seats::{Holder, SeatReason, SeatRefusal};
use lictor_core::record::Record;
use lictor_core::rules::lease::{CheckedOut, Forgotten};
use lictor_core::{Error, Timestamp};
use lictor_store::{EndedFilter, EndedKey, IdempotencyKey, Store, SumKey};

use crate::given::{
    ACME, NOW, acme, at, check_out, done, drop_ended, end_due, forget, give_back, id, idempotent,
    new_account, new_application, outcome, refused, remove_organization, renew, write,
};

const APP: &str = "editor";

async fn with_applications(store: &dyn Store) {
    acme(store).await;
    for key in [APP, "viewer"] {
        done(store, new_application(ACME, key, OverLimit::Refuse)).await;
    }
}

fn of(application: &str) -> EndedFilter {
    EndedFilter {
        application: application.to_owned(),
        ..EndedFilter::default()
    }
}

async fn ended(store: &dyn Store, filter: &EndedFilter) -> Vec<EndedLease> {
    let found = store.ended_leases(ACME, filter, None, 100).await;
    found.expect("reads")
}

/// Holder, since, until, both from [`NOW`] on, and why.
fn told(ended: &EndedLease) -> (&str, Timestamp, Timestamp, LeaseEnd) {
    let holder = ended.holder.as_deref().expect("a holder");
    (holder, ended.since - NOW, ended.until - NOW, ended.reason)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ended_lease_is_kept_whatever_ended_it() {
    let store = crate::new_store();
    with_applications(&*store).await;
    for (number, holder) in [(1, "released"), (2, "forced"), (3, "expired"), (4, "late")] {
        let now = NOW + i64::try_from(number).expect("small");
        done(&*store, check_out(ACME, APP, (id(number), holder), 4, now)).await;
    }
    done(&*store, renew(ACME, id(4), 1, NOW + 40)).await;
    let at = |mut write: lictor_store::Write, now| {
        write.now = Now::at(now);
        write
    };
    done(&*store, at(give_back(ACME, id(1), Some(1)), NOW + 10)).await;
    done(&*store, at(give_back(ACME, id(2), None), NOW + 20)).await;
    done(&*store, end_due(ACME, NOW + 63)).await;
    // A check-out ends what is over by itself.
    let next = check_out(ACME, APP, (id(5), "next"), 1, NOW + 100);
    let written = done(&*store, next).await;
    let kept = ended(&*store, &of(APP)).await;
    let expected = [
        ("late", 4, 100, LeaseEnd::Expired),
        ("expired", 3, 63, LeaseEnd::Expired),
        ("forced", 2, 20, LeaseEnd::Forced),
        ("released", 1, 10, LeaseEnd::Released),
    ];
    assert_eq!(kept.iter().map(told).collect::<Vec<_>>(), expected);
    assert_eq!(kept[0].position, written.entries[0].position);
    assert_eq!(kept[0].id, id(4));
    assert_eq!(ended(&*store, &of("viewer")).await, []);
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ended_leases_come_in_pages_and_are_found_by_holder_and_time() {
    let store = crate::new_store();
    with_applications(&*store).await;
    // Each ends with its time, a minute after it began.
    for number in 0..9 {
        let holder = ["a", "b", "c"][usize::try_from(number % 3).expect("small")];
        let now = NOW + 100 * i64::try_from(number).expect("small");
        done(&*store, check_out(ACME, APP, (id(number), holder), 1, now)).await;
        done(&*store, end_due(ACME, now + 60)).await;
    }
    let all = ended(&*store, &of(APP)).await;
    assert_eq!(all.len(), 9);
    let key = EndedKey {
        until: all[3].until,
        position: all[3].position,
    };
    let page = store.ended_leases(ACME, &of(APP), Some(key), 2).await;
    assert_eq!(page.expect("reads"), all[4..6]);
    let of_b = EndedFilter {
        holder: Some("b".to_owned()),
        ..of(APP)
    };
    let found = ended(&*store, &of_b).await;
    assert_eq!(found, [all[1].clone(), all[4].clone(), all[7].clone()]);
    // Held at some time in it: the one that ends there, and the one that begins within.
    let between = EndedFilter {
        since: Some(NOW + 360),
        until: Some(NOW + 501),
        ..of(APP)
    };
    assert_eq!(ended(&*store, &between).await, all[3..6]);
    let before = EndedFilter {
        until: Some(NOW + 500),
        ..between
    };
    assert_eq!(ended(&*store, &before).await, all[4..6]);
    let elsewhere = store.ended_leases(id(2), &of(APP), None, 9).await;
    assert_eq!(elsewhere.expect("reads"), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_are_summed_by_hour_and_reason() {
    let store = crate::new_store();
    with_applications(&*store).await;
    let hour = NOW.div_euclid(3_600);
    let start = hour * 3_600;
    done(&*store, check_out(ACME, APP, (id(1), "first"), 1, start)).await;
    for (at, application, holder, limit) in [
        (0, APP, "a", 1),
        (50, APP, "a", 1),
        (100, APP, "b", 0),
        (3_599, "viewer", "b", 0),
        (3_600, APP, "b", 0),
    ] {
        let refuse = check_out(ACME, application, (id(9), holder), limit, start + at);
        let out = outcome::<Result<CheckedOut, SeatRefusal>>(&*store, refuse);
        assert!(out.await.is_err());
    }
    let all = store.refusal_sums(ACME, None, 10).await.expect("reads");
    let told = all.iter().map(|sum| {
        (
            sum.hour - hour,
            sum.application.as_str(),
            sum.reason,
            sum.count,
        )
    });
    let expected = [
        (1, APP, SeatReason::Unlicensed, 1),
        (0, "viewer", SeatReason::Unlicensed, 1),
        (0, APP, SeatReason::Unlicensed, 1),
        (0, APP, SeatReason::Exhausted, 2),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
    let key = SumKey {
        hour,
        application: APP.to_owned(),
        reason: "unlicensed".to_owned(),
    };
    let rest = store.refusal_sums(ACME, Some(&key), 10).await;
    assert_eq!(rest.expect("reads"), all[3..]);
    assert_eq!(store.refusal_sums(id(2), None, 9).await.expect("reads"), []);
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_knows_its_first_and_its_last_position() {
    let store = crate::new_store();
    with_applications(&*store).await;
    let refuse = || check_out(ACME, APP, (id(9), "a"), 0, NOW);
    let position = async || {
        let head = store.head(ACME).await.expect("reads");
        head.expect("a head").position
    };
    done(&*store, refuse()).await;
    let first = position().await;
    done(&*store, new_application(ACME, "more", OverLimit::Refuse)).await;
    done(&*store, refuse()).await;
    let last = position().await;
    let refusals = store.refusals(ACME, None, 10).await.expect("reads");
    assert_eq!((refusals.len(), refusals[0].count), (1, 2));
    assert_eq!(refusals[0].first_position, Some(first));
    assert_eq!(refusals[0].refusal.position, last);
    assert!(first < last);
}

/// A lease of `holder` that begins at `now` and ends a minute later.
async fn held(store: &dyn Store, number: u128, holder: &'static str, now: Timestamp) {
    done(store, check_out(ACME, APP, (id(number), holder), 9, now)).await;
    done(store, end_due(ACME, now + 60)).await;
}

fn holders(ended: &[EndedLease]) -> Vec<Option<&str>> {
    ended.iter().map(|ended| ended.holder.as_deref()).collect()
}

async fn ended_of(store: &dyn Store, holder: &str) -> Vec<EndedLease> {
    let key = holder_key(holder);
    let found = store.ended_leases_of(ACME, &key, 100).await;
    found.expect("reads")
}

/// Forgets a holder as far as it is done at once; how many ended leases and refusals it was.
async fn forget_all(store: &dyn Store, holder: &str) -> (usize, u64) {
    let ended = ended_of(store, holder).await;
    let leases = ended.len();
    let forgotten: Forgotten = outcome(store, forget(ACME, holder, ended)).await;
    (leases, forgotten.refusals)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgotten_holder_leaves_records_without_a_name() {
    let store = crate::new_store();
    with_applications(&*store).await;
    held(&*store, 1, "ada", NOW).await;
    held(&*store, 2, "bob", NOW + 100).await;
    held(&*store, 3, " Ada", NOW + 200).await;
    // Two of one minute, which are one row when neither has a name, and one of another.
    for (holder, at) in [("ada", 0), ("ADA", 0), ("eve", 0), ("ada", 60), ("bob", 60)] {
        done(&*store, check_out(ACME, APP, (id(9), holder), 0, NOW + at)).await;
    }
    let sums = store.refusal_sums(ACME, None, 10).await.expect("reads");
    let first = store.refusals(ACME, None, 10).await.expect("reads")[0].first_position;
    let head = store.head(ACME).await.expect("reads");
    for (holder, leases, refusals) in [("ADA", 2, 3), ("eve", 0, 1), ("ada", 0, 0)] {
        assert_eq!(
            forget_all(&*store, holder).await,
            (leases, refusals),
            "{holder}"
        );
    }
    let kept = ended(&*store, &of(APP)).await;
    assert_eq!(holders(&kept), [None, Some("bob"), None]);
    let of_ada = EndedFilter {
        holder: Some("ada".to_owned()),
        ..of(APP)
    };
    assert_eq!(ended(&*store, &of_ada).await, []);
    let refusals = store.refusals(ACME, None, 10).await.expect("reads");
    let told: Vec<_> = refusals
        .iter()
        .map(|row| (row.minute - NOW / 60, &row.refusal.holder, row.count))
        .collect();
    let (nobody, bob) = (
        Holder::Lease(String::new()),
        Holder::Lease("bob".to_owned()),
    );
    assert_eq!(told, [(1, &bob, 1), (1, &nobody, 1), (0, &nobody, 3)]);
    assert!(refusals.iter().all(|row| row.first_position == first));
    assert_eq!(
        store.refusal_sums(ACME, None, 10).await.expect("reads"),
        sums
    );
    assert_eq!(
        store.head(ACME).await.expect("reads"),
        head,
        "it is no entry"
    );
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_with_a_lease_is_not_forgotten() {
    let store = crate::new_store();
    with_applications(&*store).await;
    held(&*store, 1, "ada", NOW).await;
    done(&*store, check_out(ACME, "viewer", (id(2), "ada"), 1, NOW)).await;
    let theirs = ended_of(&*store, "ada").await;
    let error = refused(&*store, forget(ACME, "ada", theirs)).await;
    assert!(
        matches!(&error, Error::HolderHasLeases { leases } if *leases == [id(2)]),
        "{error}"
    );
    assert_eq!(holders(&ended(&*store, &of(APP)).await), [Some("ada")]);
    done(&*store, give_back(ACME, id(2), None)).await;
    assert_eq!(forget_all(&*store, "ada").await, (2, 0));
    for application in [APP, "viewer"] {
        assert_eq!(holders(&ended(&*store, &of(application)).await), [None]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn much_of_a_holder_is_forgotten_in_parts() {
    let store = crate::new_store();
    with_applications(&*store).await;
    let refusals = (0..1_200).map(|minute| {
        let refused = check_out(ACME, APP, (id(9), "ada"), 0, NOW + 60 * minute);
        let store = store.clone();
        tokio::spawn(async move { done(&*store, refused).await })
    });
    for refusal in refusals.collect::<Vec<_>>() {
        refusal.await.expect("ends");
    }
    for part in [1_000, 200, 0] {
        assert_eq!(forget_all(&*store, "ada").await, (0, part));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_ended_leases_are_dropped_and_the_others_stay() {
    let store = crate::new_store();
    with_applications(&*store).await;
    for (number, at) in [(1, 0), (2, 100), (3, 200)] {
        held(&*store, number, "ada", NOW + at).await;
    }
    let all = ended(&*store, &of(APP)).await;
    let due = async |before| store.ended_leases_due(before, 9).await.expect("reads");
    assert_eq!(due(NOW + 60).await, []);
    assert_eq!(due(NOW + 161).await, [(ACME, APP.to_owned(), NOW + 161)]);
    done(&*store, drop_ended(ACME, APP, NOW + 161)).await;
    assert_eq!(due(NOW + 161).await, []);
    assert_eq!(ended(&*store, &of(APP)).await, all[..1]);
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ended_in_a_removed_organization_goes_with_it() {
    let store = crate::new_store();
    with_applications(&*store).await;
    held(&*store, 1, "ada", NOW).await;
    done(&*store, remove_organization(ACME, "acme")).await;
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
    let due = store.ended_leases_due(0, 9).await.expect("reads");
    assert_eq!(due, [(ACME, APP.to_owned(), Timestamp::MAX)]);
    done(&*store, drop_ended(ACME, APP, Timestamp::MAX)).await;
    assert_eq!(store.ended_leases_due(0, 9).await.expect("reads"), []);
    assert_eq!(ended(&*store, &of(APP)).await, []);
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

/// Erases names in removed organizations until there are none; says in how many parts.
async fn erase_removed(store: &dyn Store) -> usize {
    let mut parts = 0;
    while let Some(organization) = store
        .removed_with_names(9)
        .await
        .expect("reads")
        .first()
        .copied()
    {
        let erased = write(INSTALLATION, NOW, Vec::new(), move |_| {
            let mut decision = Decision::nothing();
            let record = Record::NamesOfRemovedErased { organization };
            decision.records.push(record);
            Ok(decision)
        });
        done(store, erased).await;
        parts += 1;
    }
    parts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_in_a_removed_organization_are_erased() {
    let store = crate::new_store();
    with_applications(&*store).await;
    for account in [50, 51] {
        done(&*store, new_account(ACME, id(account), AccountKind::Person)).await;
    }
    done(&*store, check_out(ACME, APP, (id(80), "ada"), 1, NOW)).await;
    let refused = check_out(ACME, APP, (id(81), "bob"), 1, NOW);
    done(&*store, refused).await;
    let key = IdempotencyKey {
        token: id(70),
        route: "POST /v1/accounts".to_owned(),
        key: "first".to_owned(),
        request_sha256: [7; 32],
    };
    let kept = new_account(ACME, id(52), AccountKind::Person);
    done(&*store, idempotent(kept, &key)).await;
    assert_eq!(erase_removed(&*store).await, 0);
    done(&*store, remove_organization(ACME, "acme")).await;
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);

    assert!(erase_removed(&*store).await > 0);
    let account = store.account(ACME, id(50)).await.expect("reads");
    assert_eq!(account.map(|account| account.email), Some(None));
    let refusals = store.refusals(ACME, None, 9).await.expect("reads");
    assert!(refusals.is_empty(), "{refusals:?}");
    let answer = store.answered(ACME, &key, at(NOW)).await.expect("reads");
    assert!(answer.is_none(), "{answer:?}");
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

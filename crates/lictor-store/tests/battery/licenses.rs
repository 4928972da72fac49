//! The promises about licenses: their order, their pages, and the clock.

use std::sync::Arc;

use lictor_core::facts::license::License;
use lictor_core::rules::license::{Admissible, examine};
use lictor_core::{Claims, Date, Error, Timestamp, TrustPolicy, TrustSet};
use lictor_store::{Dates, PAGE_BYTES, Store, Which};
use uuid::Uuid;

use crate::given::{
    ACME, NOW, acme, add_license, applications, document, document_until, done, id, put_license,
    refused, remove_license, touch_license, vendor,
};
use crate::looks::some_licenses;
use crate::usage::counts_of;

async fn by_id(store: &dyn Store, application: Option<&str>, page: usize) -> Vec<Uuid> {
    let mut found: Vec<Uuid> = Vec::new();
    loop {
        let after = found.last().copied();
        let next = store
            .licenses(ACME, application, after, page)
            .await
            .expect("reads");
        assert!(next.len() <= page);
        if next.is_empty() {
            return found;
        }
        found.extend(next.iter().map(|license| license.id));
    }
}

/// A page of all, the newest first.
pub(crate) fn newest_before(before: Option<(Timestamp, u64)>) -> Which {
    let dates = Dates::default();
    Which::Newest { before, dates }
}

async fn newest(store: &dyn Store, application: &str, page: usize) -> Vec<License> {
    let mut found: Vec<License> = Vec::new();
    loop {
        let before = found
            .last()
            .map(|last| (last.state.updated_at, last.state.revision));
        let next = some_licenses(store, ACME, application, newest_before(before), page).await;
        if next.is_empty() {
            return found;
        }
        found.extend(next);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_is_read() {
    let store = crate::new_store();
    acme(&*store).await;
    let document = document(1, "Kong Gateway", 1);
    done(&*store, add_license(ACME, id(7), &document, NOW)).await;
    let license = store
        .license(ACME, id(7))
        .await
        .expect("reads")
        .expect("is there");
    assert_eq!(license.payload, *document.payload());
    assert_eq!(license.state.revision, 2, "after the application's entry");
    assert_eq!(license.state.application, "kong-gateway");
    assert_eq!(applications(&*store, ACME).await, ["kong-gateway"]);
    assert_eq!(store.license(id(1), id(7)).await.expect("reads"), None);
    assert_eq!(
        store.current_license(ACME).await.expect("reads"),
        Some(license)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_removed_is_gone() {
    let store = crate::new_store();
    acme(&*store).await;
    done(
        &*store,
        add_license(ACME, id(7), &document(1, "Kong", 1), NOW),
    )
    .await;
    done(&*store, remove_license(ACME, id(7))).await;
    assert_eq!(store.license(ACME, id(7)).await.expect("reads"), None);
    assert_eq!(store.current_license(ACME).await.expect("reads"), None);
    assert!(by_id(&*store, None, 9).await.is_empty());
    assert_eq!(
        applications(&*store, ACME).await,
        ["kong"],
        "they stay known"
    );
    let again = done(&*store, remove_license(ACME, id(7))).await;
    assert!(again.entries.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_there_is_an_empty_answer() {
    let store = crate::new_store();
    for organization in [ACME, id(0)] {
        assert_eq!(
            store.license(organization, id(1)).await.expect("reads"),
            None
        );
        assert_eq!(
            store
                .licenses(organization, None, None, 5)
                .await
                .expect("reads"),
            []
        );
        assert_eq!(
            some_licenses(&*store, organization, "a", newest_before(None), 5).await,
            []
        );
        assert_eq!(
            store.current_license(organization).await.expect("reads"),
            None
        );
        assert!(applications(&*store, organization).await.is_empty());
        assert_eq!(counts_of(&*store, organization).await, []);
        assert_eq!(store.entries(organization, 0, 5).await.expect("reads"), []);
        assert_eq!(
            store.tokens(organization, None, 5).await.expect("reads"),
            []
        );
    }
    assert_eq!(store.policy().await.expect("reads"), None);
    assert_eq!(store.token_by_secret([1; 32]).await.expect("reads"), None);
    assert_eq!(store.head(ACME).await.expect("reads"), None);
    assert_eq!(store.organizations().await.expect("reads"), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_adds_of_the_same_id_wins() {
    let store = crate::new_store();
    acme(&*store).await;
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let (store, document) = (Arc::clone(&store), document(1, "Kong", number));
            tokio::spawn(async move {
                let outcome = store.write(add_license(ACME, id(7), &document, NOW)).await;
                (document, outcome)
            })
        })
        .collect();
    let mut winners = Vec::new();
    for task in tasks {
        match task.await.expect("ends") {
            (document, Ok(_)) => winners.push(document),
            (_, Err(Error::AlreadyExists { .. })) => {}
            (_, Err(error)) => panic!("{error}"),
        }
    }
    assert_eq!(winners.len(), 1);
    let stored = store
        .license(ACME, id(7))
        .await
        .expect("reads")
        .expect("is there");
    assert_eq!(stored.payload, *winners[0].payload());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn updated_at_never_goes_back() {
    let store = crate::new_store();
    acme(&*store).await;
    done(
        &*store,
        add_license(ACME, id(1), &document(1, "Kong", 1), NOW),
    )
    .await;
    // The clock is set back by an hour, and the greatest one is removed.
    done(&*store, remove_license(ACME, id(1))).await;
    done(
        &*store,
        add_license(ACME, id(2), &document(1, "Kong", 2), NOW - 3_600),
    )
    .await;
    let second = store
        .license(ACME, id(2))
        .await
        .expect("reads")
        .expect("is there");
    assert_eq!(second.state.updated_at, NOW);
    done(
        &*store,
        add_license(ACME, id(3), &document(1, "Jira", 3), NOW + 1),
    )
    .await;
    done(&*store, touch_license(ACME, id(2), NOW - 9)).await;
    let second = store
        .license(ACME, id(2))
        .await
        .expect("reads")
        .expect("is there");
    assert_eq!(second.state.updated_at, NOW + 1, "whatever the application");
    assert_eq!(second.state.created_at, NOW - 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_in_order_of_ids_and_stable() {
    let store = crate::new_store();
    acme(&*store).await;
    for number in [5, 0, 9, 3, 7] {
        let product = if number > 4 { "Kong" } else { "Jira" };
        let document = document(1, product, 0);
        done(&*store, add_license(ACME, id(number), &document, NOW)).await;
    }
    for page in [1, 2, 5, 100] {
        assert_eq!(by_id(&*store, None, page).await, [0, 3, 5, 7, 9].map(id));
        assert_eq!(by_id(&*store, Some("kong"), page).await, [5, 7, 9].map(id));
        assert_eq!(by_id(&*store, Some("jira"), page).await, [0, 3].map(id));
        assert!(by_id(&*store, Some("none"), page).await.is_empty());
    }
    // The reader stands behind 3 when rows come and go on both sides.
    done(&*store, remove_license(ACME, id(3))).await;
    done(&*store, remove_license(ACME, id(5))).await;
    done(
        &*store,
        add_license(ACME, id(2), &document(1, "Kong", 0), NOW),
    )
    .await;
    done(
        &*store,
        add_license(ACME, id(4), &document(1, "Kong", 0), NOW),
    )
    .await;
    let next = store
        .licenses(ACME, None, Some(id(3)), 2)
        .await
        .expect("reads");
    assert_eq!(
        next.iter().map(|license| license.id).collect::<Vec<_>>(),
        [4, 7].map(id)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_come_first_and_ties_go_to_the_later_write() {
    let store = crate::new_store();
    acme(&*store).await;
    for (number, now) in [(4, NOW), (3, NOW), (2, NOW + 5), (1, NOW)] {
        let document = document(1, "Kong", u64::try_from(number).expect("small"));
        done(&*store, add_license(ACME, id(number), &document, now)).await;
    }
    done(
        &*store,
        add_license(ACME, id(8), &document(1, "Jira", 8), NOW + 5),
    )
    .await;
    done(
        &*store,
        put_license(ACME, id(3), &document(1, "Kong", 9), NOW + 5),
    )
    .await;
    for page in [1, 2, 9] {
        let order: Vec<Uuid> = newest(&*store, "kong", page)
            .await
            .iter()
            .map(|l| l.id)
            .collect();
        assert_eq!(order, [3, 1, 2, 4].map(id), "page {page}");
    }
    let current = store
        .current_license(ACME)
        .await
        .expect("reads")
        .expect("is there");
    assert_eq!(
        current.id,
        id(3),
        "the last one written, whatever its application"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_license_moves_to_the_application_of_its_new_document() {
    let store = crate::new_store();
    acme(&*store).await;
    done(
        &*store,
        add_license(ACME, id(1), &document(1, "Kong", 1), NOW),
    )
    .await;
    done(
        &*store,
        put_license(ACME, id(1), &document(1, "Jira", 1), NOW),
    )
    .await;
    assert_eq!(newest(&*store, "kong", 5).await, []);
    assert_eq!(newest(&*store, "jira", 5).await.len(), 1);
    assert_eq!(applications(&*store, ACME).await, ["jira", "kong"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_document_may_stand_under_two_ids() {
    let store = crate::new_store();
    acme(&*store).await;
    let document = document(1, "Kong", 1);
    done(&*store, add_license(ACME, id(1), &document, NOW)).await;
    done(&*store, add_license(ACME, id(2), &document, NOW)).await;
    done(&*store, remove_license(ACME, id(1))).await;
    let second = store
        .license(ACME, id(2))
        .await
        .expect("reads")
        .expect("is there");
    assert_eq!(second.payload, *document.payload());
    let error = refused(&*store, add_license(ACME, id(2), &document, NOW)).await;
    assert!(matches!(error, Error::AlreadyExists { .. }));
}

/// Some of `kong`, by their ids.
async fn some(store: &dyn Store, which: Which, limit: usize) -> Vec<Uuid> {
    let found = some_licenses(store, ACME, "kong", which, limit).await;
    found.iter().map(|one| one.id).collect()
}

/// Those that end after an instant.
fn ends_after(instant: Timestamp) -> Dates {
    Dates {
        ends_after: Some(instant),
        ..Dates::default()
    }
}

fn day(text: &str) -> Timestamp {
    Date::parse(text).expect("a date").start()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_that_have_ended_are_not_read() {
    let store = crate::new_store();
    acme(&*store).await;
    for (number, end) in [
        (1, "2028-01-01"),
        (2, "2026-06-01"),
        (3, "2027-01-01"),
        (4, "2027-01-01"),
    ] {
        let document = document_until(end, number);
        done(
            &*store,
            add_license(ACME, id(number.into()), &document, NOW),
        )
        .await;
    }
    // Another application's, and one that is no longer there, are none of them.
    done(
        &*store,
        add_license(ACME, id(8), &document(1, "Jira", 1), NOW),
    )
    .await;
    done(
        &*store,
        add_license(ACME, id(9), &document(1, "Kong", 9), NOW),
    )
    .await;
    done(&*store, remove_license(ACME, id(9))).await;
    let last = async |instant, limit| {
        let which = Which::LastToEnd(ends_after(instant));
        let mut found = some(&*store, which, limit).await;
        // Those of one end are in no order.
        found.sort_unstable();
        found
    };
    assert_eq!(last(0, 9).await, [1, 2, 3, 4].map(id));
    assert_eq!(last(0, 1).await, [1].map(id), "the last to end");
    assert_eq!(last(0, 3).await, [1, 3, 4].map(id));
    assert_eq!(last(day("2026-06-01") - 1, 9).await, [1, 2, 3, 4].map(id));
    assert_eq!(last(day("2026-06-01"), 9).await, [1, 3, 4].map(id));
    assert_eq!(last(day("2027-01-01"), 9).await, [1].map(id));
    assert!(last(day("2028-01-01"), 9).await.is_empty());
    let newest = Which::Newest {
        before: None,
        dates: ends_after(day("2026-06-01")),
    };
    assert_eq!(some(&*store, newest, 2).await, [4, 3].map(id));
    // A touch keeps the dates, a new document brings its own.
    done(&*store, touch_license(ACME, id(1), NOW)).await;
    done(
        &*store,
        put_license(ACME, id(2), &document_until("2029-01-01", 2), NOW),
    )
    .await;
    assert_eq!(last(day("2027-01-01"), 9).await, [1, 2].map(id));
    let report = store.check().await.expect("checks");
    assert_eq!(report.differences, [""; 0]);
}

/// A license of `kong` with these dates.
fn dated(begins: &str, ends: &str, number: u64) -> Admissible {
    let mut claims = Claims::new("Kong", Date::parse(ends).expect("a date"));
    claims.creation_date = Some(Date::parse(begins).expect("a date"));
    claims.license_key = Some(number.to_string());
    let key = vendor(1);
    let trusted = TrustSet::from_pem([key.public_key().to_pem().as_str()]).expect("a key");
    let text = key.sign(&claims.to_json()).into();
    examine(text, ACME, &trusted, TrustPolicy::Verified).expect("admissible")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_those_that_wait_the_newest_of_each_dates_are_read() {
    let store = crate::new_store();
    acme(&*store).await;
    let dates = [
        ("2030-01-01", "2031-01-01"),
        ("2029-01-01", "2031-01-01"),
        ("2030-01-01", "2032-01-01"),
        ("2030-01-01", "2031-01-01"),
        ("2000-01-01", "2040-01-01"),
    ];
    for (number, (begins, ends)) in (1..).zip(dates) {
        let license = dated(begins, ends, number);
        done(&*store, add_license(ACME, id(number.into()), &license, NOW)).await;
    }
    let waiting = async |now, limit| some(&*store, Which::Waiting(day(now)), limit).await;
    assert_eq!(waiting("2028-01-01", 9).await, [2, 4, 3].map(id));
    assert_eq!(waiting("2028-01-01", 2).await, [2, 4].map(id));
    assert_eq!(waiting("2029-01-01", 9).await, [4, 3].map(id), "one begins");
    assert!(waiting("2030-01-01", 9).await.is_empty());
    // The older one comes back, and those that begin are passed over no more.
    done(&*store, remove_license(ACME, id(4))).await;
    assert_eq!(waiting("2029-06-01", 9).await, [1, 3].map(id));
    let begun = |by| Dates {
        ends_after: Some(day("2030-06-01")),
        begun_by: Some(day(by)),
        begins_after: None,
    };
    let newest = |by| Which::Newest {
        before: None,
        dates: begun(by),
    };
    assert_eq!(some(&*store, newest("2029-06-01"), 9).await, [5, 2].map(id));
    let last = Which::LastToEnd(begun("2030-01-01"));
    let mut found = some(&*store, last, 2).await;
    found.sort_unstable();
    assert_eq!(found, [3, 5].map(id));
}

/// A document of about 60 kB.
fn large_document(number: u64) -> Admissible {
    let mut claims = Claims::new("Kong", Date::parse("2027-12-31").expect("a date"));
    claims.license_key = Some(number.to_string());
    let key = vendor(1);
    let pem = key.public_key().to_pem();
    let trusted = TrustSet::from_pem([pem.as_str()]).expect("a key");
    let text = key.sign(&claims.to_json()) + &" ".repeat(60_000);
    examine(text.into(), ACME, &trusted, TrustPolicy::Verified).expect("admissible")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_ends_early_where_its_payloads_are_large() {
    let store = crate::new_store();
    acme(&*store).await;
    for number in 0..70 {
        let license = large_document(number);
        let license = add_license(ACME, id(u128::from(number)), &license, NOW);
        done(&*store, license).await;
    }
    let (mut walked, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = store.licenses(ACME, None, after, 1_000).await;
        let page = page.expect("reads");
        let bytes: usize = page.iter().map(|license| license.payload.len()).sum();
        assert!(bytes < PAGE_BYTES + 65_536, "{bytes}");
        walked.extend(page.iter().map(|license| license.id));
        pages += 1;
        match page.last() {
            // Only what comes to less is the end of the list.
            Some(last) if bytes >= PAGE_BYTES => after = Some(last.id),
            Some(_) | None => break,
        }
    }
    let all: Vec<_> = (0..70).map(id).collect();
    assert_eq!((pages, walked), (3, all));
}

//! Promises about quotas: nothing passes one, what is there stays, and what is used is counted.

use std::collections::BTreeMap;

use lictor_core::decision::Decision;
use lictor_core::elapsed::Now;
use lictor_core::facts::account::{AccountKind, AccountStatus};
use lictor_core::facts::application::OverLimit;
use lictor_core::facts::quota::Quota;
use lictor_core::facts::role::Role;
use lictor_core::facts::seats::Holder;
use lictor_core::facts::usage::UsageReport;
use lictor_core::rules::{client, quota, usage};
use lictor_core::{Error, facts};
use lictor_store::{Bounds, EndedFilter, Fact, IdempotencyKey, Store, Write};

use crate::given::{
    ACME, NOW, acme, add_license, assign, at, check_out, digest, document, done, end_due,
    enroll_node, give_back, id, idempotent, new_account, new_application, new_client, new_token,
    put_license, refused, release, remove_account, remove_client, remove_license, revoke_node,
    revoke_token, secret, set_status, write,
};
use crate::pools::{make_pool, revoke_pool};
use crate::usage::{count, refused_reports, report_usage, total};

/// Sets a quota, or goes back to its default.
pub(crate) fn set_quota(quota: Quota, limit: Option<u64>) -> Write {
    let limits = BTreeMap::from([(quota, limit)]);
    write(ACME, NOW, vec![], move |state| quota::set(state, &limits))
}

async fn bounds(store: &dyn Store) -> Bounds {
    store
        .bounds(ACME, Now::at(NOW))
        .await
        .expect("reads")
        .expect("is there")
}

const WORDS: [&str; 4] = ["one", "two", "three", "four"];

/// What makes the thing with this number, 0 to 3, and what takes it away again, if it is not time
/// alone.
fn thing(quota: Quota, number: usize) -> (Write, Option<Write>) {
    let word = WORDS[number];
    let timed = match quota {
        Quota::UsageSeries => usage_of(count(word, "web", "2026-11", 1)),
        Quota::UsageEpochs => usage_of(total(word, 1)),
        Quota::Codes => code(number),
        Quota::KeptAnswers => answered(word, NOW),
        Quota::EntriesPerDay => asked(new_application(ACME, word, OverLimit::Refuse)),
        _ => {
            let (made, undone) = lasting(quota, number);
            return (made, Some(undone));
        }
    };
    (timed, None)
}

/// A write that somebody asked for.
fn asked(write: Write) -> Write {
    Write {
        actor: Some(id(70)),
        ..write
    }
}

/// A report that is refused as a whole.
fn usage_of(report: UsageReport) -> Write {
    let Write { facts, .. } = report_usage(ACME, vec![report.clone()]);
    write(ACME, NOW, facts, move |state| {
        usage::record(state, std::slice::from_ref(&report), false, Now::at(NOW))
    })
}

fn code(number: usize) -> Write {
    let (client, since) = (id(40), at(NOW - 600));
    let facts = vec![Fact::Client(client), Fact::CodesOf { client, since }];
    write(ACME, NOW, facts, move |state| {
        client::add_code(state, client, digest(format!("code {number}")), at(NOW))
    })
}

/// A request for which an answer is kept.
fn answered(word: &str, now: i64) -> Write {
    let key = IdempotencyKey {
        token: id(70),
        route: "POST /v1/licenses".to_owned(),
        key: word.to_owned(),
        request_sha256: [9; 32],
    };
    let nothing = write(ACME, now, vec![], |_| Ok(Decision::nothing()));
    idempotent(nothing, &key)
}

fn lasting(quota: Quota, number: usize) -> (Write, Write) {
    let (word, key) = (WORDS[number], id(100 + number as u128));
    let license = || document(1, "Kong", number as u64);
    match quota {
        Quota::Accounts => (
            new_account(ACME, key, AccountKind::Person),
            remove_account(ACME, key),
        ),
        Quota::Licenses | Quota::LicensesPerApplication => (
            add_license(ACME, key, &license(), NOW),
            remove_license(ACME, key),
        ),
        Quota::Applications => (new_application(ACME, word, OverLimit::Refuse), {
            let facts = vec![Fact::Application(word.to_owned())];
            write(ACME, NOW, facts, move |state| {
                lictor_core::rules::application::remove(state, word)
            })
        }),
        Quota::Tokens => (new_token(ACME, key, Role::Reader), revoke_token(ACME, key)),
        Quota::Clients => (new_client(ACME, key, None), remove_client(ACME, key)),
        Quota::Nodes => (
            enroll_node(ACME, (key, word), "kong", None),
            revoke_node(ACME, key),
        ),
        Quota::NodePools => (make_pool(ACME, (key, word), 3), revoke_pool(ACME, key)),
        Quota::Seats => (
            assign(ACME, "kong", id(200 + number as u128), 9),
            release(ACME, "kong", id(200 + number as u128)),
        ),
        Quota::Leases => (
            check_out(ACME, "kong", (key, word), 9, NOW),
            give_back(ACME, key, None),
        ),
        other => unreachable!("{other} ends with time"),
    }
}

fn is_reached(error: &Error, of: Quota, at: u64) -> bool {
    matches!(error, Error::QuotaReached { quota, limit, .. } if *quota == of && *limit == at)
}

/// An organization that has what the things are of.
async fn ready(store: &dyn Store, quota: Quota) {
    acme(store).await;
    if matches!(
        quota,
        Quota::Nodes | Quota::NodePools | Quota::Seats | Quota::Leases
    ) {
        done(store, new_application(ACME, "kong", OverLimit::Refuse)).await;
    }
    if quota == Quota::Codes {
        // One comes with the client.
        done(store, set_quota(quota, Some(3))).await;
        done(store, new_client(ACME, id(40), None)).await;
    }
    if quota == Quota::Seats {
        for number in 200..204 {
            done(store, new_account(ACME, id(number), AccountKind::Person)).await;
        }
    }
}

/// In one organization after the other, as each quota wants it empty.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_passes_its_quota() {
    let merged = [Quota::Refusals, Quota::EndedLeases];
    for quota in Quota::all().filter(|quota| !merged.contains(quota)) {
        let store = crate::new_store();
        ready(&*store, quota).await;
        let most = match quota {
            Quota::Codes => 3,
            // That of the limit itself is one.
            Quota::EntriesPerDay => 3 + bounds(&*store).await.grown.entries,
            _ => 2,
        };
        done(&*store, set_quota(quota, Some(most))).await;
        done(&*store, thing(quota, 0).0).await;
        done(&*store, thing(quota, 1).0).await;
        let error = refused(&*store, thing(quota, 2).0).await;
        assert!(is_reached(&error, quota, most), "{error}");
        let said = error.to_string();
        let option = format!("--{} NUMBER", quota.facts().option);
        assert!(
            said.contains(&option) && said.contains(quota.facts().relief),
            "{said}"
        );
        // A smaller limit takes nothing away, and less of it is never refused.
        done(&*store, set_quota(quota, Some(0))).await;
        if let Some(undone) = thing(quota, 0).1 {
            done(&*store, undone).await;
            let error = refused(&*store, thing(quota, 2).0).await;
            assert!(is_reached(&error, quota, 0), "{error}");
            done(&*store, set_quota(quota, Some(2))).await;
            done(&*store, thing(quota, 2).0).await;
        }
        let found = bounds(&*store).await;
        if quota.is_figure() && quota != Quota::EntriesPerDay {
            assert_eq!(found.used.of(quota), 2, "{quota}");
        }
        done(&*store, set_quota(quota, None)).await;
        done(&*store, thing(quota, 3).0).await;
        assert_eq!(
            bounds(&*store).await.quotas.limit(quota),
            quota.facts().default
        );
        let report = store.check().await.expect("checks");
        assert_eq!(report.differences, [""; 0], "{quota}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usage_of_months_that_passed_is_counted_as_one() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, set_quota(Quota::UsageSeries, Some(2))).await;
    for month in ["2026-11", "2026-10", "2024-02", "UNKNOWN"] {
        done(&*store, usage_of(count("edge", "web", month, 1))).await;
    }
    let late = usage_of(count("edge", "web", "2024-03", 1));
    let error = refused(&*store, late).await;
    assert!(is_reached(&error, Quota::UsageSeries, 2), "{error}");
    // What is there goes on, and the rest of a report is taken.
    let known = count("edge", "web", "2024-02", 5);
    let reports = vec![
        known,
        count("edge", "web", "2024-04", 1),
        count("b", "web", "2026-10", 1),
    ];
    let refused = refused_reports(&*store, report_usage(ACME, reports)).await;
    assert_eq!(refused, [1]);
    let page = store.usage(ACME, None, 9).await.expect("reads");
    assert_eq!((page.rows.len(), page.total), (5, 9));
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_cannot_be_kept_has_its_time() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, set_quota(Quota::KeptAnswers, Some(1))).await;
    done(&*store, answered("a", NOW)).await;
    let error = refused(&*store, answered("b", NOW)).await;
    assert!(
        matches!(
            error,
            Error::QuotaReached {
                retry_after: Some(600),
                ..
            }
        ),
        "{error}"
    );
    // One that has ended gives its place to another with the same key.
    done(&*store, answered("a", NOW + 86_400)).await;
    assert_eq!(bounds(&*store).await.used.of(Quota::KeptAnswers), 1);
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_of_ten_minutes_are_counted_used_or_not() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, new_client(ACME, id(40), None)).await;
    for number in 0..9 {
        done(&*store, code(number)).await;
    }
    let error = refused(&*store, code(9)).await;
    assert!(is_reached(&error, Quota::Codes, 10), "{error}");
    let Error::QuotaReached { retry_after, .. } = error else {
        unreachable!("{error}")
    };
    assert_eq!(retry_after, Some(600), "all of them were made now");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_holds_under_many_writers() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, set_quota(Quota::Accounts, Some(10))).await;
    let writers = (0..40).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let write = new_account(ACME, id(1_000 + number), AccountKind::Person);
            store.write(write).await.is_ok()
        })
    });
    let mut created = 0;
    for writer in writers.collect::<Vec<_>>() {
        created += u64::from(writer.await.expect("it ends"));
    }
    assert_eq!(
        (created, bounds(&*store).await.used.of(Quota::Accounts)),
        (10, 10)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replacing_meets_no_quota() {
    let store = crate::new_store();
    acme(&*store).await;
    for (number, product) in [(1, "Kong"), (2, "Kong"), (3, "Jira")] {
        let license = document(1, product, number);
        done(&*store, add_license(ACME, id(number.into()), &license, NOW)).await;
    }
    for quota in Quota::all() {
        done(&*store, set_quota(quota, Some(0))).await;
    }
    done(
        &*store,
        put_license(ACME, id(1), &document(1, "Kong", 9), NOW),
    )
    .await;
    // Also by one of another application that is full.
    done(
        &*store,
        put_license(ACME, id(3), &document(1, "Kong", 8), NOW),
    )
    .await;
    let error = refused(
        &*store,
        add_license(ACME, id(4), &document(1, "Kong", 4), NOW),
    )
    .await;
    assert!(is_reached(&error, Quota::Licenses, 0), "{error}");
    done(&*store, set_quota(Quota::Licenses, None)).await;
    done(&*store, set_quota(Quota::LicensesPerApplication, Some(3))).await;
    let error = refused(
        &*store,
        add_license(ACME, id(4), &document(1, "Kong", 4), NOW),
    )
    .await;
    assert!(matches!(error, Error::QuotaReached { of: Some(key), .. } if key == "kong"));
    done(
        &*store,
        add_license(ACME, id(4), &document(1, "Jira", 4), NOW),
    )
    .await;
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_expired_give_way() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, set_quota(Quota::Tokens, Some(2))).await;
    for number in [1, 2] {
        done(&*store, new_token(ACME, id(number), Role::Reader)).await;
    }
    let later = |token: u128, now: i64| {
        let new = lictor_core::rules::token::NewToken {
            id: id(token),
            secret_sha256: secret(id(token)),
            name: None,
            role: Role::Reader,
            scopes: vec![],
            expires_at: None,
            account: None,
        };
        write(ACME, now, vec![Fact::ExpiredTokens(now)], move |state| {
            lictor_core::rules::token::create(state, &new, now)
        })
    };
    let error = refused(&*store, later(3, NOW + 999)).await;
    assert!(is_reached(&error, Quota::Tokens, 2), "{error}");
    done(&*store, later(3, NOW + 1_000)).await;
    assert_eq!(bounds(&*store).await.used.of(Quota::Tokens), 1);
    let tokens = store.tokens(ACME, None, 9).await.expect("reads");
    let revoked = tokens.iter().filter(|token| token.revoked_at.is_some());
    assert_eq!(revoked.count(), 2);
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_is_so_already_is_no_entry() {
    let store = crate::new_store();
    acme(&*store).await;
    let first = done(&*store, set_quota(Quota::Nodes, Some(5))).await;
    assert_eq!(first.entries.len(), 1);
    let again = done(&*store, set_quota(Quota::Nodes, Some(5))).await;
    assert_eq!(again.entries.len(), 0);
    let error = refused(
        &*store,
        set_quota(Quota::Nodes, Some(facts::quota::MAX_LIMIT + 1)),
    )
    .await;
    assert!(
        matches!(error, Error::InvalidInput { field: "nodes", .. }),
        "{error}"
    );
    assert_eq!(bounds(&*store).await.quotas.set_to(Quota::Nodes), Some(5));
    assert_eq!(
        store.bounds(id(77), Now::at(NOW)).await.expect("reads"),
        None
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_beyond_are_merged_without_holders() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, new_application(ACME, "kong", OverLimit::Refuse)).await;
    done(&*store, set_quota(Quota::Refusals, Some(1))).await;
    for (number, holder) in ["a", "b", "c", "a"].into_iter().enumerate() {
        let lease = id(300 + number as u128);
        done(&*store, check_out(ACME, "kong", (lease, holder), 0, NOW)).await;
    }
    let rows = store.refusals(ACME, None, 9).await.expect("reads");
    let rows = rows.iter().map(|row| (&row.refusal.holder, row.count));
    let holder = |name: &str| Holder::Lease(name.to_owned());
    assert_eq!(
        rows.collect::<Vec<_>>(),
        [(&holder("a"), 2), (&holder(""), 2)]
    );
    assert_eq!(bounds(&*store).await.used.of(Quota::Refusals), 2);
    let sums = store.refusal_sums(ACME, None, 9).await.expect("reads");
    assert_eq!(sums.iter().map(|sum| sum.count).sum::<u64>(), 4);
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ended_leases_beyond_the_oldest_go_and_are_counted() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, new_application(ACME, "kong", OverLimit::Refuse)).await;
    done(&*store, set_quota(Quota::EndedLeases, Some(2))).await;
    for (number, word) in WORDS.into_iter().enumerate() {
        let (lease, now) = (id(300 + number as u128), NOW + number as i64 * 100);
        done(&*store, check_out(ACME, "kong", (lease, word), 9, now)).await;
        done(&*store, end_due(ACME, now + 60)).await;
    }
    let kong = EndedFilter {
        application: "kong".to_owned(),
        ..EndedFilter::default()
    };
    let left = store
        .ended_leases(ACME, &kong, None, 9)
        .await
        .expect("reads");
    let holders: Vec<_> = left
        .iter()
        .filter_map(|lease| lease.holder.as_deref())
        .collect();
    assert_eq!(holders, ["four", "three"]);
    let found = bounds(&*store).await;
    assert_eq!(found.used.of(Quota::EndedLeases), 2);
    assert_eq!(found.grown.ended_leases_dropped, 2);
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_the_entries_of_a_day_what_takes_away_goes_on() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, new_token(ACME, id(1), Role::Reader)).await;
    done(&*store, new_account(ACME, id(2), AccountKind::Person)).await;
    done(&*store, set_quota(Quota::EntriesPerDay, Some(0))).await;
    let more = |now| {
        let write = asked(new_application(ACME, "one", OverLimit::Refuse));
        Write {
            now: Now::at(now),
            ..write
        }
    };
    let error = refused(&*store, more(NOW)).await;
    let left = 86_400 - NOW.rem_euclid(86_400);
    assert!(
        matches!(error, Error::QuotaReached { retry_after: Some(seconds), .. }
            if seconds == left.unsigned_abs()),
        "{error}"
    );
    done(&*store, asked(revoke_token(ACME, id(1)))).await;
    done(
        &*store,
        asked(set_status(ACME, id(2), AccountStatus::Deactivated)),
    )
    .await;
    let back = asked(set_status(ACME, id(2), AccountStatus::Active));
    refused(&*store, back).await;
    done(&*store, asked(set_quota(Quota::EntriesPerDay, Some(1)))).await;
    refused(&*store, more(NOW + left - 1)).await;
    done(&*store, more(NOW + left)).await;
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

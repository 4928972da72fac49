//! Promises about seats and leases: the limit holds, whoever asks and however often.

use lictor_core::Error;
use lictor_core::change::Change;
use lictor_core::facts::account::{AccountKind, AccountStatus};
use lictor_core::facts::application::OverLimit;
use lictor_core::facts::entitlement::SeatTerms;
use lictor_core::facts::seats::{Holder, SeatReason, SeatRefusal};
use lictor_core::rules::lease::CheckedOut;
use lictor_core::rules::seats;
use lictor_core::rules::seats::Assigned;
use lictor_core::state::State;
use lictor_store::{Fact, Store, Write};
use uuid::Uuid;

use crate::given::{
    ACME, NOW, acme, add_license, assign, at, check_out, document, done, end_due, give_back, id,
    new_account, new_application, outcome, put_license, refused, release, remove_license, renew,
    set_status, write,
};
use crate::looks;

const APP: &str = "editor";

/// [`acme`] with an application and so many accounts, from id 1 on.
async fn staffed(store: &dyn Store, accounts: u128, over_limit: OverLimit) {
    acme(store).await;
    done(store, new_application(ACME, APP, over_limit)).await;
    for number in 1..=accounts {
        done(store, new_account(ACME, id(number), AccountKind::Person)).await;
    }
}

/// Seats and leases of the application, and distinct holders.
async fn figures(store: &dyn Store) -> (u64, u64, u64) {
    let figures = store.figures(ACME).await.expect("reads");
    let state = &figures.applications[0].state;
    (state.seats, state.leases, figures.counts.holders)
}

/// Why a seat was refused, which is stored all the same.
async fn no_seat(store: &dyn Store, write: Write) -> SeatReason {
    let written = done(store, write).await.outcome;
    let assigned = written.get::<Result<Assigned, SeatRefusal>>();
    let refused = match assigned {
        Ok(assigned) => assigned.as_ref().err(),
        Err(_) => {
            let out = written.get::<Result<CheckedOut, SeatRefusal>>();
            out.expect("a seat or a lease").as_ref().err()
        }
    };
    refused.expect("refused").reason
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_has_one_seat_of_an_application() {
    let store = crate::new_store();
    staffed(&*store, 2, OverLimit::Refuse).await;
    let writers = (0..16).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { done(&*store, assign(ACME, APP, id(1), 2)).await })
    });
    let mut given = 0;
    for writer in writers.collect::<Vec<_>>() {
        given += writer.await.expect("ends").entries.len();
    }
    assert_eq!(given, 1);
    assert_eq!(figures(&*store).await, (1, 0, 1));
    done(&*store, release(ACME, APP, id(1))).await;
    assert_eq!(figures(&*store).await, (0, 0, 0));
    let again = refused(&*store, release(ACME, APP, id(1))).await;
    assert!(matches!(again, Error::NotFound { .. }), "{again}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_limit_holds_under_many_writers() {
    let store = crate::new_store();
    staffed(&*store, 30, OverLimit::Refuse).await;
    let writers = (1..=30).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let assign = assign(ACME, APP, id(number), 7);
            let assigned: Result<Assigned, SeatRefusal> = outcome(&*store, assign).await;
            usize::from(assigned.is_ok())
        })
    });
    let mut given = 0;
    for writer in writers.collect::<Vec<_>>() {
        given += writer.await.expect("ends");
    }
    assert_eq!(given, 7);
    assert_eq!(figures(&*store).await, (7, 0, 7));
    let lease = check_out(ACME, APP, (id(99), "device"), 7, NOW);
    assert_eq!(no_seat(&*store, lease).await, SeatReason::Exhausted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_use_is_granted_where_it_is_allowed() {
    let store = crate::new_store();
    staffed(&*store, 2, OverLimit::Allow).await;
    for number in [1, 2] {
        let written = done(&*store, assign(ACME, APP, id(number), 1)).await;
        let given = Change::SeatAssigned {
            application: APP.to_owned(),
            account: id(number),
            limit: Some(1),
            used: u64::try_from(number).expect("small"),
        };
        assert_eq!(written.entries[0].change, given, "the ledger shows it");
    }
    let unlicensed = check_out(ACME, APP, (id(99), "device"), 0, NOW);
    assert_eq!(no_seat(&*store, unlicensed).await, SeatReason::Unlicensed);
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_smaller_limit_takes_no_seat_away() {
    let store = crate::new_store();
    staffed(&*store, 4, OverLimit::Refuse).await;
    for number in [1, 2, 3] {
        done(&*store, assign(ACME, APP, id(number), 3)).await;
    }
    let reason = no_seat(&*store, assign(ACME, APP, id(4), 1)).await;
    assert_eq!(reason, SeatReason::Exhausted);
    done(&*store, release(ACME, APP, id(1))).await;
    assert_eq!(figures(&*store).await, (2, 0, 2), "still more than one");
    let reason = no_seat(&*store, assign(ACME, APP, id(4), 0)).await;
    assert_eq!(reason, SeatReason::Unlicensed);
    done(&*store, assign(ACME, APP, id(4), 5)).await;
    assert_eq!(figures(&*store).await, (3, 0, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deactivation_gives_the_seats_back() {
    let store = crate::new_store();
    staffed(&*store, 2, OverLimit::Refuse).await;
    done(&*store, new_application(ACME, "viewer", OverLimit::Refuse)).await;
    for application in [APP, "viewer"] {
        done(&*store, assign(ACME, application, id(1), 1)).await;
    }
    let held = store.seats_of(ACME, id(1), None, 9).await.expect("reads");
    assert_eq!(held.len(), 2);
    for (after, from) in [(None, 0), (Some(APP), 1), (Some("viewer"), 2)] {
        let page = store.seats_of(ACME, id(1), after, 1).await.expect("reads");
        assert_eq!(page, held[from..2.min(from + 1)], "behind {after:?}");
    }
    let all = store.figures(ACME).await.expect("reads");
    let some = ["viewer", "nothing"].map(str::to_owned).to_vec();
    let some = store.figures_of(ACME, some).await.expect("reads");
    assert_eq!(some.applications, all.applications[1..]);
    assert_eq!((some.counts, some.position), (all.counts, all.position));
    done(&*store, set_status(ACME, id(1), AccountStatus::Deactivated)).await;
    assert_eq!(figures(&*store).await, (0, 0, 0));
    let reason = no_seat(&*store, assign(ACME, APP, id(1), 1)).await;
    assert_eq!(reason, SeatReason::Deactivated);
    done(&*store, set_status(ACME, id(1), AccountStatus::Active)).await;
    assert_eq!(figures(&*store).await, (0, 0, 0), "no seat comes back");
    done(&*store, assign(ACME, APP, id(1), 1)).await;
    done(&*store, new_account(ACME, id(50), AccountKind::Service)).await;
    let reason = no_seat(&*store, assign(ACME, APP, id(50), 9)).await;
    assert_eq!(reason, SeatReason::Service);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_kept_with_its_figures() {
    let store = crate::new_store();
    staffed(&*store, 2, OverLimit::Refuse).await;
    done(&*store, assign(ACME, APP, id(1), 1)).await;
    let head = store.head(ACME).await.expect("reads").expect("a head");
    no_seat(&*store, assign(ACME, APP, id(2), 1)).await;
    let after = store.head(ACME).await.expect("reads").expect("a head");
    assert_eq!(head, after, "a refusal is no entry");
    let refusals = store.refusals(ACME, None, 10).await.expect("reads");
    let [refused] = refusals.as_slice() else {
        panic!("{refusals:?}")
    };
    let refusal = &refused.refusal;
    assert_eq!(refusal.holder, Holder::Account(id(2)));
    assert_eq!((refusal.limit, refusal.used), (Some(1), 1));
    assert_eq!(refusal.position, head.position);
    assert_eq!((refused.minute, refused.count), (NOW / 60, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_of_a_minute_are_one() {
    let store = crate::new_store();
    staffed(&*store, 1, OverLimit::Refuse).await;
    for (minute, holder) in [(0, "a"), (0, "b"), (0, "a"), (1, "a"), (1, "a"), (1, "a")] {
        let now = NOW + minute * 60;
        no_seat(&*store, check_out(ACME, APP, (id(9), holder), 0, now)).await;
    }
    let all = store.refusals(ACME, None, 10).await.expect("reads");
    let told = all.iter().map(|row| {
        let Holder::Lease(holder) = &row.refusal.holder else {
            panic!("a lease")
        };
        (row.minute - NOW / 60, holder.as_str(), row.count)
    });
    let told: Vec<_> = told.collect();
    assert_eq!(told, [(1, "a", 3), (0, "b", 1), (0, "a", 2)]);
    let key = lictor_store::RefusedKey {
        minute: all[0].minute,
        application: APP.to_owned(),
        kind: "lease".to_owned(),
        holder: "a".to_owned(),
        reason: "unlicensed".to_owned(),
    };
    let rest = store.refusals(ACME, Some(&key), 10).await.expect("reads");
    assert_eq!(rest, all[1..]);
    assert_eq!(store.refusals(id(2), None, 9).await.expect("reads"), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn terms_that_are_out_of_date_decide_nothing() {
    let store = crate::new_store();
    staffed(&*store, 1, OverLimit::Refuse).await;
    let basis = looks::basis_of(&*store, ACME, APP).await;
    let by_terms = move || {
        let facts = vec![
            Fact::Trust,
            Fact::Application(APP.to_owned()),
            Fact::Account(id(1)),
        ];
        write(ACME, NOW, facts, move |state: &State| {
            let terms = SeatTerms {
                licensed: true,
                limit: Some(1),
                basis,
            };
            seats::assign(state, APP, id(1), &terms)
        })
    };
    let other = document(1, "Other", 1);
    done(&*store, add_license(ACME, id(6), &other, NOW)).await;
    assert_eq!(looks::basis_of(&*store, ACME, APP).await, basis);
    let own = document(1, "Editor", 1);
    done(&*store, add_license(ACME, id(7), &own, NOW)).await;
    let error = refused(&*store, by_terms()).await;
    assert!(matches!(error, Error::Outdated), "{error}");
    let now = looks::basis_of(&*store, ACME, APP).await;
    assert!(now.licenses > basis.licenses && now.trust == basis.trust);
    // It is another whatever is written and removed, unless just the same licenses are stored again.
    done(&*store, put_license(ACME, id(7), &own, NOW)).await;
    let again = looks::basis_of(&*store, ACME, APP).await;
    assert!(again.licenses == now.licenses && again.revisions > now.revisions);
    done(&*store, remove_license(ACME, id(7))).await;
    assert_eq!(looks::basis_of(&*store, ACME, APP).await, basis);
    done(&*store, by_terms()).await;
}

async fn lease_of(store: &dyn Store, holder: &str) -> Option<(Uuid, u64)> {
    let leases = store.leases(ACME, APP, None, 10).await.expect("reads");
    let found = leases
        .into_iter()
        .find(|lease| lease.terms.holder == holder);
    found.map(|lease| (lease.id, lease.terms.fence))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_gets_the_same_lease_with_a_greater_fence() {
    let store = crate::new_store();
    staffed(&*store, 0, OverLimit::Refuse).await;
    for (lease, fence) in [(id(20), 1), (id(21), 2), (id(22), 3)] {
        done(&*store, check_out(ACME, APP, (lease, "device"), 1, NOW)).await;
        assert_eq!(lease_of(&*store, "device").await, Some((id(20), fence)));
    }
    assert_eq!(figures(&*store).await, (0, 1, 0));
    let other = check_out(ACME, APP, (id(30), "other"), 1, NOW);
    assert_eq!(no_seat(&*store, other).await, SeatReason::Exhausted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fence_keeps_an_older_self_out() {
    let store = crate::new_store();
    staffed(&*store, 0, OverLimit::Refuse).await;
    for _ in 0..2 {
        done(&*store, check_out(ACME, APP, (id(20), "device"), 1, NOW)).await;
    }
    let error = refused(&*store, renew(ACME, id(20), 1, NOW)).await;
    assert!(
        matches!(error, Error::FenceMismatch { current: 2 }),
        "{error}"
    );
    let error = refused(&*store, give_back(ACME, id(20), Some(1))).await;
    assert!(
        matches!(error, Error::FenceMismatch { current: 2 }),
        "{error}"
    );
    done(&*store, renew(ACME, id(20), 2, NOW + 50)).await;
    let lease = store.lease(ACME, id(20)).await.expect("reads");
    assert_eq!(lease.expect("a lease").terms.expires_at, at(NOW + 110));
    done(&*store, give_back(ACME, id(20), Some(2))).await;
    assert_eq!(figures(&*store).await, (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_ends_with_its_time() {
    let store = crate::new_store();
    staffed(&*store, 0, OverLimit::Refuse).await;
    done(&*store, check_out(ACME, APP, (id(20), "device"), 1, NOW)).await;
    let due = async |now| {
        let due = store.organizations_with_due_leases(now).await;
        due.expect("reads")
    };
    assert!(due(at(NOW + 59)).await.is_empty());
    assert_eq!(due(at(NOW + 60)).await, [ACME]);
    let error = refused(&*store, renew(ACME, id(20), 1, NOW + 60)).await;
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    // Whoever comes next need not wait for the loop.
    let next = check_out(ACME, APP, (id(21), "next"), 1, NOW + 60);
    let written = done(&*store, next).await;
    let kinds: Vec<_> = written
        .entries
        .iter()
        .map(|entry| matches!(entry.change, Change::LeaseEnded { .. }))
        .collect();
    assert_eq!(kinds, [true, false]);
    done(&*store, end_due(ACME, NOW + 600)).await;
    assert_eq!(figures(&*store).await, (0, 0, 0));
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_faulty_rule_cannot_pass_the_limit() {
    let store = crate::new_store();
    staffed(&*store, 2, OverLimit::Refuse).await;
    done(&*store, assign(ACME, APP, id(1), 1)).await;
    for used in [1, 2] {
        let facts = vec![Fact::Application(APP.to_owned()), Fact::Account(id(2))];
        let careless = write(ACME, NOW, facts, move |_: &State| {
            Ok(Change::SeatAssigned {
                application: APP.to_owned(),
                account: id(2),
                limit: Some(1),
                used,
            }
            .into())
        });
        let error = refused(&*store, careless).await;
        assert!(matches!(error, Error::Internal(_)), "{error}");
    }
    assert_eq!(figures(&*store).await, (1, 0, 1));
}

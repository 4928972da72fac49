//! The promises about the newest licenses of an application: as a choice sees them, and as a rule does.

use lictor_core::state::State;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, mpsc};

use lictor_core::decision::Decision;
use lictor_core::facts::license::{FIRST, License, Newest};
use lictor_core::{Error, Timestamp};
use lictor_store::{Choose, Fact, Licenses, Store};
use uuid::Uuid;

use crate::given::{
    ACME, NOW, acme, add_license, document, done, id, outcome, put_license, remove_license, write,
};
use crate::licenses::newest_before;
use crate::looks;

/// More than are shown at once.
const MANY: u64 = 70;

async fn kong(store: &dyn Store) {
    acme(store).await;
    for number in 1..=MANY {
        let added = id(u128::from(number));
        let license = document(1, "Kong", number);
        done(store, add_license(ACME, added, &license, NOW)).await;
    }
}

type Seen = Arc<Mutex<Vec<License>>>;

/// A choice that notes what it sees, and goes on as it is told.
fn noting(
    seen: &Seen,
    mut go_on: impl FnMut() -> ControlFlow<(), Option<Timestamp>> + Send + 'static,
) -> Choose {
    let seen = Arc::clone(seen);
    Box::new(move |page| {
        seen.lock().expect("no panic").extend(page);
        go_on()
    })
}

fn ids(seen: &Seen) -> Vec<Uuid> {
    let seen = seen.lock().expect("no panic");
    seen.iter().map(|license| license.id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_choice_sees_all_licenses_at_one_instant() {
    let store = crate::new_store();
    kong(&*store).await;
    let basis = store.basis(ACME).await.expect("reads");
    let (told, begun) = mpsc::channel();
    let (go, waits) = mpsc::channel::<()>();
    let seen = Seen::default();
    let choose = noting(&seen, move || {
        told.send(()).ok();
        waits.recv().ok();
        ControlFlow::Continue(None)
    });
    let reader = Arc::clone(&store);
    let choosing = tokio::spawn(async move { reader.choose_licenses(ACME, "kong", choose).await });
    tokio::task::spawn_blocking(move || begun.recv())
        .await
        .expect("runs")
        .expect("it has begun");
    // One that it has not seen yet is written again, another is removed, and a new one added.
    done(
        &*store,
        put_license(ACME, id(1), &document(1, "Kong", 900), NOW),
    )
    .await;
    done(&*store, remove_license(ACME, id(2))).await;
    done(
        &*store,
        add_license(ACME, id(999), &document(1, "Kong", 901), NOW),
    )
    .await;
    drop(go);
    let read = choosing.await.expect("runs").expect("reads");
    assert_eq!(read.basis, basis);
    let all: Vec<_> = (1..=MANY).rev().map(|n| id(u128::from(n))).collect();
    assert_eq!(ids(&seen), all);
    let now = store.choose_licenses(
        ACME,
        "kong",
        noting(&Seen::default(), || ControlFlow::Break(())),
    );
    assert_eq!(
        now.await.expect("reads").basis,
        store.basis(ACME).await.expect("reads")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_sees_all_licenses_at_one_instant() {
    let store = crate::new_store();
    kong(&*store).await;
    let basis = looks::basis_of(&*store, ACME, "kong").await;
    let (told, seen) = mpsc::channel();
    let (go, waits) = mpsc::channel::<()>();
    let look = Box::new(move |licenses: &dyn Licenses| {
        for _ in 0..2 {
            let all = licenses.some(newest_before(None), 1_000)?;
            told.send((all, licenses.one(id(2))?)).expect("heard");
            waits.recv().ok();
        }
        Ok(())
    });
    let reader = Arc::clone(&store);
    let looking = tokio::spawn(async move { reader.look_through(ACME, "kong", look).await });
    let seen = Arc::new(Mutex::new(seen));
    let next = async || {
        let seen = Arc::clone(&seen);
        let next = tokio::task::spawn_blocking(move || seen.lock().expect("no panic").recv());
        next.await.expect("runs").expect("is seen")
    };
    let first = next().await;
    assert_eq!(first.0.len(), MANY as usize);
    done(&*store, remove_license(ACME, id(2))).await;
    go.send(()).expect("goes on");
    assert_eq!(next().await, first);
    drop(go);
    assert_eq!(looking.await.expect("runs").expect("reads"), basis);
    let now = looks::basis_of(&*store, ACME, "kong").await;
    assert_ne!(now, basis);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_look_fails_with_is_told() {
    let store = crate::new_store();
    kong(&*store).await;
    let look = Box::new(|_: &dyn Licenses| Err(Error::Outdated));
    let failed = store.look_through(ACME, "kong", look).await;
    assert!(matches!(failed, Err(Error::Outdated)), "{failed:?}");
    // Whoever looks next finds all as it was.
    let newest = looks::some_licenses(&*store, ACME, "kong", newest_before(None), 9).await;
    assert_eq!(newest.len(), 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_choice_ends_where_it_wants_no_more() {
    let store = crate::new_store();
    kong(&*store).await;
    let first = Seen::default();
    let choose = noting(&first, || ControlFlow::Break(()));
    store
        .choose_licenses(ACME, "kong", choose)
        .await
        .expect("reads");
    let shown = ids(&first).len();
    assert!(shown > 0 && shown < MANY as usize, "{shown}");
    // No other ends so late.
    let late = Seen::default();
    let choose = noting(&late, || ControlFlow::Continue(Some(Timestamp::MAX)));
    store
        .choose_licenses(ACME, "kong", choose)
        .await
        .expect("reads");
    assert_eq!(ids(&late), ids(&first));
    let none = Seen::default();
    let choose = noting(&none, || ControlFlow::Continue(None));
    store
        .choose_licenses(id(0), "kong", choose)
        .await
        .expect("reads");
    assert!(ids(&none).is_empty());
}

/// What a rule sees of them.
async fn newest(store: &dyn Store, after: (Timestamp, u64), limit: usize, bytes: usize) -> Newest {
    let fact = Fact::NewestLicenses {
        application: "kong".to_owned(),
        after,
        limit,
        bytes,
    };
    let seen = |state: &State| Ok(state.newest_licenses["kong"].clone());
    let rule = move |_: &State| Ok(Decision::nothing().with(seen));
    outcome(store, write(ACME, NOW, vec![fact], rule)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_sees_the_licenses_written_since_and_how_far_back() {
    let store = crate::new_store();
    kong(&*store).await;
    let all = newest(&*store, FIRST, 1_000, usize::MAX).await;
    assert_eq!((all.licenses.len(), all.all_after), (MANY as usize, FIRST));
    let written = |at: usize| {
        let state = &all.licenses[at].state;
        (state.updated_at, state.revision)
    };
    for (after, limit, bytes, seen, all_after) in [
        (written(3), 1_000, usize::MAX, 3, written(3)),
        (written(0), 1_000, usize::MAX, 0, written(0)),
        // What does not reach back so far says how far it does.
        (written(9), 4, usize::MAX, 4, written(3)),
        (FIRST, 4, usize::MAX, 4, written(3)),
        (written(9), 1_000, 1, 1, written(0)),
    ] {
        let newest = newest(&*store, after, limit, bytes).await;
        assert_eq!(newest.licenses, all.licenses[..seen]);
        assert_eq!(newest.all_after, all_after);
    }
}

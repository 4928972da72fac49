//! The promises about the newest licenses of an application: as a choice sees them, and as a rule does.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, mpsc};

use lictor_core::license::{FIRST, Newest};
use lictor_core::{Decision, License, Timestamp};
use lictor_store::{Choose, Fact, Store};
use uuid::Uuid;

use crate::given::{
    ACME, NOW, acme, add_license, document, done, id, put_license, remove_license, write,
};

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

pub(crate) async fn a_choice_sees_all_licenses_at_one_instant(store: Arc<dyn Store>) {
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

pub(crate) async fn a_choice_ends_where_it_wants_no_more(store: Arc<dyn Store>) {
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
    let rule = |_: &_| Ok(Decision::nothing());
    let written = done(store, write(ACME, NOW, vec![fact], rule)).await;
    written.state.newest_licenses["kong"].clone()
}

pub(crate) async fn a_rule_sees_the_licenses_written_since_and_how_far_back(store: Arc<dyn Store>) {
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

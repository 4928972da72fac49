//! The promises about writes themselves: refusals, order, batches, faulty rules, the ledger.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::Poll;

use lictor_core::Error;
use lictor_core::change::Change;
use lictor_core::decision::Decision;
use lictor_core::facts::account::AccountKind;
use lictor_core::facts::application::OverLimit;
use lictor_core::facts::lease::LeaseEnd;
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::facts::usage::Reported;
use lictor_core::ledger::{Entry, Head};
use lictor_core::record::Record;
use lictor_store::{Fact, Store, Write, Written};
use tokio::task::JoinHandle;

use crate::given::{
    ACME, NOW, acme, add_license, applications, assign, check_out, document, done, enroll_node, id,
    new_account, new_application, new_organization, refused, write,
};
use crate::usage::{count, counts_of};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_changes_nothing() {
    let store = crate::new_store();
    acme(&*store).await;
    done(
        &*store,
        add_license(ACME, id(1), &document(1, "Kong", 1), NOW),
    )
    .await;
    let before = store.license(ACME, id(1)).await.expect("reads");
    let again = add_license(ACME, id(1), &document(1, "Other", 2), NOW + 9);
    assert!(matches!(
        refused(&*store, again).await,
        Error::AlreadyExists { .. }
    ));
    assert_eq!(store.license(ACME, id(1)).await.expect("reads"), before);
    assert_eq!(applications(&*store, ACME).await, ["kong"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_does_not_exist_takes_no_write() {
    let store = crate::new_store();
    acme(&*store).await;
    let lost = write(id(99), NOW, vec![], |_| Ok(Decision::nothing()));
    assert!(matches!(
        refused(&*store, lost).await,
        Error::NotFound { .. }
    ));
    assert_eq!(store.head(id(99)).await.expect("reads"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deciding_nothing_writes_nothing() {
    let store = crate::new_store();
    acme(&*store).await;
    let before = store.head(ACME).await.expect("reads");
    let written = done(
        &*store,
        write(ACME, NOW, vec![], |_| Ok(Decision::nothing())),
    )
    .await;
    assert!(written.entries.is_empty());
    assert_eq!(store.head(ACME).await.expect("reads"), before);
}

/// Many at once, so that they share commits; every third is refused, every seventh
/// panics, and every eleventh fails in the database, so that the rest must run again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_refused_leave_no_trace_in_their_batch() {
    let store = crate::new_store();
    acme(&*store).await;
    done(
        &*store,
        add_license(ACME, id(1_000), &document(1, "Kong", 0), NOW),
    )
    .await;
    let tasks: Vec<_> = (0..120_u64)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.write(one_of_a_crowd(number)).await })
        })
        .collect();
    for (number, task) in tasks.into_iter().enumerate() {
        let outcome = task.await.expect("ends");
        let expected = number % 3 != 0 && number % 7 != 0 && number % 11 != 0;
        assert_eq!(outcome.is_ok(), expected, "{number}: {outcome:?}");
        let license = store
            .license(ACME, id(number as u128))
            .await
            .expect("reads");
        assert_eq!(license.is_some(), expected, "{number}");
    }
    let figures = store.figures(ACME).await.expect("reads");
    let keys: Vec<_> = figures.applications.iter().map(|one| &one.key).collect();
    assert_eq!(keys, ["kong"]);
    assert_eq!(counts_of(&*store, ACME).await.len(), 0);
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

fn one_of_a_crowd(number: u64) -> Write {
    let document = document(1, "Kong", number);
    if number.is_multiple_of(11) {
        // It fails when something of it is written already.
        let key = format!("trace-{number}");
        write(ACME, NOW, vec![], move |_| {
            let mut decision = Decision::from(Change::ApplicationCreated { key: key.clone() });
            decision
                .changes
                .push(Change::LicenseRemoved { id: id(9_999) });
            Ok(decision)
        })
    } else if number.is_multiple_of(7) {
        write::<()>(ACME, NOW, vec![], |_| panic!("a fault in a rule"))
    } else if number.is_multiple_of(3) {
        add_license(ACME, id(1_000), &document, NOW)
    } else {
        add_license(ACME, id(number.into()), &document, NOW)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_have_no_gaps_under_many_writers() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, new_organization(id(2), "other")).await;
    let tasks: Vec<_> = (0..16_u64)
        .map(|task| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for turn in 0..10 {
                    let number = task * 100 + turn;
                    let stream = if number.is_multiple_of(2) {
                        ACME
                    } else {
                        id(2)
                    };
                    let document = document(1, &format!("App {}", number % 5), number);
                    let write = add_license(stream, id(number.into()), &document, NOW);
                    let written = store.write(write).await.expect("stored");
                    // What was acknowledged is there for every read that begins after.
                    let license = store
                        .license(stream, id(number.into()))
                        .await
                        .expect("reads");
                    let revision = license.expect("is there").state.revision;
                    assert_eq!(
                        written.entries.last().map(|entry| entry.position),
                        Some(revision)
                    );
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("ends");
    }
    for stream in [ACME, id(2), INSTALLATION] {
        let entries = store.entries(stream, 0, 1_000).await.expect("reads");
        assert!(
            entries
                .iter()
                .map(|entry| entry.position)
                .eq(1..=entries.len() as u64)
        );
        assert_eq!(
            store.head(stream).await.expect("reads"),
            Some(end_of(&entries))
        );
    }
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

/// Many at once, so that they share commits: what is answered rests on writes before it, so the observer
/// knows of all of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_are_observed_before_anybody_is_answered() {
    let store = crate::new_store();
    acme(&*store).await;
    let observed: Arc<Mutex<Vec<u64>>> = Arc::default();
    let seen = Arc::clone(&observed);
    store.observe(Box::new(move |write, written| {
        assert_eq!(write.stream, ACME);
        let positions = written.entries.iter().map(|entry| entry.position);
        seen.lock().expect("no panic").extend(positions);
    }));
    let tasks: Vec<_> = (0..512_u64)
        .map(|number| {
            let (store, observed) = (Arc::clone(&store), Arc::clone(&observed));
            tokio::spawn(async move {
                let document = document(1, "Kong", number);
                let write = add_license(ACME, id(number.into()), &document, NOW);
                let written = store.write(write).await.expect("stored");
                let last = written.entries.last().map(|entry| entry.position);
                (last, observed.lock().expect("no panic").last().copied())
            })
        })
        .collect();
    for task in tasks {
        let (own, observed) = task.await.expect("ends");
        assert!(
            own <= observed,
            "{own:?} is answered, {observed:?} observed"
        );
    }
    let observed = observed.lock().expect("no panic");
    assert!(
        observed.is_sorted() && observed.len() >= 512,
        "{observed:?}"
    );
}

/// One of a batch fails in the database, so that the others run again, each alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_run_again_alone_are_observed_too() {
    let store = crate::new_store();
    acme(&*store).await;
    let observed: Arc<Mutex<Vec<u64>>> = Arc::default();
    let seen = Arc::clone(&observed);
    store.observe(Box::new(move |_, written| {
        let positions = written.entries.iter().map(|entry| entry.position);
        seen.lock().expect("no panic").extend(positions);
    }));
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let (gate, begun, asked, ran) = (Mutex::new(gate), counter(), counter(), counter());
    let began = begun.clone();
    let held = write(ACME, NOW, vec![], move |_| {
        began.fetch_add(1, SeqCst);
        // It errs when the gate is open for good.
        let _ = gate.lock().expect("no panic").recv();
        Ok(Decision::nothing())
    });
    let held = asks(&store, held, &asked);
    while begun.load(SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let runs = ran.clone();
    let first = write(ACME, NOW, vec![], move |_| {
        runs.fetch_add(1, SeqCst);
        let key = "first".to_owned();
        Ok(Change::ApplicationCreated { key }.into())
    });
    // Of these the one with the number 11 fails.
    let others = [11, 1, 2, 4, 5].map(one_of_a_crowd);
    let mut tasks = Vec::new();
    for (number, write) in (2..).zip(std::iter::once(first).chain(others)) {
        let (answer, observed) = (asks(&store, write, &asked), Arc::clone(&observed));
        tasks.push(tokio::spawn(async move {
            let written = answer.await.expect("ends").ok()?;
            let own = written.entries.last().map(|entry| entry.position);
            Some((own, observed.lock().expect("no panic").last().copied()))
        }));
        while asked.load(SeqCst) < number {
            tokio::task::yield_now().await;
        }
    }
    drop(open);
    held.await.expect("ends").expect("nothing is written");
    let mut stored = 0;
    for task in tasks {
        if let Some((own, observed)) = task.await.expect("ends") {
            assert!(
                own <= observed,
                "{own:?} is answered, {observed:?} observed"
            );
            stored += 1;
        }
    }
    let runs = ran.load(SeqCst);
    assert!(
        stored == 5 && runs > 2,
        "{stored}: the rule ran {runs} times"
    );
    let entries = store.entries(ACME, 0, 100).await.expect("reads");
    let positions: Vec<_> = entries.iter().map(|entry| entry.position).collect();
    assert_eq!(*observed.lock().expect("no panic"), positions);
}

fn end_of(entries: &[Entry]) -> Head {
    let bodies = entries
        .iter()
        .map(|entry| entry.to_body().expect("encodes"));
    bodies.fold(Head::EMPTY, |head, body| head.next(&body))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_say_who_when_and_what() {
    let store = crate::new_store();
    acme(&*store).await;
    let write = add_license(ACME, id(1), &document(1, "Kong", 1), NOW + 3);
    let written = done(
        &*store,
        Write {
            actor: Some(id(55)),
            ..write
        },
    )
    .await;
    let entries = store.entries(ACME, 0, 10).await.expect("reads");
    assert_eq!(entries, written.entries);
    let actors = store.actors(ACME, vec![1, 2, 3]).await.expect("reads");
    assert_eq!(actors, [(1, id(55)), (2, id(55))].into());
    let own = store.actors(INSTALLATION, vec![1]).await.expect("reads");
    assert_eq!(own, [].into(), "what the store did by itself");
    assert_eq!(
        store.entries(ACME, 1, 10).await.expect("reads"),
        written.entries[1..]
    );
    assert_eq!(
        store.entries(ACME, 0, 1).await.expect("reads"),
        written.entries[..1]
    );
    assert_eq!(
        entries[0].change,
        Change::ApplicationCreated {
            key: "kong".to_owned()
        }
    );
    for (entry, position) in entries.iter().zip(1..) {
        let expected = (ACME, position, NOW + 3, Some(id(55)));
        assert_eq!(
            (entry.stream, entry.position, entry.at, entry.actor),
            expected
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_faulty_rule_harms_nobody_else() {
    let store = crate::new_store();
    acme(&*store).await;
    let faulty = write::<()>(ACME, NOW, vec![], |_| panic!("a fault in a rule"));
    assert!(matches!(refused(&*store, faulty).await, Error::Internal(_)));
    // It asks for no fact, and yet changes a license.
    let blind = write(ACME, NOW, vec![], |_| {
        Ok(Change::LicenseRemoved { id: id(1) }.into())
    });
    assert!(matches!(refused(&*store, blind).await, Error::Internal(_)));
    // A row constraint stands behind the rules.
    let twice = write(INSTALLATION, NOW, vec![], |_| {
        Ok(Change::OrganizationCreated {
            id: id(3),
            key: "acme".to_owned(),
            number: 1,
        }
        .into())
    });
    assert!(matches!(refused(&*store, twice).await, Error::Internal(_)));
    done(
        &*store,
        add_license(ACME, id(1), &document(1, "Kong", 1), NOW),
    )
    .await;
    store.ready().await.expect("writes go on");
}

/// Counters would go on counting what the rule did not see.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_removes_nothing_that_it_had_not_asked_for() {
    let store = crate::new_store();
    acme(&*store).await;
    for write in [
        add_license(ACME, id(1), &document(1, "Kong", 1), NOW),
        new_application(ACME, "editor", OverLimit::Refuse),
        new_application(ACME, "unused", OverLimit::Refuse),
        new_account(ACME, id(50), AccountKind::Person),
        assign(ACME, "editor", id(50), 5),
        check_out(ACME, "editor", (id(80), "device"), 5, NOW),
        enroll_node(ACME, (id(90), "edge"), "kong", Some(3)),
    ] {
        done(&*store, write).await;
    }
    let editor = || "editor".to_owned();
    for (change, facts) in [
        (Change::LicenseRemoved { id: id(1) }, vec![]),
        (
            Change::ApplicationRemoved {
                key: "unused".to_owned(),
            },
            vec![],
        ),
        (
            Change::SeatReleased {
                application: editor(),
                account: id(50),
            },
            // Without its account it would be refused for that.
            vec![Fact::Account(id(50))],
        ),
        (
            Change::LeaseEnded {
                id: id(80),
                application: editor(),
                reason: LeaseEnd::Released,
            },
            vec![],
        ),
        (Change::NodeRemoved { id: id(90) }, vec![]),
    ] {
        let said = format!("{change:?}");
        let blind = write(ACME, NOW, facts, move |_| Ok(change.clone().into()));
        let error = refused(&*store, blind).await;
        assert!(matches!(error, Error::Internal(_)), "{said}: {error}");
    }
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

/// Changes, records and entry are one: the last record fails, and all is as before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_record_takes_the_change_with_it() {
    let store = crate::new_store();
    acme(&*store).await;
    let write = write(ACME, NOW, vec![], |_| {
        let mut decision: Decision = Change::ApplicationCreated {
            key: "kong".to_owned(),
        }
        .into();
        let record = |counted| Record::Usage {
            key: count("edge", "api", "2026-11", 0).key(NOW),
            reported: Reported { counted, added: 0 },
            counted_in: None,
        };
        decision.records = [1, 1 << 60].map(record).to_vec();
        Ok(decision)
    });
    assert!(matches!(refused(&*store, write).await, Error::Internal(_)));
    assert!(applications(&*store, ACME).await.is_empty());
    assert_eq!(counts_of(&*store, ACME).await, []);
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

/// How many writes share a commit at most.
const BATCH: usize = 512;

/// The first write holds the writer until the others wait, so that nothing depends on speed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_the_writes_of_another_organization() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, new_organization(id(2), "other")).await;
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let (gate, ran, asked, begun) = (Mutex::new(gate), counter(), counter(), counter());
    let began = begun.clone();
    let held = write(ACME, NOW, vec![], move |_| {
        began.fetch_add(1, SeqCst);
        // It errs when the gate is open for good.
        let _ = gate.lock().expect("no panic").recv();
        Ok(Decision::nothing())
    });
    let mut tasks = vec![asks(&store, held, &asked)];
    // Else some of what follows could run before it.
    while begun.load(SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..10_000 {
        let ran = ran.clone();
        let one = write(ACME, NOW, vec![], move |_| {
            ran.fetch_add(1, SeqCst);
            Ok(Decision::nothing())
        });
        tasks.push(asks(&store, one, &asked));
    }
    let before = Arc::new(OnceLock::new());
    let (noted, counted) = (before.clone(), ran.clone());
    let others = write(id(2), NOW, vec![], move |_| {
        noted.get_or_init(|| counted.load(SeqCst));
        Ok(Decision::nothing())
    });
    while asked.load(SeqCst) < 10_001 {
        tokio::task::yield_now().await;
    }
    tasks.push(asks(&store, others, &asked));
    while asked.load(SeqCst) < 10_002 {
        tokio::task::yield_now().await;
    }
    drop(open);
    for task in tasks {
        task.await.expect("ends").expect("is written");
    }
    // The rules run twice.
    let before = before.get().expect("it ran") / 2;
    assert!(before <= BATCH, "{before} of another's ran before it");
}

fn counter() -> Arc<AtomicUsize> {
    Arc::default()
}

/// Asks for a write in a task of its own, and counts it once the store has it.
fn asks(
    store: &Arc<dyn Store>,
    write: Write,
    asked: &Arc<AtomicUsize>,
) -> JoinHandle<Result<Written, Error>> {
    let (store, asked) = (store.clone(), asked.clone());
    tokio::spawn(async move {
        let mut written = store.write(write);
        let begun = std::future::poll_fn(|context| Poll::Ready(written.as_mut().poll(context)));
        let begun = begun.await;
        asked.fetch_add(1, SeqCst);
        match begun {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => written.await,
        }
    })
}

//! The promises about answers kept for repeated requests.

use std::sync::Arc;

use lictor_core::Error;
use lictor_core::decision::Decision;
use lictor_core::elapsed::Now;
use lictor_core::facts::account::AccountKind;
use lictor_core::facts::application::OverLimit;
use lictor_store::{ANSWER_KEPT_SECONDS, Answer, IdempotencyKey, Write, Written};

use crate::given::{
    ACME, NOW, acme, add_license, at, check_out, document, done, forget, give_back, id, idempotent,
    new_account, new_application, refused, remove_account, write,
};

fn key() -> IdempotencyKey {
    IdempotencyKey {
        token: id(70),
        route: "POST /v1/licenses".to_owned(),
        key: "k1".to_owned(),
        request_sha256: [9; 32],
    }
}

fn add(number: u64, key: &IdempotencyKey) -> Write {
    let write = add_license(ACME, id(number.into()), &document(1, "Kong", number), NOW);
    idempotent(write, key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_kept_with_its_write() {
    let store = crate::new_store();
    acme(&*store).await;
    assert_eq!(
        store.answered(ACME, &key(), at(NOW)).await.expect("reads"),
        None
    );
    done(&*store, add(1, &key())).await;
    let answer = Some(Answer {
        status: 201,
        body: "2 entries".to_owned(),
    });
    assert_eq!(
        store.answered(ACME, &key(), at(NOW)).await.expect("reads"),
        answer
    );
    for other in [
        IdempotencyKey {
            token: id(71),
            ..key()
        },
        IdempotencyKey {
            route: "PUT /v1/licenses".to_owned(),
            ..key()
        },
        IdempotencyKey {
            key: "k2".to_owned(),
            ..key()
        },
    ] {
        assert_eq!(
            store.answered(ACME, &other, at(NOW)).await.expect("reads"),
            None,
            "{other:?}"
        );
    }
    let mismatch = store
        .answered(
            ACME,
            &IdempotencyKey {
                request_sha256: [8; 32],
                ..key()
            },
            at(NOW),
        )
        .await;
    assert!(matches!(mismatch, Err(Error::IdempotencyMismatch)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_of_a_request_in_parts_is_kept_with_the_last() {
    let store = crate::new_store();
    acme(&*store).await;
    let first = done(&*store, add(1, &key())).await;
    let last = |before| {
        // Nothing of it is taken, but of the part before it something was.
        let refuses = write(ACME, NOW, vec![], |_| Ok(Decision::nothing()));
        let other = IdempotencyKey {
            key: "k2".to_owned(),
            ..key()
        };
        let mut write = idempotent(refuses, &other);
        let kept = write.idempotent.as_mut().expect("it keeps an answer");
        kept.before = before;
        let render = Arc::clone(&kept.render);
        let is_done = |parts: &[&Written]| parts.iter().any(|part| !part.entries.is_empty());
        kept.render = Arc::new(move |parts| render(parts).filter(|_| is_done(parts)));
        (write, other)
    };
    let (write, other) = last(Vec::new());
    done(&*store, write).await;
    assert_eq!(
        store.answered(ACME, &other, at(NOW)).await.expect("reads"),
        None
    );
    let (write, other) = last(vec![Arc::new(first)]);
    done(&*store, write).await;
    let answer = store.answered(ACME, &other, at(NOW)).await.expect("reads");
    assert_eq!(answer.expect("it is kept").body, "2 entries");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_write_keeps_no_answer() {
    let store = crate::new_store();
    acme(&*store).await;
    done(
        &*store,
        add_license(ACME, id(1), &document(1, "Kong", 1), NOW),
    )
    .await;
    refused(&*store, add(1, &key())).await;
    assert_eq!(
        store.answered(ACME, &key(), at(NOW)).await.expect("reads"),
        None
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_twin_writes_nothing() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, add(1, &key())).await;
    assert!(matches!(
        refused(&*store, add(2, &key())).await,
        Error::IdempotencyTwin
    ));
    assert_eq!(store.license(ACME, id(2)).await.expect("reads"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_twins_is_answered() {
    let store = crate::new_store();
    acme(&*store).await;
    let tasks: Vec<_> = (1..=16)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.write(add(number, &key())).await })
        })
        .collect();
    let mut stored = 0;
    for task in tasks {
        match task.await.expect("ends") {
            Ok(_) => stored += 1,
            Err(Error::IdempotencyTwin) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(stored, 1);
    assert_eq!(
        store
            .licenses(ACME, None, None, 99)
            .await
            .expect("reads")
            .len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_ends_after_a_day() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, add(1, &key())).await;
    let last = NOW + ANSWER_KEPT_SECONDS - 1;
    assert!(
        store
            .answered(ACME, &key(), at(last))
            .await
            .expect("reads")
            .is_some()
    );
    assert_eq!(
        store
            .answered(ACME, &key(), at(last + 1))
            .await
            .expect("reads"),
        None
    );
    let next = Write {
        now: Now::at(last + 1),
        ..add(2, &key())
    };
    done(&*store, next).await;
    let answer = store
        .answered(ACME, &key(), at(last + 1))
        .await
        .expect("reads")
        .expect("a new one");
    assert_eq!(answer.body, "1 entries");
}

/// The last thing that a write does fails: nothing of it stays, and its neighbors are stored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_to_go_goes_from_the_kept_answers_too() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, new_application(ACME, "editor", OverLimit::Refuse)).await;
    let asked = |name: &str| IdempotencyKey {
        key: name.to_owned(),
        ..key()
    };
    for (number, holder) in [(1, "Ada"), (2, "bob"), (3, "ADA ")] {
        let out = check_out(ACME, "editor", (id(number), holder), 9, NOW);
        done(&*store, idempotent(out, &asked(holder))).await;
        done(&*store, give_back(ACME, id(number), None)).await;
    }
    for number in [50, 51] {
        let made = new_account(ACME, id(number), AccountKind::Person);
        done(&*store, idempotent(made, &asked(&number.to_string()))).await;
    }
    let kept = async || {
        let mut kept = Vec::new();
        for name in ["Ada", "bob", "ADA ", "50", "51"] {
            let found = store.answered(ACME, &asked(name), at(NOW)).await;
            kept.extend(found.expect("reads").map(|_| name));
        }
        kept
    };
    assert_eq!(kept().await, ["Ada", "bob", "ADA ", "50", "51"]);
    done(&*store, forget(ACME, "ada", vec![])).await;
    assert_eq!(kept().await, ["bob", "50", "51"]);
    done(&*store, remove_account(ACME, id(50))).await;
    assert_eq!(kept().await, ["bob", "51"]);
    done(&*store, forget(ACME, "bob", vec![])).await;
    assert_eq!(kept().await, ["51"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_faulty_answer_takes_the_change_with_it() {
    let store = crate::new_store();
    acme(&*store).await;
    let tasks: Vec<_> = (1..=40)
        .map(|number| {
            let store = Arc::clone(&store);
            let key = IdempotencyKey {
                key: number.to_string(),
                ..key()
            };
            let mut write = add(number, &key);
            if let Some(idempotent) = write.idempotent.as_mut().filter(|_| number % 4 == 0) {
                idempotent.render = Arc::new(|_| panic!("a fault in an answer"));
            }
            tokio::spawn(async move { store.write(write).await })
        })
        .collect();
    for (task, number) in tasks.into_iter().zip(1_u64..) {
        let outcome = task.await.expect("ends");
        assert_eq!(outcome.is_ok(), number % 4 != 0, "{number}: {outcome:?}");
        let license = store.license(ACME, id(number.into())).await.expect("reads");
        assert_eq!(license.is_some(), outcome.is_ok(), "{number}");
    }
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

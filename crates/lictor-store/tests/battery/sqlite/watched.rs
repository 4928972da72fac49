//! Long work: backups one at a time, checks and restores that are told to stop.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use lictor_core::Error;
use lictor_store::{OpenError, Step, Watch, checked_backup, watched_check};

use super::{fill, folder, open};

#[tokio::test]
async fn backups_are_made_one_at_a_time() {
    let folder = folder();
    let store = open(folder.path()).expect("opens");
    fill(&*store).await;
    let first = store.backup().await.expect("copies");
    let second = store.backup().await;
    assert!(matches!(second, Err(Error::Busy(_))), "{second:?}");
    drop(first);
    store.backup().await.expect("copies again");
    let sizes = store.sizes().await.expect("reads");
    assert!(sizes.ledger > 3_000 && sizes.payloads > 3_000, "{sizes:?}");
    assert!(sizes.database > 0 && sizes.log > 0, "{sizes:?}");
}

/// A watch that stops at the first step of this kind, and what it was told.
fn stopping_at(is_it: fn(Step) -> bool) -> (Watch, Arc<Mutex<Vec<Step>>>) {
    let told: Arc<Mutex<Vec<Step>>> = Arc::default();
    let noted = Arc::clone(&told);
    let own: Arc<Mutex<Option<Watch>>> = Arc::default();
    let itself = Arc::clone(&own);
    let watch = Watch::new(move |step| {
        noted.lock().expect("no panic").push(step);
        if is_it(step) {
            let watch = itself.lock().expect("no panic");
            watch.as_ref().expect("it is there").stop();
        }
    });
    *own.lock().expect("no panic") = Some(watch.clone());
    (watch, told)
}

#[tokio::test]
async fn a_check_tells_how_far_it_is_and_ends_when_told() {
    let folder = folder();
    let store = open(folder.path()).expect("opens");
    fill(&*store).await;
    let (watch, told) = stopping_at(|_| false);
    let report = watched_check(folder.path(), &watch).expect("checks");
    let (done, of) = (0, report.entries);
    let steps = [Step::File, Step::Ledger { done, of }, Step::Sums];
    assert_eq!(*told.lock().expect("no panic"), steps);
    let (watch, _) = stopping_at(|step| step == Step::File);
    let ended = watched_check(folder.path(), &watch);
    assert!(matches!(ended, Err(OpenError::Stopped)), "{ended:?}");
}

#[tokio::test]
async fn a_restore_that_is_told_to_stop_leaves_nothing() {
    let folder = folder();
    let store = open(&folder.path().join("data")).expect("opens");
    fill(&*store).await;
    drop(store);
    let backup = folder.path().join("data/lictor.db");
    let steps: [fn(Step) -> bool; 3] = [
        |step| matches!(step, Step::Copy { done: 0, .. }),
        |step| matches!(step, Step::Copy { done: 1.., .. }),
        |step| step == Step::File,
    ];
    for is_it in steps {
        let (watch, _) = stopping_at(is_it);
        let to = folder.path().join("restored");
        let source = File::open(&backup).expect("a backup");
        let ended = checked_backup((source, &backup), &to, &[], &watch).map(drop);
        assert!(matches!(ended, Err(OpenError::Stopped)), "{ended:?}");
        assert!(!to.exists());
    }
}

#[tokio::test]
async fn a_restore_to_which_nothing_comes_ends_when_told() {
    static TOLD: AtomicU64 = AtomicU64::new(0);
    let folder = folder();
    let (source, _never_written) = std::io::pipe().expect("a pipe");
    let source = File::from(OwnedFd::from(source));
    // The first time nothing was read yet.
    let (watch, _) = stopping_at(|_| TOLD.fetch_add(1, Ordering::Relaxed) == 1);
    let to = folder.path().join("restored");
    let ended = checked_backup((source, "a pipe".as_ref()), &to, &[], &watch).map(drop);
    assert!(matches!(ended, Err(OpenError::Stopped)), "{ended:?}");
    assert!(!to.exists());
}

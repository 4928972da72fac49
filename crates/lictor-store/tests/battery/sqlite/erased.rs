//! What was erased is nowhere in the folder any more: not in free pages, not in the log.

use std::path::Path;

use lictor_core::AccountKind;
use lictor_core::account::AccountPatch;
use lictor_store::Store;
use lictor_store::sqlite::SqliteStore;

use super::folder;
use crate::given::{ACME, acme, done, email, id, new_account, remove_account, set_account};

/// The files of the folder in which this text stands.
fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let files = std::fs::read_dir(folder).expect("a folder");
    let files = files.map(|file| file.expect("a file").path());
    let holds = |path: &std::path::PathBuf| {
        let bytes = std::fs::read(path).expect("readable");
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    let named = files.filter(holds).map(|path| path.display().to_string());
    named.collect()
}

#[tokio::test]
async fn what_was_erased_is_in_no_free_page_and_in_no_log() {
    const MANY: u128 = 600;
    let folder = folder();
    let store = SqliteStore::open(folder.path()).expect("opens");
    acme(&store).await;
    // In an order in which pages are split, and rows move from one to another.
    let account = |number: u128| id(1_000 + number * 7_919 % MANY * 16);
    for number in 0..MANY {
        done(
            &store,
            new_account(ACME, account(number), AccountKind::Person),
        )
        .await;
        let patch = AccountPatch {
            name: lictor_core::Given::Value(format!("Named {}", email(account(number)))),
            ..AccountPatch::default()
        };
        done(&store, set_account(ACME, account(number), patch)).await;
    }
    let erased: Vec<_> = (0..MANY).step_by(50).map(account).collect();
    for account in &erased {
        assert!(!files_with(folder.path(), &email(*account)).is_empty());
    }
    for account in &erased {
        done(&store, remove_account(ACME, *account)).await;
    }
    let last = account(1);
    drop(store);
    for account in erased {
        let found = files_with(folder.path(), &email(account));
        assert!(found.is_empty(), "{account}: {found:?}");
    }
    assert!(!files_with(folder.path(), &email(last)).is_empty());
}

#[tokio::test]
async fn the_log_is_emptied_after_something_was_erased() {
    let folder = folder();
    let store = SqliteStore::open(folder.path()).expect("opens");
    acme(&store).await;
    for number in [50, 51] {
        done(&store, new_account(ACME, id(number), AccountKind::Person)).await;
    }
    let log = folder.path().join("lictor.db-wal");
    assert!(std::fs::metadata(&log).expect("a log").len() > 0);
    done(&store, remove_account(ACME, id(50))).await;
    // It is emptied before the next write is looked at.
    done(&store, new_account(ACME, id(52), AccountKind::Person)).await;
    let found = files_with(folder.path(), &email(id(50)));
    assert!(found.is_empty(), "{found:?}");
    assert!(store.account(ACME, id(51)).await.expect("reads").is_some());
}

#[tokio::test]
async fn a_start_empties_the_log_of_a_process_that_was_killed() {
    let killed = folder();
    let folder = folder();
    let store = SqliteStore::open(folder.path()).expect("opens");
    acme(&store).await;
    for number in [50, 51] {
        done(&store, new_account(ACME, id(number), AccountKind::Person)).await;
        done(&store, remove_account(ACME, id(number))).await;
    }
    // As a process leaves it that is killed before its log is emptied for the second time.
    for file in ["lictor.db", "lictor.db-wal"] {
        let to = killed.path().join(file);
        std::fs::copy(folder.path().join(file), to).expect("copied");
    }
    assert!(!files_with(killed.path(), &email(id(51))).is_empty());
    let again = SqliteStore::open(killed.path()).expect("opens");
    let found = files_with(killed.path(), &email(id(51)));
    assert!(found.is_empty(), "{found:?}");
    drop((store, again));
}

//! What was erased is nowhere in the folder any more: not in free pages, not in the log.

use std::path::Path;

use lictor_core::Timestamp;
use lictor_core::decision::Decision;
use lictor_core::facts::account::AccountKind;
use lictor_core::facts::application::OverLimit;
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::record::Record;
use lictor_core::rules::account::AccountPatch;
use lictor_store::{Store, Write, removed_accounts};

use super::{check_folder, folder, open};
use crate::given::{
    ACME, NOW, acme, check_out, done, drop_ended, email, give_back, id, new_account,
    new_application, new_organization, remove_account, remove_organization, set_account, write,
};

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
    let store = open(folder.path()).expect("opens");
    acme(&*store).await;
    // In an order in which pages are split, and rows move from one to another.
    let account = |number: u128| id(1_000 + number * 7_919 % MANY * 16);
    for number in 0..MANY {
        done(
            &*store,
            new_account(ACME, account(number), AccountKind::Person),
        )
        .await;
        let patch = AccountPatch {
            name: lictor_core::patch_field::PatchField::Value(format!(
                "Named {}",
                email(account(number))
            )),
            ..AccountPatch::default()
        };
        done(&*store, set_account(ACME, account(number), patch)).await;
    }
    let erased: Vec<_> = (0..MANY).step_by(50).map(account).collect();
    for account in &erased {
        assert!(!files_with(folder.path(), &email(*account)).is_empty());
    }
    for account in &erased {
        done(&*store, remove_account(ACME, *account)).await;
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
    let store = open(folder.path()).expect("opens");
    acme(&*store).await;
    for number in [50, 51] {
        done(&*store, new_account(ACME, id(number), AccountKind::Person)).await;
    }
    let log = folder.path().join("lictor.db-wal");
    assert!(std::fs::metadata(&log).expect("a log").len() > 0);
    done(&*store, remove_account(ACME, id(50))).await;
    // It is emptied before the next write is looked at.
    done(&*store, new_account(ACME, id(52), AccountKind::Person)).await;
    let found = files_with(folder.path(), &email(id(50)));
    assert!(found.is_empty(), "{found:?}");
    assert!(store.account(ACME, id(51)).await.expect("reads").is_some());
}

#[tokio::test]
async fn a_start_empties_the_log_of_a_process_that_was_killed() {
    let killed = folder();
    let folder = folder();
    let store = open(folder.path()).expect("opens");
    acme(&*store).await;
    for number in [50, 51] {
        done(&*store, new_account(ACME, id(number), AccountKind::Person)).await;
        done(&*store, remove_account(ACME, id(number))).await;
    }
    // As a process leaves it that is killed before its log is emptied for the second time.
    for file in ["lictor.db", "lictor.db-wal"] {
        let to = killed.path().join(file);
        std::fs::copy(folder.path().join(file), to).expect("copied");
    }
    assert!(!files_with(killed.path(), &email(id(51))).is_empty());
    let again = open(killed.path()).expect("opens");
    let found = files_with(killed.path(), &email(id(51)));
    assert!(found.is_empty(), "{found:?}");
    drop((store, again));
}

/// A folder in whose log something stands, and what erases it.
async fn is_gone_after(store: &dyn Store, folder: &Path, text: &str, erasing: Vec<Write>) {
    assert!(!files_with(folder, text).is_empty(), "{text}");
    for write in erasing {
        done(store, write).await;
    }
    // It is emptied before the next write is looked at.
    done(store, new_organization(id(3), "next")).await;
    let found = files_with(folder, text);
    assert!(found.is_empty(), "{text}: {found:?}");
}

#[tokio::test]
async fn an_email_that_another_one_took_the_place_of_is_gone() {
    let folder = folder();
    let store = open(folder.path()).expect("opens");
    acme(&*store).await;
    done(&*store, new_account(ACME, id(50), AccountKind::Person)).await;
    let patch = AccountPatch {
        email: Some("other@example.com".to_owned()),
        ..AccountPatch::default()
    };
    let changed = set_account(ACME, id(50), patch);
    is_gone_after(&*store, folder.path(), &email(id(50)), vec![changed]).await;
}

#[tokio::test]
async fn holders_of_leases_that_were_kept_long_enough_are_gone() {
    let folder = folder();
    let store = open(folder.path()).expect("opens");
    acme(&*store).await;
    done(&*store, new_application(ACME, "editor", OverLimit::Refuse)).await;
    let holder = "a-holder-of-old";
    done(&*store, check_out(ACME, "editor", (id(80), holder), 5, NOW)).await;
    done(&*store, give_back(ACME, id(80), Some(1))).await;
    let dropped = drop_ended(ACME, "editor", Timestamp::MAX);
    is_gone_after(&*store, folder.path(), holder, vec![dropped]).await;
}

#[tokio::test]
async fn holders_of_refusals_that_were_kept_long_enough_are_gone() {
    let folder = folder();
    let store = open(folder.path()).expect("opens");
    acme(&*store).await;
    done(&*store, new_application(ACME, "editor", OverLimit::Refuse)).await;
    let holder = "a-holder-refused";
    done(&*store, check_out(ACME, "editor", (id(80), holder), 0, NOW)).await;
    let dropped = write(INSTALLATION, NOW + 91 * 86_400, Vec::new(), |_| {
        let mut decision = Decision::nothing();
        decision.records.push(Record::ExpiredDropped);
        Ok(decision)
    });
    is_gone_after(&*store, folder.path(), holder, vec![dropped]).await;
}

#[tokio::test]
async fn names_in_a_removed_organization_are_in_no_file() {
    let folder = folder();
    let store = open(folder.path()).expect("opens");
    acme(&*store).await;
    done(&*store, new_application(ACME, "editor", OverLimit::Refuse)).await;
    done(&*store, new_account(ACME, id(50), AccountKind::Person)).await;
    let holder = "a-holder-left";
    done(&*store, check_out(ACME, "editor", (id(80), holder), 5, NOW)).await;
    let removed = remove_organization(ACME, "acme");
    let erased = write(INSTALLATION, NOW, Vec::new(), |_| {
        let organization = ACME;
        let mut decision = Decision::nothing();
        let record = Record::NamesOfRemovedErased { organization };
        decision.records.push(record);
        Ok(decision)
    });
    assert!(!files_with(folder.path(), holder).is_empty());
    is_gone_after(
        &*store,
        folder.path(),
        &email(id(50)),
        vec![removed, erased],
    )
    .await;
    let found = files_with(folder.path(), holder);
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test]
async fn accounts_of_a_removed_organization_were_removed_with_it() {
    let folder = folder();
    let store = open(folder.path()).expect("opens");
    acme(&*store).await;
    done(&*store, new_organization(id(2), "other")).await;
    for (organization, account) in [(ACME, 50), (ACME, 51), (id(2), 60), (id(2), 61)] {
        let account = new_account(organization, id(account), AccountKind::Person);
        done(&*store, account).await;
    }
    done(&*store, remove_account(ACME, id(50))).await;
    done(&*store, remove_account(id(2), id(60))).await;
    done(&*store, remove_organization(ACME, "acme")).await;
    drop(store);
    let removed = removed_accounts(&folder.path().join("lictor.db")).expect("reads");
    let expected = [(id(2), id(60)), (ACME, id(50)), (ACME, id(51))];
    assert_eq!(removed, expected);
}

#[tokio::test]
async fn an_email_that_stayed_with_a_removed_account_is_found_by_a_check() {
    let folder = folder();
    let store = open(folder.path()).expect("opens");
    acme(&*store).await;
    done(&*store, new_account(ACME, id(50), AccountKind::Person)).await;
    done(&*store, remove_account(ACME, id(50))).await;
    done(&*store, remove_organization(ACME, "acme")).await;
    drop(store);
    let database = rusqlite::Connection::open(folder.path().join("lictor.db")).expect("opens");
    let stays = "UPDATE accounts SET name = 'Ada' WHERE id = ?1";
    assert_eq!(database.execute(stays, [id(50)]).expect("writes"), 1);
    drop(database);
    let found = check_folder(folder.path()).expect("checks").differences;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].ends_with("its e-mail or name is still there"),
        "{found:?}"
    );
}

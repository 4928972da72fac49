//! Names from before two spellings of one were the same: who has the key after the migration, and
//! how the other is found.

use std::path::Path;
use std::sync::Arc;

use lictor_core::change::Change;
use lictor_core::facts::account::{AccountKind, AccountStatus};
use lictor_core::ledger::{Entry, Head};
use lictor_core::rules::account::AccountPatch;
use lictor_store::Store;
use rusqlite::Connection;
use uuid::Uuid;

use super::files::older_schema;
use super::{check_folder, open};
use crate::given::{
    ACME, NOW, check_out, done, give_back, id, refused, remove_account, set_account,
};

/// Appends to the ledger of a database that no version of today opened.
fn append(raw: &Connection, change: Change) -> u64 {
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let sql = "SELECT position, hash FROM heads WHERE stream = ?1";
    let (position, hash): (u64, [u8; 32]) = raw.query_row(sql, [ACME], read).expect("a head");
    let head = Head {
        position,
        hash: lictor_core::digest::Digest(hash),
    };
    let entry = Entry {
        stream: ACME,
        position: position + 1,
        at: NOW,
        actor: None,
        change,
    };
    let body = entry.to_body().expect("a body");
    let head = head.next(&body);
    raw.execute(
        "INSERT INTO entries VALUES (?1, ?2, ?3, ?4)",
        (ACME, head.position, head.hash.0, &body),
    )
    .expect("inserts");
    raw.execute(
        "UPDATE heads SET position = ?2, hash = ?3 WHERE stream = ?1",
        (ACME, head.position, head.hash.0),
    )
    .expect("updates");
    head.position
}

fn add_account(raw: &Connection, number: u64, email: &str) {
    let account = id(number.into());
    let revision = append(
        raw,
        Change::AccountCreated {
            id: account,
            number,
            kind: AccountKind::Person,
            status: AccountStatus::Active,
            administrator: false,
            language: "en_US".to_owned(),
        },
    );
    // As the version before made the key.
    let key = email.to_lowercase();
    raw.execute(
        "INSERT INTO accounts VALUES (?1, ?2, ?3, 'person', 'active', 0, 'en_US', 0, ?4, ?5, ?6,
             ?7, NULL)",
        (ACME, account, number, NOW, revision, email, key),
    )
    .expect("inserts");
}

fn add_lease(raw: &Connection, number: u64, since: i64, holder: &str) {
    let used: u64 = raw
        .query_row("SELECT leases + 1 FROM applications", [], |row| row.get(0))
        .expect("counts");
    let lease = id(number.into());
    let revision = append(
        raw,
        Change::LeaseCheckedOut {
            id: lease,
            application: "kong".to_owned(),
            limit: None,
            used,
        },
    );
    raw.execute(
        "INSERT INTO leases VALUES (?1, ?2, 'kong', ?3, ?4, ?5, 1, ?6)",
        (ACME, lease, NOW, revision, holder, since + 100_000),
    )
    .expect("inserts");
    raw.execute("UPDATE applications SET leases = ?1", [used])
        .expect("updates");
}

/// A database of the fourth schema with these accounts and holders, the older ones first.
fn before(emails: &[(u64, &str)], holders: &[(u64, &str)]) -> tempfile::TempDir {
    let folder = older_schema(4);
    let raw = Connection::open(folder.path().join("lictor.db")).expect("opens");
    for (number, email) in emails {
        add_account(&raw, *number, email);
    }
    let persons = emails.len();
    raw.execute(
        "INSERT INTO account_counts VALUES (?1, 0, ?2, 0, 0, 0, 0, 0, 0, 0)",
        (ACME, persons),
    )
    .expect("inserts");
    for (number, holder) in holders {
        add_lease(&raw, *number, NOW, holder);
    }
    folder
}

fn opened(folder: &Path) -> Arc<dyn Store> {
    open(folder).expect("opens")
}

async fn found(store: &dyn Store, email: &str) -> Option<Uuid> {
    let found = store.account_by_email(ACME, email).await.expect("reads");
    found.map(|account| account.id)
}

#[tokio::test]
async fn of_two_accounts_with_one_e_mail_the_older_has_the_key_and_both_are_found() {
    let emails = [
        (11, "max@bücher.de"),
        (12, "max@xn--bcher-kva.de"),
        (13, "ada@example.com"),
        (14, "Ada@example.com."),
        (15, "eve@xn--a.de"),
    ];
    let folder = before(&emails, &[]);
    let report = check_folder(folder.path()).expect("checks");
    assert_eq!(report.differences, [""; 0]);
    let store = opened(folder.path());
    for (email, account) in [
        ("max@bücher.de", 11),
        ("MAX@bu\u{308}cher.de", 11),
        ("max@xn--bcher-kva.de", 12),
        ("max@XN--BCHER-KVA.de", 11),
        ("ada@example.com", 13),
        ("ADA@example.com.", 13),
        ("Ada@example.com.", 14),
        ("eve@xn--a.de", 15),
    ] {
        assert_eq!(found(&*store, email).await, Some(id(account)), "{email}");
    }
    assert_eq!(found(&*store, "eve@XN--a.de").await, None);
    let checked = store.check().await.expect("checks");
    assert_eq!(checked.differences, [""; 0]);
    assert_eq!(
        checked.notes, report.notes,
        "an older one is told of the same"
    );
    let named = [12, 14, 15].map(|account| format!("account {}: ", id(account)));
    assert_eq!(checked.notes.len(), named.len(), "{:?}", checked.notes);
    for (note, named) in checked.notes.iter().zip(named) {
        assert!(note.starts_with(&named), "{note}");
    }
}

#[tokio::test]
async fn the_key_goes_to_whoever_is_left_and_is_given_the_e_mail_again() {
    let folder = before(&[(11, "max@bücher.de"), (12, "max@xn--bcher-kva.de")], &[]);
    let store = opened(folder.path());
    let with = |email: &str| AccountPatch {
        email: Some(email.to_owned()),
        ..AccountPatch::default()
    };
    // As a client does that sends all of an account back.
    done(
        &*store,
        set_account(ACME, id(12), with("max@xn--bcher-kva.de")),
    )
    .await;
    refused(&*store, set_account(ACME, id(12), with("Max@bücher.de"))).await;
    // The key is its own, but the spelling is the other one's.
    let spelling = with("max@xn--bcher-kva.de");
    refused(&*store, set_account(ACME, id(11), spelling)).await;
    assert_eq!(found(&*store, "max@xn--bcher-kva.de").await, Some(id(12)));
    assert_eq!(store.check().await.expect("checks").notes.len(), 1);
    done(&*store, remove_account(ACME, id(11))).await;
    assert_eq!(found(&*store, "max@bücher.de").await, None);
    done(
        &*store,
        set_account(ACME, id(12), with("max@xn--bcher-kva.de")),
    )
    .await;
    assert_eq!(found(&*store, "max@bücher.de").await, Some(id(12)));
    let checked = store.check().await.expect("checks");
    assert_eq!((checked.differences, checked.notes), (vec![], vec![]));
}

#[tokio::test]
async fn of_two_leases_of_one_holder_each_is_renewed_and_comes_back() {
    let folder = before(
        &[],
        &[(21, "Alice"), (22, "alice"), (23, "alice "), (24, "bob")],
    );
    let report = check_folder(folder.path()).expect("checks");
    assert_eq!((report.differences.len(), report.notes.len()), (0, 2));
    let store = opened(folder.path());
    for (number, holder, lease) in [
        (1, "alice", 22),
        (2, "Alice", 21),
        (3, "alice ", 23),
        (4, "ALICE", 21),
        (5, " BOB", 24),
    ] {
        let out = check_out(ACME, "kong", (id(30 + number), holder), 9, NOW);
        let written = done(&*store, out).await;
        assert_eq!(written.entries, [], "{holder:?} has a lease");
        let kept = store
            .lease(ACME, id(lease))
            .await
            .expect("reads")
            .expect("a lease");
        assert!(kept.terms.fence > 1, "{holder:?}: {kept:?}");
    }
    let holders: Vec<_> = store.leases(ACME, "kong", None, 9).await.expect("reads");
    let holders: Vec<_> = holders.iter().map(|lease| &*lease.terms.holder).collect();
    assert_eq!(
        holders,
        ["Alice", "alice", "alice ", "bob"],
        "shown as first given"
    );
    assert_eq!(store.check().await.expect("checks").notes.len(), 2);
    for lease in [21, 22, 23] {
        done(&*store, give_back(ACME, id(lease), None)).await;
    }
    done(&*store, check_out(ACME, "kong", (id(40), "ALICE"), 9, NOW)).await;
    let again = check_out(ACME, "kong", (id(41), "alice"), 9, NOW);
    assert_eq!(done(&*store, again).await.entries, []);
    let checked = store.check().await.expect("checks");
    assert_eq!((checked.differences, checked.notes), (vec![], vec![]));
}

#[tokio::test]
async fn who_gave_one_of_two_spellings_back_comes_to_the_other() {
    let folder = before(&[], &[(21, "alice "), (22, "alice")]);
    let store = opened(folder.path());
    done(&*store, give_back(ACME, id(21), None)).await;
    for (number, holder) in [(1, "alice "), (2, " alice"), (3, "alice")] {
        let out = check_out(ACME, "kong", (id(30 + number), holder), 9, NOW);
        assert_eq!(done(&*store, out).await.entries, [], "{holder:?}");
    }
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

#[tokio::test]
async fn a_key_that_is_another_names_is_damage() {
    let folder = before(&[(11, "max@bücher.de")], &[(21, "Alice")]);
    drop(opened(folder.path()));
    let raw = Connection::open(folder.path().join("lictor.db")).expect("opens");
    for damage in [
        "UPDATE accounts SET email_key = 'eve@example.com'",
        "UPDATE leases SET holder_key = 'eve'",
    ] {
        raw.execute(damage, []).expect("damages");
    }
    let report = check_folder(folder.path()).expect("checks");
    assert_eq!(report.differences.len(), 2, "{:?}", report.differences);
}

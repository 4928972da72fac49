//! The data folder: who holds it, what is refused, backups.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lictor_core::change::Change;
use lictor_core::decision::Decision;
use lictor_core::digest::Digest;
use lictor_core::elapsed::Now;
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::facts::quota::Quota;
use lictor_core::facts::usage::{MAX_COUNT, UsageRow};
use lictor_core::ledger::{Entry, Head};
use lictor_core::record::Record;
use lictor_store::{
    ANSWER_KEPT_SECONDS, Dates, IdempotencyKey, OpenError, Store, Which, open_temporary, restore,
};
use rusqlite::Connection;

use super::{check_folder, fill, folder, open};
use crate::given::{
    ACME, NOW, acme, add_license, document, done, enroll_node, id, idempotent, write,
};
use crate::looks::some_licenses;
use crate::usage::{correct_usage, count, counts_of, refused_reports, report_usage};

#[tokio::test]
async fn what_was_written_is_there_after_opening_again() {
    let folder = folder();
    let store = open(folder.path()).expect("opens");
    fill(&*store).await;
    let before = store.licenses(ACME, None, None, 100).await.expect("reads");
    drop(store);
    let store = open(folder.path()).expect("opens again");
    assert_eq!(
        store.licenses(ACME, None, None, 100).await.expect("reads"),
        before
    );
    assert_eq!(before.len(), 12);
    done(
        &*store,
        add_license(ACME, id(99), &document(1, "Kong", 99), NOW),
    )
    .await;
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

#[tokio::test]
async fn a_folder_in_use_is_refused_and_its_holder_named() {
    let folder = folder();
    let store = open(folder.path()).expect("opens");
    store.note_address("127.0.0.1:8001").expect("notes");
    for refused in [
        open(folder.path()).map(drop),
        restore(&folder.path().join("lictor.db"), folder.path()),
    ] {
        let error = refused.expect_err("in use");
        let expected = format!(
            "process {}, listening on 127.0.0.1:8001",
            std::process::id()
        );
        assert!(
            matches!(&error, OpenError::InUse { holder, .. } if *holder == expected),
            "{error}"
        );
    }
    drop(store);
    open(folder.path()).expect("free again");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_what_is_made() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let data = folder.path().join("new").join("data");
    let store = open(&data).expect("opens");
    acme(&*store).await;
    let copy = store.backup().await.expect("copies");
    let copied = copy.file.metadata().expect("it is open");
    assert_eq!(copied.permissions().mode() & 0o777, 0o600);
    let mode = |path: &Path| {
        std::fs::metadata(path)
            .expect("is there")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(&data), 0o700);
    for file in std::fs::read_dir(&data).expect("lists") {
        let path = file.expect("an entry").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let folder = folder();
    drop(open(folder.path()).expect("opens"));
    let raw = Connection::open(folder.path().join("lictor.db")).expect("opens");
    raw.pragma_update(None, "user_version", 99).expect("sets");
    drop(raw);
    let error = open(folder.path()).map(drop).expect_err("newer");
    let OpenError::NewerSchema { found, known } = error else {
        panic!("{error}");
    };
    assert_eq!((found, known), (99, last_migration()));
}

/// The number of the last migration: `V24__node_counts.sql` has 24.
fn last_migration() -> i64 {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let files = migrations.read_dir().expect("the migrations");
    let numbers = files.map(|file| {
        let name = file.expect("a file").file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_prefix('V')?.split_once("__"));
        let (number, _) = number.expect("a migration");
        number.parse().expect("a number")
    });
    numbers.max().expect("some")
}

#[tokio::test]
async fn foreign_files_are_refused_and_left_alone() {
    let folder = folder();
    let path = folder.path().join("lictor.db");
    let raw = Connection::open(&path).expect("opens");
    raw.execute_batch("CREATE TABLE theirs (x)").expect("makes");
    drop(raw);
    for content in [
        std::fs::read(&path).expect("reads"),
        vec![b'x'; 9_000],
        b"PK".to_vec(),
    ] {
        std::fs::write(&path, &content).expect("writes");
        let error = open(folder.path()).map(drop).expect_err("foreign");
        assert!(matches!(error, OpenError::Foreign(_)), "{error}");
        assert_eq!(std::fs::read(&path).expect("reads"), content);
    }
}

#[test]
fn an_empty_database_file_or_a_lone_log_is_damage() {
    for name in ["lictor.db", "lictor.db-wal"] {
        let folder = folder();
        std::fs::write(folder.path().join(name), "").expect("writes");
        let error = open(folder.path()).map(drop).expect_err("damaged");
        assert!(matches!(error, OpenError::Corrupt(_)), "{error}");
    }
}

#[test]
fn a_first_start_that_was_cut_short_is_begun_again() {
    let folder = folder();
    std::fs::write(folder.path().join("lictor.db.new"), "half a database").expect("writes");
    open(folder.path()).expect("opens");
    assert!(!folder.path().join("lictor.db.new").exists());
}

async fn copy_into(file: &Path, store: &dyn Store) {
    let mut copy = store.backup().await.expect("copies");
    let mut file = std::fs::File::create(file).expect("makes");
    std::io::copy(&mut copy.file, &mut file).expect("writes");
}

#[tokio::test]
async fn a_restore_does_not_read_the_log_of_one_that_was_killed() {
    let folder = folder();
    let [former, other, target] =
        ["former", "other", "target"].map(|name| folder.path().join(name));
    let store = open(&other).expect("opens");
    acme(&*store).await;
    let backup = folder.path().join("backup");
    copy_into(&backup, &*store).await;
    // Another backup was being written when the restore before was killed.
    let store = open(&former).expect("opens");
    fill(&*store).await;
    std::fs::create_dir(&target).expect("a folder");
    for (from, to) in [
        ("lictor.db", "lictor.db.restored"),
        ("lictor.db-wal", "lictor.db.restored-wal"),
        ("lictor.db", "lictor.db.restored-journal"),
    ] {
        std::fs::copy(former.join(from), target.join(to)).expect("copies");
    }
    restore(&backup, &target).expect("restores");
    assert_eq!(names_in(&target), ["lictor.db", "lictor.lock"]);
    let restored = open(&target).expect("opens");
    let account = restored.account(ACME, id(50)).await.expect("reads");
    assert!(account.is_none(), "{account:?}");
    assert_eq!(restored.check().await.expect("checks").differences, [""; 0]);
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("lists");
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<String> = entries
        .map(|entry| name(entry).to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_backup_has_no_name_that_could_stay_behind() {
    let folder = folder();
    let store = open(folder.path()).expect("opens");
    fill(&*store).await;
    let before = names_in(folder.path());
    let copy = store.backup().await.expect("copies");
    assert_eq!(names_in(folder.path()), before);
    assert!(copy.file.metadata().expect("it is open").len() > 4_096);
}

#[test]
fn the_backup_of_a_killed_server_is_removed_at_the_next_start() {
    let folder = folder();
    drop(open(folder.path()).expect("opens"));
    for name in [".backup-x7Kq2A", ".backup-x7Kq2A-journal", ".other"] {
        std::fs::write(folder.path().join(name), "half a copy").expect("writes");
    }
    let store = open(folder.path()).expect("opens");
    let names = names_in(folder.path());
    assert!(
        !names.iter().any(|name| name.starts_with(".backup-")),
        "{names:?}"
    );
    assert!(names.contains(&".other".to_owned()));
    // It is not one of ours while somebody else holds the folder.
    let theirs = folder.path().join(".backup-b81LmZ");
    std::fs::write(&theirs, "their copy").expect("writes");
    open(folder.path()).map(drop).expect_err("in use");
    assert!(theirs.exists());
    drop(store);
}

#[tokio::test]
async fn a_backup_made_among_writes_is_whole_and_can_be_restored() {
    let folder = folder();
    let store = open(&folder.path().join("data")).expect("opens");
    fill(&*store).await;
    let stop = Arc::new(AtomicBool::new(false));
    let (writer, ended) = (Arc::clone(&store), Arc::clone(&stop));
    let writes = tokio::spawn(async move {
        let mut number = 1_000;
        while !ended.load(Ordering::Relaxed) {
            number += 1;
            let document = document(1, "Kong", number);
            done(
                &*writer,
                add_license(ACME, id(number.into()), &document, NOW),
            )
            .await;
        }
    });
    let file = folder.path().join("copy.db");
    copy_into(&file, &*store).await;
    stop.store(true, Ordering::Relaxed);
    writes.await.expect("ends");
    let restored = folder.path().join("restored");
    restore(&file, &restored).expect("restores");
    let report = check_folder(&restored).expect("checks");
    assert_eq!((report.differences, report.streams), (vec![], 3));
    let copy = open(&restored).expect("opens");
    assert!(
        copy.licenses(ACME, None, None, 100)
            .await
            .expect("reads")
            .len()
            >= 12
    );
    done(
        &*copy,
        add_license(ACME, id(999), &document(1, "Kong", 1), NOW),
    )
    .await;
    drop(copy);
    let again = restore(&file, &restored).expect_err("holds one");
    assert!(matches!(again, OpenError::Exists(_)), "{again}");
}

#[tokio::test]
async fn a_backup_that_does_not_agree_with_itself_is_not_installed() {
    let folder = folder();
    let store = open_temporary().expect("opens");
    fill(&*store).await;
    let file = folder.path().join("copy.db");
    copy_into(&file, &*store).await;
    let raw = Connection::open(&file).expect("opens");
    raw.execute("DELETE FROM entries WHERE position = 3", [])
        .expect("deletes");
    drop(raw);
    let target = folder.path().join("target");
    let error = restore(&file, &target).expect_err("differs");
    assert!(matches!(error, OpenError::Differs { .. }), "{error}");
    std::fs::write(&file, "no database").expect("writes");
    assert!(matches!(
        restore(&file, &target),
        Err(OpenError::Foreign(_))
    ));
    assert!(matches!(
        restore(&target, &target),
        Err(OpenError::File { .. })
    ));
    assert!(!target.exists(), "what is refused leaves nothing behind");
    assert!(matches!(check_folder(&target), Err(OpenError::Missing(_))));
}

#[tokio::test]
async fn a_check_beside_a_running_server_or_without_one_changes_nothing() {
    let folder = folder();
    let store = open(folder.path()).expect("opens");
    fill(&*store).await;
    let report = check_folder(folder.path()).expect("checks");
    assert_eq!((report.differences, report.licenses), (vec![], 12));
    drop(store);
    let before = std::fs::read(folder.path().join("lictor.db")).expect("reads");
    assert_eq!(check_folder(folder.path()).expect("checks").licenses, 12);
    assert_eq!(
        std::fs::read(folder.path().join("lictor.db")).expect("reads"),
        before
    );
}

#[tokio::test]
async fn the_files_of_a_killed_server_open_without_help() {
    let (folder, copy) = (folder(), folder());
    let store = open(folder.path()).expect("opens");
    fill(&*store).await;
    // What a kill leaves behind: the log was never folded in.
    for name in ["lictor.db", "lictor.db-wal", "lictor.db-shm", "lictor.lock"] {
        std::fs::copy(folder.path().join(name), copy.path().join(name)).expect("copies");
    }
    let survivor = open(copy.path()).expect("opens");
    let licenses = survivor
        .licenses(ACME, None, None, 100)
        .await
        .expect("reads");
    assert_eq!(
        licenses,
        store.licenses(ACME, None, None, 100).await.expect("reads")
    );
    assert_eq!(survivor.check().await.expect("checks").differences, [""; 0]);
    done(
        &*survivor,
        add_license(ACME, id(99), &document(1, "Kong", 99), NOW),
    )
    .await;
}

#[tokio::test]
async fn expired_answers_are_deleted_in_the_end() {
    let folder = folder();
    let store = open(folder.path()).expect("opens");
    acme(&*store).await;
    let tomorrow = NOW + ANSWER_KEPT_SECONDS;
    for number in 0..1_100 {
        let key = IdempotencyKey {
            token: id(1),
            route: "POST /v1/licenses".to_owned(),
            key: number.to_string(),
            request_sha256: [0; 32],
        };
        let now = if number < 500 { NOW } else { tomorrow };
        let nothing = write(ACME, now, vec![], |_| Ok(Decision::nothing()));
        done(&*store, idempotent(nothing, &key)).await;
    }
    let now = Now::at(tomorrow);
    assert!(
        !store
            .has_expired(Now::at(tomorrow - 1))
            .await
            .expect("reads")
    );
    assert!(store.has_expired(now).await.expect("reads"));
    let drop_some = write(INSTALLATION, tomorrow, vec![], |_| {
        let mut decision = Decision::nothing();
        decision.records.push(Record::ExpiredDropped);
        Ok(decision)
    });
    done(&*store, drop_some).await;
    assert!(!store.has_expired(now).await.expect("reads"));
    let raw = Connection::open(folder.path().join("lictor.db")).expect("opens");
    let kept: i64 = raw
        .query_row("SELECT count(*) FROM answers", [], |row| row.get(0))
        .expect("counts");
    assert_eq!(kept, 600);
    let bounds = store.bounds(ACME, Now::at(NOW)).await.expect("reads");
    let counted = bounds.expect("is there").used.of(Quota::KeptAnswers);
    assert_eq!(counted, 600);
}

mod embedded {
    refinery::embed_migrations!("migrations/sqlite");
}

/// A folder with a database that the first version made and the one with this schema left: with an
/// organization and its license.
pub(super) fn older_schema(schema: i32) -> tempfile::TempDir {
    let folder = folder();
    let path = folder.path().join("lictor.db");
    let mut raw = Connection::open(&path).expect("opens");
    raw.pragma_update(None, "journal_mode", "wal")
        .expect("sets");
    embedded::migrations::runner()
        .set_target(refinery::Target::Version(1))
        .run(&mut raw)
        .expect("migrates");
    let entry = |position, change: Change| Entry {
        stream: ACME,
        position,
        at: NOW,
        actor: None,
        change,
    };
    let document = document(1, "Kong", 1);
    let sha256 = Digest::of(document.payload().as_bytes());
    let kong = || "kong".to_owned();
    let entries = [
        entry(1, Change::ApplicationCreated { key: kong() }),
        entry(
            2,
            Change::LicenseWritten {
                id: id(7),
                application: kong(),
                payload_sha256: sha256,
                created_at: NOW,
                updated_at: NOW,
                replaces: None,
            },
        ),
    ];
    let created = Entry {
        stream: INSTALLATION,
        position: 1,
        at: NOW,
        actor: None,
        change: Change::OrganizationCreated {
            id: ACME,
            key: "acme".to_owned(),
            number: 5,
        },
    };
    let mut heads = [(INSTALLATION, Head::EMPTY), (ACME, Head::EMPTY)];
    for (head, entries) in heads.iter_mut().zip([&[created][..], &entries[..]]) {
        for entry in entries {
            let body = entry.to_body().expect("a body");
            head.1 = head.1.next(&body);
            let row = (entry.stream, entry.position, head.1.hash.0, body);
            raw.execute("INSERT INTO entries VALUES (?1, ?2, ?3, ?4)", row)
                .expect("inserts");
        }
    }
    raw.execute("DELETE FROM heads", []).expect("deletes");
    for ((stream, head), newest) in heads.into_iter().zip([0, NOW]) {
        let row = (stream, head.position, head.hash.0, newest);
        raw.execute("INSERT INTO heads VALUES (?1, ?2, ?3, ?4, 0)", row)
            .expect("inserts");
    }
    raw.execute(
        "INSERT INTO organizations (id, key, number, created_at) VALUES (?1, 'acme', 5, ?2)",
        (ACME, NOW),
    )
    .expect("inserts");
    raw.execute("INSERT INTO applications VALUES (?1, 'kong')", [ACME])
        .expect("inserts");
    // Neither months nor sums were bounded then.
    raw.execute(
        "INSERT INTO usage VALUES (?1, '0001-01', 'web', 'edge', 9007199254740991),
             (?1, '2026-11', 'web', 'edge', 9007199254740991), (?1, 'UNKNOWN', 'web', 'old', 7)",
        [ACME],
    )
    .expect("inserts");
    raw.execute(
        "INSERT INTO licenses VALUES (?1, ?2, 'kong', ?3, ?4, ?4, 2)",
        (ACME, id(7), sha256.0, NOW),
    )
    .expect("inserts");
    raw.execute(
        "INSERT INTO payloads VALUES (?1, ?2, ?3)",
        (ACME, sha256.0, &**document.payload()),
    )
    .expect("inserts");
    embedded::migrations::runner()
        .set_target(refinery::Target::Version(schema))
        .run(&mut raw)
        .expect("migrates");
    folder
}

#[tokio::test]
async fn an_older_schema_is_checked_as_it_is_and_migrated_when_it_is_opened() {
    for schema in 1..=4 {
        is_checked_and_migrated(older_schema(schema)).await;
    }
}

async fn is_checked_and_migrated(folder: tempfile::TempDir) {
    let path = folder.path().join("lictor.db");
    let before = std::fs::read(&path).expect("reads");
    let report = check_folder(folder.path()).expect("checks");
    assert_eq!(report.differences, [""; 0]);
    assert_eq!((report.entries, report.licenses), (3, 1));
    assert_eq!(std::fs::read(&path).expect("reads"), before, "unchanged");
    let raw = Connection::open(&path).expect("opens");
    raw.execute("UPDATE licenses SET created_at = 1", [])
        .expect("damages");
    let report = check_folder(folder.path()).expect("checks");
    assert!(
        !report.differences.is_empty(),
        "an older one is checked too"
    );
    raw.execute("UPDATE licenses SET created_at = ?1", [NOW])
        .expect("mends");
    drop(raw);
    let store = open(folder.path()).expect("opens");
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
    let basis = store.basis(ACME).await.expect("reads");
    assert_eq!((basis.licenses, basis.trust), (2, 0));
    let counted = store
        .bounds(ACME, Now::at(NOW))
        .await
        .expect("reads")
        .expect("is there");
    for (quota, count) in [
        (Quota::Licenses, 1),
        (Quota::Applications, 1),
        (Quota::Tokens, 0),
    ] {
        assert_eq!(counted.used.of(quota), count, "{quota}");
    }
    let license = store.license(ACME, id(7)).await.expect("reads");
    assert!(license.is_some());
    let dates = Dates {
        ends_after: Some(NOW),
        begun_by: Some(NOW),
        begins_after: None,
    };
    let running = some_licenses(&*store, ACME, "kong", Which::LastToEnd(dates), 9).await;
    assert_eq!(running, Vec::from_iter(license), "its dates are known");
    let counts = |rows: Vec<UsageRow>| rows.iter().map(UsageRow::count).collect::<Vec<_>>();
    let usage = async || counts(counts_of(&*store, ACME).await);
    assert_eq!(usage().await, [MAX_COUNT, MAX_COUNT, 7]);
    done(
        &*store,
        report_usage(ACME, vec![count("edge", "web", "2026-11", 9)]),
    )
    .await;
    let more = vec![count("new", "web", "2026-11", 1)];
    let refused = refused_reports(&*store, report_usage(ACME, more)).await;
    assert_eq!(refused, [0], "the sum is too large already");
    done(&*store, correct_usage(ACME, -5)).await;
    assert_eq!(usage().await, [MAX_COUNT, MAX_COUNT - 5, 7]);
    done(&*store, enroll_node(ACME, (id(90), "edge"), "kong", None)).await;
    let node = store.node(ACME, id(90)).await.expect("reads");
    assert!(node.is_some(), "what came later is there");
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

//! What ended or was refused before records of it were kept: it is neither missed nor made up.

use lictor_core::change::Change;
use lictor_core::digest::Digest;
use lictor_core::facts::lease::LeaseEnd;
use lictor_core::facts::seats::SeatReason;
use lictor_core::ledger::{Entry, Head};
use lictor_store::EndedFilter;
use rusqlite::Connection;

use super::files::older_schema;
use super::{check_folder, open};
use crate::given::{ACME, NOW, check_out, done, give_back, id};

/// Adds entries to the ledger of [`ACME`], as an older version did.
fn append(raw: &Connection, changes: Vec<Change>) {
    let stream = ACME;
    let mut head = raw
        .query_row(
            "SELECT position, hash FROM heads WHERE stream = ?1",
            [stream],
            |row| {
                let (position, hash) = (row.get(0)?, Digest(row.get(1)?));
                Ok(Head { position, hash })
            },
        )
        .expect("a head");
    for change in changes {
        let entry = Entry {
            stream,
            position: head.position + 1,
            at: NOW,
            actor: None,
            change,
        };
        let body = entry.to_body().expect("a body");
        head = head.next(&body);
        let row = (stream, head.position, head.hash.0, body);
        raw.execute("INSERT INTO entries VALUES (?1, ?2, ?3, ?4)", row)
            .expect("inserts");
    }
    raw.execute(
        "UPDATE heads SET position = ?2, hash = ?3 WHERE stream = ?1",
        (stream, head.position, head.hash.0),
    )
    .expect("updates");
}

#[tokio::test]
async fn what_ended_before_the_records_is_not_missed_and_refusals_are_summed_up() {
    let folder = older_schema(4);
    let raw = Connection::open(folder.path().join("lictor.db")).expect("opens");
    let application = || "kong".to_owned();
    let out = Change::LeaseCheckedOut {
        id: id(30),
        application: application(),
        limit: None,
        used: 1,
    };
    let ended = Change::LeaseEnded {
        id: id(30),
        application: application(),
        reason: LeaseEnd::Released,
    };
    append(&raw, vec![out, ended]);
    let minute = NOW / 60;
    // The last one is of the hour before 1970.
    for (minute, holder, count) in [(minute, "Ada", 1), (minute + 1, "ada", 3), (-1, "ada", 2)] {
        raw.execute(
            "INSERT INTO refusals (organization_id, minute, application, kind, holder, reason,
                 count, used, position)
             VALUES (?1, ?2, 'kong', 'lease', ?3, 'unlicensed', ?4, 0, 4)",
            (ACME, minute, holder, count),
        )
        .expect("inserts");
    }
    drop(raw);
    let report = check_folder(folder.path()).expect("checks");
    assert_eq!(report.differences, [""; 0], "as it is");
    let store = open(folder.path()).expect("opens");
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
    let firsts = store.refusals(ACME, None, 9).await.expect("reads");
    let firsts = firsts.iter().map(|row| row.first_position);
    assert_eq!(firsts.collect::<Vec<_>>(), [None, Some(4), None]);
    let sums = store.refusal_sums(ACME, None, 9).await.expect("reads");
    let sums = sums.iter().map(|sum| (sum.hour, sum.reason, sum.count));
    let why = SeatReason::Unlicensed;
    assert_eq!(
        sums.collect::<Vec<_>>(),
        [(NOW / 3_600, why, 4), (-1, why, 2)]
    );
    // From now on there is a record, and it is missed when it is gone.
    done(&*store, check_out(ACME, "kong", (id(31), "Ada"), 5, NOW)).await;
    done(&*store, give_back(ACME, id(31), None)).await;
    let kong = EndedFilter {
        application: application(),
        ..EndedFilter::default()
    };
    let kept = store.ended_leases(ACME, &kong, None, 9).await;
    assert_eq!(kept.expect("reads").len(), 1);
    drop(store);
    let raw = Connection::open(folder.path().join("lictor.db")).expect("opens");
    raw.execute("DELETE FROM ended_leases", [])
        .expect("deletes");
    drop(raw);
    let found = check_folder(folder.path()).expect("checks").differences;
    let expected = format!(
        "stream {ACME}: the record of ended lease {} is missing",
        id(31)
    );
    let counted = format!("stream {ACME}: the count of ended-leases differs");
    assert_eq!(found, [expected, counted]);
}

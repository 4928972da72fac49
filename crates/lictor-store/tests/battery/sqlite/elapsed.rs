//! What the migration to elapsed time leaves as it was: ends that were stored keep their values.

use lictor_store::{Answer, IdempotencyKey};
use rusqlite::Connection;

use super::files::older_schema;
use super::open;
use crate::given::{ACME, NOW, at, id};

#[tokio::test]
async fn ends_that_were_stored_keep_their_values_on_the_line_of_elapsed_time() {
    let folder = older_schema(4);
    let raw = Connection::open(folder.path().join("lictor.db")).expect("opens");
    raw.execute(
        "INSERT INTO leases VALUES (?1, ?2, 'kong', ?3, 9, 'device', 1, ?3 + 60)",
        (ACME, id(80), NOW),
    )
    .expect("inserts");
    raw.execute(
        "INSERT INTO answers VALUES (?1, 'POST /v1/x', 'k', zeroblob(32), 201, 'once', ?2 + 100)",
        (id(1), NOW),
    )
    .expect("inserts");
    raw.execute(
        "INSERT INTO grants (organization_id, id, client, by_code, created_at, revision)
         VALUES (?1, ?2, ?2, 1, ?3, 9)",
        (ACME, id(41), NOW),
    )
    .expect("inserts");
    drop(raw);
    let store = open(folder.path()).expect("opens");
    assert_eq!(store.clock().await.expect("reads"), None, "it begins now");
    let lease = store.lease(ACME, id(80)).await.expect("reads");
    assert_eq!(lease.expect("a lease").terms.expires_at, at(NOW + 60));
    let key = IdempotencyKey {
        token: id(1),
        route: "POST /v1/x".to_owned(),
        key: "k".to_owned(),
        request_sha256: [0; 32],
    };
    let answer = Answer {
        status: 201,
        body: "once".to_owned(),
    };
    for (second, kept) in [(NOW + 99, Some(answer)), (NOW + 100, None)] {
        let found = store.answered(ACME, &key, at(second)).await.expect("reads");
        assert_eq!(found, kept);
    }
    let raw = Connection::open(folder.path().join("lictor.db")).expect("opens");
    let given: i64 = raw
        .query_row("SELECT given_at FROM grants", [], |row| row.get(0))
        .expect("reads");
    assert_eq!(given, NOW);
}

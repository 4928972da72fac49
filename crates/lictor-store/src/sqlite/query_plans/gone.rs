//! A test of how many steps the first page of each list takes where all rows of its table are gone.

use rusqlite::{Connection, StatementStatus};
use uuid::Uuid;

use super::super::{accounts, clients, node_pools, nodes};
use super::grown;

/// How many steps an empty page takes.
fn steps(database: &Connection, sql: &str) -> i32 {
    let mut statement = database.prepare(sql).expect("prepares");
    let organization = Uuid::from_u128(1);
    let rows = statement.query_map((organization, Vec::<u8>::new(), 10), |_| Ok(()));
    assert_eq!(rows.expect("asks").count(), 0, "{sql}");
    statement.get_status(StatementStatus::VmStep)
}

#[test]
fn no_page_walks_through_what_is_gone() {
    let (empty, full) = (grown::database(0), grown::database(1));
    full.execute_batch(
        "UPDATE accounts SET status = 'removed'; UPDATE clients SET removed_at = 1;
         UPDATE node_pools SET revoked_at = 1; UPDATE nodes SET revoked_at = 1",
    )
    .expect("they go");
    for sql in [
        accounts::page_sql(),
        clients::page_sql(),
        node_pools::page_sql(),
        nodes::page_sql(),
    ] {
        let [none, gone] = [&empty, &full].map(|database| steps(database, &sql));
        assert!(gone < none + 100, "{gone} steps, not {none}: {sql}");
    }
}

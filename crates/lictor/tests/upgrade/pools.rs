//! Nodes that came and went under the binary of commit 9a41a4a, which counted them anew at each look: what
//! its successor fills in for them, and keeps from then on.
//!
//! The folder `9a41a4a` was made by that binary. In the organization `default` a node of `konnect` has
//! joined, one has not, one was revoked after it joined and one before; of the four of the pool `edge` one
//! said goodbye and one was revoked; the pool `retired` was revoked, and its node goes on; a node of `editor`
//! has not joined, and `kong` has none. In `acme` one node joined by another pool `edge`.

use lictor_store::New;
use rusqlite::{Connection, Row};

use crate::fixture::Fixture;

const ROWS: &str = include_str!("9a41a4a/server.sql");

const APPLICATIONS: &str = "SELECT organizations.key, applications.key, nodes, joined_nodes
     FROM applications JOIN organizations ON organizations.id = organization_id ORDER BY 1, 2";

const POOLS: &str = "SELECT organizations.key, node_pools.name, 0, taken
     FROM node_pools JOIN organizations ON organizations.id = organization_id ORDER BY 1, 2";

fn counts(database: &Connection, sql: &str) -> Vec<(String, String, u64, u64)> {
    let mut statement = database.prepare(sql).expect("a statement");
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let rows = statement.query_map([], read).expect("rows");
    rows.collect::<Result<_, _>>().expect("counts")
}

#[test]
fn nodes_that_came_and_went_before_they_were_counted_are_counted() {
    let fixture = Fixture::of(ROWS);
    drop(lictor_store::open(fixture.data(), New::Beside(&[])).expect("it is migrated"));
    let database = Connection::open(fixture.data().join("lictor.db")).expect("a database");
    let row = |organization: &str, key: &str, nodes, joined| {
        (organization.to_owned(), key.to_owned(), nodes, joined)
    };
    assert_eq!(
        counts(&database, APPLICATIONS),
        [
            row("acme", "konnect", 1, 1),
            row("default", "editor", 1, 0),
            row("default", "kong", 0, 0),
            row("default", "konnect", 5, 4),
        ]
    );
    assert_eq!(
        counts(&database, POOLS),
        [
            row("acme", "edge", 0, 1),
            row("default", "edge", 0, 2),
            row("default", "retired", 0, 1),
        ]
    );
    database.close().expect("it closes");
    fixture.check();
}

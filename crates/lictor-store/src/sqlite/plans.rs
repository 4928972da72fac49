//! A test of how SQLite answers the statements about leases, ended leases and seats: by search in an
//! index, whatever is stored.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use lictor_core::{Elapsed, LeaseEnd, SeatId, Timestamp};
use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use uuid::Uuid;

use super::{ended, facts, heads, open, refusals, rows, seats};
use crate::{EndedFilter, EndedKey, Fact};

/// The tables that grow with what is given to people and machines.
const TABLES: [&str; 4] = ["leases", "ended_leases", "seats", "refusals"];

const ACME: Uuid = Uuid::from_u128(1);
const NOW: Elapsed = Elapsed::from_seconds(1_000_000);

/// A database of this build, with the statements that it is asked.
fn traced() -> (Connection, Arc<Mutex<BTreeSet<String>>>) {
    let mut database = open::migrated(open::KNOWN_SCHEMA).expect("migrates");
    let asked: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let noted = Arc::clone(&asked);
    let note = move |event: TraceEvent<'_>| {
        if let TraceEvent::Stmt(statement, _) = event {
            let sql = statement.sql().into_owned();
            noted.lock().expect("no panic").insert(sql);
        }
    };
    database
        .trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(note))
        .expect("traces");
    (database, asked)
}

/// Leases, ended leases, seats and refusals of three organizations.
fn fill(database: &Connection) {
    database
        .execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000),
                 places AS (SELECT i, zeroblob(15) || char(i % 3 + 1) AS organization,
                     'app-' || (i % 7) AS application FROM n)
             INSERT INTO leases (organization_id, id, application, since, revision, holder,
                     holder_key, fence, expires_at)
                 SELECT CAST(organization AS BLOB), randomblob(16), application, i, i, 'h' || i,
                     'h' || i, 1, i FROM places;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
             INSERT INTO ended_leases (organization_id, application, until, position, id, since,
                     reason, holder, holder_key)
                 SELECT CAST(zeroblob(15) || char(i % 3 + 1) AS BLOB), 'app-' || (i % 7), i, i,
                     randomblob(16), i, 'expired', 'h' || (i % 50), 'h' || (i % 50) FROM n;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
             INSERT INTO seats (organization_id, application, account_id, since, revision)
                 SELECT CAST(zeroblob(15) || char(i % 3 + 1) AS BLOB), 'app-' || (i % 7),
                     randomblob(16), i, i FROM n;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
             INSERT INTO refusals (organization_id, minute, application, kind, holder, reason,
                     count, used, position, holder_key)
                 SELECT CAST(zeroblob(15) || char(i % 3 + 1) AS BLOB), i, 'app', 'lease', 'h' || i,
                     'exhausted', 1, 0, i, 'h' || i FROM n;",
        )
        .expect("fills");
}

/// Asks for all that a server asks for of these tables.
fn ask(database: &Connection) {
    let account = Uuid::from_u128(7);
    let facts = [
        Fact::Seat(SeatId {
            application: "app-1".to_owned(),
            account,
        }),
        Fact::SeatsOf(account),
        Fact::Lease(account),
        Fact::LeaseOf {
            application: "app-1".to_owned(),
            holder: "h1".to_owned(),
        },
        Fact::Holder("h1".to_owned()),
        Fact::Due(NOW),
    ];
    let head = heads::one(database, lictor_core::INSTALLATION)
        .expect("reads")
        .expect("is there");
    let mut decoded = rows::DecodedKeys::default();
    facts::load(database, ACME, &head, 0, &facts, &mut decoded).expect("loads");
    seats::seats_page(database, ACME, "app-1", Some(account), 9).expect("reads");
    seats::leases_page(database, ACME, "app-1", Some("h1"), 9).expect("reads");
    seats::due(database, NOW).expect("reads");
    let key = EndedKey {
        until: 5,
        position: 5,
    };
    for holder in [None, Some("h1".to_owned())] {
        let filter = EndedFilter {
            application: "app-1".to_owned(),
            holder,
            since: Some(1),
            until: Some(9),
        };
        ended::page(database, ACME, &filter, Some(key), 9).expect("reads");
    }
    ended::of_holder(database, ACME, "h1", 9).expect("reads");
    ended::due(database, Timestamp::MAX, 9).expect("reads");
    ended::one(database, ACME, "app-1", key).expect("reads");
    ended::keep(database, ACME, account, (1, 1), LeaseEnd::Expired).expect("writes");
    ended::drop_some(database, ACME, "app-1", 1).expect("writes");
    refusals::page(database, ACME, None, 9).expect("reads");
    refusals::of_holder(database, ACME, "h1").expect("reads");
    refusals::forget(database, ACME, "h1").expect("writes");
}

/// The steps of a statement's plan that read one of the [`TABLES`] as a whole, or all that one
/// organization has in it.
fn walks(database: &Connection, sql: &str) -> Vec<String> {
    let mut plan = database
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .expect("explains");
    let steps = plan.raw_query();
    let steps = steps.mapped(|row| row.get::<_, String>(3));
    let steps: Vec<String> = steps.collect::<Result<_, _>>().expect("reads");
    // The last of the ended leases, of which there are few, are in no index and are sorted.
    let sorts = |step: &String| step.contains("TEMP B-TREE") && !sql.contains("NOT INDEXED");
    let walks = |step: &String| {
        let words: Vec<_> = step.split(' ').collect();
        let of_ours = words.get(1).is_some_and(|table| TABLES.contains(table));
        // A search without a condition reads the first or the last row alone.
        let narrowed = (step.contains('(') && !step.ends_with("(organization_id=?)"))
            || (words.len() == 2 && words[0] == "SEARCH");
        // Rows from before two spellings of a holder were one, of which there are few.
        of_ours && !narrowed && !step.contains("INDEX leases_apart ")
    };
    let wrong = steps.iter().filter(|step| sorts(step) || walks(step));
    wrong.map(|step| format!("{step} IN {sql}")).collect()
}

#[test]
fn what_people_and_machines_hold_is_searched_for_in_an_index() {
    for filled in [false, true] {
        let (database, asked) = traced();
        if filled {
            fill(&database);
        }
        asked.lock().expect("no panic").clear();
        ask(&database);
        let asked: Vec<_> = asked.lock().expect("no panic").iter().cloned().collect();
        let about = |sql: &&String| TABLES.iter().any(|table| sql.contains(table));
        assert!(asked.iter().filter(about).count() >= 17, "{asked:#?}");
        // With and without what SQLite knows of the tables once they were analyzed.
        for analyzed in [false, true] {
            if analyzed {
                database.execute_batch("ANALYZE").expect("analyzes");
            }
            let walks: Vec<_> = asked.iter().flat_map(|sql| walks(&database, sql)).collect();
            assert!(
                walks.is_empty(),
                "filled {filled}, analyzed {analyzed}: {walks:#?}"
            );
        }
    }
}

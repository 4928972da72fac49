//! A test of how SQLite answers each statement: by search in an index, whatever is stored.

mod counted;
mod gone;
mod grown;
mod source;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use lictor_core::Timestamp;
use lictor_core::digest::Digest;
use lictor_core::elapsed::{Elapsed, Now};
use lictor_core::facts::lease::LeaseEnd;
use lictor_core::facts::seats::SeatId;
use lictor_core::state::State;
use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use uuid::Uuid;

use super::heads::Heads;
use super::transaction::Transaction;
use super::{clients, ended, expired, looks, node_pools, nodes, open, reads, refusals, seats};
use crate::effects::Ended;
use crate::facts::GrantBy;
use crate::{Dates, EndedFilter, EndedKey, Fact, Licenses as _, PoolBy, Which, facts};

/// The tables of an installation that do not grow with its tenants and what they do.
const SMALL: [&str; 3] = ["clock", "settings", "trusted_keys"];

/// What may walk through a table, by a part of the statement, with a `$` by its end, and why.
const ALLOWED: [(&str, &str); 25] = [
    (
        "FROM ended_leases WHERE in_index = 0 AND holder_key IS NOT NULL",
        "the check",
    ),
    ("FROM ({sums}) GROUP BY", "the check"),
    ("AS found FROM usage", "the check"),
    (
        "SELECT organization_id, service FROM usage EXCEPT",
        "the check",
    ),
    ("SELECT count(*) FROM ended_leases WHERE", "the check"),
    ("FROM node_pools WHERE organization_id = ?1$", "the check"),
    ("email_key IS NOT email_key(email)", "the check"),
    (
        "instr(body, '\"type\":\"account_removed\"')",
        "putting a backup back, which copies all of it",
    ),
    (
        "FROM accounts AS apart INDEXED BY accounts_apart",
        "rows from before two spellings were one",
    ),
    (
        "FROM leases INDEXED BY leases_apart",
        "rows from before two spellings were one",
    ),
    (
        "FROM heads ORDER BY position DESC LIMIT",
        "once, at the start; a row for each organization",
    ),
    (
        "FROM organizations WHERE removed = 0 ORDER BY key",
        "all live organizations are kept in memory",
    ),
    (
        "coalesce(sum(payload_bytes), 0) FROM heads",
        "metrics; a row for each organization",
    ),
    (
        "WITH RECURSIVE found(id)",
        "each step reads the first row of an index after the one before",
    ),
    (
        "organizations_to_erase",
        "an index of those alone that are answered",
    ),
    (
        "nodes INDEXED BY nodes_live_of_pool JOIN node_pools",
        "all nodes of pools that live, which are answered",
    ),
    (
        "INDEXED BY accounts_administrators",
        "the first or the second of them is the answer",
    ),
    (
        "FROM licenses WHERE organization_id = ?1 LIMIT 1$",
        "whichever is the first",
    ),
    (
        "FROM tokens INDEXED BY tokens_unrevoked",
        "those that live, which are counted",
    ),
    (
        "SELECT organization_id, minute, application, kind, holder, reason FROM refusals WHERE organization_id = ?1 LIMIT",
        "whichever are the first",
    ),
    (
        "AND true ORDER BY updated_at DESC, revision DESC LIMIT 1",
        "the first of the index is the answer",
    ),
    (
        "FROM usage_month_sums WHERE organization_id = ?1$",
        "a row for each month, which are answered",
    ),
    (
        "FROM applications INDEXED BY applications_with_nodes",
        "applications that have nodes, which are answered",
    ),
    ("ORDER BY month = ?3 LIMIT 1", "of two months"),
    (
        "FROM applications WHERE organization_id = ?1 ORDER BY key$",
        "all of them are answered",
    ),
];

const ACME: Uuid = Uuid::from_u128(1);
const NOW: Elapsed = Elapsed::from_seconds(1_000_000);

/// A database of this build, with the statements that it is asked.
fn traced() -> (Connection, Arc<Mutex<BTreeSet<String>>>) {
    let mut database = open::migrated(open::known_schema()).expect("migrates");
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
    load(database, &facts);
    for by in [
        GrantBy::Id(account),
        GrantBy::Code(Digest([0; 32])),
        GrantBy::RefreshToken(Digest([0; 32])),
    ] {
        clients::one_grant(database, ACME, by).expect("reads");
    }
    ask_for_licenses(database);
    ask_for_nodes(database);
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
    ended::drop_some(database, ACME, "app-1", 1, 9).expect("writes");
    refusals::page(database, ACME, None, 9).expect("reads");
    refusals::of_holder(database, ACME, "h1", 9).expect("reads");
    refusals::forget(database, ACME, "h3", 9).expect("writes");
    let start = Now::at(0).elapsed();
    for ended in [
        Ended::Answers(start),
        Ended::Codes(start),
        Ended::AccessTokens(start),
        Ended::Refusals(0),
    ] {
        expired::drop_some(database, ended, 9).expect("writes");
    }
}

/// Loads facts as a write does.
fn load(database: &Connection, facts: &[Fact]) {
    let mut heads = Heads::default();
    let mut transaction = Transaction::new(database, &mut heads);
    facts::load(&mut transaction, ACME, facts, &mut State::default()).expect("loads");
}

fn ask_for_licenses(database: &Connection) {
    let (app, now) = ("app-1", Timestamp::MAX);
    for application in [None, Some(app)] {
        reads::licenses_page(database, ACME, application, None, 9).expect("reads");
    }
    let dates = Dates {
        ends_after: Some(now),
        begun_by: Some(now),
        begins_after: Some(now),
    };
    let newest = |dates| Which::Newest {
        before: None,
        dates,
    };
    let seen = looks::Seen {
        database,
        organization: ACME,
        application: app,
    };
    for which in [
        newest(Dates::default()),
        newest(dates),
        Which::LastToEnd(dates),
        Which::Waiting(0),
    ] {
        seen.some(which, 9).expect("reads");
    }
    reads::licenses_since(database, ACME, app, (now, 1), (9, 9)).expect("reads");
    reads::license(database, ACME, ACME).expect("reads");
    reads::current_license(database, ACME).expect("reads");
}

fn ask_for_nodes(database: &Connection) {
    nodes::one(database, ACME, ACME).expect("reads");
    nodes::by_name(database, ACME, "edge").expect("reads");
    nodes::is_elsewhere(database, ACME, ACME).expect("reads");
    nodes::by_secret(database, Digest([0; 32])).expect("reads");
    for organization in [None, Some(ACME)] {
        nodes::places(database, organization, NOW).expect("reads");
    }
    nodes::to_join(database, ACME, "app-1", NOW).expect("reads");
    let name = || "edge".to_owned();
    load(
        database,
        &[
            Fact::Node(ACME),
            Fact::NodeNamed(name()),
            Fact::NodePool(ACME),
            Fact::NodePoolNamed(name()),
        ],
    );
    for by in [
        PoolBy::Id(ACME, ACME),
        PoolBy::Name(ACME, "edge".to_owned()),
        PoolBy::Token(Digest([0; 32])),
    ] {
        node_pools::one(database, &by).expect("reads");
    }
}

/// The steps of a statement's plan that read a table that grows as a whole, or all that one organization
/// has in it.
fn walks(database: &Connection, sql: &str) -> Vec<String> {
    let plan = database.prepare(&format!("EXPLAIN QUERY PLAN {sql}"));
    let mut plan = plan.unwrap_or_else(|error| panic!("{error} IN {sql}"));
    let steps = plan.raw_query();
    let steps = steps.mapped(|row| row.get::<_, String>(3));
    let steps: Vec<String> = steps.collect::<Result<_, _>>().expect("reads");
    // The last of the ended leases, of which there are few, are in no index and are sorted.
    let sorts = |step: &String| step.contains("TEMP B-TREE") && !sql.contains("NOT INDEXED");
    let wrong = steps
        .iter()
        .filter(|step| sorts(step) || is_walk(database, step));
    wrong.map(|step| format!("{step} IN {sql}")).collect()
}

fn is_walk(database: &Connection, step: &str) -> bool {
    let words: Vec<_> = step.split(' ').collect();
    let [how @ ("SCAN" | "SEARCH"), table, ..] = words[..] else {
        return false;
    };
    // The rows of a part of the same statement, and the one of values.
    if table.starts_with('(') || table == "CONSTANT" || SMALL.contains(&table) {
        return false;
    }
    // An index for this one statement is made of all rows.
    if step.contains(" AUTOMATIC ") {
        return true;
    }
    let step = step.strip_suffix(" LEFT-JOIN").unwrap_or(step);
    // A search without a condition reads the first or the last row alone.
    let one = how == "SEARCH" && words.len() == 2;
    let of_organization = ["(organization_id=?)", "(stream=?)"];
    let all_of_one = of_organization.iter().any(|end| step.ends_with(end));
    let narrowed = how == "SEARCH" && step.contains('(') && !all_of_one;
    !(one || narrowed || all_of_one && has_one_each(database, table))
}

/// Whether a table has one row for each organization.
fn has_one_each(database: &Connection, table: &str) -> bool {
    let sql = "SELECT count(*) = 1 FROM pragma_table_info(?1)
               WHERE pk > 0 AND name IN ('organization_id', 'stream')
                   AND (SELECT max(pk) FROM pragma_table_info(?1)) = 1";
    let found = database.query_row(sql, [table], |row| row.get(0));
    found.expect("reads")
}

/// Whether a part of [`ALLOWED`] names this statement.
fn is_named(sql: &str, part: &str) -> bool {
    match part.strip_suffix('$') {
        Some(end) => sql.ends_with(end),
        None => sql.contains(part),
    }
}

/// Every statement: as code asks it, and as it stands in the source.
fn statements() -> BTreeSet<String> {
    let (database, asked) = traced();
    fill(&database);
    asked.lock().expect("no panic").clear();
    ask(&database);
    let asked = asked.lock().expect("no panic");
    let mut all: BTreeSet<_> = asked.iter().map(|sql| source::on_one_line(sql)).collect();
    let (open, whole): (Vec<_>, Vec<_>) = source::statements()
        .into_iter()
        .partition(|sql| source::is_open(sql));
    let allowed = |sql: &String| ALLOWED.iter().any(|(part, _)| is_named(sql, part));
    let unasked: Vec<_> = open
        .iter()
        .filter(|open| !allowed(open) && !all.iter().any(|asked| source::is_of(asked, open)))
        .collect();
    assert!(unasked.is_empty(), "ask for these above: {unasked:#?}");
    assert!(whole.len() > 150 && open.len() > 10, "{}", whole.len());
    all.extend(whole);
    all
}

#[test]
fn no_statement_walks_through_a_table_that_grows() {
    let statements = statements();
    let open = source::statements().into_iter();
    let open: Vec<_> = open.filter(|sql| source::is_open(sql)).collect();
    let asked = |part: &str| open.iter().any(|sql| is_named(sql, part));
    let parts = ALLOWED.iter().map(|(part, _)| *part);
    let mut used: BTreeSet<_> = parts.filter(|part| asked(part)).collect();
    for organizations in [0, 1, 3] {
        let database = grown::database(organizations);
        // With and without what SQLite knows of the tables once they were analyzed.
        for analyzed in [false, true] {
            if analyzed {
                database.execute_batch("ANALYZE").expect("analyzes");
            }
            let mut walked = Vec::new();
            for walk in statements.iter().flat_map(|sql| walks(&database, sql)) {
                match ALLOWED.iter().find(|(part, _)| is_named(&walk, part)) {
                    Some((part, _)) => drop(used.insert(*part)),
                    None => walked.push(walk),
                }
            }
            assert!(
                walked.is_empty(),
                "{organizations} organizations, analyzed {analyzed}: {walked:#?}"
            );
        }
    }
    let unused: Vec<_> = ALLOWED
        .iter()
        .filter(|(part, _)| !used.contains(part))
        .collect();
    assert!(unused.is_empty(), "these walk no more: {unused:#?}");
}

#[test]
fn every_table_has_rows_when_plans_are_made() {
    let database = grown::database(3);
    for table in grown::tables(&database) {
        let sql = format!("SELECT count(*) FROM {table}");
        let rows: u32 = database
            .query_row(&sql, [], |row| row.get(0))
            .expect("counts");
        assert!(rows >= 3, "{table}: {rows}");
    }
}

#[test]
fn what_a_join_walks_through_is_a_walk() {
    let database = grown::database(0);
    for (step, walks) in [
        (
            "SEARCH seats USING AUTOMATIC COVERING INDEX (since=?)",
            true,
        ),
        (
            "SEARCH seats USING PRIMARY KEY (organization_id=?) LEFT-JOIN",
            true,
        ),
        (
            "SEARCH accounts USING PRIMARY KEY (organization_id=? AND id=?) LEFT-JOIN",
            false,
        ),
    ] {
        assert_eq!(is_walk(&database, step), walks, "{step}");
    }
}

//! A walk over all tables: each that a tenant can grow has its quota, or is bounded otherwise.

use std::collections::BTreeSet;

use lictor_core::facts::quota::Quota;
use rusqlite::Connection;

use super::{folder, open};

/// What bounds a table.
enum Bound {
    /// A tenant's quota.
    Quota(Quota),
    /// Rows of its quota's things that were taken away: the ledger names them. They only grow, and are
    /// slowed as the ledger is.
    QuotaAndEntries(Quota),
    /// Only the operator makes it grow.
    Operator,
    /// Something else, in words.
    Otherwise(&'static str),
}

use Bound::{Operator, Otherwise, QuotaAndEntries};

/// All tables. Whoever adds one says here what bounds it.
const TABLES: &[(&str, Bound)] = &[
    (
        "access_tokens",
        Otherwise("10 in ten minutes for each grant and client, gone after an hour"),
    ),
    ("account_counts", Otherwise("one row for each organization")),
    ("accounts", QuotaAndEntries(Quota::Accounts)),
    ("answers", Bound::Quota(Quota::KeptAnswers)),
    ("applications", Bound::Quota(Quota::Applications)),
    ("clients", QuotaAndEntries(Quota::Clients)),
    ("clock", Otherwise("one row")),
    ("codes", Bound::Quota(Quota::Codes)),
    ("ended_leases", Bound::Quota(Quota::EndedLeases)),
    (
        "ended_leases_kept",
        Otherwise("one row for each organization"),
    ),
    ("entries", Bound::Quota(Quota::EntriesPerDay)),
    (
        "grants",
        Otherwise("20 live for each client; each is an entry"),
    ),
    ("heads", Operator),
    ("leases", Bound::Quota(Quota::Leases)),
    ("licenses", Bound::Quota(Quota::Licenses)),
    ("node_pools", QuotaAndEntries(Quota::NodePools)),
    ("node_settings", Otherwise("one row for each organization")),
    ("nodes", QuotaAndEntries(Quota::Nodes)),
    ("organizations", Operator),
    ("payloads", Bound::Quota(Quota::EntriesPerDay)),
    (
        "refinery_schema_history",
        Otherwise("one row for each migration"),
    ),
    (
        "refusal_sums",
        Otherwise("one row for each hour, application and reason"),
    ),
    ("refusals", Bound::Quota(Quota::Refusals)),
    ("seats", Bound::Quota(Quota::Seats)),
    ("settings", Operator),
    ("tokens", QuotaAndEntries(Quota::Tokens)),
    ("trusted_keys", Operator),
    ("usage", Bound::Quota(Quota::UsageSeries)),
    ("usage_epochs", Bound::Quota(Quota::UsageEpochs)),
    (
        "usage_months",
        Otherwise("one row for each month and organization"),
    ),
    (
        "usage_month_sums",
        Otherwise("one row for each month and organization"),
    ),
    ("usage_services", Bound::Quota(Quota::UsageSeries)),
    ("usage_sums", Otherwise("one row for each organization")),
];

/// The tables without a row above, and the rows without a table.
fn unbounded(database: &Connection) -> (Vec<String>, Vec<&'static str>) {
    let mut tables = database
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        .expect("prepares");
    let tables = tables.query_map([], |row| row.get(0)).expect("reads");
    let tables: BTreeSet<String> = tables.collect::<Result<_, _>>().expect("names");
    let known: BTreeSet<_> = TABLES.iter().map(|(table, _)| *table).collect();
    let gone = known.iter().filter(|table| !tables.contains(**table));
    let gone = gone.copied().collect();
    let missing = tables
        .iter()
        .filter(|table| !known.contains(table.as_str()));
    (missing.cloned().collect(), gone)
}

#[test]
fn every_table_that_a_tenant_can_grow_has_its_quota() {
    let folder = folder();
    drop(open(folder.path()).expect("opens"));
    let database = Connection::open(folder.path().join("lictor.db")).expect("opens");
    assert_eq!(unbounded(&database), (Vec::new(), Vec::new()));
    // A table without a quota is found.
    database
        .execute_batch("CREATE TABLE wishes (organization_id BLOB, text TEXT)")
        .expect("creates");
    assert_eq!(unbounded(&database).0, ["wishes"]);
    // Every quota bounds a table, but the one that bounds a part of one.
    for quota in Quota::all() {
        let bounds = TABLES.iter().any(|(_, bound)| {
            matches!(bound, Bound::Quota(known) | QuotaAndEntries(known) if *known == quota)
        });
        assert!(bounds || quota == Quota::LicensesPerApplication, "{quota}");
    }
    for (table, bound) in TABLES {
        assert!(!matches!(bound, Otherwise("")), "{table}");
    }
}

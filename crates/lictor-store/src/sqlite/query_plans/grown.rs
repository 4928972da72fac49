//! A database in which every table has grown.

use rusqlite::Connection;

use super::super::open;

/// How many rows each table gets.
const ROWS: u32 = 3_000;

/// A database of this build with rows in every table, those of tenants spread over so many organizations.
/// What stands in the rows is nothing that a server would write: it is there to be counted.
pub(super) fn database(organizations: u32) -> Connection {
    let database = open::migrated(open::known_schema()).expect("migrates");
    database
        .execute_batch("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF")
        .expect("is set");
    if organizations > 0 {
        for table in tables(&database) {
            fill(&database, &table, organizations);
        }
    }
    database
}

/// The tables of a database.
pub(super) fn tables(database: &Connection) -> Vec<String> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'
               AND name NOT LIKE 'refinery%' ORDER BY name";
    let mut tables = database.prepare(sql).expect("prepares");
    let names = tables.query_map([], |row| row.get(0)).expect("reads");
    names.collect::<Result<_, _>>().expect("reads")
}

fn fill(database: &Connection, table: &str, organizations: u32) {
    let sql = "SELECT name, type, \"notnull\" = 0 AND pk = 0 FROM pragma_table_info(?1)";
    let mut columns = database.prepare(sql).expect("prepares");
    let columns = columns.query_map([table], |row| {
        let (name, kind, may_be_null): (String, String, bool) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let value = value(&name, &kind, organizations);
        let value = match may_be_null {
            true => format!("iif(i % 2, {value}, NULL)"),
            false => value,
        };
        Ok((name, value))
    });
    let columns: Result<Vec<_>, _> = columns.expect("reads").collect();
    let (names, values): (Vec<_>, Vec<_>) = columns.expect("reads").into_iter().unzip();
    let (names, values) = (names.join(", "), values.join(", "));
    // A row that is one too many of its key is left out.
    database
        .execute(
            &format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
                 INSERT OR IGNORE INTO {table} ({names}) SELECT {values} FROM n"
            ),
            [],
        )
        .unwrap_or_else(|error| panic!("{table}: {error}"));
}

fn value(name: &str, kind: &str, organizations: u32) -> String {
    match kind {
        _ if matches!(name, "organization_id" | "stream") => {
            format!("CAST(zeroblob(15) || char(1 + i % {organizations}) AS BLOB)")
        }
        "BLOB" => "randomblob(32)".to_owned(),
        "TEXT" => format!("'{name}-' || i"),
        _ => "i".to_owned(),
    }
}

//! The least that SQLite can do: accounts, seats and their ledger entries, copied row by row into the same tables and
//! indexes. `bare-import SOURCE TARGET` prints the rows and the microseconds that the transactions took.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, Rows, Statement, params_from_iter};

/// Accounts of one transaction.
const ACCOUNTS: usize = 1_000;

/// The tables whose rows come one by one, in the order in which they came into being.
const COPIED: [(&str, &str); 3] = [
    ("accounts", "SELECT * FROM accounts ORDER BY revision"),
    ("seats", "SELECT * FROM seats ORDER BY revision"),
    (
        "entries",
        "SELECT * FROM entries WHERE stream = (SELECT organization_id FROM accounts LIMIT 1)
         AND position >= (SELECT min(revision) FROM accounts) ORDER BY position",
    ),
];

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let source = arguments.next().context("from which file?")?;
    let target = arguments.next().context("into which file?")?;
    let source = Connection::open_with_flags(source, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let target = prepare(&source, Path::new(&target))?;
    let (rows, took) = copy(&source, &target)?;
    println!("{rows} {}", took.as_micros());
    Ok(())
}

/// Opens the target as the server opens its file, with the schema of the source and the few rows that are updated.
fn prepare(source: &Connection, target: &Path) -> Result<Connection> {
    let connection = Connection::open(target)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "cache_size", -8_192)?;
    let mut schema = source.prepare(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'",
    )?;
    let mut statements = schema.query([])?;
    while let Some(row) = statements.next()? {
        connection.execute_batch(&row.get::<_, String>(0)?)?;
    }
    for table in ["heads", "applications", "account_counts"] {
        let mut select = source.prepare(&format!("SELECT * FROM {table}"))?;
        let columns = select.column_count();
        let mut insert = insert(&connection, table, columns)?;
        let mut rows = select.query([])?;
        while let Some(values) = next(&mut rows, columns)? {
            insert.execute(params_from_iter(values))?;
        }
    }
    connection.execute_batch(
        "UPDATE applications SET seats = 0; UPDATE account_counts SET active = 0, holders = 0",
    )?;
    Ok(connection)
}

/// Copies all rows; reading them takes time that does not count.
fn copy(source: &Connection, target: &Connection) -> Result<(usize, Duration)> {
    let mut selects = Vec::new();
    let mut inserts = Vec::new();
    for (table, select) in COPIED {
        let select = source.prepare(select)?;
        inserts.push((
            insert(target, table, select.column_count())?,
            select.column_count(),
        ));
        selects.push(select);
    }
    let mut cursors = selects
        .iter_mut()
        .map(Statement::raw_query)
        .collect::<Vec<Rows<'_>>>();
    let (mut copied, mut took) = (0, Duration::ZERO);
    loop {
        let mut batches = Vec::new();
        for (index, cursor) in cursors.iter_mut().enumerate() {
            // An account has a seat, and each of the two an entry.
            let most = if index == 2 { ACCOUNTS * 2 } else { ACCOUNTS };
            batches.push(take(cursor, inserts[index].1, most)?);
        }
        let accounts = batches[0].len();
        if accounts == 0 {
            return Ok((copied, took));
        }
        copied += accounts;
        let begun = Instant::now();
        target.execute_batch("BEGIN IMMEDIATE")?;
        for ((insert, _), batch) in inserts.iter_mut().zip(batches) {
            for values in batch {
                insert.execute(params_from_iter(values))?;
            }
        }
        finish(target, accounts)?;
        took += begun.elapsed();
    }
}

/// What changes once for each transaction, and its end.
fn finish(target: &Connection, accounts: usize) -> Result<()> {
    for update in [
        "UPDATE applications SET seats = seats + ?1",
        "UPDATE account_counts SET active = active + ?1, holders = holders + ?1",
        "UPDATE heads SET position = position + 2 * ?1 WHERE position > 0",
    ] {
        target.prepare_cached(update)?.execute([accounts])?;
    }
    Ok(target.execute_batch("COMMIT")?)
}

fn insert<'a>(target: &'a Connection, table: &str, columns: usize) -> Result<Statement<'a>> {
    let places = vec!["?"; columns].join(", ");
    Ok(target.prepare(&format!("INSERT INTO {table} VALUES ({places})"))?)
}

fn take(rows: &mut Rows<'_>, columns: usize, most: usize) -> Result<Vec<Vec<Value>>> {
    let mut taken = Vec::with_capacity(most);
    while taken.len() < most {
        match next(rows, columns)? {
            Some(values) => taken.push(values),
            None => break,
        }
    }
    Ok(taken)
}

fn next(rows: &mut Rows<'_>, columns: usize) -> Result<Option<Vec<Value>>> {
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let values = (0..columns).map(|column| row.get(column));
    Ok(Some(values.collect::<Result<_, _>>()?))
}

//! Head rows as they are stored, and those that the writer knows.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use lictor_core::digest::Digest;
use lictor_core::facts::quota::{Quota, Quotas, Used};
use lictor_core::ledger::Head;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql};
use uuid::Uuid;

use super::rows::{Sql, invalid};
use crate::Grown;
use crate::head_row::HeadRow;

/// The head rows that the writer knows. It alone writes them, so what the last batch has seen of them
/// is so still in the next.
#[derive(Default)]
pub(super) struct Heads(HashMap<Uuid, Known>);

struct Known {
    row: HeadRow,
    /// Whether this batch asked for it.
    used: bool,
    /// Whether this batch changed it.
    changed: bool,
}

impl Heads {
    /// The head row of a stream, if the stream exists.
    pub(super) fn get(&mut self, database: &Connection, stream: Uuid) -> Sql<Option<HeadRow>> {
        if let Some(known) = self.0.get_mut(&stream) {
            known.used = true;
            return Ok(Some(known.row));
        }
        let found = one(database, stream)?;
        if let Some(row) = found {
            let known = Known {
                row,
                used: true,
                changed: false,
            };
            self.0.insert(stream, known);
        }
        Ok(found)
    }

    /// What the head row has become.
    pub(super) fn put(&mut self, stream: Uuid, row: HeadRow) {
        let known = Known {
            row,
            used: true,
            changed: true,
        };
        self.0.insert(stream, known);
    }

    /// Adds to what an organization uses of a quota; says how many head rows that changed.
    pub(super) fn add_used(
        &mut self,
        database: &Connection,
        organization: Uuid,
        (quota, by): (Quota, i64),
    ) -> Sql<usize> {
        let Some(mut row) = self.get(database, organization)? else {
            return Ok(0);
        };
        row.used.add(quota, by);
        self.put(organization, row);
        Ok(1)
    }

    /// Stores those that this batch has changed.
    pub(super) fn store(&self, database: &Connection) -> Sql<()> {
        let changed = self.0.iter().filter(|(_, known)| known.changed);
        update(
            database,
            changed.map(|(stream, known)| (stream, &known.row)),
        )
    }

    /// The batch is committed: what it has used is known to the next.
    pub(super) fn committed(&mut self) {
        self.0.retain(|_, known| std::mem::take(&mut known.used));
        self.0.values_mut().for_each(|known| known.changed = false);
    }
}

/// What is counted of what no ledger entry says, and the table whose rows it is.
pub(super) const RECORDS: [(Quota, &str); 4] = [
    (Quota::UsageEpochs, "usage_epochs"),
    (Quota::KeptAnswers, "answers"),
    (Quota::Refusals, "refusals"),
    (Quota::EndedLeases, "ended_leases"),
];

/// The column that says how much there is.
pub(super) fn counter(quota: Quota) -> String {
    format!("used_{}", quota.name().replace('-', "_"))
}

/// The columns that say how much there is, in the order of [`Quota::counted`].
fn counters() -> impl Iterator<Item = String> {
    Quota::counted().map(counter)
}

static SELECT: LazyLock<String> = LazyLock::new(|| {
    let used: String = counters().map(|column| format!(", {column}")).collect();
    format!(
        "SELECT position, hash, newest_updated_at, removed, basis_changed, quotas, day,
             entry_bytes, payload_bytes, ended_leases_dropped{used}
         FROM heads WHERE stream = ?1"
    )
});

/// How many columns of [`SELECT`] stand before the counters.
const BEFORE_COUNTERS: usize = 10;

static UPDATE: LazyLock<String> = LazyLock::new(|| {
    // A parameter for each counter, after those that are named.
    let used = counters().zip(BEFORE_COUNTERS + 2..);
    let used: String = used
        .map(|(column, at)| format!(", {column} = ?{at}"))
        .collect();
    format!(
        "UPDATE heads SET position = ?2, hash = ?3, newest_updated_at = ?4, removed = ?5,
             basis_changed = ?6, quotas = ?7, day = ?8, entry_bytes = ?9, payload_bytes = ?10,
             ended_leases_dropped = ?11{used}
         WHERE stream = ?1"
    )
});

/// The head row of a stream, if the stream exists.
pub(super) fn one(database: &Connection, stream: Uuid) -> Sql<Option<HeadRow>> {
    database
        .prepare_cached(&SELECT)?
        .query_row([stream], row)
        .optional()
}

fn row(row: &Row<'_>) -> Sql<HeadRow> {
    let mut used = Used::default();
    for (quota, column) in Quota::counted().zip(BEFORE_COUNTERS..) {
        used.put(quota, row.get(column)?);
    }
    Ok(HeadRow {
        head: Head {
            position: row.get(0)?,
            hash: Digest(row.get(1)?),
        },
        newest_updated_at: row.get(2)?,
        removed: row.get(3)?,
        basis_changed: row.get(4)?,
        quotas: quotas(row, 5)?,
        used,
        day: row.get(6)?,
        grown: Grown {
            entries: row.get(0)?,
            entry_bytes: row.get(7)?,
            payload_bytes: row.get(8)?,
            ended_leases_dropped: row.get(9)?,
        },
    })
}

fn update<'a>(
    database: &Connection,
    heads: impl IntoIterator<Item = (&'a Uuid, &'a HeadRow)>,
) -> Sql<()> {
    let mut update = database.prepare_cached(&UPDATE)?;
    for (stream, row) in heads {
        let quotas = quotas_text(&row.quotas)?;
        let fixed: [&dyn ToSql; BEFORE_COUNTERS + 1] = [
            stream,
            &row.head.position,
            &row.head.hash.0,
            &row.newest_updated_at,
            &row.removed,
            &row.basis_changed,
            &quotas,
            &row.day,
            &row.grown.entry_bytes,
            &row.grown.payload_bytes,
            &row.grown.ended_leases_dropped,
        ];
        for (value, at) in fixed.into_iter().zip(1..) {
            update.raw_bind_parameter(at, value)?;
        }
        for (quota, at) in Quota::counted().zip(BEFORE_COUNTERS + 2..) {
            update.raw_bind_parameter(at, row.used.of(quota))?;
        }
        update.raw_execute()?;
    }
    Ok(())
}

/// The limits that were set, as JSON; none: all are the default.
fn quotas_text(quotas: &Quotas) -> Sql<Option<String>> {
    let set = Quota::all().filter_map(|quota| Some((quota, quotas.set_to(quota)?)));
    let set: BTreeMap<Quota, u64> = set.collect();
    if set.is_empty() {
        return Ok(None);
    }
    let text = serde_json::to_string(&set);
    text.map(Some)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn quotas(row: &Row<'_>, column: usize) -> Sql<Quotas> {
    let mut quotas = Quotas::default();
    if let Some(text) = row.get_ref(column)?.as_str_or_null()? {
        let set: BTreeMap<Quota, u64> =
            serde_json::from_str(text).map_err(|error| invalid(column, error))?;
        for (quota, limit) in set {
            quotas.set(quota, Some(limit));
        }
    }
    Ok(quotas)
}

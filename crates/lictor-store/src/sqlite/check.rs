//! The check of a whole database: SQLite's own, then every stream replayed against its rows. It
//! changes nothing, and looks at one instant while writes go on.

mod scratch;
mod stream;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lictor_core::digest::Digest;
use lictor_core::document::rotation::Rotation;
use lictor_core::facts::node::NodeSeen;
use lictor_core::{Document, Timestamp, Validity};
use lictor_planted as planted;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _};
use uuid::Uuid;

use super::accounts::REMOVED;
use super::folder::DATABASE_FILE;
use super::open;
use super::rows::{self, Sql};
use super::{apart, connection, ended, fault, heads, reads, sums};
use crate::open_error::{OpenError, at};
use crate::{CheckReport, Step, Watch};

/// How much of the database a check keeps in memory at most, in KiB.
const CACHE_KIB: i64 = 65_536;

/// After how many entries it is told how far the check is.
const TOLD_EVERY: u64 = 4_096;

/// Checks the database in `folder`, as [`crate::watched_check`] says.
pub(crate) fn watched_check(folder: &Path, watch: &Watch) -> Result<CheckReport, OpenError> {
    let path = folder.join(DATABASE_FILE);
    if !path.try_exists().map_err(at(&path))? {
        return Err(OpenError::Missing(folder.to_owned()));
    }
    // Whoever only reads may be led elsewhere.
    let file = path.canonicalize().map_err(at(&path))?;
    check(&mut open::for_check(&file)?, watch)
}

/// Checks one view of the database. Damage that stops the reading is an error, all else a
/// difference in the report.
pub(super) fn check(database: &mut Connection, watch: &Watch) -> Result<CheckReport, OpenError> {
    let report =
        connection::end_when_told(database, watch).and_then(|()| check_view(database, watch));
    match report {
        Err(_) if watch.is_stopped() => Err(OpenError::Stopped),
        report => report.map_err(OpenError::of_check),
    }
}

fn check_view(database: &Connection, watch: &Watch) -> Result<CheckReport, OpenError> {
    // Indexes are compared with their tables entry by entry, out of order.
    database.pragma_update(None, "cache_size", -CACHE_KIB)?;
    let view = database.unchecked_transaction()?;
    let mut report = CheckReport::default();
    watch.tell(Step::File);
    check_files(&view, &mut report.differences)?;
    if watch.is_stopped() {
        return Err(OpenError::Stopped);
    }
    let schema: i64 = view.pragma_query_value(None, "user_version", |row| row.get(0))?;
    check_schema(&view, schema, &mut report.differences)?;
    if report.differences.is_empty() {
        check_roots(&view, &mut report.differences)?;
    }
    if !report.differences.is_empty() {
        // Rows read through damaged pages would only add to the confusion.
        return Ok(report);
    }
    if schema < open::known_schema() {
        // A copy cannot be made within a transaction; it is a view of one instant itself.
        drop(view);
        // To SQLite a copy is something written.
        database.pragma_update(None, "query_only", false)?;
        let (_folder, mut copy) = open::migrated_copy(database)?;
        connection::end_when_told(&mut copy, watch)?;
        return check_rows(&copy, report, watch);
    }
    check_rows(&view, report, watch)
}

fn check_rows(
    view: &Connection,
    mut report: CheckReport,
    watch: &Watch,
) -> Result<CheckReport, OpenError> {
    let streams = streams(view, &mut report.differences)?;
    let of = view.query_row("SELECT coalesce(sum(position), 0) FROM heads", [], |row| {
        row.get(0)
    })?;
    let mut done: u64 = 0;
    for stream in streams {
        stream::check(view, stream, &mut report, || {
            if done.is_multiple_of(TOLD_EVERY) {
                watch.tell(Step::Ledger { done, of });
            }
            done += 1;
        })?;
    }
    watch.tell(Step::Sums);
    check_payloads(view, &mut report.differences)?;
    check_figures(view, &mut report.differences)?;
    check_texts(view, &mut report.differences)?;
    apart::check_keys(view, &mut report.differences)?;
    ended::check_index(view, &mut report.differences)?;
    report.notes = apart::notes(view, u32::MAX)?;
    Ok(report)
}

fn check_files(view: &Connection, differences: &mut Vec<String>) -> Sql<()> {
    let mut statement = view.prepare("PRAGMA integrity_check(100)")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        if line != "ok" {
            differences.push(fault::of_integrity(&line));
        }
    }
    // What is wrong with one page or one row after another is said once.
    differences.dedup();
    Ok(())
}

/// Looks into each table and each index by itself. Where an empty page of another kind stands in the place
/// of its first, it passes for an empty one until somebody searches it.
fn check_roots(view: &Connection, differences: &mut Vec<String>) -> Sql<()> {
    let mut all = view.prepare(
        "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema
         WHERE type IN ('table', 'index')",
    )?;
    let all = all.query_map([], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })?;
    for one in all {
        let (kind, name, table, made): (String, String, String, String) = one?;
        let by = match kind.as_str() {
            "table" => "NOT INDEXED".to_owned(),
            _ => format!("INDEXED BY \"{name}\""),
        };
        // An index of some rows is searched for those alone.
        let rows = match made.rsplit_once(" WHERE ") {
            Some((_, rows)) if kind == "index" => format!("WHERE {rows}"),
            _ => String::new(),
        };
        let look = format!("SELECT 1 FROM \"{table}\" {by} {rows} LIMIT 1");
        match view.query_row(&look, [], |_| Ok(())).optional() {
            Ok(_) => {}
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
                differences.push(fault::of_integrity(&format!(
                    "wrong kind of page in index {name}"
                )));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The schema is what the migrations make: its text is stored in the file and can be damaged there,
/// which a reader need not notice.
fn check_schema(
    view: &Connection,
    number: i64,
    differences: &mut Vec<String>,
) -> Result<(), OpenError> {
    let (expected, stored) = (schema(&open::migrated(number)?)?, schema(view)?);
    let names: BTreeSet<_> = expected.keys().chain(stored.keys()).collect();
    let damaged = names
        .into_iter()
        .filter(|name| expected.get(*name) != stored.get(*name));
    differences
        .extend(damaged.map(|name| format!("the schema: {name:?} differs from its migration")));
    Ok(())
}

/// What makes each table and index, byte for byte; SQLite's own have no text.
fn schema(database: &Connection) -> Sql<BTreeMap<String, Vec<u8>>> {
    let mut made = BTreeMap::new();
    let texts = "SELECT name, type || ' ' || tbl_name || ' ' || sql FROM sqlite_schema
         WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    each(database, texts, [], |row| {
        let name = String::from_utf8_lossy(row.get_ref(0)?.as_bytes()?).into_owned();
        made.insert(name, row.get_ref(1)?.as_bytes()?.to_vec());
        Ok(())
    })?;
    Ok(made)
}

/// Every stream that has a head row; rows of any other are differences.
fn streams(view: &Connection, differences: &mut Vec<String>) -> Sql<BTreeSet<Uuid>> {
    let mut heads = BTreeSet::new();
    each(view, "SELECT stream FROM heads", [], |row| {
        heads.insert(row.get(0)?);
        Ok(())
    })?;
    let elsewhere = "SELECT id FROM organizations UNION SELECT stream FROM entries
         UNION SELECT organization_id FROM licenses UNION SELECT organization_id FROM tokens
         UNION SELECT organization_id FROM applications UNION SELECT organization_id FROM payloads
         UNION SELECT organization_id FROM usage UNION SELECT organization_id FROM accounts
         UNION SELECT organization_id FROM account_counts UNION SELECT organization_id FROM seats
         UNION SELECT organization_id FROM leases UNION SELECT organization_id FROM refusals
         UNION SELECT organization_id FROM clients UNION SELECT organization_id FROM grants
         UNION SELECT organization_id FROM codes UNION SELECT organization_id FROM access_tokens
         UNION SELECT organization_id FROM nodes UNION SELECT organization_id FROM node_settings
         UNION SELECT organization_id FROM node_pools
         UNION SELECT organization_id FROM ended_leases
         UNION SELECT organization_id FROM ended_leases_kept
         UNION SELECT organization_id FROM refusal_sums
         UNION SELECT organization_id FROM usage_epochs
         UNION SELECT organization_id FROM usage_sums
         UNION SELECT organization_id FROM usage_months
         UNION SELECT organization_id FROM usage_month_sums
         UNION SELECT organization_id FROM usage_services
         UNION SELECT zeroblob(16)";
    each(view, elsewhere, [], |row| {
        let stream: Uuid = row.get(0)?;
        if !heads.contains(&stream) {
            differences.push(format!("stream {stream}: it has rows but no head row"));
        }
        Ok(())
    })?;
    Ok(heads)
}

/// Every payload has its hash, and every license the application and the dates that its payload names.
fn check_payloads(view: &Connection, differences: &mut Vec<String>) -> Sql<()> {
    each(
        view,
        "SELECT organization_id, sha256, text FROM payloads",
        [],
        |row| {
            let (organization, sha256): (Uuid, [u8; 32]) = (row.get(0)?, row.get(1)?);
            let trusted = planted::is("payloads-unchecked");
            if Digest::of(row.get_ref(2)?.as_bytes()?) != Digest(sha256) && !trusted {
                let sha256 = Digest(sha256);
                differences.push(format!(
                    "stream {organization}: the text of payload {sha256} differs from \
                 its hash"
                ));
            }
            Ok(())
        },
    )?;
    let licenses = "SELECT licenses.organization_id, id, application, text, begins_at, ends_at
         FROM licenses
         JOIN payloads ON payloads.organization_id = licenses.organization_id
             AND payloads.sha256 = licenses.payload_sha256";
    each(view, licenses, [], |row| {
        let (organization, id): (Uuid, Uuid) = (row.get(0)?, row.get(1)?);
        let place = format_args!("stream {organization}: license {id}");
        let text = row.get_ref(3)?.as_str()?;
        let Ok(claims) = Document::parse(text).and_then(|document| document.claims()) else {
            differences.push(format!("{place}: its payload is no license"));
            return Ok(());
        };
        let named = &claims.application;
        if named != row.get_ref(2)?.as_str()? {
            differences.push(format!("{place}: its payload is for application {named}"));
        }
        let Validity {
            begins_at,
            expires_at,
        } = claims.validity();
        let dates: (Option<Timestamp>, Option<Timestamp>) = (row.get(4)?, row.get(5)?);
        if dates != (Some(begins_at), Some(expires_at)) {
            differences.push(format!("{place}: its dates differ from its payload's"));
        }
        Ok(())
    })
}

/// What no ledger entry says, but must hold all the same.
fn check_figures(view: &Connection, differences: &mut Vec<String>) -> Sql<()> {
    let missing = format!(
        "SELECT 'token', id, 'the hash of its secret' FROM tokens
             WHERE secret_sha256 IS NULL
         UNION ALL SELECT 'lease', id, 'its holder, fence or end' FROM leases
             WHERE (holder IS NULL OR fence IS NULL OR expires_at IS NULL)
                 AND organization_id NOT IN (SELECT id FROM organizations WHERE removed = 1)
         UNION ALL SELECT 'client', id, 'its name for itself or the hash of its secret' FROM clients
             WHERE client_id IS NULL OR secret_sha256 IS NULL
         UNION ALL SELECT 'grant', id, 'the hash of its refresh token' FROM grants
             WHERE refresh_sha256 IS NULL
         UNION ALL SELECT 'node', id, 'its name or the hash or end of its enrollment token'
             FROM nodes
             WHERE name IS NULL OR token_expires_at IS NULL
                 OR (token_sha256 IS NULL AND pool IS NULL)
         UNION ALL SELECT 'pool of nodes', id, 'its name or the hash or end of its token'
             FROM node_pools
             WHERE name IS NULL OR token_sha256 IS NULL OR token_expires_at IS NULL
         UNION ALL SELECT 'node', id, 'the hash of its credential' FROM nodes
             WHERE credential_sha256 IS NULL AND joined_at IS NOT NULL
         UNION ALL SELECT 'account', id, 'its e-mail' FROM accounts
             WHERE email IS NULL AND status <> '{REMOVED}'
                 AND organization_id NOT IN (SELECT id FROM organizations WHERE removed = 1)"
    );
    each(view, &missing, [], |row| {
        let (kind, id): (String, Uuid) = (row.get(0)?, row.get(1)?);
        let what: String = row.get(2)?;
        differences.push(format!("{kind} {id}: {what} is missing"));
        Ok(())
    })?;
    check_erased(view, differences)?;
    check_readable(view, differences)?;
    check_sums(view, differences)?;
    check_records(view, differences)?;
    sums::check(view, differences)
}

/// Whoever was removed has no e-mail and no name any more, whatever became of the organization.
fn check_erased(view: &Connection, differences: &mut Vec<String>) -> Sql<()> {
    let left = format!(
        "SELECT id FROM accounts
         WHERE status = '{REMOVED}' AND (email IS NOT NULL OR name IS NOT NULL)"
    );
    each(view, &left, [], |row| {
        let id: Uuid = row.get(0)?;
        differences.push(format!(
            "account {id}: it was removed, and its e-mail or name is still there"
        ));
        Ok(())
    })
}

/// Texts that no ledger entry vouches for can be read: a server would fail on them.
fn check_readable(view: &Connection, differences: &mut Vec<String>) -> Sql<()> {
    let texts = "SELECT 'token', id, name, origin FROM tokens
         UNION ALL SELECT 'client', id, name, client_id FROM clients
         UNION ALL SELECT 'node', id, name, NULL FROM nodes
         UNION ALL SELECT 'pool of nodes', id, name, NULL FROM node_pools
         UNION ALL SELECT 'account', id, name, email FROM accounts";
    each(view, texts, [], |row| {
        let (kind, id): (String, Uuid) = (row.get(0)?, row.get(1)?);
        let is_text = |column| row.get::<_, Option<String>>(column).is_ok();
        let is_origin = kind != "token" || rows::origin(row, 3).is_ok();
        if !(is_text(2) && is_text(3) && is_origin) {
            differences.push(format!("{kind} {id}: one of its texts cannot be read"));
        }
        Ok(())
    })
}

/// The counters of what no ledger entry says are what its rows come to.
fn check_records(view: &Connection, differences: &mut Vec<String>) -> Sql<()> {
    for (quota, table) in heads::RECORDS {
        let column = heads::counter(quota);
        let sql = format!(
            "SELECT stream FROM heads WHERE {column} <>
                 (SELECT count(*) FROM {table} WHERE organization_id = stream)"
        );
        each(view, &sql, [], |row| {
            let stream: Uuid = row.get(0)?;
            differences.push(format!("stream {stream}: the count of {quota} differs"));
            Ok(())
        })?;
    }
    let grown = "SELECT stream FROM heads WHERE
             entry_bytes <> (SELECT coalesce(sum(octet_length(body)), 0) FROM entries
                 WHERE entries.stream = heads.stream)
             OR payload_bytes <> (SELECT coalesce(sum(octet_length(text)), 0) FROM payloads
                 WHERE organization_id = heads.stream)";
    each(view, grown, [], |row| {
        let stream: Uuid = row.get(0)?;
        differences.push(format!(
            "stream {stream}: the bytes of its ledger or payloads differ"
        ));
        Ok(())
    })?;
    let months = "SELECT stream FROM heads WHERE
             coalesce((SELECT sum(series) FROM usage_months WHERE organization_id = stream), 0) <>
                 (SELECT count(*) FROM usage WHERE organization_id = stream)";
    each(view, months, [], |row| {
        let stream: Uuid = row.get(0)?;
        differences.push(format!(
            "stream {stream}: the count of usage-series differs"
        ));
        Ok(())
    })
}

/// No sum is less than what is kept of the refusals that it counts.
fn check_sums(view: &Connection, differences: &mut Vec<String>) -> Sql<()> {
    let less = "SELECT organization_id, hour, application, reason FROM (
             SELECT organization_id, minute / 60 - (minute % 60 < 0) AS hour, application, reason,
                 sum(count) AS kept FROM refusals GROUP BY 1, 2, 3, 4)
         LEFT JOIN refusal_sums USING (organization_id, hour, application, reason)
         WHERE coalesce(count, 0) < kept";
    each(view, less, [], |row| {
        let (stream, hour): (Uuid, i64) = (row.get(0)?, row.get(1)?);
        let (application, reason): (String, String) = (row.get(2)?, row.get(3)?);
        differences.push(format!(
            "stream {stream}: the sum of refusals of {application} as {reason} in hour {hour} is \
             less than the refusals"
        ));
        Ok(())
    })
}

/// What nodes said, and the rotations, which nodes would refuse if they were damaged.
fn check_texts(view: &Connection, differences: &mut Vec<String>) -> Sql<()> {
    let said = "SELECT id, seen FROM nodes WHERE seen IS NOT NULL";
    each(view, said, [], |row| {
        if serde_json::from_slice::<NodeSeen>(row.get_ref(1)?.as_bytes()?).is_err() {
            let id: Uuid = row.get(0)?;
            differences.push(format!("node {id}: what it last said is unreadable"));
        }
        Ok(())
    })?;
    let trust = reads::trust(view)?;
    let rotations = "SELECT id, rotation FROM trusted_keys WHERE rotation IS NOT NULL";
    each(view, rotations, [], |row| {
        let id: String = row.get(0)?;
        let rotation = serde_json::from_slice::<Rotation>(row.get_ref(1)?.as_bytes()?);
        let holds = rotation.is_ok_and(|rotation| {
            let from = trust.get(rotation.from);
            rotation.to.id().to_string() == id
                && from.is_some_and(|from| rotation.is_signed_by(&from.public_key))
        });
        if !holds {
            differences.push(format!("key {id}: its rotation is damaged"));
        }
        Ok(())
    })
}

/// Takes each row of a statement.
pub(super) fn each(
    view: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
    mut take: impl FnMut(&rusqlite::Row<'_>) -> Sql<()>,
) -> Sql<()> {
    let mut statement = view.prepare(sql)?;
    let mut rows = statement.query(parameters)?;
    while let Some(row) = rows.next()? {
        take(row)?;
    }
    Ok(())
}

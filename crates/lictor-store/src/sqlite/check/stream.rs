//! The check of one stream: its entries are replayed, and its rows compared one after the other.

use lictor_core::digest::Digest;
use lictor_core::facts::account::AccountState;
use lictor_core::facts::client::ClientState;
use lictor_core::facts::grant::GrantState;
use lictor_core::facts::lease::{EndedLease, LeaseState};
use lictor_core::facts::license::LicenseState;
use lictor_core::facts::node::NodeState;
use lictor_core::facts::organization::{INSTALLATION, OrganizationState};
use lictor_core::facts::seats::SeatState;
use lictor_core::facts::token::TokenState;
use lictor_core::state::State;
use rusqlite::{Connection, OptionalExtension as _, Params, Row};
use uuid::Uuid;

use super::each;
use super::scratch::ScratchFile;
use crate::check::{EndedLeases, Many, Named, Replay};
use crate::head_row::HeadRow;
use crate::open_error::OpenError;
use crate::sqlite::heads;
use crate::sqlite::rows::{self, Sql};
use crate::sqlite::{accounts, applications, clients, ended, node_pools, nodes, seats, usage};
use crate::{CheckReport, EndedKey};

/// Replays a stream and compares; `taken` is told of each entry.
pub(super) fn check(
    view: &Connection,
    stream: Uuid,
    report: &mut CheckReport,
    mut taken: impl FnMut(),
) -> Result<(), OpenError> {
    let mut replay = Replay::new(stream, Box::new(ScratchFile::default()));
    let head = heads::one(view, stream)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    let mut ended = EndedLeases::new(stream, head.removed, ended::kept_from(view, stream)?);
    let entries = "SELECT position, hash, body FROM entries WHERE stream = ?1 ORDER BY position";
    let mut entries = view.prepare(entries)?;
    let mut rows = entries.query([stream])?;
    while let Some(row) = rows.next()? {
        taken();
        let body = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
        if let Some(expected) = replay.entry(row.get(0)?, row.get(1)?, body)? {
            let found = kept(view, stream, &expected)?;
            ended.compare(&expected, found, &mut report.differences);
        }
    }
    ended.finish(ended::count(view, stream)?, &mut report.differences);
    if stream != INSTALLATION {
        check_organization(view, stream, &head, &mut report.differences)?;
    }
    replay.compare_head(head.head);
    replay.compare_state(&little(view, stream, &head)?);
    compare_many(view, stream, &mut replay, report)?;
    replay.finish(report);
    Ok(())
}

/// What is kept of a lease that ended.
fn kept(view: &Connection, stream: Uuid, lease: &EndedLease) -> Sql<Option<EndedLease>> {
    let key = EndedKey {
        until: lease.until,
        position: lease.position,
    };
    ended::one(view, stream, &lease.application, key)
}

/// What the rows say of that of which there is little.
fn little(view: &Connection, stream: Uuid, head: &HeadRow) -> Sql<State> {
    let mut state = State::default();
    head.give(&mut state);
    if stream == INSTALLATION {
        state.policy = rows::policy(view)?;
        let keys = format!("SELECT {} FROM trusted_keys", rows::KEY);
        let mut decoded = rows::DecodedKeys::default();
        each(view, &keys, [], |row| {
            state.keys.extend([rows::trusted_key(row, &mut decoded)?]);
            Ok(())
        })?;
    }
    state.counts = accounts::counts(view, stream)?;
    let applications = applications::all(view, stream)?.into_iter();
    state
        .applications
        .extend(applications.map(|application| (application.key, application.state)));
    state.node_settings = nodes::settings(view, stream)?;
    state.node_pools.extend(node_pools::all(view, stream)?);
    let corrected = format!(
        "SELECT {} FROM usage WHERE organization_id = ?1 AND correction <> 0",
        usage::USAGE
    );
    each(view, &corrected, [stream], |row| {
        let row = usage::row(row)?;
        state.corrections.insert(row.key, row.correction);
        Ok(())
    })?;
    Ok(state)
}

/// Compares with all of which there may be many.
fn compare_many(
    view: &Connection,
    stream: Uuid,
    replay: &mut Replay,
    report: &mut CheckReport,
) -> Result<(), OpenError> {
    let all = |columns: &str, table: &str, key: &str| {
        format!("SELECT {columns} FROM {table} WHERE organization_id = ?1 ORDER BY {key}")
    };
    // Removed ones too: in the installation's stream they are never forgotten.
    let organizations = format!(
        "SELECT {} FROM organizations WHERE ?1 = zeroblob(16) ORDER BY id",
        rows::ORGANIZATION
    );
    let here = [stream];
    compare::<OrganizationState>(view, &organizations, here, replay, rows::organization_state)?;
    let tokens = all(rows::TOKEN, "tokens", "id");
    compare::<TokenState>(view, &tokens, here, replay, rows::token_state)?;
    let licenses = all(rows::LICENSE, "licenses", "id");
    report.licenses += compare::<LicenseState>(view, &licenses, here, replay, rows::license_state)?;
    let of_account = |row: &Row<'_>| accounts::account_state(row, 0);
    let accounts = all(accounts::ACCOUNT, "accounts", "id");
    compare::<AccountState>(view, &accounts, here, replay, of_account)?;
    let held = all(seats::SEAT, "seats", "application, account_id");
    compare::<SeatState>(view, &held, here, replay, seats::seat)?;
    let leases = all(seats::LEASE, "leases", "id");
    compare::<LeaseState>(view, &leases, here, replay, seats::lease_state)?;
    let clients = all(clients::CLIENT, "clients", "id");
    compare::<ClientState>(view, &clients, here, replay, clients::client_state)?;
    let grants = all(clients::GRANT, "grants", "id");
    compare::<GrantState>(view, &grants, here, replay, clients::grant)?;
    let nodes = all(nodes::NODE, "nodes", "id");
    compare::<NodeState>(view, &nodes, here, replay, nodes::node_state)?;
    let payloads = all("sha256", "payloads", "sha256");
    let of_payload = |row: &Row<'_>| Ok((Digest(row.get(0)?), Named));
    compare::<Named>(view, &payloads, here, replay, of_payload)?;
    Ok(())
}

fn compare<M: Many>(
    view: &Connection,
    sql: &str,
    parameters: impl Params,
    replay: &mut Replay,
    read: impl FnMut(&Row<'_>) -> Sql<(M::Key, M)>,
) -> Result<u64, OpenError> {
    let mut statement = view.prepare(sql)?;
    let rows = statement.query_map(parameters, read)?;
    replay.compare_many(rows.map(|row| row.map_err(OpenError::from)))
}

fn check_organization(
    view: &Connection,
    stream: Uuid,
    head: &HeadRow,
    differences: &mut Vec<String>,
) -> Sql<()> {
    let removed: Option<bool> = view
        .prepare_cached("SELECT removed FROM organizations WHERE id = ?1")?
        .query_row([stream], |row| row.get(0))
        .optional()?;
    match removed {
        None => differences.push(format!("stream {stream}: it belongs to no organization")),
        Some(removed) if removed != head.removed => {
            differences.push(format!(
                "stream {stream}: its organization's row and its head row differ in \
                 whether it was removed"
            ));
        }
        Some(_) => {}
    }
    Ok(())
}

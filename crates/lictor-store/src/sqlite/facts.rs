//! Loading the facts that a rule asked for into a state. It reads only, and inside the writer's
//! transaction, after the stream's head row.

use lictor_core::State;
use rusqlite::{Connection, OptionalExtension as _, Params, Row};
use uuid::Uuid;

use super::rows::{self, DecodedKeys, HeadRow, KEY, LICENSE, ORGANIZATION, Sql, TOKEN};
use crate::Fact;

/// The part of the state that `facts` ask for; what is not there stays absent.
pub(super) fn load(
    database: &Connection,
    stream: Uuid,
    head: &HeadRow,
    facts: &[Fact],
    decoded: &mut DecodedKeys,
) -> Sql<State> {
    let mut state = State {
        newest_updated_at: head.newest_updated_at,
        removed: head.removed,
        ..State::default()
    };
    for fact in facts {
        add(database, stream, fact, &mut state, decoded)?;
    }
    Ok(state)
}

fn add(
    database: &Connection,
    stream: Uuid,
    fact: &Fact,
    state: &mut State,
    decoded: &mut DecodedKeys,
) -> Sql<()> {
    match fact {
        Fact::Policy => state.policy = rows::policy(database)?,
        Fact::Key(id) => {
            let sql = format!("SELECT {KEY} FROM trusted_keys WHERE id = ?1");
            let found = one(database, &sql, [id.to_string()], |row| {
                rows::trusted_key(row, decoded)
            })?;
            state.keys.extend(found);
        }
        Fact::Organization(key) => {
            let sql =
                format!("SELECT {ORGANIZATION} FROM organizations WHERE key = ?1 AND removed = 0");
            let found = one(database, &sql, [key], rows::organization_state)?;
            state.organizations.extend(found);
        }
        Fact::Token(id) => {
            let sql = format!("SELECT {TOKEN} FROM tokens WHERE organization_id = ?1 AND id = ?2");
            let found = one(database, &sql, (stream, id), rows::token_state)?;
            state.tokens.extend(found);
        }
        Fact::Application(key) => {
            let sql = "SELECT key FROM applications WHERE organization_id = ?1 AND key = ?2";
            let found = one(database, sql, (stream, key), |row| row.get(0))?;
            state.applications.extend(found);
        }
        Fact::License(id) => {
            let sql =
                format!("SELECT {LICENSE} FROM licenses WHERE organization_id = ?1 AND id = ?2");
            let found = one(database, &sql, (stream, id), rows::license_state)?;
            state.licenses.extend(found);
        }
        Fact::AnyLicense => {
            let sql = format!("SELECT {LICENSE} FROM licenses WHERE organization_id = ?1 LIMIT 1");
            let found = one(database, &sql, [stream], rows::license_state)?;
            state.licenses.extend(found);
        }
    }
    Ok(())
}

fn one<T>(
    database: &Connection,
    sql: &str,
    parameters: impl Params,
    read: impl FnOnce(&Row<'_>) -> Sql<T>,
) -> Sql<Option<T>> {
    database
        .prepare_cached(sql)?
        .query_row(parameters, read)
        .optional()
}

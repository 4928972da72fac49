//! Loading the facts that a rule asked for into a state. It reads only, and inside the writer's
//! transaction, after the stream's head row.

use lictor_core::State;
use lictor_core::state::OrganizationState;
use rusqlite::{Connection, OptionalExtension as _, Params, Row};
use uuid::Uuid;

use super::rows::{self, HeadRow, Sql};
use crate::Fact;

/// The part of the state that `facts` ask for; what is not there stays absent.
pub(super) fn load(
    database: &Connection,
    stream: Uuid,
    head: &HeadRow,
    facts: &[Fact],
) -> Sql<State> {
    let mut state = State {
        newest_updated_at: head.newest_updated_at,
        removed: head.removed,
        ..State::default()
    };
    for fact in facts {
        add(database, stream, fact, &mut state)?;
    }
    Ok(state)
}

fn add(database: &Connection, stream: Uuid, fact: &Fact, state: &mut State) -> Sql<()> {
    match fact {
        Fact::Policy => {
            let sql = "SELECT value FROM settings WHERE name = 'policy'";
            state.policy = one(database, sql, [], rows::policy)?;
        }
        Fact::Key(id) => {
            let sql = "SELECT id, public_key, status FROM trusted_keys WHERE id = ?1";
            state
                .keys
                .extend(one(database, sql, [id.to_string()], rows::trusted_key)?);
        }
        Fact::Organization(key) => {
            let sql = "SELECT id, key, number, created_at, name FROM organizations
                       WHERE key = ?1 AND removed = 0";
            let found = one(database, sql, [key], rows::organization)?;
            state.organizations.extend(found.map(|found| {
                let (id, key, number, created_at) =
                    (found.id, found.key, found.number, found.created_at);
                (
                    id,
                    OrganizationState {
                        key,
                        number,
                        created_at,
                    },
                )
            }));
        }
        Fact::Token(id) => {
            let sql = "SELECT id, role, scopes, created_at, expires_at, revoked_at FROM tokens
                       WHERE organization_id = ?1 AND id = ?2";
            state
                .tokens
                .extend(one(database, sql, (stream, id), rows::token_state)?);
        }
        Fact::Application(key) => {
            let sql = "SELECT key FROM applications WHERE organization_id = ?1 AND key = ?2";
            state
                .applications
                .extend(one(database, sql, (stream, key), |row| row.get(0))?);
        }
        Fact::License(id) => {
            let sql = "SELECT id, application, payload_sha256, created_at, updated_at, revision
                       FROM licenses WHERE organization_id = ?1 AND id = ?2";
            state
                .licenses
                .extend(one(database, sql, (stream, id), rows::license_state)?);
        }
        Fact::AnyLicense => {
            let sql = "SELECT id, application, payload_sha256, created_at, updated_at, revision
                       FROM licenses WHERE organization_id = ?1 LIMIT 1";
            state
                .licenses
                .extend(one(database, sql, [stream], rows::license_state)?);
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

//! Loading the facts that a rule asked for into a state. It reads only, and inside the writer's
//! transaction, after the stream's head row.

use lictor_core::Timestamp;
use lictor_core::facts::quota::Quota;
use lictor_core::state::State;
use rusqlite::{Connection, OptionalExtension as _, Params, Row};
use uuid::Uuid;

use super::accounts::ACCOUNT;
use super::heads::HeadRow;
use super::reads::{self, many};
use super::rows::{self, DecodedKeys, KEY, LICENSE, ORGANIZATION, Sql, TOKEN};
use super::{accounts, answers, clients, node_pools, nodes, refusals, seats, sums, usage};
use crate::Fact;

/// The part of the state that `facts` ask for; what is not there stays absent. `trust_changed` is the
/// installation's `basis_changed`, where that is asked for.
pub(super) fn load(
    database: &Connection,
    stream: Uuid,
    head: &HeadRow,
    trust_changed: u64,
    facts: &[Fact],
    decoded: &mut DecodedKeys,
) -> Sql<Box<State>> {
    let mut state = Box::<State>::default();
    head.give(&mut state);
    state.trust_changed = trust_changed;
    if facts.iter().any(is_about_accounts) {
        state.counts = accounts::counts(database, stream)?;
    }
    for fact in facts {
        add(database, stream, fact, &mut state, decoded)?;
    }
    Ok(state)
}

fn is_about_accounts(fact: &Fact) -> bool {
    matches!(fact, Fact::Account(_) | Fact::AccountByEmail(_))
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
        Fact::OtherOperator { than, now } => {
            // Those that never end, then the others, the last one first, each as the index has them.
            for end in ["expires_at IS NULL AND ?3 NOTNULL", "expires_at > ?3"] {
                let sql = format!(
                    "SELECT {TOKEN} FROM tokens INDEXED BY tokens_unrevoked
                     WHERE organization_id = ?1 AND account_id IS NULL AND revoked_at IS NULL
                         AND id <> ?2 AND role = 'operator' AND scopes = '[]' AND {end}
                     ORDER BY expires_at DESC LIMIT 1"
                );
                let found = one(database, &sql, (stream, than, now), rows::token_state)?;
                state.tokens.extend(found);
            }
        }
        Fact::OtherAdministrator(than) => {
            let sql = format!(
                "SELECT {ACCOUNT} FROM accounts INDEXED BY accounts_administrators
                 WHERE organization_id = ?1 AND administrator = 1 AND status = 'active'
                     AND id <> ?2 LIMIT 1"
            );
            let found = one(database, &sql, (stream, than), |row| {
                accounts::account_state(row, 0)
            })?;
            state.accounts.extend(found);
        }
        Fact::ExpiredTokens(now) => load_expired(database, stream, *now, state)?,
        Fact::Application(key) => {
            seats::load_application(database, stream, key, state)?;
        }
        Fact::NewestLicenses {
            application,
            after,
            limit,
            bytes,
        } => {
            let bounds = (*limit, *bytes);
            let newest = reads::licenses_since(database, stream, application, *after, bounds)?;
            state.newest_licenses.insert(application.clone(), newest);
        }
        Fact::License(id) => {
            let sql =
                format!("SELECT {LICENSE} FROM licenses WHERE organization_id = ?1 AND id = ?2");
            let found = one(database, &sql, (stream, id), rows::license_state)?;
            if let Some((_, license)) = &found {
                seats::load_application(database, stream, &license.application, state)?;
            }
            state.licenses.extend(found);
        }
        Fact::AnyLicense => {
            let sql = format!("SELECT {LICENSE} FROM licenses WHERE organization_id = ?1 LIMIT 1");
            let found = one(database, &sql, [stream], rows::license_state)?;
            state.licenses.extend(found);
        }
        Fact::AnyLicenseOf(application) => {
            let sql = format!(
                "SELECT {LICENSE} FROM licenses INDEXED BY licenses_by_application
                 WHERE organization_id = ?1 AND application = ?2 LIMIT 1"
            );
            let found = one(database, &sql, (stream, application), rows::license_state)?;
            state.licenses.extend(found);
        }
        // The caller has it.
        Fact::Trust => {}
        Fact::Account(id) => accounts::load(database, stream, *id, state)?,
        Fact::AccountByEmail(email) => {
            for id in accounts::load_by_email(database, stream, email, state)? {
                seats::load_seats(database, stream, id, state)?;
            }
        }
        Fact::Seat(id) => seats::load_seat(database, stream, id, state)?,
        Fact::SeatsOf(account) => {
            seats::load_seats(database, stream, *account, state)?;
            let held: Vec<_> = state
                .seats
                .keys()
                .map(|id| id.application.clone())
                .collect();
            for application in held {
                seats::load_application(database, stream, &application, state)?;
            }
        }
        Fact::Lease(id) => seats::load_lease(database, stream, *id, state)?,
        Fact::LeaseOf {
            application,
            holder,
        } => seats::load_lease_of(database, stream, application, holder, state)?,
        Fact::Holder(key) => {
            seats::load_leases_of(database, stream, key, state)?;
            state.refusals_of_holder = refusals::of_holder(database, stream, key)?;
            state.answers_of_holder = answers::of_holder(database, stream, key)?;
        }
        Fact::Due(now) => seats::load_due(database, stream, *now, state)?,
        Fact::Client(id) => clients::load(database, stream, *id, state)?,
        Fact::GrantsOf { client, since } => {
            clients::load_grants(database, stream, *client, *since, state)?;
        }
        Fact::CodesOf { client, since } => {
            clients::load_codes(database, stream, *client, *since, state)?;
        }
        Fact::Code(sha256) => clients::load_code(database, stream, *sha256, state)?,
        Fact::ClientSecret(sha256) => clients::load_secret(database, stream, *sha256, state)?,
        Fact::AccessOf(client) => clients::load_access(database, stream, *client, None, state)?,
        Fact::Node(id) => nodes::load(database, stream, *id, state)?,
        Fact::NodesToJoin(application, now) => {
            let count = nodes::to_join(database, stream, application, *now)?;
            state.nodes_to_join.insert(application.clone(), count);
        }
        Fact::NodeNamed(name) => nodes::load_named(database, stream, name, state)?,
        Fact::NodePool(id) => node_pools::load(database, stream, *id, state)?,
        Fact::NodePoolNamed(name) => node_pools::load_named(database, stream, name, state)?,
        Fact::NodeSettings => state.node_settings = nodes::settings(database, stream)?,
        Fact::Usage(key) => usage::load(database, stream, key, state)?,
        Fact::UsageEpoch { series, epoch } => {
            usage::load_epoch(database, stream, series, epoch, state)?;
        }
        Fact::UsageOf { source, into } => {
            usage::load_source(database, stream, source, into, state)?;
        }
        Fact::UsageOfNode { name, into } => {
            usage::load_node(database, stream, name, into, state)?;
        }
        Fact::NodeStarts(id) => {
            let found = nodes::starts(database, stream, *id)?;
            state.node_starts.insert(*id, found);
        }
        Fact::UsageBySource(source) => {
            let sum = usage::of_source(database, stream, source)?;
            state.usage_by_source.insert(source.clone(), sum);
        }
        Fact::UsageMonth(month) => usage::load_month(database, stream, month, state)?,
        Fact::UsageSum => state.usage_sum = sums::sum(database, stream)?,
    }
    Ok(())
}

/// How many expired tokens give way at once at most.
const EXPIRED: usize = 100;

fn load_expired(database: &Connection, stream: Uuid, now: Timestamp, state: &mut State) -> Sql<()> {
    if state.used.of(Quota::Tokens) < state.quotas.limit(Quota::Tokens) {
        return Ok(());
    }
    let sql = format!(
        "SELECT {TOKEN} FROM tokens INDEXED BY tokens_by_end
         WHERE organization_id = ?1 AND expires_at <= ?2 AND revoked_at IS NULL
         ORDER BY expires_at LIMIT ?3"
    );
    let found = many(database, &sql, (stream, now, EXPIRED), rows::token_state)?;
    state.tokens.extend(found);
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

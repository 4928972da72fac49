//! Which statement reads which fact, inside the writer's transaction.

use lictor_core::digest::Digest;
use lictor_core::elapsed::Elapsed;
use lictor_core::facts::account::{AccountCounts, AccountState};
use lictor_core::facts::application::ApplicationState;
use lictor_core::facts::client::{ClientState, CodesMade};
use lictor_core::facts::grant::{Access, Code, GrantState};
use lictor_core::facts::lease::Lease;
use lictor_core::facts::license::{LicenseState, Newest};
use lictor_core::facts::node::{Counting, NodeIdentity, NodeSettings, NodeState};
use lictor_core::facts::organization::{INSTALLATION, OrganizationState};
use lictor_core::facts::pool::{PoolIdentity, PoolState};
use lictor_core::facts::role::Role;
use lictor_core::facts::seats::{SeatId, SeatState};
use lictor_core::facts::token::TokenState;
use lictor_core::facts::usage::{EpochState, Series, UsageKey, UsageRow};
use lictor_core::{KeyId, Timestamp, TrustPolicy, TrustedKey};
use rusqlite::{Connection, OptionalExtension as _, Params, Row};
use uuid::Uuid;

use super::accounts::{ACCOUNT, ACTIVE};
use super::reads::{self, many};
use super::rows::{self, KEY, LICENSE, ORGANIZATION, Sql, TOKEN};
use super::transaction::Transaction;
use super::{
    accounts, answers, applications, clients, node_pools, nodes, refusals, seats, sums, usage,
};
use crate::facts::{By, FactReads, GrantBy, UsageOf};

/// The word for operators, which a statement names.
pub(super) const OPERATOR: &str = Role::Operator.as_str();

impl FactReads for Transaction<'_> {
    fn policy(&mut self) -> Sql<Option<TrustPolicy>> {
        rows::policy(self.database)
    }

    fn trust_changed(&mut self) -> Sql<u64> {
        let installation = self.heads.get(self.database, INSTALLATION)?;
        Ok(installation.map_or(0, |row| row.basis_changed))
    }

    fn key(&mut self, id: KeyId) -> Sql<Option<(KeyId, TrustedKey)>> {
        let sql = format!("SELECT {KEY} FROM trusted_keys WHERE id = ?1");
        let decoded = &mut self.decoded;
        one(self.database, &sql, [id.to_string()], |row| {
            rows::trusted_key(row, decoded)
        })
    }

    fn organization(&mut self, key: &str) -> Sql<Option<(Uuid, OrganizationState)>> {
        let sql =
            format!("SELECT {ORGANIZATION} FROM organizations WHERE key = ?1 AND removed = 0");
        one(self.database, &sql, [key], rows::organization_state)
    }

    fn token(&mut self, stream: Uuid, id: Uuid) -> Sql<Option<(Uuid, TokenState)>> {
        let sql = format!("SELECT {TOKEN} FROM tokens WHERE organization_id = ?1 AND id = ?2");
        one(self.database, &sql, (stream, id), rows::token_state)
    }

    fn other_operators(
        &mut self,
        stream: Uuid,
        than: Uuid,
        now: Timestamp,
    ) -> Sql<Vec<(Uuid, TokenState)>> {
        let mut others = Vec::new();
        // Those that never end, then the others, the last one first, each as the index has them.
        for end in ["expires_at IS NULL AND ?3 NOTNULL", "expires_at > ?3"] {
            let sql = format!(
                "SELECT {TOKEN} FROM tokens INDEXED BY tokens_unrevoked
                 WHERE organization_id = ?1 AND account_id IS NULL AND revoked_at IS NULL
                     AND id <> ?2 AND role = '{OPERATOR}' AND scopes = '[]' AND {end}
                 ORDER BY expires_at DESC LIMIT 1"
            );
            let found = one(self.database, &sql, (stream, than, now), rows::token_state)?;
            others.extend(found);
        }
        Ok(others)
    }

    fn expired_tokens(
        &mut self,
        stream: Uuid,
        now: Timestamp,
        most: usize,
    ) -> Sql<Vec<(Uuid, TokenState)>> {
        let sql = format!(
            "SELECT {TOKEN} FROM tokens INDEXED BY tokens_by_end
             WHERE organization_id = ?1 AND expires_at <= ?2 AND revoked_at IS NULL
             ORDER BY expires_at LIMIT ?3"
        );
        many(self.database, &sql, (stream, now, most), rows::token_state)
    }

    fn other_administrator(
        &mut self,
        stream: Uuid,
        than: Uuid,
    ) -> Sql<Option<(Uuid, AccountState)>> {
        let sql = format!(
            "SELECT {ACCOUNT} FROM accounts INDEXED BY accounts_administrators
             WHERE organization_id = ?1 AND administrator = 1 AND status = '{ACTIVE}'
                 AND id <> ?2 LIMIT 1"
        );
        one(self.database, &sql, (stream, than), |row| {
            accounts::account_state(row, 0)
        })
    }

    fn application(&mut self, stream: Uuid, key: &str) -> Sql<Option<ApplicationState>> {
        let found = applications::one(self.database, stream, key)?;
        Ok(found.map(|found| found.state))
    }

    fn newest_licenses(
        &mut self,
        stream: Uuid,
        application: &str,
        after: (Timestamp, u64),
        bounds: (usize, usize),
    ) -> Sql<Newest> {
        reads::licenses_since(self.database, stream, application, after, bounds)
    }

    fn license(&mut self, stream: Uuid, id: Uuid) -> Sql<Option<(Uuid, LicenseState)>> {
        let sql = format!("SELECT {LICENSE} FROM licenses WHERE organization_id = ?1 AND id = ?2");
        one(self.database, &sql, (stream, id), rows::license_state)
    }

    fn any_license(
        &mut self,
        stream: Uuid,
        application: Option<&str>,
    ) -> Sql<Option<(Uuid, LicenseState)>> {
        let Some(application) = application else {
            let sql = format!("SELECT {LICENSE} FROM licenses WHERE organization_id = ?1 LIMIT 1");
            return one(self.database, &sql, [stream], rows::license_state);
        };
        let sql = format!(
            "SELECT {LICENSE} FROM licenses INDEXED BY licenses_by_application
             WHERE organization_id = ?1 AND application = ?2 LIMIT 1"
        );
        let parameters = (stream, application);
        one(self.database, &sql, parameters, rows::license_state)
    }

    fn account_counts(&mut self, stream: Uuid) -> Sql<AccountCounts> {
        accounts::counts(self.database, stream)
    }

    fn account(&mut self, stream: Uuid, id: Uuid) -> Sql<Option<(Uuid, AccountState)>> {
        accounts::state(self.database, stream, id)
    }

    fn account_with_key(&mut self, stream: Uuid, key: &str) -> Sql<Option<Uuid>> {
        accounts::with_key(self.database, stream, key)
    }

    fn account_apart(&mut self, stream: Uuid, email: &str) -> Sql<Option<Uuid>> {
        accounts::apart(self.database, stream, email)
    }

    fn seat(&mut self, stream: Uuid, id: &SeatId) -> Sql<Option<(SeatId, SeatState)>> {
        seats::one_seat(self.database, stream, id)
    }

    fn seats_of(&mut self, stream: Uuid, account: Uuid) -> Sql<Vec<(SeatId, SeatState)>> {
        seats::seats_of(self.database, stream, account)
    }

    fn lease(&mut self, stream: Uuid, id: Uuid) -> Sql<Option<Lease>> {
        seats::one_lease(self.database, stream, id)
    }

    fn leases_with_key(&mut self, stream: Uuid, application: &str, key: &str) -> Sql<Vec<Lease>> {
        seats::leases_with_key(self.database, stream, application, key)
    }

    fn leases_apart(
        &mut self,
        stream: Uuid,
        application: &str,
        spellings: [&str; 2],
    ) -> Sql<Vec<Lease>> {
        seats::leases_apart(self.database, stream, application, spellings)
    }

    fn leases_of_holder(&mut self, stream: Uuid, key: &str) -> Sql<Vec<Lease>> {
        seats::leases_of(self.database, stream, key)
    }

    fn due_leases(&mut self, stream: Uuid, now: Elapsed, most: usize) -> Sql<Vec<Lease>> {
        seats::due_leases(self.database, stream, now, most)
    }

    fn refusals_of_holder(&mut self, stream: Uuid, key: &str, most: usize) -> Sql<u64> {
        refusals::of_holder(self.database, stream, key, most)
    }

    fn answers_of_holder(&mut self, stream: Uuid, key: &str, most: usize) -> Sql<u64> {
        answers::of_holder(self.database, stream, key, most)
    }

    fn client(&mut self, stream: Uuid, id: Uuid) -> Sql<Option<ClientState>> {
        let found = clients::one(self.database, stream, id)?;
        Ok(found.map(|found| found.state))
    }

    fn grants_of(
        &mut self,
        stream: Uuid,
        client: Uuid,
        since: Elapsed,
    ) -> Sql<Vec<(Uuid, GrantState, Elapsed)>> {
        clients::grants_of(self.database, stream, client, since)
    }

    fn codes_of(&mut self, stream: Uuid, client: Uuid, since: Elapsed) -> Sql<CodesMade> {
        clients::codes_of(self.database, stream, client, since)
    }

    fn unused_code(&mut self, stream: Uuid, code: Digest) -> Sql<Option<Code>> {
        clients::unused_code(self.database, stream, code)
    }

    fn grant(&mut self, stream: Uuid, by: GrantBy) -> Sql<Option<(Uuid, GrantState)>> {
        clients::one_grant(self.database, stream, by)
    }

    fn access_token(&mut self, stream: Uuid, secret: Digest) -> Sql<Option<(Digest, Access)>> {
        clients::access_token(self.database, stream, secret)
    }

    fn access_tokens_of(
        &mut self,
        stream: Uuid,
        client: Uuid,
        grant: Option<Uuid>,
    ) -> Sql<Vec<(Digest, Access)>> {
        clients::access_tokens_of(self.database, stream, client, grant)
    }

    fn node(&mut self, stream: Uuid, by: By<'_>) -> Sql<Option<(Uuid, NodeState, NodeIdentity)>> {
        nodes::state(self.database, stream, by)
    }

    fn nodes_to_join(&mut self, stream: Uuid, application: &str, now: Elapsed) -> Sql<u64> {
        nodes::to_join(self.database, stream, application, now)
    }

    fn node_starts(&mut self, stream: Uuid, id: Uuid) -> Sql<Vec<Counting>> {
        nodes::starts(self.database, stream, id)
    }

    fn node_settings(&mut self, stream: Uuid) -> Sql<NodeSettings> {
        nodes::settings(self.database, stream)
    }

    fn pool(&mut self, stream: Uuid, by: By<'_>) -> Sql<Option<(Uuid, PoolState, PoolIdentity)>> {
        node_pools::state(self.database, stream, by)
    }

    fn usage(&mut self, stream: Uuid, key: &UsageKey) -> Sql<Option<UsageRow>> {
        usage::one(self.database, stream, key)
    }

    fn uncorrected_usage(
        &mut self,
        stream: Uuid,
        of: UsageOf<'_>,
        most: usize,
    ) -> Sql<Vec<UsageRow>> {
        usage::uncorrected(self.database, stream, of, most)
    }

    fn usage_epochs(
        &mut self,
        stream: Uuid,
        series: &Series,
        epoch: Option<&str>,
    ) -> Sql<Vec<(String, EpochState)>> {
        usage::epochs(self.database, stream, series, epoch)
    }

    fn usage_of_source(&mut self, stream: Uuid, source: &str) -> Sql<u64> {
        usage::of_source(self.database, stream, source)
    }

    fn series_of_month(&mut self, stream: Uuid, month: &str) -> Sql<u64> {
        usage::of_month(self.database, stream, month)
    }

    fn usage_sum(&mut self, stream: Uuid) -> Sql<u64> {
        sums::sum(self.database, stream)
    }
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

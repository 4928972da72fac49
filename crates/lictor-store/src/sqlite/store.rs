//! Which statement answers what: the SQLite backend as a [`Store`].

use std::collections::BTreeMap;

use async_trait::async_trait;
use lictor_core::digest::Digest;
use lictor_core::document::rotation::Rotation;
use lictor_core::elapsed::{Elapsed, Now};
use lictor_core::facts::account::Account;
use lictor_core::facts::client::Client;
use lictor_core::facts::entitlement::{ApplicationBasis, Basis};
use lictor_core::facts::lease::{EndedLease, Lease};
use lictor_core::facts::license::License;
use lictor_core::facts::node::{Node, NodeSettings};
use lictor_core::facts::organization::{INSTALLATION, Organization};
use lictor_core::facts::pool::Pool;
use lictor_core::facts::seats::{Seat, SeatId, SeatState};
use lictor_core::facts::token::Token;
use lictor_core::facts::usage::UsageKey;
use lictor_core::ledger::{Entry, Head};
use lictor_core::{Error, Timestamp, TrustPolicy, TrustSet};
use rusqlite::Connection;
use uuid::Uuid;

use super::pool::off_the_runtime;
use super::{
    SqliteStore, accounts, answers, backup, check, clients, clock, ended, expired, left, looks,
    node_pools, nodes, open, reads, refusals, removed, seats, sizes, sums, usage,
};
use crate::{
    Answer, Batches, Bounds, CheckReport, Choose, DatabaseCopy, EndedFilter, EndedKey, Figures,
    IdempotencyKey, LeftNode, Look, NodePlaces, NodesBasis, Observer, PoolBy, PoolNode, RefusalSum,
    Refused, RefusedKey, Sizes, Store, SumKey, UsageFigures, UsagePage, Watch, Write, Written,
};

#[async_trait]
impl Store for SqliteStore {
    async fn write(&self, write: Write) -> Result<Written, Error> {
        self.writer.write(write).await
    }

    fn observe(&self, observer: Observer) {
        self.writer.observe(observer);
    }

    async fn license(&self, organization: Uuid, id: Uuid) -> Result<Option<License>, Error> {
        self.read(organization, move |database| {
            reads::license(database, organization, id)
        })
        .await
    }

    async fn licenses(
        &self,
        organization: Uuid,
        application: Option<&str>,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<License>, Error> {
        let application = application.map(str::to_owned);
        self.read(organization, move |database| {
            reads::licenses_page(database, organization, application.as_deref(), after, limit)
        })
        .await
    }

    async fn look_through(
        &self,
        organization: Uuid,
        application: &str,
        look: Look,
    ) -> Result<ApplicationBasis, Error> {
        let application = application.to_owned();
        let looked =
            move |database: &Connection| looks::through(database, organization, &application, look);
        self.readers.run(organization, looked).await
    }

    async fn choose_licenses(
        &self,
        organization: Uuid,
        application: &str,
        choose: Choose,
    ) -> Result<NodesBasis, Error> {
        let application = application.to_owned();
        self.read(organization, move |database| {
            looks::choose_licenses(database, organization, &application, choose)
        })
        .await
    }

    async fn current_license(&self, organization: Uuid) -> Result<Option<License>, Error> {
        self.read(organization, move |database| {
            reads::current_license(database, organization)
        })
        .await
    }

    async fn figures(&self, organization: Uuid) -> Result<Figures, Error> {
        self.read(organization, move |database| {
            reads::figures(database, organization)
        })
        .await
    }

    async fn figures_of(
        &self,
        organization: Uuid,
        applications: Vec<String>,
    ) -> Result<Figures, Error> {
        self.read(organization, move |database| {
            reads::figures_of(database, organization, &applications)
        })
        .await
    }

    async fn basis(&self, organization: Uuid) -> Result<Basis, Error> {
        self.read(organization, move |database| {
            reads::basis(database, organization)
        })
        .await
    }

    async fn account(&self, organization: Uuid, id: Uuid) -> Result<Option<Account>, Error> {
        self.read(organization, move |database| {
            accounts::one(database, organization, id)
        })
        .await
    }

    async fn account_by_email(
        &self,
        organization: Uuid,
        email: &str,
    ) -> Result<Option<Account>, Error> {
        let email = email.to_owned();
        self.read(organization, move |database| {
            accounts::by_email(database, organization, &email)
        })
        .await
    }

    async fn accounts(
        &self,
        organization: Uuid,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<Account>, Error> {
        self.read(organization, move |database| {
            accounts::page(database, organization, after, limit)
        })
        .await
    }

    async fn seats(
        &self,
        organization: Uuid,
        application: &str,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<Seat>, Error> {
        let application = application.to_owned();
        self.read(organization, move |database| {
            seats::seats_page(database, organization, &application, after, limit)
        })
        .await
    }

    async fn seats_of(
        &self,
        organization: Uuid,
        account: Uuid,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(SeatId, SeatState)>, Error> {
        let after = after.unwrap_or_default().to_owned();
        self.read(organization, move |database| {
            seats::seats_of_page(database, organization, account, &after, limit)
        })
        .await
    }

    async fn lease(&self, organization: Uuid, id: Uuid) -> Result<Option<Lease>, Error> {
        self.read(organization, move |database| {
            seats::one_lease(database, organization, id)
        })
        .await
    }

    async fn leases(
        &self,
        organization: Uuid,
        application: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Lease>, Error> {
        let (application, after) = (application.to_owned(), after.map(str::to_owned));
        self.read(organization, move |database| {
            seats::leases_page(
                database,
                organization,
                &application,
                after.as_deref(),
                limit,
            )
        })
        .await
    }

    async fn organizations_with_due_leases(&self, now: Elapsed) -> Result<Vec<Uuid>, Error> {
        self.read(INSTALLATION, move |database| seats::due(database, now))
            .await
    }

    async fn ended_leases(
        &self,
        organization: Uuid,
        filter: &EndedFilter,
        before: Option<EndedKey>,
        limit: usize,
    ) -> Result<Vec<EndedLease>, Error> {
        let filter = filter.clone();
        self.read(organization, move |database| {
            ended::page(database, organization, &filter, before, limit)
        })
        .await
    }

    async fn ended_leases_of(
        &self,
        organization: Uuid,
        key: &str,
        limit: usize,
    ) -> Result<Vec<EndedLease>, Error> {
        let key = key.to_owned();
        self.read(organization, move |database| {
            ended::of_holder(database, organization, &key, limit)
        })
        .await
    }

    async fn ended_leases_due(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<(Uuid, String, Timestamp)>, Error> {
        self.read(INSTALLATION, move |database| {
            ended::due(database, before, limit)
        })
        .await
    }

    async fn removed_with_names(&self, limit: usize) -> Result<Vec<Uuid>, Error> {
        self.read(INSTALLATION, move |database| {
            removed::to_erase(database, limit)
        })
        .await
    }

    async fn refusals(
        &self,
        organization: Uuid,
        before: Option<&RefusedKey>,
        limit: usize,
    ) -> Result<Vec<Refused>, Error> {
        let before = before.cloned();
        self.read(organization, move |database| {
            refusals::page(database, organization, before.as_ref(), limit)
        })
        .await
    }

    async fn refusal_sums(
        &self,
        organization: Uuid,
        before: Option<&SumKey>,
        limit: usize,
    ) -> Result<Vec<RefusalSum>, Error> {
        let before = before.cloned();
        self.read(organization, move |database| {
            refusals::sums(database, organization, before.as_ref(), limit)
        })
        .await
    }

    async fn organizations(&self) -> Result<Vec<Organization>, Error> {
        self.read(INSTALLATION, reads::organizations).await
    }

    async fn trust(&self) -> Result<TrustSet, Error> {
        self.read(INSTALLATION, reads::trust).await
    }

    async fn policy(&self) -> Result<Option<TrustPolicy>, Error> {
        self.read(INSTALLATION, reads::policy).await
    }

    async fn token_by_secret(&self, sha256: [u8; 32]) -> Result<Option<Token>, Error> {
        self.read(INSTALLATION, move |database| {
            reads::token_by_secret(database, sha256)
        })
        .await
    }

    async fn tokens(
        &self,
        stream: Uuid,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<Token>, Error> {
        self.read(stream, move |database| {
            reads::tokens(database, stream, after, limit)
        })
        .await
    }

    async fn token_owners(&self, stream: Uuid, now: Timestamp) -> Result<usize, Error> {
        self.read(stream, move |database| {
            reads::token_owners(database, stream, now)
        })
        .await
    }

    async fn client(&self, organization: Uuid, id: Uuid) -> Result<Option<Client>, Error> {
        self.read(organization, move |database| {
            clients::one(database, organization, id)
        })
        .await
    }

    async fn clients(
        &self,
        organization: Uuid,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<Client>, Error> {
        self.read(organization, move |database| {
            clients::page(database, organization, after, limit)
        })
        .await
    }

    async fn client_by_client_id(
        &self,
        client_id: &str,
    ) -> Result<Option<(Client, Digest)>, Error> {
        let client_id = client_id.to_owned();
        self.read(INSTALLATION, move |database| {
            clients::by_client_id(database, &client_id)
        })
        .await
    }

    async fn organization_of_secret(&self, sha256: Digest) -> Result<Option<Uuid>, Error> {
        self.read(INSTALLATION, move |database| {
            clients::organization_of(database, sha256)
        })
        .await
    }

    async fn node(&self, organization: Uuid, id: Uuid) -> Result<Option<Node>, Error> {
        self.read(organization, move |database| {
            nodes::one(database, organization, id)
        })
        .await
    }

    async fn is_node_elsewhere(&self, organization: Uuid, id: Uuid) -> Result<bool, Error> {
        self.read(organization, move |database| {
            nodes::is_elsewhere(database, organization, id)
        })
        .await
    }

    async fn node_named(&self, organization: Uuid, name: &str) -> Result<Option<Node>, Error> {
        let name = name.to_owned();
        self.read(organization, move |database| {
            nodes::by_name(database, organization, &name)
        })
        .await
    }

    async fn nodes(
        &self,
        organization: Uuid,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<Node>, Error> {
        self.read(organization, move |database| {
            nodes::page(database, organization, after, limit)
        })
        .await
    }

    async fn node_by_secret(&self, sha256: Digest) -> Result<Option<Node>, Error> {
        self.read(INSTALLATION, move |database| {
            nodes::by_secret(database, sha256)
        })
        .await
    }

    async fn node_pool(&self, by: PoolBy) -> Result<Option<Pool>, Error> {
        self.read(by.organization(), move |db| node_pools::one(db, &by))
            .await
    }

    async fn node_pools(
        &self,
        organization: Uuid,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<Pool>, Error> {
        self.read(organization, move |database| {
            node_pools::page(database, organization, after, limit)
        })
        .await
    }

    async fn pool_nodes(&self) -> Result<Vec<PoolNode>, Error> {
        self.read(INSTALLATION, node_pools::all_nodes).await
    }

    async fn left_nodes_due(&self, now: Now, limit: usize) -> Result<Vec<LeftNode>, Error> {
        self.read(INSTALLATION, move |database| {
            left::due(database, &now, limit)
        })
        .await
    }

    async fn node_settings(&self, organization: Uuid) -> Result<NodeSettings, Error> {
        self.read(organization, move |database| {
            nodes::settings(database, organization)
        })
        .await
    }

    async fn rotations(&self) -> Result<Vec<Rotation>, Error> {
        self.read(INSTALLATION, nodes::rotations).await
    }

    async fn usage(
        &self,
        organization: Uuid,
        after: Option<&UsageKey>,
        limit: usize,
    ) -> Result<UsagePage, Error> {
        let after = after.cloned();
        self.read(organization, move |database| {
            usage::page(database, organization, after, limit)
        })
        .await
    }

    async fn node_places(
        &self,
        organization: Option<Uuid>,
        now: Elapsed,
    ) -> Result<Vec<NodePlaces>, Error> {
        self.read(organization.unwrap_or(INSTALLATION), move |database| {
            nodes::places(database, organization, now)
        })
        .await
    }

    async fn requests_of_nodes(
        &self,
        organization: Uuid,
        names: Vec<String>,
        month: &str,
    ) -> Result<Vec<u64>, Error> {
        let month = month.to_owned();
        self.read(organization, move |database| {
            let sums = names.iter();
            sums.map(|name| usage::of_node(database, organization, name, &month))
                .collect()
        })
        .await
    }

    async fn usage_figures(&self, organization: Uuid) -> Result<UsageFigures, Error> {
        self.read(organization, move |database| {
            sums::figures(database, organization)
        })
        .await
    }

    async fn entries(&self, stream: Uuid, after: u64, limit: usize) -> Result<Vec<Entry>, Error> {
        self.read(stream, move |database| {
            reads::entries(database, stream, after, limit)
        })
        .await
    }

    async fn actors(
        &self,
        stream: Uuid,
        positions: Vec<u64>,
    ) -> Result<BTreeMap<u64, Uuid>, Error> {
        self.read(stream, move |database| {
            reads::actors(database, stream, &positions)
        })
        .await
    }

    async fn head(&self, stream: Uuid) -> Result<Option<Head>, Error> {
        self.read(stream, move |database| reads::head(database, stream))
            .await
    }

    async fn bounds(&self, organization: Uuid, now: Now) -> Result<Option<Bounds>, Error> {
        self.read(organization, move |database| {
            reads::bounds(database, organization, &now)
        })
        .await
    }

    async fn answered(
        &self,
        organization: Uuid,
        key: &IdempotencyKey,
        now: Elapsed,
    ) -> Result<Option<Answer>, Error> {
        let key = key.clone();
        let answered = move |database: &Connection| answers::answered(database, &key, now);
        self.readers.run(organization, answered).await
    }

    async fn has_expired(&self, now: Now) -> Result<bool, Error> {
        self.read(INSTALLATION, move |database| expired::any(database, &now))
            .await
    }

    async fn clock(&self) -> Result<Option<Now>, Error> {
        self.read(INSTALLATION, clock::saved).await
    }

    async fn ready(&self) -> Result<(), Error> {
        self.writer.ready()?;
        if self.writer.found_full() {
            self.writer.look_for_room(&self.folder).await?;
        }
        self.head(INSTALLATION).await.map(drop)
    }

    /// The kernel's lock on the folder sees to it.
    fn is_exclusive(&self) -> bool {
        true
    }

    fn engine(&self) -> String {
        format!("sqlite {}", rusqlite::version())
    }

    fn batches(&self) -> Batches {
        self.writer.batches()
    }

    /// It stands in the lock file.
    fn note_address(&self, address: &str) -> std::io::Result<()> {
        let lock = self.lock.as_ref();
        lock.map_or(Ok(()), |lock| lock.note_address(address))
    }

    async fn sizes(&self) -> Result<Sizes, Error> {
        let path = self.path.clone();
        self.read(INSTALLATION, move |database| sizes::of(database, &path))
            .await
    }

    async fn backup(&self) -> Result<DatabaseCopy, Error> {
        backup::alone(self).await
    }

    async fn check(&self) -> Result<CheckReport, Error> {
        let path = self.path.clone();
        off_the_runtime(move || check::check(&mut open::inspector(&path)?, &Watch::default())).await
    }
}

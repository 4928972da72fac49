//! Which statement answers which read.

mod of_nodes;

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
use lictor_core::facts::organization::{INSTALLATION, Organization};
use lictor_core::facts::seats::{Seat, SeatId, SeatState};
use lictor_core::facts::token::Token;
use lictor_core::ledger::{Entry, Head};
use lictor_core::{Error, Timestamp, TrustPolicy, TrustSet};
use rusqlite::Connection;
use uuid::Uuid;

use super::{
    SqliteStore, accounts, answers, clients, clock, ended, expired, looks, nodes, reads, refusals,
    removed, seats,
};
use crate::{
    AccountReads, Answer, Bounds, Choose, EndedFilter, EndedKey, Figures, IdempotencyKey,
    InstallationReads, LedgerReads, LicenseReads, Look, NodesBasis, RefusalSum, Refused,
    RefusedKey, SeatReads, SumKey, TokenReads,
};

#[async_trait]
impl LicenseReads for SqliteStore {
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

    async fn basis(&self, organization: Uuid) -> Result<Basis, Error> {
        self.read(organization, move |database| {
            reads::basis(database, organization)
        })
        .await
    }
}

#[async_trait]
impl AccountReads for SqliteStore {
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
}

#[async_trait]
impl SeatReads for SqliteStore {
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
}

#[async_trait]
impl InstallationReads for SqliteStore {
    async fn organizations(&self) -> Result<Vec<Organization>, Error> {
        self.read(INSTALLATION, reads::organizations).await
    }

    async fn removed_with_names(&self, limit: usize) -> Result<Vec<Uuid>, Error> {
        self.read(INSTALLATION, move |database| {
            removed::to_erase(database, limit)
        })
        .await
    }

    async fn trust(&self) -> Result<TrustSet, Error> {
        self.read(INSTALLATION, reads::trust).await
    }

    async fn policy(&self) -> Result<Option<TrustPolicy>, Error> {
        self.read(INSTALLATION, reads::policy).await
    }

    async fn rotations(&self) -> Result<Vec<Rotation>, Error> {
        self.read(INSTALLATION, nodes::rotations).await
    }

    async fn bounds(&self, organization: Uuid, now: Now) -> Result<Option<Bounds>, Error> {
        self.read(organization, move |database| {
            reads::bounds(database, organization, &now)
        })
        .await
    }
}

#[async_trait]
impl TokenReads for SqliteStore {
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
}

#[async_trait]
impl LedgerReads for SqliteStore {
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
}

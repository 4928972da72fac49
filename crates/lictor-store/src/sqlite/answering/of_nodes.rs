//! Which statement answers which read of nodes and of usage.

use async_trait::async_trait;
use lictor_core::Error;
use lictor_core::digest::Digest;
use lictor_core::elapsed::{Elapsed, Now};
use lictor_core::facts::node::{Node, NodeSettings};
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::facts::pool::Pool;
use lictor_core::facts::usage::UsageKey;
use uuid::Uuid;

use super::super::{SqliteStore, left, node_pools, nodes, sums, usage};
use crate::{
    LeftNode, NodePlaces, NodeReads, PoolBy, PoolNode, UsageFigures, UsagePage, UsageReads,
};

#[async_trait]
impl NodeReads for SqliteStore {
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
}

#[async_trait]
impl UsageReads for SqliteStore {
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
}

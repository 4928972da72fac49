//! Pools of nodes: made, listed, revoked and joined; and the loop that gives the places of silent nodes
//! back.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use lictor_core::access::Actor;
use lictor_core::elapsed::{Elapsed, Now};
use lictor_core::error::Kind;
use lictor_core::facts::entitlement::NodeTerms;
use lictor_core::facts::node::Node;
use lictor_core::facts::pool::Pool;
use lictor_core::feed::{EnrollmentToken, Join, KnownNode, NodeStart};
use lictor_core::names::trimmed;
use lictor_core::rules::node::{self, NewPool};
use lictor_core::state::State;
use lictor_core::{Error, Timestamp, facts};
use lictor_planted as planted;
use lictor_store::{Fact, PoolBy, PoolNode, Rule, Write};
use uuid::Uuid;

use super::permits::Permit;
use super::right::{Nodes, Read};
use super::{Authority, Call, expiry, right};
use crate::random;

/// How soon, and after how long at the latest, it is looked again which nodes are silent: an eighth of
/// the shortest silence that any of them may keep.
const SOONEST: i64 = 1;
const LATEST: i64 = 30;

/// How long that takes where no pool has a node, in seconds.
const IDLE: i64 = 5;

/// How many places are given back in one transaction.
const AT_ONCE: usize = 100;

/// A pool to make.
#[derive(Debug, Clone)]
pub struct PoolRequest {
    /// What to call it.
    pub name: String,
    /// The application that its nodes are to serve; none: the only one there is.
    pub application: Option<String>,
    /// How many nodes there may be of it at once.
    pub uses: u64,
    /// How long its token can be used, in seconds; none: [`facts::pool::DEFAULT_POOL_TTL`].
    pub ttl: Option<i64>,
    /// After how many seconds of silence a node gives its place back; none:
    /// [`facts::pool::DEFAULT_FORGET_AFTER`].
    pub forget_after: Option<i64>,
}

/// A pool just made. The token is shown this once; it has no `Debug`.
pub struct IssuedPool {
    /// The pool.
    pub pool: PoolStanding,
    /// What its nodes join with.
    pub token: EnrollmentToken,
}

/// A pool, and until when its nodes can join.
#[derive(Debug, Clone)]
pub struct PoolStanding {
    /// The pool.
    pub pool: Pool,
    /// From when on its token cannot be used.
    pub expires_at: Timestamp,
    /// Whether that is so.
    pub expired: bool,
}

/// What is known of nodes that say nothing.
#[derive(Default)]
pub(super) struct Silence {
    /// Since when this server listens.
    began: Option<Elapsed>,
    /// When each node that has a place of a pool was last seen connected.
    connected: HashMap<Uuid, Elapsed>,
}

impl Authority {
    /// At most `limit` pools that are not revoked in order of their ids, beginning after `after`.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn node_pools(
        &self,
        permit: Permit<'_, Nodes, Read>,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<PoolStanding>, Error> {
        let call = permit.call();
        let organization = call.organization.id;
        let pools = self.store.node_pools(organization, after, limit).await?;
        Ok(pools.into_iter().map(|pool| standing(call, pool)).collect())
    }

    /// The pool with this name or id that is not revoked.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a fault of the store.
    pub async fn node_pool(
        &self,
        permit: Permit<'_, Nodes, Read>,
        name: &str,
    ) -> Result<PoolStanding, Error> {
        let call = permit.call();
        Ok(standing(call, self.find_pool(call, name).await?))
    }

    async fn find_pool(&self, call: &Call, name: &str) -> Result<Pool, Error> {
        let organization = call.organization.id;
        let by = match Uuid::try_parse(name) {
            Ok(id) => PoolBy::Id(organization, id),
            Err(_) => PoolBy::Name(organization, trimmed(name).to_owned()),
        };
        let found = self.store.node_pool(by).await?;
        let live = found.filter(|pool| pool.state.revoked_at.is_none());
        live.ok_or_else(|| node::missing_pool(name))
    }

    /// Makes a pool, and the token that its nodes join with.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the application, [`Error::InvalidInput`],
    /// [`Error::AlreadyExists`], or a fault of the store.
    pub async fn create_pool(
        &self,
        permit: Permit<'_, Nodes, right::Write>,
        request: PoolRequest,
    ) -> Result<IssuedPool, Error> {
        let call = permit.call();
        let application = match request.application {
            Some(application) => application,
            None => self.only_application(call).await?,
        };
        let token = EnrollmentToken::of_pool(&random::bytes()?, &self.feed.public_key());
        let new = NewPool {
            id: random::id(&self.clock)?,
            name: trimmed(&request.name).to_owned(),
            application,
            uses: request.uses,
            ttl: request.ttl.unwrap_or(facts::pool::DEFAULT_POOL_TTL),
            forget_after: request
                .forget_after
                .unwrap_or(facts::pool::DEFAULT_FORGET_AFTER),
            token_sha256: token.sha256(),
        };
        let facts = vec![
            Fact::Application(new.application.clone()),
            Fact::NodePoolNamed(new.name.clone()),
        ];
        let (id, now) = (new.id, call.now.elapsed());
        let rule = Rule::new(move |state: &State| node::create_pool(state, &new, now));
        self.write(call, call.organization.id, facts, rule).await?;
        let pool = self.find_pool(call, &id.to_string()).await?;
        let pool = standing(call, pool);
        Ok(IssuedPool { pool, token })
    }

    /// Revokes the token of a pool: nobody joins by it any more, and its nodes go on.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a fault of the store.
    pub async fn revoke_pool(
        &self,
        permit: Permit<'_, Nodes, right::Write>,
        name: &str,
    ) -> Result<(), Error> {
        let call = permit.call();
        let id = self.find_pool(call, name).await?.id;
        let rule = Rule::new(move |state: &State| node::revoke_pool(state, id));
        self.write(call, call.organization.id, vec![Fact::NodePool(id)], rule)
            .await?;
        Ok(())
    }

    /// Lets a node join by the token of a pool, one after the other: who tries twice is one node.
    pub(super) async fn join_pool(&self, pool: &Pool, join: &Join) -> Result<Node, Error> {
        let joining = self.join_pool_now(pool, join);
        self.joins.done(pool.organization, joining).await?
    }

    async fn join_pool_now(&self, pool: &Pool, join: &Join) -> Result<Node, Error> {
        let credential = join.credential_sha256;
        let known = self.store.node_by_secret(credential).await?;
        let own = |node: &Node| {
            node.organization == pool.organization
                && node.identity.credential_sha256 == Some(credential)
        };
        if known.as_ref().is_some_and(|node| !own(node)) {
            return Err(super::feed::known_credential());
        }
        let unknown = join.known.clone().filter(|_| known.is_none());
        if let Some(unknown) = &unknown {
            self.check_unknown(pool.organization, unknown).await?;
        }
        let id = match (&known, &unknown) {
            (Some(node), _) => node.id,
            (None, Some(unknown)) => unknown.node,
            (None, None) => random::id(&self.clock)?,
        };
        let application = pool.state.application.clone();
        let now = self.clock.now();
        let mut facts = vec![
            Fact::NodePool(pool.id),
            Fact::Application(application.clone()),
            Fact::NodesToJoin(application.clone(), now.elapsed()),
            Fact::Node(id),
        ];
        facts.extend(known.map(|node| Fact::NodeNamed(node.identity.name)));
        facts.extend(unknown.iter().flat_map(facts_of_unknown));
        let call = self.call_of_node(pool.organization, id, now)?;
        let pool = pool.id;
        let applications = vec![application.clone()];
        self.write_by_entitlements(&call, applications, facts, move |granted| {
            let terms = granted.get(&application);
            let terms = terms.map(|(entitlement, basis)| NodeTerms::of(entitlement, *basis));
            let unknown = unknown.clone();
            Rule::new(move |state: &State| {
                let terms = terms.as_ref().ok_or(Error::Outdated)?;
                let now = now.elapsed();
                match &unknown {
                    Some(node) => node::take_up(state, pool, node, credential, terms, now),
                    None => node::join_pool(state, pool, id, credential, terms, now),
                }
            })
        })
        .await?;
        let node = self.store.node(call.organization.id, id).await?;
        let node =
            node.ok_or_else(|| Error::internal("a node that has just joined is not there"))?;
        // What was remembered of it may be of another pool.
        self.feed.know(
            credential,
            Arc::new(node.clone()),
            self.clock.now().elapsed(),
        );
        Ok(node)
    }

    /// Refuses who says to be a node of another organization, for what becomes of a node is remembered by
    /// its id alone; or to have the name of one that left and is still kept.
    async fn check_unknown(&self, organization: Uuid, unknown: &KnownNode) -> Result<(), Error> {
        let elsewhere = self.store.is_node_elsewhere(organization, unknown.node);
        let named = self.store.node_named(organization, &unknown.name);
        if elsewhere.await? || named.await?.is_some_and(|node| node.id != unknown.node) {
            return Err(Error::AlreadyExists {
                kind: Kind::Node,
                name: unknown.name.clone(),
            });
        }
        Ok(())
    }

    fn call_of_node(&self, organization: Uuid, node: Uuid, now: Now) -> Result<Call, Error> {
        let installation = self.cache.installation();
        let organization = installation.organizations.by_id(organization);
        Ok(Call {
            actor: Actor {
                token: node,
                ..expiry::itself()
            },
            organization: organization.cloned().ok_or(Error::Unauthenticated)?,
            now,
            idempotent: None,
        })
    }

    /// Takes up that a start of a node gives its place back; whether it had one to give. A copy of it
    /// that runs keeps it.
    pub(super) async fn leave_pool(
        &self,
        node: &Node,
        start: Option<NodeStart>,
        now: Now,
    ) -> Result<bool, Error> {
        let id = node.id;
        if !self.feed.at_once(id, now.elapsed()).is_empty() {
            return Ok(false);
        }
        let written = self
            .run(Write {
                stream: node.organization,
                actor: Some(id),
                now,
                facts: vec![Fact::Node(id), Fact::NodeStarts(id)],
                rule: Rule::new(move |state: &State| Ok(node::leave(state, id, start.as_ref()))),
                idempotent: None,
            })
            .await?;
        written.outcome.take()
    }

    /// Gives places of silent nodes back for as long as it is polled.
    pub(crate) async fn watch_pools(self: Arc<Self>) {
        loop {
            let wait = match self.forget_silent_nodes().await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::error!(%error, "could not give the places of silent nodes back");
                    LATEST
                }
            };
            self.wait_to_look(wait).await;
        }
    }

    /// Where that took far longer, this machine or this process stood still: as after a restart nobody
    /// could say anything meanwhile.
    async fn wait_to_look(&self, wait: i64) {
        let before = self.clock.now().elapsed();
        tokio::time::sleep(Duration::from_secs(wait.unsigned_abs())).await;
        let now = self.clock.now().elapsed();
        if now.since(before) > wait + LATEST {
            self.silence.lock().await.began = Some(now);
        }
    }

    /// Gives the places of nodes back that are silent for longer than their pools let them be; in how
    /// many seconds to look again. How long one was silent is measured while this server runs: while it
    /// was away nobody could say anything.
    ///
    /// # Errors
    /// A fault of the store.
    pub(crate) async fn forget_silent_nodes(&self) -> Result<i64, Error> {
        let mut silence = self.silence.lock().await;
        let began = self.clock.now().elapsed();
        let began = *silence.began.get_or_insert(began);
        let (mut shortest, mut before) = (IDLE * 8, std::mem::take(&mut silence.connected));
        let nodes = self.store.pool_nodes().await?;
        // After it was read who has a place: who came since is no older than this.
        let now = self.clock.now();
        let mut silent: BTreeMap<Uuid, Vec<_>> = BTreeMap::new();
        for node in nodes {
            if self.feed.is_removed(node.organization) {
                continue;
            }
            shortest = shortest.min(node.forget_after);
            let last = match self.feed.is_connected(node.id, now.elapsed()) {
                true => Some(now.elapsed()),
                false => before.remove(&node.id),
            };
            silence.connected.extend(last.map(|last| (node.id, last)));
            let said = self.feed.seen(node.id).map(|seen| seen.heard_at());
            let heard = [last, said].into_iter().flatten();
            let heard = heard.fold(node.heard_at.max(began), Elapsed::max);
            if now.elapsed().since(heard) >= node.forget_after {
                let of_it = silent.entry(node.organization).or_default();
                of_it.push((node, heard));
            }
        }
        for (organization, silent) in &silent {
            if planted::is("places-kept") {
                continue;
            }
            // What is wrong in one organization keeps no place of another.
            if let Err(error) = self.forget_nodes(*organization, silent, now).await {
                tracing::error!(%error, %organization, "could not give places back");
            }
        }
        self.feed.forget_fates(self.clock.now().elapsed());
        Ok((shortest / 8).clamp(SOONEST, LATEST))
    }

    async fn forget_nodes(
        &self,
        organization: Uuid,
        silent: &[(PoolNode, Elapsed)],
        now: Now,
    ) -> Result<(), Error> {
        for part in silent.chunks(AT_ONCE) {
            let mut facts: Vec<_> = part.iter().map(|(node, _)| Fact::Node(node.id)).collect();
            let mut pools: Vec<_> = part.iter().map(|(node, _)| node.pool).collect();
            pools.sort_unstable();
            pools.dedup();
            facts.extend(pools.into_iter().map(Fact::NodePool));
            let part: Vec<_> = part.iter().map(|(node, since)| (node.id, *since)).collect();
            let rule = move |state: &State| Ok(node::forget(state, &part, now.elapsed()));
            self.run(Write {
                stream: organization,
                actor: None,
                now,
                facts,
                rule: Rule::new(rule),
                idempotent: None,
            })
            .await?;
        }
        Ok(())
    }
}

fn standing(call: &Call, pool: Pool) -> PoolStanding {
    PoolStanding {
        expires_at: call.now.shown(pool.identity.token_expires_at),
        expired: pool.identity.has_expired(call.now.elapsed()),
        pool,
    }
}

/// What is read of a node that was removed: whether its name is taken, and which of its epochs are remembered.
fn facts_of_unknown(node: &KnownNode) -> [Fact; 2] {
    [
        Fact::NodeNamed(node.name.clone()),
        // Of no epoch: of all that are remembered.
        Fact::UsageEpoch {
            series: node::merged(&node.name),
            epoch: String::new(),
        },
    ]
}

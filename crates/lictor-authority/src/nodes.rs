//! Nodes as their operators see them: enroll, list, revoke, and lead back after a restored backup.
//! What nodes themselves ask for is in `feed`.

use lictor_core::digest::Digest;
use lictor_core::elapsed::{Elapsed, Now};
use lictor_core::facts::entitlement::NodeTerms;
use lictor_core::facts::node::{Leave, Node, NodeSeen};
use lictor_core::feed::{Applied, EnrollmentToken, NodePolicy};
use lictor_core::names::trimmed;
use lictor_core::rules::node::{self, NewNode};
use lictor_core::state::State;
use lictor_core::{Date, Error, Timestamp, facts};
use lictor_store::{Fact, Rule};
use uuid::Uuid;

use super::permits::{InstallationPermit, Permit};
use super::right::{Backup, Nodes, Read, Write};
use super::{Authority, Call};
use crate::random;

/// How long a node may say nothing before it counts as silent, in seconds: two reports, and a half.
const SILENT_AFTER: i64 = 150;

/// How many applications are named where one is to be chosen.
const NAMED: usize = 10;

/// How many nodes are read at once.
const PAGE: usize = 1_000;

/// A node to enroll.
#[derive(Debug, Clone)]
pub struct EnrollRequest {
    /// What to call it.
    pub name: String,
    /// The application that it is to serve; none: the only one there is.
    pub application: Option<String>,
}

/// A node just enrolled. The token is shown this once; it has no `Debug`.
pub struct EnrolledNode {
    /// The node.
    pub node: NodeStanding,
    /// What it joins with.
    pub token: EnrollmentToken,
    /// From when on it cannot be used.
    pub expires_at: Timestamp,
}

/// How a node stands towards what is stored here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeStatus {
    /// It has not joined yet.
    Enrolled,
    /// It applies the newest state.
    Current,
    /// It applies an older state, or none, or takes none that is signed here.
    Behind,
    /// It knows a state that was never made here, as after a backup was restored.
    Ahead,
    /// It has said nothing for a while.
    Silent,
    /// It gave its place in its pool back, and may come back.
    Left,
}

impl NodeStatus {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enrolled => "enrolled",
            Self::Current => "current",
            Self::Behind => "behind",
            Self::Ahead => "ahead",
            Self::Silent => "silent",
            Self::Left => "left",
        }
    }
}

/// A node and how it stands.
#[derive(Debug, Clone)]
pub struct NodeStanding {
    /// The node, with what it last said.
    pub node: Node,
    /// Whether its feed is open at this server, and it gave a sign of life in the last 90 seconds.
    pub connected: bool,
    /// How it stands.
    pub status: NodeStatus,
    /// The revision of the state that is made for it now.
    pub state_revision: u64,
    /// How many starts of it run at once: more than one where its folder was copied.
    pub lives: usize,
    /// Whether its folder was copied, or it runs in an older one that was put back.
    pub copied: bool,
    /// What is stored of its requests this month.
    pub requests: u64,
    /// How many nodes of its application take a place.
    pub enrolled: u64,
    /// How many the license in force grants; none: without a limit, or no license is in force.
    pub granted: Option<u32>,
    /// Why it is not up to date, for people.
    pub reason: Option<String>,
}

impl Authority {
    /// At most `limit` nodes that are not revoked in order of their ids, beginning after `after`.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn nodes(
        &self,
        permit: Permit<'_, Nodes, Read>,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<NodeStanding>, Error> {
        let call = permit.call();
        self.standings(call, after, limit).await
    }

    async fn standings(
        &self,
        call: &Call,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<NodeStanding>, Error> {
        let nodes = self.store.nodes(call.organization.id, after, limit).await?;
        let requests = self.requests_of(call, &nodes).await?;
        let mut standing = Vec::with_capacity(nodes.len());
        for (node, requests) in nodes.into_iter().zip(requests) {
            standing.push(self.node_standing(call, node, requests).await?);
        }
        Ok(standing)
    }

    /// What is stored of each node's requests this month.
    async fn requests_of(&self, call: &Call, nodes: &[Node]) -> Result<Vec<u64>, Error> {
        let names = nodes.iter().map(|node| node.identity.name.clone());
        let month = Date::of(call.now.wall()).month();
        let organization = call.organization.id;
        self.store
            .requests_of_nodes(organization, names.collect(), &month)
            .await
    }

    async fn one_standing(&self, call: &Call, node: Node) -> Result<NodeStanding, Error> {
        let requests = self.requests_of(call, std::slice::from_ref(&node)).await?;
        let requests = requests.first().copied().unwrap_or_default();
        self.node_standing(call, node, requests).await
    }

    /// The node with this name or id that is not revoked, also one that left its pool.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a fault of the store.
    pub async fn node(
        &self,
        permit: Permit<'_, Nodes, Read>,
        name: &str,
    ) -> Result<NodeStanding, Error> {
        let call = permit.call();
        let node = self.find_node(call, name).await?;
        self.one_standing(call, node).await
    }

    async fn find_node(&self, call: &Call, name: &str) -> Result<Node, Error> {
        let organization = call.organization.id;
        let found = match Uuid::try_parse(name) {
            Ok(id) => self.store.node(organization, id).await?,
            Err(_) => self.store.node_named(organization, trimmed(name)).await?,
        };
        let known = |node: &Node| node.state.revoked_at.is_none() || node.state.left.is_some();
        found.filter(known).ok_or_else(|| node::missing(name))
    }

    async fn node_standing(
        &self,
        call: &Call,
        mut node: Node,
        requests: u64,
    ) -> Result<NodeStanding, Error> {
        if let Some(seen) = self.feed.seen(node.id) {
            node.seen = Some(seen);
        }
        let delivery = self
            .delivery(node.organization, &node.state.application)
            .await?;
        let (revision, content) = (delivery.revision, delivery.content_sha256);
        let stranger = self.is_of_another_key(&node);
        let at_once = self.feed.at_once(node.id, call.now.elapsed());
        let put_back = self.feed.put_back(node.id, call.now.elapsed());
        let status = status(&node, stranger, revision, content, call.now.elapsed());
        let application = &node.state.application;
        let enrolled = self.enrolled_nodes_now(call).await?;
        let enrolled = enrolled.get(application).copied().unwrap_or_default();
        let entitlement = self.entitlement_now(call, application).await?;
        let reason = if stranger {
            let advice = "it joined under another control plane key and accepts no state: put \
                          the old control-plane.key back, or enroll it again";
            Some(advice.to_owned())
        } else if !at_once.is_empty() {
            Some(copied(&at_once))
        // It names that among its own problems for as long as it runs: what is wrong now goes before it.
        } else if !put_back.is_empty() && status == NodeStatus::Current {
            Some(older(&put_back))
        } else {
            reason(&node, status, revision, call.now.elapsed())
        };
        Ok(NodeStanding {
            connected: self.feed.is_connected(node.id, call.now.elapsed()),
            node,
            status,
            state_revision: revision,
            lives: at_once.len().max(1),
            copied: !(at_once.is_empty() && put_back.is_empty()),
            requests,
            enrolled,
            granted: entitlement.granted_nodes(),
            reason,
        })
    }

    /// Whether it takes states from another control plane key alone, as after a backup was restored
    /// without the key. No adoption reaches it, whatever it knows.
    fn is_of_another_key(&self, node: &Node) -> bool {
        let key = node.seen.as_ref().and_then(|seen| seen.control_plane);
        key.is_some_and(|key| key != self.feed.public_key().sha256())
    }

    /// Enrolls a node, and makes the token that it joins with.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the application, [`Error::InvalidInput`],
    /// [`Error::AlreadyExists`], [`Error::NodeLimit`], or a fault of the store.
    pub async fn enroll_node(
        &self,
        permit: Permit<'_, Nodes, Write>,
        request: EnrollRequest,
    ) -> Result<EnrolledNode, Error> {
        let call = permit.call();
        let application = match request.application {
            Some(application) => application,
            None => self.only_application(call).await?,
        };
        let token = EnrollmentToken::new(&random::bytes()?, &self.feed.public_key());
        let new = NewNode {
            id: random::id(&self.clock)?,
            name: trimmed(&request.name).to_owned(),
            application: application.clone(),
            token_sha256: token.sha256(),
        };
        let (id, now) = (new.id, call.now.elapsed());
        let facts = vec![
            Fact::Application(application.clone()),
            Fact::NodesToJoin(application.clone(), now),
            Fact::NodeNamed(new.name.clone()),
        ];
        self.write_by_entitlements(call, vec![application.clone()], facts, move |granted| {
            let terms = granted.get(&application);
            let terms = terms.map(|(entitlement, basis)| NodeTerms::of(entitlement, *basis));
            let new = new.clone();
            Rule::new(move |state: &State| {
                let terms = terms.as_ref().ok_or(Error::Outdated)?;
                node::enroll(state, &new, terms, now)
            })
        })
        .await?;
        let node = self.find_node(call, &id.to_string()).await?;
        Ok(EnrolledNode {
            expires_at: call.now.shown(node.identity.token_expires_at),
            node: self.one_standing(call, node).await?,
            token,
        })
    }

    /// The application where there is but one.
    pub(super) async fn only_application(&self, call: &Call) -> Result<String, Error> {
        let known = self.known(call).await?;
        let reason = match known.rows() {
            [only] => return Ok(only.application.key.clone()),
            [] => "there is no application yet; add a license, or create one with `lictor \
                 application create`"
                .to_owned(),
            several => {
                let keys = several.iter().map(|row| row.application.key.as_str());
                let named: Vec<_> = keys.take(NAMED).collect();
                let more = if several.len() > NAMED { " …" } else { "" };
                format!("say which one: {}{more}", named.join(", "))
            }
        };
        Err(Error::InvalidInput {
            field: "application",
            reason,
        })
    }

    /// Revokes a node: its feed ends, and it allows nothing any more once it hears of it. One that left its
    /// pool cannot come back.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a fault of the store.
    pub async fn revoke_node(
        &self,
        permit: Permit<'_, Nodes, Write>,
        name: &str,
    ) -> Result<(), Error> {
        let call = permit.call();
        let id = self.find_node(call, name).await?.id;
        let rule = Rule::new(move |state: &State| node::revoke(state, id));
        self.write(call, call.organization.id, vec![Fact::Node(id)], rule)
            .await?;
        Ok(())
    }

    /// How long the organization's nodes go on without news.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn node_policy(&self, permit: Permit<'_, Nodes, Read>) -> Result<NodePolicy, Error> {
        let call = permit.call();
        Ok(self.store.node_settings(call.organization.id).await?.policy)
    }

    /// Sets how long the organization's nodes go on without news; an operator's right.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], or a fault of the store.
    pub async fn set_node_policy(
        &self,
        permit: InstallationPermit<'_, Nodes, Write>,
        policy: NodePolicy,
    ) -> Result<NodePolicy, Error> {
        let call = permit.call();
        let rule = Rule::new(move |state: &State| node::set_policy(state, policy));
        self.write(call, call.organization.id, vec![Fact::NodeSettings], rule)
            .await?;
        Ok(policy)
    }

    /// Makes what is stored here win over what nodes know better, as after a backup was restored; an
    /// operator's right. Returns how many nodes were ahead; where none is, nothing changes.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn adopt_nodes(
        &self,
        permit: InstallationPermit<'_, Nodes, Write>,
    ) -> Result<usize, Error> {
        let call = permit.call();
        let (mut nodes, mut highest, mut after) = (0, None, None);
        loop {
            let page = self.standings(call, after, PAGE).await?;
            for standing in &page {
                let applied = standing.node.seen.as_ref().and_then(|seen| seen.applied);
                let ahead = standing.status == NodeStatus::Ahead;
                if let Some(applied) = applied.filter(|_| ahead).filter(can_be_adopted) {
                    nodes += 1;
                    highest = highest.max(Some(applied.revision));
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.node.id),
                Some(_) | None => break,
            }
        }
        let rule = Rule::new(move |state: &State| Ok(node::adopt(state, highest)));
        let facts = vec![Fact::NodeSettings, Fact::Trust];
        self.write(call, call.organization.id, facts, rule).await?;
        Ok(nodes)
    }

    /// Whether any organization has a node. For the server's own log: no caller's rights are asked.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn has_nodes(&self) -> Result<bool, Error> {
        for organization in self.cache.installation().organizations.all() {
            if !self.store.nodes(organization.id, None, 1).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The control plane's private key as PEM, for a backup of its own.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub fn control_plane_key(
        &self,
        _: InstallationPermit<'_, Backup, Read>,
    ) -> Result<String, Error> {
        self.feed.key().to_pem().map_err(Error::internal)
    }

    /// Takes up that a node joined with its enrollment token.
    pub(super) async fn join_node(
        &self,
        node: &Node,
        credential: Digest,
        now: Now,
    ) -> Result<(), Error> {
        let id = node.id;
        let rule = Rule::new(move |state: &State| node::join(state, id, credential, now.elapsed()));
        self.write_of_node(node, vec![Fact::Node(id)], rule, now)
            .await?;
        Ok(())
    }
}

/// Whether an adoption may go above what a node knows.
fn can_be_adopted(applied: &Applied) -> bool {
    applied.revision <= facts::node::MAX_ADOPTED
}

fn status(node: &Node, stranger: bool, revision: u64, content: Digest, now: Elapsed) -> NodeStatus {
    if node.state.left.is_some() {
        return NodeStatus::Left;
    }
    if node.state.joined_at.is_none() {
        return NodeStatus::Enrolled;
    }
    let Some(seen) = &node.seen else {
        return NodeStatus::Silent;
    };
    // Of another key's states neither revision nor content says anything here.
    let is_ahead = |applied: &Applied| node::is_ahead(applied, revision, content);
    match seen.applied.filter(|_| !stranger) {
        Some(applied) if is_ahead(&applied) => NodeStatus::Ahead,
        _ if now.since(seen.heard_at()) > SILENT_AFTER => NodeStatus::Silent,
        Some(applied) if applied.revision == revision => NodeStatus::Current,
        Some(_) | None => NodeStatus::Behind,
    }
}

/// What is said of a node that runs more than once, on these machines.
fn copied(hosts: &[String]) -> String {
    format!(
        "it runs {} times at once, on {}, as its folder was copied: each counts by itself, and \
         nothing is lost; enroll each machine as a node of its own",
        hosts.len(),
        each_once(hosts)
    )
}

/// What is said of a node that goes on, on these machines, from what another start of it went on from.
fn older(hosts: &[String]) -> String {
    format!(
        "its folder on {} is a copy, or an older one that was put back: this start counts by itself, and \
         what was told before it is not lost; if it was copied, enroll each machine as a node of its own; \
         if it was put back, this is said until the node is started again",
        each_once(hosts)
    )
}

fn each_once(hosts: &[String]) -> String {
    let mut named = hosts.to_vec();
    named.sort();
    named.dedup();
    named.join(", ")
}

fn reason(node: &Node, status: NodeStatus, revision: u64, now: Elapsed) -> Option<String> {
    let said = |seen: &NodeSeen| seen.problems.first().cloned();
    let said = node.seen.as_ref().and_then(said);
    let applied = node.seen.as_ref().and_then(|seen| seen.applied);
    match status {
        NodeStatus::Current => said,
        NodeStatus::Left => Some(match node.state.left {
            Some(Leave::Silence) => "it was silent for too long, and may come back".to_owned(),
            Some(Leave::Goodbye) | None => "it left its pool, and may come back".to_owned(),
        }),
        NodeStatus::Enrolled if node.identity.has_expired(now) => {
            Some("its enrollment token has expired; enroll it again".to_owned())
        }
        NodeStatus::Enrolled => Some("it has not joined yet".to_owned()),
        NodeStatus::Silent if node.seen.is_none() => {
            Some("it has joined, and has not reported yet".to_owned())
        }
        NodeStatus::Silent => Some("it has not been heard from for a while".to_owned()),
        NodeStatus::Ahead if !applied.as_ref().is_some_and(can_be_adopted) => Some(
            "it claims a revision that no server has reached: revoke it, and enroll another"
                .to_owned(),
        ),
        NodeStatus::Ahead => Some(format!(
            "it has revision {}, this server {revision}: was a backup restored? `lictor node \
             adopt` makes it accept what is stored here",
            applied.map_or(0, |applied| applied.revision)
        )),
        NodeStatus::Behind => Some(said.unwrap_or_else(|| match applied {
            Some(applied) => format!("it applies revision {} of {revision}", applied.revision),
            None => "it has no state yet".to_owned(),
        })),
    }
}

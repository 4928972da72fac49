//! The reads of a store, by noun.
//!
//! Lists are ordered by key and take the last key of the page before, so that they are stable while rows come
//! and go. "Not there" is `None` or an empty list, never an error.

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
use lictor_core::facts::organization::Organization;
use lictor_core::facts::pool::Pool;
use lictor_core::facts::seats::{Seat, SeatId, SeatState};
use lictor_core::facts::token::Token;
use lictor_core::facts::usage::UsageKey;
use lictor_core::ledger::{Entry, Head};
use lictor_core::{Error, Timestamp, TrustPolicy, TrustSet};
use uuid::Uuid;

use crate::{
    Answer, Bounds, Choose, EndedFilter, EndedKey, Figures, IdempotencyKey, LeftNode, Look,
    NodePlaces, NodesBasis, PoolBy, PoolNode, RefusalSum, Refused, RefusedKey, SumKey,
    UsageFigures, UsagePage,
};

/// Reads of licenses, and of what is derived from them.
#[async_trait]
pub trait LicenseReads: Send + Sync {
    /// One license.
    async fn license(&self, organization: Uuid, id: Uuid) -> Result<Option<License>, Error>;

    /// At most `limit` licenses in order of their ids, beginning after `after`; of one
    /// application, or of all. With the one by which their payloads come to [`PAGE_BYTES`](crate::PAGE_BYTES) it ends, so
    /// that more may follow although there are fewer than `limit`.
    async fn licenses(
        &self,
        organization: Uuid,
        application: Option<&str>,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<License>, Error>;

    /// Lets `look` look through an application's licenses, all as they are at one instant. What an
    /// entitlement that is derived from them rests on is of that instant too.
    ///
    /// # Errors
    /// What `look` fails with, or a fault of the store.
    async fn look_through(
        &self,
        organization: Uuid,
        application: &str,
        look: Look,
    ) -> Result<ApplicationBasis, Error>;

    /// Shows `choose` an application's licenses, the greatest (`updated_at`, revision) first, for as long as
    /// it wants to see older ones: all as they are at one instant, which is that of the answer.
    async fn choose_licenses(
        &self,
        organization: Uuid,
        application: &str,
        choose: Choose,
    ) -> Result<NodesBasis, Error>;

    /// The license written last in the organization: the greatest (`updated_at`, revision).
    async fn current_license(&self, organization: Uuid) -> Result<Option<License>, Error>;

    /// What the state of the organization's nodes that is made of what is stored now may rest on.
    async fn basis(&self, organization: Uuid) -> Result<Basis, Error>;
}

/// Reads of accounts.
#[async_trait]
pub trait AccountReads: Send + Sync {
    /// One account, removed ones included.
    async fn account(&self, organization: Uuid, id: Uuid) -> Result<Option<Account>, Error>;

    /// The account that this e-mail means: the one of just this spelling, or else of one that is the
    /// same.
    async fn account_by_email(
        &self,
        organization: Uuid,
        email: &str,
    ) -> Result<Option<Account>, Error>;

    /// At most `limit` accounts that are not removed in order of their ids, beginning after
    /// `after`.
    async fn accounts(
        &self,
        organization: Uuid,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<Account>, Error>;
}

/// Reads of applications and of who has their seats, had them, or was refused them.
#[async_trait]
pub trait SeatReads: Send + Sync {
    /// All applications in order of their keys, and the counts of accounts, as of one instant.
    async fn figures(&self, organization: Uuid) -> Result<Figures, Error>;

    /// The same of the applications with these keys alone; those that are not there are left out.
    async fn figures_of(
        &self,
        organization: Uuid,
        applications: Vec<String>,
    ) -> Result<Figures, Error>;

    /// At most `limit` seats of an application in order of their accounts' ids, beginning after
    /// `after`.
    async fn seats(
        &self,
        organization: Uuid,
        application: &str,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<Seat>, Error>;

    /// At most `limit` seats of an account in order of their applications' keys, beginning after
    /// `after`.
    async fn seats_of(
        &self,
        organization: Uuid,
        account: Uuid,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(SeatId, SeatState)>, Error>;

    /// One lease that has not ended.
    async fn lease(&self, organization: Uuid, id: Uuid) -> Result<Option<Lease>, Error>;

    /// At most `limit` leases of an application that have not ended in order of their holders,
    /// beginning after `after`.
    async fn leases(
        &self,
        organization: Uuid,
        application: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Lease>, Error>;

    /// The organizations that have leases whose time was over at `now`.
    async fn organizations_with_due_leases(&self, now: Elapsed) -> Result<Vec<Uuid>, Error>;

    /// At most `limit` leases that ended and are still kept, the last one first, beginning after
    /// `before`.
    async fn ended_leases(
        &self,
        organization: Uuid,
        filter: &EndedFilter,
        before: Option<EndedKey>,
        limit: usize,
    ) -> Result<Vec<EndedLease>, Error>;

    /// At most `limit` leases that the holder with this [`key`](lictor_core::facts::lease::holder_key) had,
    /// of those that ended and still have the name, in no order.
    async fn ended_leases_of(
        &self,
        organization: Uuid,
        key: &str,
        limit: usize,
    ) -> Result<Vec<EndedLease>, Error>;

    /// At most `limit` applications, with their organizations, of which leases are kept that ended
    /// before an instant; and before when theirs are to be dropped. Of a removed organization none
    /// is to be kept.
    async fn ended_leases_due(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<(Uuid, String, Timestamp)>, Error>;

    /// At most `limit` refusals, the newest minute first, beginning after `before`.
    async fn refusals(
        &self,
        organization: Uuid,
        before: Option<&RefusedKey>,
        limit: usize,
    ) -> Result<Vec<Refused>, Error>;

    /// At most `limit` sums of refusals, the newest hour first, beginning after `before`.
    async fn refusal_sums(
        &self,
        organization: Uuid,
        before: Option<&SumKey>,
        limit: usize,
    ) -> Result<Vec<RefusalSum>, Error>;
}

/// Reads of organizations and of what all of them share.
#[async_trait]
pub trait InstallationReads: Send + Sync {
    /// All live organizations, in order of their keys.
    async fn organizations(&self) -> Result<Vec<Organization>, Error>;

    /// At most `limit` organizations that were removed and in which something still names somebody: what a
    /// [`Record::NamesOfRemovedErased`](lictor_core::record::Record::NamesOfRemovedErased) erases some of.
    async fn removed_with_names(&self, limit: usize) -> Result<Vec<Uuid>, Error>;

    /// The installation's trusted keys, revoked ones included.
    async fn trust(&self) -> Result<TrustSet, Error>;

    /// The installation's trust policy; none before the first start was completed.
    async fn policy(&self) -> Result<Option<TrustPolicy>, Error>;

    /// The rotations by which nodes trust keys, in order of the new keys' ids.
    async fn rotations(&self) -> Result<Vec<Rotation>, Error>;

    /// How much an organization has of each kind of thing, in this month or on this day where it goes by
    /// those, and how much it may have; none for one that does not exist.
    async fn bounds(&self, organization: Uuid, now: Now) -> Result<Option<Bounds>, Error>;
}

/// Reads of tokens, and of clients, which are handed some.
#[async_trait]
pub trait TokenReads: Send + Sync {
    /// The token whose secret has this SHA-256, live or not. An access token is one of its
    /// client's: an administrator's, cut down to its scopes, its account and its application.
    async fn token_by_secret(&self, sha256: [u8; 32]) -> Result<Option<Token>, Error>;

    /// At most `limit` tokens of a stream (an organization, or the installation's operators) in
    /// order of their ids, beginning after `after`; revoked ones included.
    async fn tokens(
        &self,
        stream: Uuid,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<Token>, Error>;

    /// How many owners the tokens of a stream have that are [live](Token::is_live); one without an
    /// owner counts one.
    async fn token_owners(&self, stream: Uuid, now: Timestamp) -> Result<usize, Error>;

    /// One client, removed ones included.
    async fn client(&self, organization: Uuid, id: Uuid) -> Result<Option<Client>, Error>;

    /// At most `limit` clients that are not removed in order of their ids, beginning after
    /// `after`.
    async fn clients(
        &self,
        organization: Uuid,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<Client>, Error>;

    /// The client that calls itself so, removed ones included, and the SHA-256 of its secret.
    async fn client_by_client_id(&self, client_id: &str)
    -> Result<Option<(Client, Digest)>, Error>;

    /// The organization in which the refresh token or access token with this SHA-256 was handed
    /// out, live or not.
    async fn organization_of_secret(&self, sha256: Digest) -> Result<Option<Uuid>, Error>;
}

/// Reads of nodes and of their pools.
#[async_trait]
pub trait NodeReads: Send + Sync {
    /// One node, revoked ones included.
    async fn node(&self, organization: Uuid, id: Uuid) -> Result<Option<Node>, Error>;

    /// Whether a node of another organization has this id.
    async fn is_node_elsewhere(&self, organization: Uuid, id: Uuid) -> Result<bool, Error>;

    /// The node with this name that is not revoked; where there is none, the one that left its pool.
    async fn node_named(&self, organization: Uuid, name: &str) -> Result<Option<Node>, Error>;

    /// At most `limit` nodes that are not revoked in order of their ids, beginning after `after`.
    async fn nodes(
        &self,
        organization: Uuid,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<Node>, Error>;

    /// How many nodes take a place at this time, by organization and application, in their order: of one
    /// organization, or of all. An application without one is not there.
    async fn node_places(
        &self,
        organization: Option<Uuid>,
        now: Elapsed,
    ) -> Result<Vec<NodePlaces>, Error>;

    /// The node whose enrollment token or credential has this SHA-256, revoked ones included; never
    /// one of a removed organization.
    async fn node_by_secret(&self, sha256: Digest) -> Result<Option<Node>, Error>;

    /// The pool of nodes that is meant.
    async fn node_pool(&self, by: PoolBy) -> Result<Option<Pool>, Error>;

    /// At most `limit` pools of nodes that are not revoked in order of their ids, beginning after `after`.
    async fn node_pools(
        &self,
        organization: Uuid,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<Pool>, Error>;

    /// All nodes of the installation that have a place of a pool, revoked pools included, in order of
    /// their organizations.
    async fn pool_nodes(&self) -> Result<Vec<PoolNode>, Error>;

    /// At most `limit` nodes that left their pools and are kept no longer, the first that left first, those
    /// that said goodbye before others: [`LEFT_KEPT`](lictor_core::facts::node::LEFT_KEPT) is over, or there are
    /// more of an organization than it may have nodes, or its usage series of the month come to more than
    /// half of what it may have.
    async fn left_nodes_due(&self, now: Now, limit: usize) -> Result<Vec<LeftNode>, Error>;

    /// The settings of all nodes of an organization; the default where nothing was set.
    async fn node_settings(&self, organization: Uuid) -> Result<NodeSettings, Error>;
}

/// Reads of usage counts.
#[async_trait]
pub trait UsageReads: Send + Sync {
    /// At most `limit` usage counts of an organization in order of month, service and source,
    /// beginning after `after`, and what all of them come to.
    async fn usage(
        &self,
        organization: Uuid,
        after: Option<&UsageKey>,
        limit: usize,
    ) -> Result<UsagePage, Error>;

    /// What the counts of each of these nodes come to in a month, corrected, of all its epochs: in the
    /// order of the names.
    async fn requests_of_nodes(
        &self,
        organization: Uuid,
        names: Vec<String>,
        month: &str,
    ) -> Result<Vec<u64>, Error>;

    /// What an organization's usage counts come to.
    async fn usage_figures(&self, organization: Uuid) -> Result<UsageFigures, Error>;
}

/// Reads of the ledger, and of what is kept beside it for a while.
#[async_trait]
pub trait LedgerReads: Send + Sync {
    /// At most `limit` entries of a stream after position `after`.
    async fn entries(&self, stream: Uuid, after: u64, limit: usize) -> Result<Vec<Entry>, Error>;

    /// Who made the entries at these positions of a stream, by position; those that the server made
    /// by itself, or that are not there, are left out.
    async fn actors(&self, stream: Uuid, positions: Vec<u64>)
    -> Result<BTreeMap<u64, Uuid>, Error>;

    /// Where a stream ends; none for a stream that does not exist.
    async fn head(&self, stream: Uuid) -> Result<Option<Head>, Error>;

    /// The first answer to a request about an organization with this idempotency key, if it was made
    /// less than 24 hours before `now`.
    ///
    /// # Errors
    /// [`Error::IdempotencyMismatch`] if the key was used for a request with another hash.
    async fn answered(
        &self,
        organization: Uuid,
        key: &IdempotencyKey,
        now: Elapsed,
    ) -> Result<Option<Answer>, Error>;

    /// Whether there is anything that is kept for a span and whose span was over at `now`: what a
    /// [`Record::ExpiredDropped`](lictor_core::record::Record::ExpiredDropped) drops some of.
    async fn has_expired(&self, now: Now) -> Result<bool, Error>;

    /// Where elapsed time was when it was last saved, with a write of at most a second before the
    /// last one; none: nothing was written since it is kept.
    async fn clock(&self) -> Result<Option<Now>, Error>;
}

//! What is read for each fact, once for every backend: into the part of the state that a rule sees. A backend
//! reads rows, inside the transaction of the write and after the stream's head row.

mod load;

use lictor_core::digest::Digest;
use lictor_core::elapsed::Elapsed;
use lictor_core::facts::account::{AccountCounts, AccountState};
use lictor_core::facts::application::ApplicationState;
use lictor_core::facts::client::{ClientState, CodesMade};
use lictor_core::facts::grant::{Access, Code, GrantState};
use lictor_core::facts::lease::Lease;
use lictor_core::facts::license::{LicenseState, Newest};
use lictor_core::facts::node::{Counting, NodeIdentity, NodeSettings, NodeState};
use lictor_core::facts::organization::OrganizationState;
use lictor_core::facts::pool::{PoolIdentity, PoolState};
use lictor_core::facts::seats::{SeatId, SeatState};
use lictor_core::facts::token::TokenState;
use lictor_core::facts::usage::{EpochState, Series, UsageKey, UsageRow};
use lictor_core::{KeyId, Timestamp, TrustPolicy, TrustedKey};
use uuid::Uuid;

use crate::effects::HasError;

pub(crate) use load::load;

/// Reads rows within the transaction of a write, as the writes before it have left them. "Not there" is `None` or
/// an empty list, never an error. Of the installation's rows none is locked by this.
pub(crate) trait FactReads: HasError {
    /// The installation's trust policy.
    fn policy(&mut self) -> Result<Option<TrustPolicy>, Self::Error>;

    /// When trusted keys or the policy changed last: the installation's `basis_changed`.
    fn trust_changed(&mut self) -> Result<u64, Self::Error>;

    /// A trusted key.
    fn key(&mut self, id: KeyId) -> Result<Option<(KeyId, TrustedKey)>, Self::Error>;

    /// The live organization with a key.
    fn organization(&mut self, key: &str)
    -> Result<Option<(Uuid, OrganizationState)>, Self::Error>;

    /// One token.
    fn token(&mut self, stream: Uuid, id: Uuid) -> Result<Option<(Uuid, TokenState)>, Self::Error>;

    /// Of an operator's other tokens that are not narrowed one that never ends, and of those that end after
    /// `now` the last.
    fn other_operators(
        &mut self,
        stream: Uuid,
        than: Uuid,
        now: Timestamp,
    ) -> Result<Vec<(Uuid, TokenState)>, Self::Error>;

    /// Tokens that expired by an instant and were not revoked, the first to expire first.
    fn expired_tokens(
        &mut self,
        stream: Uuid,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<(Uuid, TokenState)>, Self::Error>;

    /// Another active account that administers the organization.
    fn other_administrator(
        &mut self,
        stream: Uuid,
        than: Uuid,
    ) -> Result<Option<(Uuid, AccountState)>, Self::Error>;

    /// One application.
    fn application(
        &mut self,
        stream: Uuid,
        key: &str,
    ) -> Result<Option<ApplicationState>, Self::Error>;

    /// The newest licenses of an application that were written after a moment, at most so many and up to the
    /// one by which their payloads come to so many bytes.
    fn newest_licenses(
        &mut self,
        stream: Uuid,
        application: &str,
        after: (Timestamp, u64),
        bounds: (usize, usize),
    ) -> Result<Newest, Self::Error>;

    /// One license.
    fn license(
        &mut self,
        stream: Uuid,
        id: Uuid,
    ) -> Result<Option<(Uuid, LicenseState)>, Self::Error>;

    /// Any one license, of an application or of all.
    fn any_license(
        &mut self,
        stream: Uuid,
        application: Option<&str>,
    ) -> Result<Option<(Uuid, LicenseState)>, Self::Error>;

    /// How many accounts there are of each kind.
    fn account_counts(&mut self, stream: Uuid) -> Result<AccountCounts, Self::Error>;

    /// One account.
    fn account(
        &mut self,
        stream: Uuid,
        id: Uuid,
    ) -> Result<Option<(Uuid, AccountState)>, Self::Error>;

    /// The account whose e-mail has this key.
    fn account_with_key(&mut self, stream: Uuid, key: &str) -> Result<Option<Uuid>, Self::Error>;

    /// The account whose e-mail is found by this spelling alone.
    fn account_apart(&mut self, stream: Uuid, email: &str) -> Result<Option<Uuid>, Self::Error>;

    /// One seat.
    fn seat(
        &mut self,
        stream: Uuid,
        id: &SeatId,
    ) -> Result<Option<(SeatId, SeatState)>, Self::Error>;

    /// All seats of an account.
    fn seats_of(
        &mut self,
        stream: Uuid,
        account: Uuid,
    ) -> Result<Vec<(SeatId, SeatState)>, Self::Error>;

    /// One lease.
    fn lease(&mut self, stream: Uuid, id: Uuid) -> Result<Option<Lease>, Self::Error>;

    /// The leases of an application whose holder has this key.
    fn leases_with_key(
        &mut self,
        stream: Uuid,
        application: &str,
        key: &str,
    ) -> Result<Vec<Lease>, Self::Error>;

    /// The leases of an application that are found by one of two spellings alone.
    fn leases_apart(
        &mut self,
        stream: Uuid,
        application: &str,
        spellings: [&str; 2],
    ) -> Result<Vec<Lease>, Self::Error>;

    /// All leases of the holder with this key, those included that are found by their spelling alone.
    fn leases_of_holder(&mut self, stream: Uuid, key: &str) -> Result<Vec<Lease>, Self::Error>;

    /// Leases whose time is over.
    fn due_leases(
        &mut self,
        stream: Uuid,
        now: Elapsed,
        most: usize,
    ) -> Result<Vec<Lease>, Self::Error>;

    /// How many rows of refusals a holder has, counted up to `most`.
    fn refusals_of_holder(
        &mut self,
        stream: Uuid,
        key: &str,
        most: usize,
    ) -> Result<u64, Self::Error>;

    /// How many kept answers name a holder, counted up to `most`.
    fn answers_of_holder(
        &mut self,
        stream: Uuid,
        key: &str,
        most: usize,
    ) -> Result<u64, Self::Error>;

    /// One client.
    fn client(&mut self, stream: Uuid, id: Uuid) -> Result<Option<ClientState>, Self::Error>;

    /// A client's live grants, and all that were given since then; and when.
    fn grants_of(
        &mut self,
        stream: Uuid,
        client: Uuid,
        since: Elapsed,
    ) -> Result<Vec<(Uuid, GrantState, Elapsed)>, Self::Error>;

    /// The codes that were made for a client after a moment.
    fn codes_of(
        &mut self,
        stream: Uuid,
        client: Uuid,
        since: Elapsed,
    ) -> Result<CodesMade, Self::Error>;

    /// A code that nobody used.
    fn unused_code(&mut self, stream: Uuid, code: Digest) -> Result<Option<Code>, Self::Error>;

    /// The grant that is meant.
    fn grant(
        &mut self,
        stream: Uuid,
        by: GrantBy,
    ) -> Result<Option<(Uuid, GrantState)>, Self::Error>;

    /// One access token.
    fn access_token(
        &mut self,
        stream: Uuid,
        secret: Digest,
    ) -> Result<Option<(Digest, Access)>, Self::Error>;

    /// The access tokens of a client that rest on a grant, or on its own credentials.
    fn access_tokens_of(
        &mut self,
        stream: Uuid,
        client: Uuid,
        grant: Option<Uuid>,
    ) -> Result<Vec<(Digest, Access)>, Self::Error>;

    /// The node that is meant.
    fn node(
        &mut self,
        stream: Uuid,
        by: By<'_>,
    ) -> Result<Option<(Uuid, NodeState, NodeIdentity)>, Self::Error>;

    /// How many nodes of an application have not joined, and still can.
    fn nodes_to_join(
        &mut self,
        stream: Uuid,
        application: &str,
        now: Elapsed,
    ) -> Result<u64, Self::Error>;

    /// Who counts in the epochs of a node.
    fn node_starts(&mut self, stream: Uuid, id: Uuid) -> Result<Vec<Counting>, Self::Error>;

    /// The settings of all nodes.
    fn node_settings(&mut self, stream: Uuid) -> Result<NodeSettings, Self::Error>;

    /// The pool of nodes that is meant.
    fn pool(
        &mut self,
        stream: Uuid,
        by: By<'_>,
    ) -> Result<Option<(Uuid, PoolState, PoolIdentity)>, Self::Error>;

    /// One usage count.
    fn usage(&mut self, stream: Uuid, key: &UsageKey) -> Result<Option<UsageRow>, Self::Error>;

    /// Counts of a source, or of all sources of a node, that nobody corrected.
    fn uncorrected_usage(
        &mut self,
        stream: Uuid,
        of: UsageOf<'_>,
        most: usize,
    ) -> Result<Vec<UsageRow>, Self::Error>;

    /// The running total of an epoch, or of all of a source and service.
    fn usage_epochs(
        &mut self,
        stream: Uuid,
        series: &Series,
        epoch: Option<&str>,
    ) -> Result<Vec<(String, EpochState)>, Self::Error>;

    /// What all counts of a source come to, as they were reported.
    fn usage_of_source(&mut self, stream: Uuid, source: &str) -> Result<u64, Self::Error>;

    /// How many counts there are of a month.
    fn series_of_month(&mut self, stream: Uuid, month: &str) -> Result<u64, Self::Error>;

    /// The sum of all counts.
    fn usage_sum(&mut self, stream: Uuid) -> Result<u64, Self::Error>;
}

/// Which grant is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GrantBy {
    /// The one with this id.
    Id(Uuid),
    /// The one that this code became.
    Code(Digest),
    /// The one that this refresh token stands for.
    RefreshToken(Digest),
}

/// Which node or pool is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By<'a> {
    /// The one with this id, also if it was revoked.
    Id(Uuid),
    /// The one with this name that is not revoked.
    Name(&'a str),
}

/// Whose counts are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UsageOf<'a> {
    /// Those of a source.
    Source(&'a str),
    /// Those of all sources of a node with this name.
    Node(&'a str),
}

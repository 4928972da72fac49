//! A write as the authority hands it to a store: which stream, which facts, which rule.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use lictor_core::decision::Decision;
use lictor_core::digest::Digest;
use lictor_core::document::rotation::Rotation;
use lictor_core::elapsed::{Elapsed, Now};
use lictor_core::facts::account::AccountCounts;
use lictor_core::facts::application::Application;
use lictor_core::facts::entitlement::Basis;
use lictor_core::facts::node::NodeSettings;
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::facts::quota::{Quota, Quotas, Used};
use lictor_core::facts::seats::{SeatId, SeatReason, SeatRefusal};
use lictor_core::facts::usage::{Series, UsageKey, UsageRow};
use lictor_core::ledger::Entry;
use lictor_core::record::Record;
use lictor_core::state::State;
use lictor_core::{Error, KeyId, Timestamp};
use uuid::Uuid;

use crate::Outcome;

/// A part of the state that a rule wants to see. What is not there is simply absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// The installation's trust policy, whatever the stream.
    Policy,
    /// One of the installation's trusted keys, whatever the stream.
    Key(KeyId),
    /// The live organization with this key, whatever the stream.
    Organization(String),
    /// One token of the stream.
    Token(Uuid),
    /// Of the other operator's tokens of the stream that are live at this moment and not narrowed the one
    /// that lasts longest, if there is one.
    OtherOperator {
        /// Than which.
        than: Uuid,
        /// The moment.
        now: Timestamp,
    },
    /// Another active account that administers the organization, if there is one.
    OtherAdministrator(Uuid),
    /// Some of the tokens that expired before this instant and were not revoked, if the quota of
    /// tokens is reached.
    ExpiredTokens(Timestamp),
    /// One application.
    Application(String),
    /// At most `limit` licenses of an application, the greatest (`updated_at`, revision) first, up to the
    /// one by which their payloads come to `bytes`.
    NewestLicenses {
        /// The application's key.
        application: String,
        /// Those that were written after this; [`FIRST`](lictor_core::facts::license::FIRST): all.
        after: (Timestamp, u64),
        /// How many.
        limit: usize,
        /// How many bytes.
        bytes: usize,
    },
    /// One license.
    License(Uuid),
    /// Any one license, to know whether there is one.
    AnyLicense,
    /// Any one license of an application, to know whether there is one.
    AnyLicenseOf(String),
    /// When trusted keys or the policy changed last, whatever the stream.
    Trust,
    /// One account, and the counts of all.
    Account(Uuid),
    /// The account that this e-mail means, the one that has it in another spelling, and the seats
    /// of both; and the counts of all.
    AccountByEmail(String),
    /// One seat.
    Seat(SeatId),
    /// All seats of an account, and their applications.
    SeatsOf(Uuid),
    /// One lease, and its application.
    Lease(Uuid),
    /// The lease of a holder for an application, in whatever spelling: two, where there are two of
    /// one name from before such were one.
    LeaseOf {
        /// The application's key.
        application: String,
        /// The holder.
        holder: String,
    },
    /// All leases of the holder with this [`key`](lictor_core::facts::lease::holder_key), and how many
    /// refusals and kept answers there are of it, up to those that are forgotten at once.
    Holder(String),
    /// Some of the leases whose time was over at this moment, and their applications.
    Due(Elapsed),
    /// One client, and its account.
    Client(Uuid),
    /// A client's live grants, and those that were given after a moment.
    GrantsOf {
        /// The client's id.
        client: Uuid,
        /// The moment.
        since: Elapsed,
    },
    /// How many codes were made for a client after a moment, the last ten minutes' at most.
    CodesOf {
        /// The client's id.
        client: Uuid,
        /// The moment.
        since: Elapsed,
    },
    /// A grant code by its SHA-256, and the grant it became if it did.
    Code(Digest),
    /// A refresh token by its SHA-256 with its grant and the access tokens that rest on it, or an
    /// access token by its own with the grant that it rests on; and the client.
    ClientSecret(Digest),
    /// The access tokens that rest on a client's own credentials.
    AccessOf(Uuid),
    /// One node and its identity, revoked ones included.
    Node(Uuid),
    /// How many nodes of the application with this key have not joined, and still can at this moment. No
    /// more can than were enrolled within [`TOKEN_TTL`](lictor_core::facts::node::TOKEN_TTL).
    NodesToJoin(String, Elapsed),
    /// The node with this name that is not revoked, and its identity.
    NodeNamed(String),
    /// One pool of nodes, revoked ones included.
    NodePool(Uuid),
    /// The pool of nodes with this name that is not revoked.
    NodePoolNamed(String),
    /// The settings of all nodes. Ask for it before the nodes' policy or revision is changed.
    NodeSettings,
    /// What is stored of the usage of a source, service and month.
    Usage(UsageKey),
    /// The running total of an epoch; where it is not stored, all of its source and service.
    UsageEpoch {
        /// The source and the service.
        series: Series,
        /// The epoch.
        epoch: String,
    },
    /// Some counts of a source that nobody corrected, as many as are put to another source at once, and
    /// the other's for the same services and months.
    UsageOf {
        /// The source.
        source: String,
        /// The other one.
        into: String,
    },
    /// The same of a node: counts of its sources.
    UsageOfNode {
        /// The node's name.
        name: String,
        /// The other source.
        into: String,
    },
    /// Who counts in the epochs of a node.
    NodeStarts(Uuid),
    /// What all counts of a source come to, as they were reported.
    UsageBySource(String),
    /// How many usage counts there are of a month, see [`counted_in`](lictor_core::facts::usage::counted_in).
    UsageMonth(String),
    /// The sum of all usage counts. Ask for it before any usage is recorded or corrected.
    UsageSum,
}

/// A pure decision on the facts that were asked for. It may run twice; what counts is the run
/// whose decision was stored.
#[derive(Clone)]
pub struct Rule(Arc<Decide>);

type Decide = dyn Fn(&State) -> Result<Decision<Outcome>, Error> + Send + Sync;

impl Rule {
    /// A rule that decides so, whatever its outcome is.
    pub fn new<T: Any + Send + Sync>(
        decide: impl Fn(&State) -> Result<Decision<T>, Error> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(move |state| Ok(decide(state)?.map(Outcome::new))))
    }

    /// A rule that is chosen by the facts.
    pub fn chosen(choose: impl Fn(&State) -> Result<Self, Error> + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |state| choose(state)?.decide(state)))
    }

    /// What it decides on these facts.
    ///
    /// # Errors
    /// What it refuses with.
    pub fn decide(&self, state: &State) -> Result<Decision<Outcome>, Error> {
        (self.0)(state)
    }
}

/// One write to one stream.
pub struct Write {
    /// The organization's id, or [`INSTALLATION`](lictor_core::facts::organization::INSTALLATION).
    pub stream: Uuid,
    /// The token of the caller; none: the server itself.
    pub actor: Option<Uuid>,
    /// The time of the decision.
    pub now: Now,
    /// What the rule will look at. The state's `newest_updated_at` is always there.
    pub facts: Vec<Fact>,
    /// The rule.
    pub rule: Rule,
    /// The idempotency record to store with it.
    pub idempotent: Option<Idempotent>,
}

/// What was written.
#[derive(Debug, Default)]
pub struct Written {
    /// The ledger entries, in order; empty where all was already as asked.
    pub entries: Vec<Entry>,
    /// What was stored with them.
    pub records: Vec<Record>,
    /// The quotas that a part of it would have gone beyond, which was left out.
    pub over_quota: Vec<Quota>,
    /// Where there are entries, the keys of the applications that the rule was shown, and of those that it
    /// made.
    pub applications: Vec<String>,
    /// What whoever asked gets.
    pub outcome: Outcome,
}

/// Learns what a write has stored: when it is durable, in the order of each stream's writes, and before any
/// write is answered that rests on it. Reads may find it a moment before. All writes wait meanwhile, so it must
/// be short; it must not panic, and must not call the store, which would wait for itself.
pub type Observer = Box<dyn Fn(&Write, &Written) + Send + Sync>;

/// Refusals of one holder, application and reason within one minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Minutes since 1970.
    pub minute: i64,
    /// How many there were.
    pub count: u64,
    /// The ledger position that the first of them was decided at; none: it was not kept then.
    pub first_position: Option<u64>,
    /// The last of them.
    pub refusal: SeatRefusal,
}

/// Where a list of refusals goes on: the key of one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefusedKey {
    /// Minutes since 1970.
    pub minute: i64,
    /// The application's key.
    pub application: String,
    /// `account` or `lease`.
    pub kind: String,
    /// The account's id, or the lease's holder.
    pub holder: String,
    /// The reason's word.
    pub reason: String,
}

/// How many seats of an application were refused within one hour for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalSum {
    /// Hours since 1970.
    pub hour: i64,
    /// The application's key.
    pub application: String,
    /// Why.
    pub reason: SeatReason,
    /// How many.
    pub count: u64,
}

/// Where a list of sums goes on: the key of one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SumKey {
    /// Hours since 1970.
    pub hour: i64,
    /// The application's key.
    pub application: String,
    /// The reason's word.
    pub reason: String,
}

/// Which leases that ended are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndedFilter {
    /// The application's key.
    pub application: String,
    /// The holder; none: whoever held them.
    pub holder: Option<String>,
    /// Those alone that were held at this instant or later.
    pub since: Option<Timestamp>,
    /// Those alone that were checked out before this instant.
    pub until: Option<Timestamp>,
}

/// Where a list of ended leases goes on: what orders an application's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedKey {
    /// When it ended.
    pub until: Timestamp,
    /// The ledger position at which it ended.
    pub position: u64,
}

/// What the state of an organization's nodes rests on beside the licenses, read at the same instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodesBasis {
    /// When licenses, keys and policies changed last.
    pub basis: Basis,
    /// The settings of all nodes.
    pub settings: NodeSettings,
    /// The rotations by which nodes trust keys, in order of the new keys' ids.
    pub rotations: Vec<Rotation>,
}

/// What an organization's figures are made of, read at one instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// The applications, by key.
    pub applications: Vec<Application>,
    /// The accounts.
    pub counts: AccountCounts,
    /// The position of the stream then.
    pub position: u64,
}

/// How much an organization has, and how much it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The limits.
    pub quotas: Quotas,
    /// What there is.
    pub used: Used,
    /// What only grows.
    pub grown: Grown,
}

/// What of an organization only grows, and so is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Grown {
    /// Ledger entries.
    pub entries: u64,
    /// Their bytes.
    pub entry_bytes: u64,
    /// The bytes of payloads, those included whose licenses are gone.
    pub payload_bytes: u64,
    /// How many records of ended leases went as there were too many.
    pub ended_leases_dropped: u64,
}

/// How many nodes of an application take a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodePlaces {
    /// The organization.
    pub organization: Uuid,
    /// The application's key.
    pub application: String,
    /// How many are not revoked, and joined or still can; at least one.
    pub enrolled: u64,
}

/// Which pool of nodes is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PoolBy {
    /// The one of this organization with this id, also if it was revoked.
    Id(Uuid, Uuid),
    /// The one of this organization with this name that is not revoked.
    Name(Uuid, String),
    /// The one whose token has this SHA-256, also if it was revoked; never one of a removed
    /// organization.
    Token(Digest),
}

impl PoolBy {
    /// For whom it is looked up.
    pub(crate) fn organization(&self) -> Uuid {
        match self {
            Self::Id(organization, _) | Self::Name(organization, _) => *organization,
            Self::Token(_) => INSTALLATION,
        }
    }
}

/// A node that has a place of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolNode {
    /// The organization.
    pub organization: Uuid,
    /// The node's id.
    pub id: Uuid,
    /// The pool's.
    pub pool: Uuid,
    /// After how many seconds of silence it gives its place back.
    pub forget_after: i64,
    /// When it was last heard of, as far as that is stored.
    pub heard_at: Elapsed,
}

/// A node that left its pool, and is to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftNode {
    /// The organization.
    pub organization: Uuid,
    /// The node's id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The pool that it left.
    pub pool: Uuid,
    /// It is to go if it left before this.
    pub before: Timestamp,
}

/// A page of an organization's usage counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsagePage {
    /// The counts.
    pub rows: Vec<UsageRow>,
    /// What all of them come to, those of other pages included.
    pub total: u64,
}

/// What an organization's usage counts come to, read at one instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageFigures {
    /// The requests of each month, at most [`MAX_COUNT`](lictor_core::facts::usage::MAX_COUNT).
    pub months: BTreeMap<String, u64>,
    /// Distinct services that reported.
    pub services: usize,
}

/// What tells one idempotent request from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The caller's token.
    pub token: Uuid,
    /// Method and path.
    pub route: String,
    /// The client's key, 1 to 255 characters.
    pub key: String,
    /// The SHA-256 of the request's body.
    pub request_sha256: [u8; 32],
}

/// An answer that is kept for a repeated request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// Makes the answer of a request from what it wrote, in as many parts as it was written in; none: it is not
/// kept, as the next request may get another.
pub type Render = Arc<dyn Fn(&[&Written]) -> Option<Answer> + Send + Sync>;

/// An idempotency record: stored in the transaction of the write it belongs to.
#[derive(Clone)]
pub struct Idempotent {
    /// The key under which the answer is found again.
    pub key: IdempotencyKey,
    /// Makes the answer.
    pub render: Render,
    /// What the request wrote in transactions before the one that the answer is kept with.
    pub before: Vec<Arc<Written>>,
}

/// How long an answer is replayed, in seconds: 24 hours.
pub const ANSWER_KEPT_SECONDS: i64 = 86_400;

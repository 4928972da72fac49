//! What a change and a record do to rows, once for every backend: as data of a few kinds, which a backend
//! carries out. Nothing here decides, and nothing here knows SQL.

mod changes;
mod counted;
mod figures;
mod records;

use lictor_core::digest::Digest;
use lictor_core::document::rotation::Rotation;
use lictor_core::elapsed::Elapsed;
use lictor_core::facts::account::{AccountCounts, AccountState};
use lictor_core::facts::application::ApplicationState;
use lictor_core::facts::client::ClientState;
use lictor_core::facts::email::Email;
use lictor_core::facts::grant::{Access, GrantState};
use lictor_core::facts::lease::{EndedLease, LeaseEnd, LeaseState, LeaseTerms};
use lictor_core::facts::license::LicenseState;
use lictor_core::facts::node::{Counting, NodeIdentity, NodeSeen, NodeState};
use lictor_core::facts::organization::OrganizationState;
use lictor_core::facts::pool::{PoolIdentity, PoolState};
use lictor_core::facts::quota::Quota;
use lictor_core::facts::seats::{SeatReason, SeatRefusal, SeatState};
use lictor_core::facts::token::{Origin, TokenState};
use lictor_core::facts::usage::{EpochState, Reported, Series, UsageKey};
use lictor_core::feed::NodePolicy;
use lictor_core::{KeyId, Timestamp, TrustPolicy, TrustedKey, Validity};
use uuid::Uuid;

pub(crate) use changes::{Before, carry_out_change};
pub(crate) use counted::Counted;
pub(crate) use figures::{Figured, carry_out_figures};
pub(crate) use records::carry_out_record;

/// What a database can fail with.
pub(crate) trait HasError {
    /// An error of the database.
    type Error;
}

/// The result of an effect that a backend may gather.
pub(crate) type Carried<R> = Result<(), BatchError<<R as HasError>::Error>>;

/// Carries effects out on the rows of a stream, within one transaction.
///
/// What is put, removed and added a backend may gather, and send together before the commit. It compares how many
/// rows each of these effects changed with what the effect says of itself ([`Touches::compare`]), at once or when
/// they are sent. Whatever tells something of rows, here, in [`FactReads`](crate::facts::FactReads) and in
/// [`Backend`](crate::plan::Backend), has seen the effects before it: a backend sends what it has gathered before it
/// answers, or it answers from an image of the rows in which they are carried out.
pub(crate) trait Rows: HasError {
    /// Stores a row, or a part of one that is there.
    fn put(&mut self, stream: Uuid, put: &Put<'_>) -> Carried<Self>;

    /// Removes a row, or a name from it.
    fn remove(&mut self, stream: Uuid, remove: &Remove<'_>) -> Carried<Self>;

    /// Adds to the counters of a row.
    fn add(&mut self, stream: Uuid, add: &Add<'_>) -> Carried<Self>;

    /// Carries out an effect at once, and says how many rows it changed.
    fn measure(&mut self, stream: Uuid, measured: &Measured<'_>) -> Result<usize, Self::Error>;

    /// Whether there is a row of such refusals.
    fn is_refused(&mut self, stream: Uuid, row: &RefusalRow<'_>) -> Result<bool, Self::Error>;

    /// Drops what has ended, of all streams: at most so many rows, or of refusals so many minutes. The head row of
    /// each organization that loses rows is locked first; one that is locked may be left for later.
    fn drop_ended(&mut self, ended: Ended, most: usize) -> Result<Dropped, Self::Error>;
}

/// How many rows an effect changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Touches {
    /// Exactly one: it is new, or the rule saw it under the lock. Any other number is a fault of ours.
    One,
    /// Any number: where there is nothing to change, nothing is to be done.
    Any,
}

impl Touches {
    /// Compares with how many rows were changed.
    ///
    /// # Errors
    /// [`BatchError::Write`] if it had to be one, and was not.
    pub(crate) fn compare<E>(self, changed: usize) -> Result<(), BatchError<E>> {
        match (self, changed) {
            (Self::One, 1) | (Self::Any, _) => Ok(()),
            (Self::One, _) => {
                let reason = format!("a statement changed {changed} rows");
                Err(BatchError::Write(reason))
            }
        }
    }
}

/// An effect whose number of changed rows decides what the write does next, or is counted by a quota.
#[derive(Debug)]
pub(crate) enum Measured<'a> {
    /// Stores a payload, unless it is there.
    Payload(Digest, &'a str),
    /// Stores an account's e-mail and name, unless it has an e-mail or a name that would be replaced.
    NewIdentity(Identity<'a>),
    /// Puts a count under another source, unless that has one of the same service and month.
    UsageSource(&'a UsageKey, &'a str),
    /// Stores a service that usage was counted of, unless it is there.
    UsageService(&'a str),
    /// Removes the name from at most so many of the refusals of a holder, by its key. Rows that are the same
    /// without it become one; the number is by how many rows there are fewer.
    HolderOfRefusals(&'a str, usize),
    /// Removes at most so many of the answers that name a holder, by its key.
    AnswersNamingHolder(&'a str, usize),
    /// Removes at most so many of the answers that name an account. There are few, because only the one who
    /// creates an account gets such an answer.
    AnswersNamingAccount(Uuid, usize),
    /// Removes an application's leases that ended before an instant, the oldest first.
    EndedLeases {
        /// Whose they were; its head row is locked first.
        organization: Uuid,
        /// The application's key.
        application: &'a str,
        /// The instant.
        before: Timestamp,
        /// How many at most.
        most: usize,
    },
    /// Removes at most so many names of one kind in an organization, whose head row is locked first: from the row,
    /// or with it.
    Names(Uuid, Named, usize),
}

/// A row, or a part of one, as it is to be.
#[derive(Debug)]
pub(crate) enum Put<'a> {
    /// The installation's trust policy.
    Policy(TrustPolicy),
    /// The first head row of an organization.
    NewHead(Uuid),
    /// A new organization.
    NewOrganization(Uuid, &'a OrganizationState),
    /// That the stream's organization was removed.
    OrganizationRemoved,
    /// That nothing in an organization that was removed names anybody.
    OrganizationErased(Uuid),
    /// An organization's name.
    OrganizationName(Uuid, Option<&'a str>),
    /// A trusted key, new or of another status.
    Key(KeyId, &'a TrustedKey),
    /// The rotation by which nodes trust a key.
    KeyRotation(&'a Rotation),
    /// A new token.
    NewToken(Uuid, &'a TokenState),
    /// What may change of a token.
    Token(Uuid, &'a TokenState),
    /// The SHA-256 of a token's secret, and its name.
    TokenSecret(Uuid, &'a [u8; 32], Option<&'a str>),
    /// Where a token came from.
    TokenOrigin(Uuid, Origin),
    /// What a license that is there has become.
    License(Uuid, &'a LicenseState),
    /// A new license with its dates, or the dates of one that is there.
    DatedLicense(Uuid, &'a LicenseState, Validity),
    /// A new account.
    NewAccount(Uuid, &'a AccountState),
    /// What may change of an account.
    Account(Uuid, &'a AccountState),
    /// How many seats an account has.
    AccountSeats(Uuid, &'a AccountState),
    /// An account's e-mail and name.
    Identity(Identity<'a>),
    /// How many accounts there are of each kind.
    AccountCounts(&'a AccountCounts),
    /// A new application.
    NewApplication(&'a str, &'a ApplicationState),
    /// What may change of an application, its figures excepted.
    Application(&'a str, &'a ApplicationState),
    /// An application's name.
    ApplicationName(&'a str, Option<&'a str>),
    /// How many licenses an application has, and the sum of their revisions.
    ApplicationLicenses(&'a str, &'a ApplicationState),
    /// A new seat, of an application and an account.
    NewSeat(&'a str, Uuid, SeatState),
    /// A new lease.
    NewLease(Uuid, &'a LeaseState, &'a LeaseTerms),
    /// What changes of a lease with every renewal.
    LeaseTerms(Uuid, &'a LeaseTerms),
    /// From when on the leases of an organization that ended are all kept: `lictor check` does not look for
    /// earlier ones. Of two instants the later one stays.
    EndedLeasesKept(Uuid, Timestamp),
    /// A refusal: a new row, or one more in the row that is there, with the figures of this one.
    Refusal(&'a RefusalRow<'a>),
    /// A new client.
    NewClient(Uuid, &'a ClientState),
    /// What may change of a client.
    Client(Uuid, &'a ClientState),
    /// What a client signs in with, and its name.
    ClientSecret {
        /// The client's id.
        id: Uuid,
        /// What it calls itself.
        client_id: &'a str,
        /// The SHA-256 of its secret.
        sha256: Digest,
        /// Its name.
        name: Option<&'a str>,
    },
    /// A client's name.
    ClientName(Uuid, Option<&'a str>),
    /// A new grant.
    NewGrant(Uuid, &'a GrantState),
    /// What may change of a grant.
    Grant(Uuid, &'a GrantState),
    /// What stands for a grant.
    GrantSecret {
        /// The grant's id.
        id: Uuid,
        /// The SHA-256 of its refresh token.
        refresh: Digest,
        /// The SHA-256 of the code that it was given for.
        code: Option<Digest>,
        /// When it was given.
        given_at: Elapsed,
    },
    /// A new code of a client, and when it ends.
    NewCode(Digest, Uuid, Elapsed),
    /// A new access token.
    NewAccess(Digest, &'a Access),
    /// That an access token ended before its time. It may be gone.
    AccessEnded(Digest),
    /// A new node.
    NewNode(Uuid, &'a NodeState),
    /// What may change of a node.
    Node(Uuid, &'a NodeState),
    /// What a node is known and recognized by.
    NodeIdentity(Uuid, &'a NodeIdentity),
    /// What a node said of itself.
    NodeSeen(Uuid, &'a NodeSeen),
    /// Who counts in the epochs of a node. It may be gone.
    NodeStarts(Uuid, &'a [Counting]),
    /// A new pool of nodes.
    NewPool(Uuid, &'a PoolState),
    /// What may change of a pool of nodes.
    Pool(Uuid, &'a PoolState),
    /// What a pool of nodes is known by.
    PoolIdentity(Uuid, &'a PoolIdentity),
    /// How long nodes go on without news.
    NodePolicy(NodePolicy),
    /// What was reported of usage: of two the greater figures stay.
    Usage(&'a UsageKey, Reported),
    /// The running total of an epoch: of two the greater figures stay.
    UsageEpoch(&'a Series, &'a str, EpochState),
    /// What the corrections of a count come to.
    Correction {
        /// The month.
        month: &'a str,
        /// The service.
        service: &'a str,
        /// The source.
        source: &'a str,
        /// Their sum.
        sum: i64,
    },
    /// The sum of all usage counts.
    UsageSum(u64),
}

impl Put<'_> {
    /// How many rows it changes.
    pub(crate) fn touches(&self) -> Touches {
        match self {
            Self::AccessEnded(_) | Self::NodeStarts(..) => Touches::Any,
            _ => Touches::One,
        }
    }
}

/// An account's e-mail and name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity<'a> {
    /// The account's id.
    pub(crate) id: Uuid,
    /// The e-mail; `None` leaves it as it is.
    pub(crate) email: Option<&'a Email>,
    /// The name, or `Some(None)` to remove it; `None` leaves it as it is.
    pub(crate) name: Option<Option<&'a str>>,
}

/// What is removed.
#[derive(Debug)]
pub(crate) enum Remove<'a> {
    /// A license.
    License(Uuid),
    /// An account's e-mail and name.
    Identity(Uuid),
    /// An application.
    Application(&'a str),
    /// The seat of an account for an application.
    Seat(&'a str, Uuid),
    /// A lease, whose holder and times are first copied to those that ended. The copy is not counted.
    Lease {
        /// The lease's id.
        id: Uuid,
        /// When it ended.
        until: Timestamp,
        /// The ledger position at which it ended.
        position: u64,
        /// Why.
        reason: LeaseEnd,
    },
    /// The name in what is kept of a lease that ended. It may have been dropped.
    HolderOfEnded(&'a EndedLease),
    /// A code. It may have been dropped.
    Code(Digest),
    /// A node.
    Node(Uuid),
    /// A usage count.
    Usage(&'a UsageKey),
    /// The running total of an epoch. It may be forgotten already.
    UsageEpoch(&'a Series, &'a str),
}

impl Remove<'_> {
    /// How many rows it changes.
    pub(crate) fn touches(&self) -> Touches {
        match self {
            Self::HolderOfEnded(_) | Self::Code(_) | Self::UsageEpoch(..) => Touches::Any,
            _ => Touches::One,
        }
    }
}

/// What names somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    /// Accounts that are found by any spelling of their e-mails.
    Accounts,
    /// Accounts that are found by one spelling alone.
    AccountsApart,
    /// Leases: without a name they have no end, so that they are due no more.
    Leases,
    /// Refusals, which go as a whole.
    Refusals,
    /// Kept answers, which go as a whole.
    Answers,
}

/// By how much counters rise, or fall where it is negative.
#[derive(Debug)]
pub(crate) enum Add<'a> {
    /// Seats and leases of an application are taken.
    Taken {
        /// The application's key.
        application: &'a str,
        /// How many seats.
        seats: u64,
        /// How many leases.
        leases: u64,
        /// How many of both together there may be at most; `None` is unlimited. The rule has checked it already.
        ceiling: Option<u32>,
    },
    /// Seats and leases of an application are free again.
    Free {
        /// The application's key.
        application: &'a str,
        /// How many seats.
        seats: u64,
        /// How many leases.
        leases: u64,
    },
    /// Nodes of an application. It may be removed: then it counts none any more.
    Nodes {
        /// The application's key.
        application: &'a str,
        /// How many.
        nodes: i64,
        /// How many of those have joined.
        joined: i64,
    },
    /// Places that are taken of a pool of nodes.
    Places(Uuid, i64),
    /// By how much the revision of the nodes' state was raised.
    Raised(u64),
    /// A refusal of the hour; the row is made where there is none.
    RefusalSum {
        /// Hours since 1970.
        hour: i64,
        /// The application's key.
        application: &'a str,
        /// Why.
        reason: SeatReason,
    },
    /// The figures of a count, to those of another source for the same service and month.
    UsageMerged(&'a UsageKey, &'a str),
    /// One count less of a month, or of the earlier ones if it came late. Neither may have any.
    SeriesMerged(&'a str),
    /// Counts of a month; the row is made where there is none.
    Series(&'a str, u64),
    /// The sum of the counts of a month; the row is made where there is none.
    MonthSum(&'a str, i64),
    /// A service to those of the organization; the row is made where there is none.
    Service,
    /// What another organization than the write's uses of a quota, in its head row, which is locked for this until
    /// the commit. Only writes of the installation lock head rows of others, and those run one after the other: so
    /// no two writes wait for each other.
    Used(Uuid, Quota, i64),
}

impl Add<'_> {
    /// How many rows it changes.
    pub(crate) fn touches(&self) -> Touches {
        match self {
            Self::Nodes { .. } | Self::SeriesMerged(_) | Self::Used(..) => Touches::Any,
            _ => Touches::One,
        }
    }
}

/// The row that a refusal is counted in.
#[derive(Debug)]
pub(crate) struct RefusalRow<'a> {
    /// Minutes since 1970.
    pub(crate) minute: i64,
    /// The account's id or the holder's name; without a name one that says nothing.
    pub(crate) holder: String,
    /// The key of a holder of leases, if it is found by that.
    pub(crate) key: Option<String>,
    /// The rest, and the figures.
    pub(crate) refusal: &'a SeatRefusal,
}

/// What is kept for a span, and what of it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Kept answers that end at this moment or earlier.
    Answers(Elapsed),
    /// Codes that end at this moment or earlier.
    Codes(Elapsed),
    /// Access tokens that end at this moment or earlier.
    AccessTokens(Elapsed),
    /// Refusals of the minutes before this one, counted since 1970.
    Refusals(i64),
}

/// What was dropped of all streams.
#[derive(Debug, Default)]
pub(crate) struct Dropped {
    /// How many rows.
    pub(crate) rows: usize,
    /// The organization of each row, of kinds that have a quota.
    pub(crate) whose: Vec<Uuid>,
}

/// Why a batch was not stored. Some of it may have been written.
#[derive(Debug)]
pub(crate) enum BatchError<E> {
    /// What one write does is wrong in this way: a fault of ours.
    Write(String),
    /// The database failed.
    Database(E),
}

impl<E: std::fmt::Display> BatchError<E> {
    /// What the log says.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Write(reason) => reason.clone(),
            Self::Database(error) => error.to_string(),
        }
    }
}

impl<E> From<E> for BatchError<E> {
    fn from(error: E) -> Self {
        Self::Database(error)
    }
}

/// A rule may only change what it asked for: anything else was not applied to the state.
fn loaded<'a, T, E>(found: Option<&'a T>, kind: &str) -> Result<&'a T, BatchError<E>> {
    found.ok_or_else(|| unasked(kind))
}

fn unasked<E>(kind: &str) -> BatchError<E> {
    BatchError::Write(format!("a rule changed a {kind} that it had not asked for"))
}

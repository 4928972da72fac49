//! What a rule decides: changes, which are the ledger's entries, and the records stored with them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use crate::digest::Digest;

use crate::access::{Role, Scope};
use crate::account::{AccountKind, AccountStatus, Email};
use crate::application::OverLimit;
use crate::elapsed::Elapsed;
use crate::error::Error;
use crate::feed::{Apart, Rotation};
use crate::given::Given;
use crate::grant::Access;
use crate::keys::{KeyId, PublicKey};
use crate::lease::{EndedLease, LeaseEnd, LeaseTerms};
use crate::node::{Counting, Leave, NodeIdentity, NodeSeen, PoolIdentity};
use crate::quota::Quota;
use crate::seats::SeatRefusal;
use crate::time::{Timestamp, Validity};
use crate::token::Origin;
use crate::trust::TrustPolicy;
use crate::usage::{EpochState, Reported, Series, UsageKey};

/// One change of one stream. It holds ids and figures, never a name or an e-mail, and it is all
/// that [`State::apply`](crate::State::apply) needs to make the state anew. Its JSON form is
/// stored for ever: variants and fields are added, never renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Change {
    /// The installation's trust policy was set.
    PolicySet {
        /// The policy.
        policy: TrustPolicy,
    },
    /// An organization was created; in the installation's stream.
    OrganizationCreated {
        /// Its id.
        id: Uuid,
        /// Its key.
        key: String,
        /// Its number.
        number: u64,
    },
    /// The organization of this stream was removed; nothing follows.
    OrganizationRemoved,
    /// A key became active.
    KeyTrusted {
        /// Its id.
        key_id: KeyId,
        /// The key itself.
        public_key: PublicKey,
    },
    /// A key signs no new licenses any more.
    KeyRetired {
        /// Its id.
        key_id: KeyId,
    },
    /// Nothing that a key signed is trusted any more.
    KeyRevoked {
        /// Its id.
        key_id: KeyId,
    },
    /// A token was created.
    TokenCreated {
        /// Its id.
        id: Uuid,
        /// Its role.
        role: Role,
        /// What it is narrowed to.
        scopes: Vec<Scope>,
        /// When it ends.
        expires_at: Option<Timestamp>,
        /// The account that owns it; none: nobody's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<Uuid>,
    },
    /// A token was revoked.
    TokenRevoked {
        /// Its id.
        id: Uuid,
    },
    /// An application became known.
    ApplicationCreated {
        /// Its key.
        key: String,
    },
    /// A license was added, replaced or touched.
    LicenseWritten {
        /// Its id.
        id: Uuid,
        /// The application that its claims name.
        application: String,
        /// The SHA-256 of its payload; 64 lower-case hex digits as text.
        payload_sha256: Digest,
        /// When it was created, or what the client said of that.
        created_at: Timestamp,
        /// When it was written.
        updated_at: Timestamp,
        /// The revision of what it replaced; none: it was added.
        replaces: Option<u64>,
    },
    /// A license was removed.
    LicenseRemoved {
        /// Its id.
        id: Uuid,
    },
    /// What happens when an application has no seat left was set.
    ApplicationSet {
        /// Its key.
        key: String,
        /// What happens.
        over_limit: OverLimit,
    },
    /// An application was forgotten.
    ApplicationRemoved {
        /// Its key.
        key: String,
    },
    /// An account was created.
    AccountCreated {
        /// Its id.
        id: Uuid,
        /// Its number.
        number: u64,
        /// What stands behind it.
        kind: AccountKind,
        /// How far it has come.
        status: AccountStatus,
        /// Whether it administers the organization.
        administrator: bool,
        /// `xx_YY`.
        language: String,
    },
    /// An account was changed; all is given, also what stays, but names are not.
    AccountSet {
        /// Its id.
        id: Uuid,
        /// How far it has come.
        status: AccountStatus,
        /// Whether it administers the organization.
        administrator: bool,
        /// `xx_YY`.
        language: String,
    },
    /// An account was removed, its e-mail and name erased.
    AccountRemoved {
        /// Its id.
        id: Uuid,
    },
    /// An account was given a seat.
    SeatAssigned {
        /// The application's key.
        application: String,
        /// The account's id.
        account: Uuid,
        /// The limit it was decided by; none: unlimited.
        limit: Option<u32>,
        /// Seats in use after it.
        used: u64,
    },
    /// An account's seat was taken back.
    SeatReleased {
        /// The application's key.
        application: String,
        /// The account's id.
        account: Uuid,
    },
    /// A lease was checked out.
    LeaseCheckedOut {
        /// Its id.
        id: Uuid,
        /// The application's key.
        application: String,
        /// The limit it was decided by; none: unlimited.
        limit: Option<u32>,
        /// Seats in use after it.
        used: u64,
    },
    /// A lease ended.
    LeaseEnded {
        /// Its id.
        id: Uuid,
        /// The application's key.
        application: String,
        /// Why.
        reason: LeaseEnd,
    },
    /// A client was created.
    ClientCreated {
        /// Its id.
        id: Uuid,
        /// What its access tokens may do at most.
        scopes: Vec<Scope>,
        /// The account it acts for; none: nobody's.
        account: Option<Uuid>,
        /// The one application whose figures it sees; none: all.
        application: Option<String>,
    },
    /// A client was removed; its grants and access tokens are dead.
    ClientRemoved {
        /// Its id.
        id: Uuid,
    },
    /// A client was given a grant, which a refresh token stands for.
    GrantCreated {
        /// Its id.
        id: Uuid,
        /// The client's id.
        client: Uuid,
        /// Whether it was given for a grant code; else it came with the client.
        by_code: bool,
    },
    /// A grant was revoked, and its access tokens with it.
    GrantRevoked {
        /// Its id.
        id: Uuid,
    },
    /// A node was enrolled; it has yet to join.
    NodeEnrolled {
        /// Its id.
        id: Uuid,
        /// The key of the application that it serves.
        application: String,
        /// The limit it was decided by; none: unlimited, or nothing is licensed.
        limit: Option<u32>,
        /// Nodes of the application that take a place after it.
        enrolled: u64,
        /// The pool by whose token it joins; none: it has a token of its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pool: Option<Uuid>,
    },
    /// A node joined with its enrollment token, or its pool's.
    NodeJoined {
        /// Its id.
        id: Uuid,
    },
    /// A node is sent nothing any more.
    NodeRevoked {
        /// Its id.
        id: Uuid,
    },
    /// A node of a pool gave its place back; it can come back.
    NodeLeft {
        /// Its id.
        id: Uuid,
        /// How.
        by: Leave,
    },
    /// A node that had left took a place of a pool again.
    NodeReturned {
        /// Its id.
        id: Uuid,
        /// The pool.
        pool: Uuid,
        /// The limit it was decided by; none: unlimited, or nothing is licensed.
        limit: Option<u32>,
        /// Nodes of the application that take a place after it.
        enrolled: u64,
    },
    /// A node that had left cannot come back.
    NodeBarred {
        /// Its id.
        id: Uuid,
    },
    /// What is stored of a node that left long ago is removed; its counts are its pool's.
    NodeRemoved {
        /// Its id.
        id: Uuid,
    },
    /// A pool of nodes was made: one token that many join by.
    NodePoolCreated {
        /// Its id.
        id: Uuid,
        /// The key of the application that its nodes serve.
        application: String,
        /// How many nodes there may be of it at once.
        uses: u64,
        /// After how many seconds of silence a node gives its place back.
        forget_after: i64,
    },
    /// Nobody joins by the token of a pool any more.
    NodePoolRevoked {
        /// Its id.
        id: Uuid,
    },
    /// How long the organization's nodes go on without news was set; spans in seconds.
    NodePolicySet {
        /// When they call themselves stale.
        stale_after: i64,
        /// How long a state holds.
        expires_after: i64,
        /// How long they go on after that.
        grace: i64,
    },
    /// The revision of the nodes' state was raised above what they had reported.
    NodesAdopted {
        /// By how much, beside the change itself.
        raise: u64,
    },
    /// The count of a source, service and month was corrected.
    UsageCorrected {
        /// The source.
        source: String,
        /// The service.
        service: String,
        /// The month.
        month: String,
        /// By how much.
        by: i64,
        /// Why, in the words of whoever did it.
        reason: String,
    },
    /// A limit of the organization was set.
    QuotaSet {
        /// Of what.
        quota: Quota,
        /// The limit; none: the default again.
        limit: Option<u64>,
    },
}

/// What is stored in the same transaction as the changes without being a part of the ledger:
/// secrets, names that may have to be erased, bytes, and counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// The exact text of a license, by its SHA-256.
    Payload {
        /// The SHA-256 of the text.
        sha256: Digest,
        /// The text.
        text: Arc<str>,
    },
    /// When a license is valid, as its payload says.
    LicenseDates {
        /// The license's id.
        id: Uuid,
        /// From when until when.
        validity: Validity,
    },
    /// The hash of a token's secret, and its name.
    TokenSecret {
        /// The token's id.
        id: Uuid,
        /// The SHA-256 of the secret.
        sha256: [u8; 32],
        /// The token's name.
        name: Option<String>,
    },
    /// Where a token came from.
    TokenOrigin {
        /// The token's id.
        id: Uuid,
        /// Where from.
        origin: Origin,
    },
    /// An organization's name.
    OrganizationName {
        /// The organization's id.
        id: Uuid,
        /// The name; none: it has none any more.
        name: Option<String>,
    },
    /// What a source reported for a service and month; less than what is there changes nothing.
    Usage {
        /// Whose, of what, and when.
        key: UsageKey,
        /// All that it reported.
        reported: Reported,
        /// Among the counts of which month it is one more, see
        /// [`counted_in`](crate::usage::counted_in); none: it is there already.
        counted_in: Option<String>,
    },
    /// A running total.
    UsageEpoch {
        /// The source and the service.
        series: Series,
        /// The epoch.
        epoch: String,
        /// How far it has come.
        state: EpochState,
    },
    /// A count is added to that of another source for its service and month, and is no more.
    UsageMerged {
        /// Which one.
        from: UsageKey,
        /// The other source.
        into: String,
    },
    /// A running total that was silent for long is remembered no more.
    UsageEpochForgotten {
        /// The source and the service.
        series: Series,
        /// The epoch.
        epoch: String,
    },
    /// An application's name.
    ApplicationName {
        /// The application's key.
        key: String,
        /// The name; none: it has none any more.
        name: Option<String>,
    },
    /// A client's name.
    ClientName {
        /// The client's id.
        id: Uuid,
        /// The name; none: it has none any more.
        name: Option<String>,
    },
    /// An account's e-mail and name.
    Identity {
        /// The account's id.
        id: Uuid,
        /// The e-mail; none: it stays as it is.
        email: Option<Email>,
        /// The name.
        name: Given<String>,
    },
    /// An account's e-mail and name are erased.
    IdentityErased {
        /// The account's id.
        id: Uuid,
    },
    /// A lease's holder, fence and end.
    Lease {
        /// The lease's id.
        id: Uuid,
        /// The rest.
        terms: LeaseTerms,
    },
    /// What is kept of an ended lease loses the holder's name.
    HolderOfEndedForgotten(EndedLease),
    /// Some refusals of a holder of leases lose the name.
    HolderOfRefusalsForgotten {
        /// The holder's [`key`](crate::lease::holder_key).
        key: String,
    },
    /// Some of the answers that are kept for repeated requests and name a holder of leases are kept no
    /// longer.
    AnswersNamingHolderDropped {
        /// The holder's [`key`](crate::lease::holder_key).
        key: String,
    },
    /// Some of what is kept for a span, and whose span is over, is dropped: answers, codes, access
    /// tokens, refusals; stored through the installation's stream.
    ExpiredDropped,
    /// Some of what is kept of ended leases is dropped; stored through the installation's stream,
    /// as the organization may be gone.
    EndedLeasesDropped {
        /// Whose leases they were.
        organization: Uuid,
        /// The application's key.
        application: String,
        /// Those alone that ended before this instant.
        before: Timestamp,
    },
    /// Some of what names somebody in an organization that was removed is erased; stored through the
    /// installation's stream, as the organization is gone.
    NamesOfRemovedErased {
        /// Which one.
        organization: Uuid,
    },
    /// A seat that was refused.
    Refusal(SeatRefusal),
    /// What a client signs in with, and its name.
    ClientSecret {
        /// The client's id.
        id: Uuid,
        /// Its `client_id`.
        client_id: String,
        /// The SHA-256 of its secret.
        sha256: Digest,
        /// The name.
        name: Option<String>,
    },
    /// What stands for a grant.
    GrantSecret {
        /// The grant's id.
        id: Uuid,
        /// The SHA-256 of its refresh token.
        refresh_sha256: Digest,
        /// The SHA-256 of the code that it was given for.
        code_sha256: Option<Digest>,
        /// When it was given.
        given_at: Elapsed,
    },
    /// A grant code that can be used.
    Code {
        /// The SHA-256 of the code.
        sha256: Digest,
        /// The client's id.
        client: Uuid,
        /// From when on it cannot be used.
        expires_at: Elapsed,
    },
    /// An access token was handed out.
    Access {
        /// The SHA-256 of the token.
        sha256: Digest,
        /// What it is.
        access: Access,
    },
    /// An access token ended before its time.
    AccessEnded {
        /// The SHA-256 of the token.
        sha256: Digest,
    },
    /// What a node is known and recognized by.
    NodeIdentity {
        /// The node's id.
        id: Uuid,
        /// All of it.
        identity: NodeIdentity,
    },
    /// What a pool of nodes is known by.
    NodePoolIdentity {
        /// The pool's id.
        id: Uuid,
        /// All of it.
        identity: PoolIdentity,
    },
    /// What a node said of itself.
    NodeSeen {
        /// The node's id.
        id: Uuid,
        /// What it said.
        seen: NodeSeen,
    },
    /// Who counts in the epochs of a node.
    NodeStarts {
        /// The node's id.
        id: Uuid,
        /// All of them, the one that was let go on last at the end.
        counting: Vec<Counting>,
        /// Why the start that this was decided for does not go on in its epoch; none: it does.
        apart: Option<Apart>,
        /// The starts of its parts that begin epochs of their own.
        own: Vec<Uuid>,
    },
    /// By which nodes trust a key that knew the one before it.
    KeyRotation(Rotation),
}

/// What a rule decided: nothing at all, or changes and records that are stored together.
#[derive(Debug, Default)]
pub struct Decision {
    /// The ledger entries to append, in order.
    pub changes: Vec<Change>,
    /// What is stored with them.
    pub records: Vec<Record>,
    /// What was refused although the rest is stored: the number of the row, 0 where there is but
    /// one, and why.
    pub refused: Vec<(usize, Error)>,
}

impl Decision {
    /// All is already as it was asked to be.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Adds what was decided next.
    pub fn append(&mut self, next: Self) {
        self.changes.extend(next.changes);
        self.records.extend(next.records);
        self.refused.extend(next.refused);
    }

    /// Whether it stores nothing and refuses nothing.
    pub fn is_nothing(&self) -> bool {
        self.changes.is_empty() && self.records.is_empty() && self.refused.is_empty()
    }
}

impl FromIterator<Change> for Decision {
    fn from_iter<I: IntoIterator<Item = Change>>(changes: I) -> Self {
        Self {
            changes: changes.into_iter().collect(),
            ..Self::default()
        }
    }
}

impl From<Change> for Decision {
    fn from(change: Change) -> Self {
        Self {
            changes: vec![change],
            ..Self::default()
        }
    }
}

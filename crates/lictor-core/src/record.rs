//! Records: what is stored with changes and is not part of the ledger.

use std::sync::Arc;

use uuid::Uuid;

use crate::digest::Digest;
use crate::document::rotation::Rotation;
use crate::elapsed::Elapsed;
use crate::facts::email::Email;
use crate::facts::grant::Access;
use crate::facts::lease::{EndedLease, LeaseTerms};
use crate::facts::node::{Counting, NodeIdentity, NodeSeen};
use crate::facts::pool::PoolIdentity;
use crate::facts::seats::SeatRefusal;
use crate::facts::token::Origin;
use crate::facts::usage::{EpochState, Reported, Series, UsageKey};
use crate::feed::SplitReason;
use crate::patch_field::PatchField;
use crate::time::{Timestamp, Validity};

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
        /// The name. `None` if it has none any more.
        name: Option<String>,
    },
    /// What a source reported for a service and month; less than what is there changes nothing.
    Usage {
        /// Whose, of what, and when.
        key: UsageKey,
        /// All that it reported.
        reported: Reported,
        /// Among the counts of which month it is one more, see
        /// [`counted_in`](crate::facts::usage::counted_in). `None` if it is there already.
        counted_in: Option<String>,
    },
    /// A running total.
    UsageEpoch {
        /// The source and the service.
        series: Series,
        /// The epoch.
        epoch: String,
        /// Its status.
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
        /// The name. `None` if it has none any more.
        name: Option<String>,
    },
    /// A client's name.
    ClientName {
        /// The client's id.
        id: Uuid,
        /// The name. `None` if it has none any more.
        name: Option<String>,
    },
    /// An account's e-mail and name.
    Identity {
        /// The account's id.
        id: Uuid,
        /// The e-mail. `None` if it stays as it is.
        email: Option<Email>,
        /// The name.
        name: PatchField<String>,
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
        /// The holder's [`key`](crate::facts::lease::holder_key).
        key: String,
    },
    /// Some of the answers that are kept for repeated requests and name a holder of leases are kept no
    /// longer.
    AnswersNamingHolderDropped {
        /// The holder's [`key`](crate::facts::lease::holder_key).
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
    /// The secrets of a grant.
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
        /// Why the start that this was decided for does not go on in its epoch. `None` if it does.
        apart: Option<SplitReason>,
        /// The starts of its parts that begin epochs of their own.
        own: Vec<Uuid>,
    },
    /// By which nodes trust a key that knew the one before it.
    KeyRotation(Rotation),
}

//! The one error of the domain: named reasons with the facts to render them. It knows no HTTP and
//! no SQL; a dialect renders by name what it shows more of, and the rest by its [`Class`].

use std::fmt;

use uuid::Uuid;

use crate::document::error::DocumentError;
use crate::document::keys::KeyId;
use crate::facts::account::AccountStatus;
use crate::facts::grant::GrantRefusal;
use crate::facts::node::JoinRefusal;
use crate::facts::quota::Quota;
use crate::facts::right::Right;
use crate::facts::seats::SeatRefusal;
use crate::facts::usage;
use crate::invalid::InvalidInput;
use crate::words::words;

mod class;

pub use class::Class;

/// Why something was refused, in order of precedence: where several reasons hold, the one that
/// stands first here is the one that is returned.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller gave no token, or one that is unknown, revoked or expired.
    #[error("a valid token is required")]
    Unauthenticated,
    /// The token is good, and the account that owns it cannot be used.
    #[error("{}", of_owner(*.0))]
    OwnerInactive(AccountStatus),
    /// The caller's role or scopes do not allow this.
    #[error("this token may not {0}")]
    Forbidden(Right),
    /// The token's scopes leave this out, whatever its role allows.
    #[error("this token's scopes do not let it {0}")]
    OutOfScope(Right),
    /// What was asked for is not there, or belongs to another organization.
    #[error("there is no {} {name}", kind.name())]
    NotFound {
        /// What kind of thing was asked for.
        kind: Kind,
        /// The id or key it was asked for by.
        name: String,
    },
    /// An input is outside what is allowed; the text says what is and what to do.
    #[error("{field}: {reason}")]
    InvalidInput {
        /// The input's name.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The license document was refused.
    #[error(transparent)]
    InvalidDocument(#[from] DocumentError),
    /// Nobody could come in any more, or run things, if this were done.
    #[error("{0}")]
    LastAdministrator(LastWay),
    /// Something with this id or key is there already.
    #[error("the {} {name} exists already", kind.name())]
    AlreadyExists {
        /// What kind of thing it is.
        kind: Kind,
        /// Its id or key.
        name: String,
    },
    /// A trusted key was revoked, which cannot be undone.
    #[error("key {0} was revoked, and a revoked key is never trusted again; sign with a new key")]
    KeyRevoked(KeyId),
    /// The object was changed since the caller read it.
    #[error("it was changed since: its revision is now {current}")]
    RevisionMismatch {
        /// The revision that is stored now.
        current: u64,
    },
    /// Somebody else checked the lease out since.
    #[error("the lease was checked out again since: its fence is now {current}")]
    FenceMismatch {
        /// The fence that is stored now.
        current: u64,
    },
    /// A client is handed no token.
    #[error("{0}")]
    GrantRefused(GrantRefusal),
    /// There is no seat for the holder.
    #[error("{0}")]
    SeatRefused(SeatRefusal),
    /// The application is still needed.
    #[error(
        "application {key} is in use: {seats} seats and {leases} leases are held, {nodes} nodes are \
         enrolled, or licenses are stored for it; release, revoke and remove them first"
    )]
    ApplicationInUse {
        /// The application's key.
        key: String,
        /// Named seats.
        seats: u64,
        /// Live leases.
        leases: u64,
        /// Nodes that are not revoked.
        nodes: u64,
    },
    /// A holder that is to be forgotten still has leases.
    #[error(
        "the holder still has {}; release with `lictor lease release ID --force` first, then forget",
        those(leases)
    )]
    HolderHasLeases {
        /// The leases' ids; at least one.
        leases: Vec<Uuid>,
    },
    /// As many nodes are enrolled as the license in force grants.
    #[error(
        "{enrolled} nodes are enrolled for {application}, and its license grants {limit}; revoke one \
         with `lictor node revoke`, or install a license with more dataplanes"
    )]
    NodeLimit {
        /// The application's key.
        application: String,
        /// The limit.
        limit: u32,
        /// Nodes that take a place.
        enrolled: u64,
    },
    /// The organization has as much of something as it may have.
    #[error(
        "quota {quota}: {} may have {limit} {}; {}, or ask the operator to raise it with `lictor \
         organization set KEY --{} NUMBER`",
        whole(of.as_deref()), quota.facts().counts, quota.facts().relief, quota.facts().option
    )]
    QuotaReached {
        /// Of what.
        quota: Quota,
        /// The limit.
        limit: u64,
        /// The key of the application that it is a quota of. `None` if it is the organization's.
        of: Option<String>,
        /// In how many seconds there may be room again by itself. `None` if someone has to make room.
        retry_after: Option<u64>,
    },
    /// An enrollment token lets nobody join.
    #[error("{0}")]
    JoinRefused(JoinRefusal),
    /// The licenses or trusted keys changed while it was decided. The caller decides again.
    #[error("the licenses changed meanwhile; ask again")]
    Outdated,
    /// The organization still has licenses.
    #[error("organization {key} still has licenses; remove them first")]
    OrganizationNotEmpty {
        /// The organization's key.
        key: String,
    },
    /// The organization `default` cannot be removed.
    #[error("the organization `default` always exists")]
    DefaultOrganization,
    /// A request with the same idempotency key is being answered right now.
    #[error("a request with this idempotency key is still running; ask again shortly")]
    IdempotencyTwin,
    /// The idempotency key was used before, for a different request.
    #[error("this idempotency key was used for another request; choose a new one")]
    IdempotencyMismatch,
    /// Too much of the organization waits to be written; nothing was changed.
    #[error("{0}")]
    Busy(&'static str),
    /// The disk is full: nothing was changed.
    #[error("the disk is full; nothing was changed")]
    StorageFull,
    /// The store can only be read: an earlier write to the disk failed, and how is for the log.
    #[error(
        "nothing can be written since a write to the disk failed: look at the disk, and start the \
         server again"
    )]
    ReadOnly(String),
    /// A request whose rows are written in parts ended at one of them. The rows before it are stored.
    #[error(
        "{}; the first {stored} of its {of} rows are stored, and stay: send the others again",
        ended_by(cause)
    )]
    StoredInPart {
        /// How many rows were stored or individually refused.
        stored: usize,
        /// How many there are.
        of: usize,
        /// What the others ended by.
        cause: Box<Error>,
    },
    /// A fault inside Lictor or below it. The details are for the log, not for the caller.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// The class of this error.
    pub fn class(&self) -> Class {
        match self {
            Self::Unauthenticated | Self::OwnerInactive(_) => Class::Unauthenticated,
            Self::OutOfScope(_) => Class::OutOfScope,
            Self::Forbidden(_) => Class::Forbidden,
            Self::InvalidInput { .. } | Self::InvalidDocument(_) | Self::GrantRefused(_) => {
                Class::Invalid
            }
            Self::NotFound { .. } => Class::Missing,
            Self::AlreadyExists { .. } => Class::Exists,
            Self::RevisionMismatch { .. } | Self::FenceMismatch { .. } => Class::Changed,
            Self::LastAdministrator(_)
            | Self::KeyRevoked(_)
            | Self::ApplicationInUse { .. }
            | Self::HolderHasLeases { .. }
            | Self::JoinRefused(_)
            | Self::Outdated
            | Self::OrganizationNotEmpty { .. }
            | Self::DefaultOrganization
            | Self::IdempotencyTwin
            | Self::IdempotencyMismatch => Class::Conflict,
            Self::QuotaReached {
                retry_after: Some(seconds),
                ..
            } => Class::TooMany {
                retry_after: *seconds,
            },
            Self::SeatRefused(_) | Self::NodeLimit { .. } | Self::QuotaReached { .. } => {
                Class::LimitReached
            }
            Self::StoredInPart { cause, .. } => cause.class(),
            Self::StorageFull => Class::StorageFull,
            Self::Busy(_) | Self::ReadOnly(_) => Class::Unavailable,
            Self::Internal(_) => Class::Internal,
        }
    }
}

impl Error {
    /// Wraps a fault from below that the domain has no name for.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// What it says to who may not read the figures that it was decided by. `None` if it shows none.
    pub fn without_figures(&self) -> Option<String> {
        match self {
            Self::SeatRefused(refusal) => Some(refusal.without_figures()),
            Self::NodeLimit { application, .. } => Some(format!(
                "as many nodes are enrolled for {application} as its license grants; revoke one with \
                 `lictor node revoke`, or install a license with more dataplanes"
            )),
            Self::ApplicationInUse { key, .. } => Some(format!(
                "application {key} is in use: seats or leases are held, nodes are enrolled, or licenses \
                 are stored for it; release, revoke and remove them first"
            )),
            Self::InvalidInput { field, .. } => {
                usage::without_figures(field).map(|reason| format!("{field}: {reason}"))
            }
            _ => None,
        }
    }

    /// A license that is not there.
    pub fn no_license(id: Uuid) -> Self {
        Self::NotFound {
            kind: Kind::License,
            name: id.to_string(),
        }
    }

    /// An organization that is not there, or that the caller may not see.
    pub fn no_organization(key: impl Into<String>) -> Self {
        Self::NotFound {
            kind: Kind::Organization,
            name: key.into(),
        }
    }
}

/// What a request ended by that has changed something already.
fn ended_by(cause: &Error) -> String {
    match cause {
        Error::StorageFull => "the disk is full".to_owned(),
        other => other.to_string(),
    }
}

/// What is said of a token whose owner cannot be used.
fn of_owner(status: AccountStatus) -> &'static str {
    match status {
        AccountStatus::Deactivated => {
            "the account that owns this token is deactivated; use another token, or have the account \
             activated with `lictor account reactivate`"
        }
        AccountStatus::Invited => {
            "the account that owns this token is only invited; have it activated with `lictor account \
             reactivate`"
        }
        AccountStatus::Removed => {
            "the account that owned this token was removed; use another token"
        }
        AccountStatus::Active => "the account that owns this token cannot be used",
    }
}

/// The last way in, which is not shut unless that is forced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastWay {
    /// The only account that administers its organization.
    Account,
    /// A token of an operator that no other one outlasts.
    Token,
}

impl fmt::Display for LastWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Account => {
                "it is the only active account that administers the organization; make another one do \
                 so with `lictor account set EMAIL --administrator`, or force it (`--force`, \
                 `?force=true`)"
            }
            Self::Token => {
                "no other live token of an operator that is not narrowed lasts as long; create another \
                 with `lictor token create --role operator`, or force it (`--force`, `?force=true`)"
            }
        })
    }
}

/// Names whatever has a quota.
fn whole(application: Option<&str>) -> String {
    application.map_or_else(
        || "the organization".to_owned(),
        |key| format!("application {key}"),
    )
}

/// Names a few leases.
fn those(leases: &[Uuid]) -> String {
    let named: Vec<String> = leases.iter().take(3).map(Uuid::to_string).collect();
    let word = if leases.len() == 1 { "lease" } else { "leases" };
    let more = if leases.len() > named.len() {
        ", …"
    } else {
        ""
    };
    format!("{word} {}{more}", named.join(", "))
}

/// The kinds of things that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A stored license.
    License,
    /// An application.
    Application,
    /// An organization.
    Organization,
    /// A trusted key.
    Key,
    /// A token.
    Token,
    /// An account.
    Account,
    /// A seat.
    Seat,
    /// A lease.
    Lease,
    /// An OAuth client.
    Client,
    /// A node.
    Node,
    /// A pool of nodes.
    NodePool,
    /// A usage count.
    Usage,
    /// A route of the API.
    Route,
}

words!(
    Kind, "a kind of thing", {
        License => "license",
        Application => "application",
        Organization => "organization",
        Key => "key",
        Token => "token",
        Account => "account",
        Seat => "seat",
        Lease => "lease",
        Client => "client",
        Node => "node",
        NodePool => "node-pool",
        Usage => "usage",
        Route => "route",
    }
);

impl Kind {
    /// What it is called in a sentence.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Key => "trusted key",
            Self::NodePool => "pool of nodes",
            Self::Usage => "usage count",
            other => other.as_str(),
        }
    }
}

impl From<InvalidInput> for Error {
    fn from(InvalidInput { field, reason }: InvalidInput) -> Self {
        Self::InvalidInput { field, reason }
    }
}

//! Changes: what a rule decides, and what the entries of the ledger hold.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::digest::Digest;
use crate::document::keys::{KeyId, PublicKey};
use crate::document::trust::TrustPolicy;
use crate::facts::account::{AccountKind, AccountStatus};
use crate::facts::application::OverLimit;
use crate::facts::lease::LeaseEnd;
use crate::facts::node::Leave;
use crate::facts::quota::Quota;
use crate::facts::role::Role;
use crate::facts::scope::Scope;
use crate::time::Timestamp;

/// One change of one stream. It contains ids and figures, never a name or an e-mail, and it is all
/// that [`State::apply`](crate::state::State::apply) needs to rebuild the state. Its JSON form is
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
        /// The account that owns it. `None` if it has no owner.
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
        /// The revision of what it replaced. `None` if it was added.
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
        /// Its kind.
        kind: AccountKind,
        /// Its status.
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
        /// Its status.
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
        /// The limit it was decided by. `None` if unlimited.
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
        /// The limit it was decided by. `None` if unlimited.
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
        /// The account it acts for. `None` if it has no owner.
        account: Option<Uuid>,
        /// The one application whose figures it sees. `None` for all.
        application: Option<String>,
    },
    /// A client was removed; its grants and access tokens are dead.
    ClientRemoved {
        /// Its id.
        id: Uuid,
    },
    /// A client was given a grant, for which it has a refresh token.
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
        /// The limit it was decided by. `None` if unlimited, or nothing is licensed.
        limit: Option<u32>,
        /// Nodes of the application that take a place after it.
        enrolled: u64,
        /// The pool by whose token it joins. `None` if it has a token of its own.
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
        /// The limit it was decided by. `None` if unlimited, or nothing is licensed.
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
        /// How long a state is valid.
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
        /// The reason, in the words of the person who did it.
        reason: String,
    },
    /// A limit of the organization was set.
    QuotaSet {
        /// Of what.
        quota: Quota,
        /// The limit. `None` restores the default.
        limit: Option<u64>,
    },
}

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// That of which a stream has one: its organization, its policy, its settings.
    Stream,
    /// An organization of the installation.
    Organization,
    /// A trusted key.
    Key,
    /// A token, by its id.
    Token(Uuid),
    /// An application.
    Application,
    /// A license, by its id.
    License(Uuid),
    /// An account, by its id.
    Account(Uuid),
    /// The seat of an account for an application.
    Seat {
        /// The application's key.
        application: &'a str,
        /// The account's id.
        account: Uuid,
    },
    /// A lease, by its id.
    Lease(Uuid),
    /// A client, by its id.
    Client(Uuid),
    /// A grant, by its id.
    Grant(Uuid),
    /// A node, by its id.
    Node(Uuid),
    /// A pool of nodes.
    NodePool,
    /// A count of usage.
    Usage,
}

impl Subject<'_> {
    /// The quota that bounds how many of these there are.
    pub fn quota(self) -> Option<Quota> {
        match self {
            Self::Token(_) => Some(Quota::Tokens),
            Self::Application => Some(Quota::Applications),
            Self::License(_) => Some(Quota::Licenses),
            Self::Account(_) => Some(Quota::Accounts),
            Self::Seat { .. } => Some(Quota::Seats),
            Self::Lease(_) => Some(Quota::Leases),
            Self::Client(_) => Some(Quota::Clients),
            Self::Node(_) => Some(Quota::Nodes),
            Self::NodePool => Some(Quota::NodePools),
            // They belong to the installation, or are bounded by what they are of.
            Self::Stream | Self::Organization | Self::Key | Self::Grant(_) | Self::Usage => None,
        }
    }
}

/// What becomes of what a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is new: one more.
    Begins,
    /// It was over, and is back: one more again.
    Returns,
    /// There are as many as before.
    Alters,
    /// It is over: one less, even where something is kept of it.
    Ends,
}

impl Change {
    /// What the change is about, and what becomes of that. Quotas, the numbers of nodes and `lictor check` go by
    /// this; rules decide only on changes that do so.
    pub fn about(&self) -> (Subject<'_>, Step) {
        match self {
            Self::PolicySet { .. }
            | Self::OrganizationRemoved
            | Self::NodePolicySet { .. }
            | Self::NodesAdopted { .. }
            | Self::QuotaSet { .. } => (Subject::Stream, Step::Alters),
            Self::OrganizationCreated { .. } => (Subject::Organization, Step::Begins),
            // One that was retired can be trusted again.
            Self::KeyTrusted { .. } | Self::KeyRetired { .. } | Self::KeyRevoked { .. } => {
                (Subject::Key, Step::Alters)
            }
            Self::TokenCreated { id, .. } => (Subject::Token(*id), Step::Begins),
            Self::TokenRevoked { id } => (Subject::Token(*id), Step::Ends),
            Self::ApplicationCreated { .. } => (Subject::Application, Step::Begins),
            Self::ApplicationSet { .. } => (Subject::Application, Step::Alters),
            Self::ApplicationRemoved { .. } => (Subject::Application, Step::Ends),
            Self::LicenseWritten { id, replaces, .. } => match replaces {
                None => (Subject::License(*id), Step::Begins),
                Some(_) => (Subject::License(*id), Step::Alters),
            },
            Self::LicenseRemoved { id } => (Subject::License(*id), Step::Ends),
            Self::AccountCreated { id, .. } => (Subject::Account(*id), Step::Begins),
            Self::AccountSet { id, .. } => (Subject::Account(*id), Step::Alters),
            Self::AccountRemoved { id } => (Subject::Account(*id), Step::Ends),
            Self::SeatAssigned {
                application,
                account,
                ..
            } => (seat(application, *account), Step::Begins),
            Self::SeatReleased {
                application,
                account,
            } => (seat(application, *account), Step::Ends),
            Self::LeaseCheckedOut { id, .. } => (Subject::Lease(*id), Step::Begins),
            Self::LeaseEnded { id, .. } => (Subject::Lease(*id), Step::Ends),
            Self::ClientCreated { id, .. } => (Subject::Client(*id), Step::Begins),
            Self::ClientRemoved { id } => (Subject::Client(*id), Step::Ends),
            Self::GrantCreated { id, .. } => (Subject::Grant(*id), Step::Begins),
            Self::GrantRevoked { id } => (Subject::Grant(*id), Step::Ends),
            Self::NodeEnrolled { id, .. } => (Subject::Node(*id), Step::Begins),
            Self::NodeReturned { id, .. } => (Subject::Node(*id), Step::Returns),
            Self::NodeRevoked { id } | Self::NodeLeft { id, .. } => {
                (Subject::Node(*id), Step::Ends)
            }
            // One that had left is counted no more.
            Self::NodeJoined { id } | Self::NodeBarred { id } | Self::NodeRemoved { id } => {
                (Subject::Node(*id), Step::Alters)
            }
            Self::NodePoolCreated { .. } => (Subject::NodePool, Step::Begins),
            Self::NodePoolRevoked { .. } => (Subject::NodePool, Step::Ends),
            Self::UsageCorrected { .. } => (Subject::Usage, Step::Alters),
        }
    }
}

fn seat(application: &str, account: Uuid) -> Subject<'_> {
    Subject::Seat {
        application,
        account,
    }
}

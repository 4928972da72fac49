//! The feed: what the control plane sends to a node, what a node reports, and when a node may accept what it
//! receives. Both sides use this one description.

mod enrollment;
mod freshness;
mod messages;
mod pinned_keys;
mod ratchet;
mod state;

pub use enrollment::EnrollmentToken;
pub use freshness::{Mode, NodePolicy};
pub use messages::{
    Applied, Failure, FailureCode, Join, Joined, KnownNode, MAX_PARTS, NodeCount, NodeOverage,
    NodeReport, NodeStart, OTHER_SERVICES, RejectedCount, Reported, SettledEpochs, SplitReason,
    StartPart, StartReply, epoch_of, source,
};
pub use pinned_keys::PinnedKeys;
pub use ratchet::Ratchet;
pub use state::{
    Audience, Content, DeliveredKey, DeliveredLicense, StateDocument, StateError, StateTerms, sign,
    sign_payload,
};

/// The format of the state that this version signs and accepts.
pub const FORMAT: u32 = 1;

/// The longest state, in bytes: 16 MiB.
pub const MAX_STATE_BYTES: usize = 16 << 20;

/// Where a node joins with its enrollment token: POST of [`Join`], answered by [`Joined`].
pub const JOIN_PATH: &str = "/v1/feed/join";

/// Where states come from: as server-sent events, or only the newest one, with an `ETag`, for requests that do
/// not ask for events.
pub const FEED_PATH: &str = "/v1/feed";

/// Where a node reports: POST of [`NodeReport`], answered by [`Reported`].
pub const REPORT_PATH: &str = "/v1/feed/report";

/// The header in which a node names the formats that it accepts, such as `1` or `1, 2`.
pub const FORMATS_HEADER: &str = "lictor-node-formats";

/// The event with a state. Its id is the state's revision.
pub const STATE_EVENT: &str = "state";

/// How often an idle feed sends a heartbeat, in seconds.
pub const HEARTBEAT_SECONDS: u64 = 20;

/// The longest wait of a long poll (`Prefer: wait=SECONDS`) for a state newer than the one that the node has, in
/// seconds.
pub const LONGEST_WAIT: u64 = 20;

/// How often a node without news reports, in seconds.
pub const REPORT_SECONDS: u64 = 60;

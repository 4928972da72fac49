//! The feed: what the control plane sends to a node and a node reports back, and when a node may
//! take what it is sent. Both ends are built on this one description.

mod age;
mod enrollment;
mod messages;
mod pinned;
mod ratchet;
mod state;

pub use age::{Mode, NodePolicy};
pub use enrollment::EnrollmentToken;
pub use messages::{
    Apart, Applied, Beyond, Failure, FailureCode, HeldCount, Join, Joined, Judged, KnownNode,
    MAX_PARTS, NodeCount, NodeReport, OTHER_SERVICES, Part, Reported, Settled, Start, epoch_of,
    source,
};
pub use pinned::Pinned;
pub use ratchet::Ratchet;
pub use state::{
    Audience, Content, DeliveredKey, DeliveredLicense, StateDocument, StateError, StateTerms, sign,
    sign_payload,
};

/// The format of the state that this version makes and takes.
pub const FORMAT: u32 = 1;

/// The longest state, in bytes: 16 MiB.
pub const MAX_STATE_BYTES: usize = 16 << 20;

/// Where a node trades its enrollment token for a place: POST of [`Join`], answered by [`Joined`].
pub const JOIN_PATH: &str = "/v1/feed/join";

/// Where the states come from: server-sent events, or the newest one by itself, with an `ETag`, for
/// who does not ask for events.
pub const FEED_PATH: &str = "/v1/feed";

/// Where a node reports: POST of [`NodeReport`], answered by [`Reported`].
pub const REPORT_PATH: &str = "/v1/feed/report";

/// The header in which a node names the formats that it takes, such as `1`, or `1, 2`.
pub const FORMATS_HEADER: &str = "lictor-node-formats";

/// The event that carries a state; its id is the state's revision.
pub const STATE_EVENT: &str = "state";

/// How often a quiet feed says that it is alive, in seconds.
pub const HEARTBEAT_SECONDS: u64 = 20;

/// For how many seconds an answer to who asks for the newest state alone is held back at most, where it
/// asks so by `Prefer: wait=SECONDS` and knows the newest.
pub const LONGEST_WAIT: u64 = 20;

/// How often a node reports that has nothing new to say, in seconds.
pub const REPORT_SECONDS: u64 = 60;

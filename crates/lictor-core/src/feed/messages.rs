//! The messages between a node and the control plane, apart from the signed state. A receiver ignores unknown
//! members, so that either side may be one version ahead.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::digest::Digest;
use crate::document::keys::PublicKey;
use crate::feed::{Mode, Ratchet};
use crate::time::Timestamp;
use crate::whole_number;

/// A request to join, sent with the enrollment token as bearer token. A repetition with the same credential
/// gets the same answer, so that a lost answer does no harm.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Join {
    /// The SHA-256 of the credential that the node generated and signs in with from then on.
    pub credential_sha256: Digest,
    /// The name of the machine it runs on.
    #[serde(default)]
    pub host: String,
    /// The version of its program.
    #[serde(default)]
    pub version: String,
    /// The state formats that it accepts.
    #[serde(default, deserialize_with = "whole_number::read_each")]
    pub formats: Vec<u32>,
    /// The node that the folder belongs to. `None` if it has not joined yet, or its version does not send this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<KnownNode>,
}

/// A node that joined before. Its pool may have removed it because it left long ago. It then joins again under
/// its old name, and its counts of these epochs are ignored, because they may be counted already.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KnownNode {
    /// Its id.
    pub node: Uuid,
    /// Its name.
    pub name: String,
    /// The application that it serves.
    pub application: String,
    /// The epochs in its journal.
    #[serde(default)]
    pub epochs: Vec<String>,
}

/// The answer to a request to join.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Joined {
    /// Its id.
    pub node: Uuid,
    /// Its name.
    pub name: String,
    /// The organization that it belongs to.
    pub organization: Uuid,
    /// The application that it serves.
    pub application: String,
    /// The pool whose token it joined with. `None` if it had a token of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// The control plane's key. It must match the enrollment token.
    pub control_plane_key: PublicKey,
    /// The exact text of the first state.
    pub state: String,
}

/// The state that a node applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Its revision.
    #[serde(deserialize_with = "whole_number::read")]
    pub revision: u64,
    /// When it was signed.
    #[serde(deserialize_with = "whole_number::read")]
    pub issued_at: Timestamp,
    /// The SHA-256 of its content.
    pub content_sha256: Digest,
}

impl From<&Ratchet> for Applied {
    fn from(ratchet: &Ratchet) -> Self {
        Self {
            revision: ratchet.revision,
            issued_at: ratchet.issued_at,
            content_sha256: ratchet.content_sha256,
        }
    }
}

/// A node's count of one service in one month, since the beginning of the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCount {
    /// The epoch of the journal, 16 lower-case hex digits. A new journal has a new epoch.
    pub epoch: String,
    /// The service.
    pub service: String,
    /// The month, such as `2026-11`.
    pub month: String,
    /// The requests so far.
    #[serde(deserialize_with = "whole_number::read")]
    pub count: u64,
}

/// The name under which a node counts all services that are not counted under their own names.
pub const OTHER_SERVICES: &str = "(other)";

/// Earlier epochs of a node that are completely reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledEpochs {
    /// The start of the control plane that accepted all their counts.
    pub instance: Uuid,
    /// The epochs.
    pub epochs: Vec<String>,
}

/// The source under which the control plane stores a node's counts of one epoch.
pub fn source(node_name: &str, epoch: &str) -> String {
    format!("{node_name}@{epoch}")
}

/// The epoch that a start of a node begins, if it does not continue another one.
pub fn epoch_of(start: Uuid) -> String {
    let (high, low) = start.as_u64_pair();
    format!("{:016x}", high ^ low)
}

/// The most undecided starts that a report may name.
pub const MAX_PARTS: usize = 64;

/// What one start of a node has counted while it is undecided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartPart {
    /// The start.
    pub start: Uuid,
    /// Whether the start before it had certainly ended when it began.
    #[serde(default)]
    pub ended: bool,
    /// The requests that it counted. 0 for the running one.
    #[serde(default)]
    pub counted: u64,
}

/// The start of a node that sends a report, and what its journal continues from. It shows whether a folder was
/// copied or restored from an older copy.
///
/// The control plane decides for each start whether it continues the epoch of its journal or begins a new one.
/// Until then the start is *undecided*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStart {
    /// Random, new at each start of the program.
    pub id: Uuid,
    /// The number of this report among those of the start, from 1.
    pub number: u64,
    /// The greatest number of a report that was answered. 0 if none was.
    #[serde(default)]
    pub answered: u64,
    /// The epoch of the journal that it counts in.
    pub epoch: String,
    /// The starts that the journal continues from: the last one that was allowed to continue the epoch, and
    /// those since.
    #[serde(default)]
    pub after: Vec<Uuid>,
    /// Whether each of them has certainly ended, because this start holds the lock that they held.
    #[serde(default)]
    pub ended: bool,
    /// The requests of the epoch that it may report whatever the answer, because they were counted before it
    /// began. All of them once it was allowed to continue the epoch.
    #[serde(default)]
    pub counted: u64,
    /// While the start is undecided: the starts since the last decided one, each following the one before it,
    /// with this one at the end. They report what they counted once the control plane has said in which epoch.
    /// Empty if the start is decided, or if its version does not keep them apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<StartPart>,
    /// Whether the node knows that its folder is a copy, or an older one that was restored.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub copied: bool,
}

/// What the control plane decided about a start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartReply {
    /// The epoch of the journal that it counts in.
    pub epoch: String,
    /// Why it must report what it has counted in an epoch of its own. `None` if it continues the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apart: Option<SplitReason>,
    /// With `apart`: those of its parts that begin an epoch of their own, which is [`epoch_of`] the start, in
    /// order. Each other part continues the epoch of the part before it. `None` if it sent no parts, or if the
    /// control plane's version does not know them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<Vec<Uuid>>,
    /// How many starts of the node run at once, including this one.
    pub lives: u64,
    /// Whether to report again at once, so that the control plane learns how many run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

/// Why a start does not continue the epoch of its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SplitReason {
    /// Another start continues the same journal.
    Followed,
    /// More is stored than the journal contains, so a newer copy of the journal was reported.
    Behind,
    /// The start before it may still be running elsewhere.
    Unsure,
    /// The node was removed meanwhile because it had left long ago.
    Removed,
    /// A reason of a later version.
    #[serde(other)]
    Other,
}

/// A node's report. It is sent at once when there is something new, otherwise every
/// [`REPORT_SECONDS`](super::REPORT_SECONDS).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeReport {
    /// The name of the machine it runs on.
    pub host: String,
    /// The version of its program.
    pub version: String,
    /// How recent its state is.
    pub mode: Mode,
    /// The state that it applies. `None` if it has none.
    pub applied: Option<Applied>,
    /// The SHA-256 of the control plane key that it trusts. `None` if its version does not send this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_plane: Option<Digest>,
    /// The license in force on the node.
    pub license: Option<Uuid>,
    /// The requests that it has counted this month.
    #[serde(default, deserialize_with = "whole_number::read")]
    pub requests: u64,
    /// What is wrong, in words for people. At most 16.
    #[serde(default)]
    pub problems: Vec<String>,
    /// Counts, each the greatest so far. At most `MAX_COUNTS` of `facts::usage`.
    #[serde(default)]
    pub counts: Vec<NodeCount>,
    /// With counts: the earlier epochs that the control plane may merge when it has no room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<SettledEpochs>,
    /// The start that reports. `None` if its version does not send this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<NodeStart>,
    /// Whether this is the last report, because the node is about to stop.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leaving: bool,
    /// With the last report: whether the node gives up its place in its pool, because it has nothing more to
    /// report.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gives_back: bool,
}

/// More nodes of an application are enrolled than its license in force grants, for example after a renewal
/// with fewer nodes. All of them keep working.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeOverage {
    /// The enrolled nodes.
    pub enrolled: u64,
    /// The granted nodes.
    pub granted: u32,
}

impl NodeOverage {
    /// The overage, if more nodes are enrolled than granted. `None` for `granted` means no limit.
    pub fn of(enrolled: u64, granted: Option<u32>) -> Option<Self> {
        let granted = granted.filter(|granted| enrolled > u64::from(*granted))?;
        Some(Self { enrolled, granted })
    }
}

impl fmt::Display for NodeOverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { enrolled, granted } = self;
        write!(
            f,
            "{enrolled} of {granted} nodes: more are enrolled than the license grants; all keep \
             working; revoke those that are not needed, or add a license for more"
        )
    }
}

/// The answer to a report, sent once its counts are durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// New at each start of the control plane. When it changes, the node sends all its counts again, in case a
    /// backup was restored.
    pub instance: Uuid,
    /// The revision of the control plane's state.
    pub state_revision: u64,
    /// About the start that reported. `None` if the control plane's version does not know starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<StartReply>,
    /// The counts that were rejected, because a sum would have exceeded the maximum or because there was no
    /// room. The node keeps them, shows them, and sends them again, possibly as [`OTHER_SERVICES`].
    #[serde(default, rename = "held", skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<RejectedCount>,
    /// Whether more nodes of its application are enrolled than the license grants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beyond: Option<NodeOverage>,
    /// Within how many seconds the node must report again, even without news, because its pool soon forgets a
    /// silent node. `None` if the node may choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<u64>,
    /// Whether the node's place in its pool is now free.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gave_back: bool,
}

/// A count that the control plane rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedCount {
    /// The count as it was reported.
    #[serde(flatten)]
    pub count: NodeCount,
    /// Why, in words for people.
    pub reason: String,
    /// Whether nothing of it is stored because there is no room for another service of this node and month. The
    /// node then counts all of it as [`OTHER_SERVICES`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub as_other: bool,
}

/// The refusal of a node's request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The reason, for programs.
    pub code: FailureCode,
    /// The reason, for people.
    pub message: String,
    /// For a revoked node: the signed state that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// For an unknown node: which start of the control plane answers. `None` if its version does not send this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<Uuid>,
}

/// Why a request of a node is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureCode {
    /// The credential is unknown.
    Unauthorized,
    /// The request has no node credential. A proxy may have removed it.
    NoCredential,
    /// The enrollment token is unknown, used or expired.
    EnrollmentRefused,
    /// The node was revoked.
    Revoked,
    /// The node gave up its place in a pool. It can take one again with the pool's token.
    Left,
    /// The pool has no free place now.
    NoPlace,
    /// A client certificate is required.
    CertificateRequired,
    /// The control plane supports none of the node's formats.
    UnsupportedFormat,
    /// The request cannot be read, or is out of bounds.
    Invalid,
    /// The path is unknown, or does not allow this method.
    NoRoute,
    /// The control plane cannot handle the request now.
    Unavailable,
    /// A reason of a later version.
    #[serde(other)]
    Other,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_know_no_parts_of_starts_are_read_and_can_read() {
        let id = Uuid::from_u128(1);
        let older = format!(r#"{{"id":"{id}","number":1,"epoch":"00000000000000aa"}}"#);
        let start: NodeStart = serde_json::from_str(&older).expect("readable");
        assert_eq!(start.parts, []);
        let written = serde_json::to_value(&start).expect("JSON");
        assert!(written.get("parts").is_none(), "{written}");
        let older = r#"{"epoch":"00000000000000aa","apart":"unsure","lives":1}"#;
        let reply: StartReply = serde_json::from_str(older).expect("readable");
        assert_eq!((reply.apart, reply.own), (Some(SplitReason::Unsure), None));
        assert_eq!(
            epoch_of(Uuid::from_u128(0xab << 64 | 0xff)),
            "0000000000000054"
        );
    }

    #[test]
    fn a_later_version_may_say_more() {
        let reported =
            r#"{"instance":"00000000-0000-0000-0000-000000000001","state_revision":3,"x":[]}"#;
        let read: Reported = serde_json::from_str(reported).expect("readable");
        assert_eq!(read.state_revision, 3);
        let failure: Failure =
            serde_json::from_str(r#"{"code":"on-fire","message":"m"}"#).expect("readable");
        assert_eq!(failure.code, FailureCode::Other);
        let join = format!(r#"{{"credential_sha256":"{}"}}"#, Digest::of(b""));
        assert!(serde_json::from_str::<Join>(&join).is_ok());
    }
}

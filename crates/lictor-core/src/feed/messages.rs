//! What a node and the control plane say to each other beside the signed state. Members that a
//! receiver does not know are ignored, so that either side may be one version ahead.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::digest::Digest;
use crate::document::keys::PublicKey;
use crate::feed::{Mode, Ratchet};
use crate::time::Timestamp;
use crate::whole;

/// What a node sends with its enrollment token as bearer. Repeated with the same credential it is
/// answered as the first time, so that a lost answer costs nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Join {
    /// The SHA-256 of the credential that the node made for itself and signs in with from then on.
    pub credential_sha256: Digest,
    /// The name of the machine it runs on.
    #[serde(default)]
    pub host: String,
    /// The version of its program.
    #[serde(default)]
    pub version: String,
    /// The formats of the state that it takes.
    #[serde(default, deserialize_with = "whole::read_each")]
    pub formats: Vec<u32>,
    /// Who the folder's node is; none: it has not joined yet, or is of a version that does not say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<KnownNode>,
}

/// Who a node is that joined before. Its pool may have removed it, as it left long ago: then it is taken up
/// again under its name, and what it tells of these epochs adds nothing, as it may be counted already.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KnownNode {
    /// Its id.
    pub node: Uuid,
    /// Its name.
    pub name: String,
    /// The application that it serves.
    pub application: String,
    /// The epochs that its journal knows.
    #[serde(default)]
    pub epochs: Vec<String>,
}

/// What a node is told that has joined.
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
    /// The pool by whose token it joined; none: it had a token of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// The control plane's key. It fits the enrollment token, else it is the wrong one.
    pub control_plane_key: PublicKey,
    /// The first state, as exact text.
    pub state: String,
}

/// Which state a node applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Its revision.
    #[serde(deserialize_with = "whole::read")]
    pub revision: u64,
    /// When it was signed.
    #[serde(deserialize_with = "whole::read")]
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

/// What a node counted for one service in one month, from the beginning of the epoch until now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCount {
    /// 16 lower-case hex digits: the journal that counts, a new one where the old was lost.
    pub epoch: String,
    /// The service.
    pub service: String,
    /// `2026-11`.
    pub month: String,
    /// The requests so far.
    #[serde(deserialize_with = "whole::read")]
    pub count: u64,
}

/// The service that a node counts all those as which are not counted by their names.
pub const OTHER_SERVICES: &str = "(other)";

/// The epochs of a node before its own of which it has nothing left to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Which start of the control plane took all their counts.
    pub instance: Uuid,
    /// The epochs.
    pub epochs: Vec<String>,
}

/// The source under which the control plane keeps a node's counts of one epoch.
pub fn source(node_name: &str, epoch: &str) -> String {
    format!("{node_name}@{epoch}")
}

/// The epoch of what a start of a node counts by itself, and of those that go on from it.
pub fn epoch_of(start: Uuid) -> String {
    let (high, low) = start.as_u64_pair();
    format!("{:016x}", high ^ low)
}

/// The most starts in a row that a report may name as judged by nobody.
pub const MAX_PARTS: usize = 64;

/// What one start of a node counted that nobody has judged yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The start.
    pub start: Uuid,
    /// Whether the one before it had ended for certain when it began.
    #[serde(default)]
    pub ended: bool,
    /// The requests that it counted; 0 for the one that runs.
    #[serde(default)]
    pub counted: u64,
}

/// Which start of a node reports, and what its journal goes on from. A folder that was copied, or put
/// back from an older copy, is known by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// Drawn anew at each start of the program.
    pub id: Uuid,
    /// The number of this report among those of the start, from 1.
    pub number: u64,
    /// The greatest number of a report that was answered; 0: none.
    #[serde(default)]
    pub answered: u64,
    /// The journal that it counts in: the one that is judged.
    pub epoch: String,
    /// The starts that the journal goes on from: the last that was let go on in it, and those since.
    #[serde(default)]
    pub after: Vec<Uuid>,
    /// Whether each of them has ended for certain: this one has the lock that they had.
    #[serde(default)]
    pub ended: bool,
    /// The requests of the epoch that it may tell whatever it is answered, as they were counted before
    /// it; all of them once it was let go on.
    #[serde(default)]
    pub counted: u64,
    /// Until it was judged: the starts since the last one that was, itself at the end, each of which
    /// follows the one before it. What they counted is told once the control plane has said in which
    /// epoch. None: it was judged, or it is of a version that does not tell them from each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// Whether it was told that its folder is a copy, or an older one that was put back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub copied: bool,
}

/// What is said to a start about the journal that it counts in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// The journal.
    pub epoch: String,
    /// Why what it counted since it began is to be told as an epoch of its own; none: it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apart: Option<Apart>,
    /// With that: the starts of its parts that begin an epoch of their own, [`epoch_of`] them, in order;
    /// each other one goes on in that of the one before it. None: it sent no parts, or this is of a
    /// version that knows none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<Vec<Uuid>>,
    /// How many starts of the node run at once, this one included.
    pub lives: u64,
    /// Whether to report again at once, so that the control plane learns how many those are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

/// Why a start does not go on in the epoch of its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Apart {
    /// Another start went on from the same journal.
    Followed,
    /// More is stored than the journal holds: a newer one of it told that.
    Behind,
    /// The start before it may still run elsewhere.
    Unsure,
    /// The node was removed since, as it had left long ago.
    Removed,
    /// A reason of a later version.
    #[serde(other)]
    Other,
}

/// What a node reports: at once when it has something new, else every
/// [`REPORT_SECONDS`](super::REPORT_SECONDS).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeReport {
    /// The name of the machine it runs on.
    pub host: String,
    /// The version of its program.
    pub version: String,
    /// How it stands.
    pub mode: Mode,
    /// Which state it applies; none: it has none.
    pub applied: Option<Applied>,
    /// The SHA-256 of the control plane's key that it takes states from; none: it is of a version
    /// that does not say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_plane: Option<Digest>,
    /// The license that is in force there.
    pub license: Option<Uuid>,
    /// The requests that it counted this month.
    #[serde(default, deserialize_with = "whole::read")]
    pub requests: u64,
    /// What is wrong, in words for people; at most 16.
    #[serde(default)]
    pub problems: Vec<String>,
    /// Counts, each the greatest so far; at most `MAX_COUNTS` of `facts::usage`.
    #[serde(default)]
    pub counts: Vec<NodeCount>,
    /// With counts: the earlier epochs that the control plane may put together when it has no room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Settled>,
    /// Which start reports; none: it is of a version that does not say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
    /// Whether this is the last one: the node is about to end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leaving: bool,
    /// With the last one: whether the node gives its place in its pool back, as it has nothing more to
    /// tell.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gives_back: bool,
}

/// More nodes of an application take a place than its license in force grants, as after a renewal with
/// fewer of them. All go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beyond {
    /// How many take a place.
    pub enrolled: u64,
    /// How many are granted.
    pub granted: u32,
}

impl Beyond {
    /// Whether so many are more than so many; no limit, no more.
    pub fn of(enrolled: u64, granted: Option<u32>) -> Option<Self> {
        let granted = granted.filter(|granted| enrolled > u64::from(*granted))?;
        Some(Self { enrolled, granted })
    }
}

impl fmt::Display for Beyond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { enrolled, granted } = self;
        write!(
            f,
            "{enrolled} of {granted} nodes: more are enrolled than the license grants; all keep \
             working; revoke those that are not needed, or add a license for more"
        )
    }
}

/// What a report is answered with once its counts are durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// Another one at each start of the control plane: the node then sends all its counts again, in
    /// case a backup was restored.
    pub instance: Uuid,
    /// The revision of the state there.
    pub state_revision: u64,
    /// About the start that reported; none: it is of a version that knows nothing of starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Judged>,
    /// The counts that were not taken, as they would have raised a sum above the largest or taken more
    /// room than there is. The node keeps them, names them, and sends them again or among others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<HeldCount>,
    /// Whether more nodes of its application are enrolled than the license grants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beyond: Option<Beyond>,
    /// Within how many seconds the node is to report again, whether or not it has something new: its pool
    /// forgets it soon where nothing else of it comes through. None: as it does by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<u64>,
    /// Whether the node's place in its pool is free from now on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gave_back: bool,
}

/// A count of a node's that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldCount {
    /// The count as it was reported.
    #[serde(flatten)]
    pub count: NodeCount,
    /// Why, for people.
    pub reason: String,
    /// Whether nothing of it is stored, as there is no room for another service of this node and
    /// month: the node counts it as [`OTHER_SERVICES`] from now on, all that it came to included.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub as_other: bool,
}

/// How a request of a node is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The reason, for programs.
    pub code: FailureCode,
    /// The reason, for people.
    pub message: String,
    /// For a node that was revoked: the signed state that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// To a node that is not known: which start of the control plane says so; none: it is of a version
    /// that does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<Uuid>,
}

/// Why a request of a node is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureCode {
    /// The credential is unknown here.
    Unauthorized,
    /// No credential of a node came with the request: something between took it.
    NoCredential,
    /// The enrollment token is unknown, used, or its time is over.
    EnrollmentRefused,
    /// The node was revoked.
    Revoked,
    /// The node gave its place in a pool back; it takes one again with the pool's token.
    Left,
    /// There is no place in the pool now.
    NoPlace,
    /// A client certificate is needed.
    CertificateRequired,
    /// None of the node's formats is spoken here.
    UnsupportedFormat,
    /// The request cannot be read, or is out of bounds.
    Invalid,
    /// There is no such path, or not by this method.
    NoRoute,
    /// The control plane cannot do it now.
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
        let start: Start = serde_json::from_str(&older).expect("readable");
        assert_eq!(start.parts, []);
        let written = serde_json::to_value(&start).expect("JSON");
        assert!(written.get("parts").is_none(), "{written}");
        let older = r#"{"epoch":"00000000000000aa","apart":"unsure","lives":1}"#;
        let judged: Judged = serde_json::from_str(older).expect("readable");
        assert_eq!((judged.apart, judged.own), (Some(Apart::Unsure), None));
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

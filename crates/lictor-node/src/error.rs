//! Why a node does not start, and why a request is not allowed.

use std::fmt;
use std::io;
use std::path::PathBuf;

use lictor_core::feed::StateError;

/// Why a node does not start. Once it has joined, no damage to its states, and no absence of the
/// control plane, is among these.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The folder cannot be used.
    #[error("the folder {} cannot be used: {error}; give the node a folder of its own that it can write", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Another process has the folder.
    #[error("the folder {} is in use by another process; stop it, or give each node its own folder", .0.display())]
    InUse(PathBuf),
    /// What the node is cannot be read any more.
    #[error(
        "{} is damaged, and with it the identity of the node; enroll it again in a new folder, \
         with `lictor node enroll`",
        .0.display()
    )]
    Damaged(PathBuf),
    /// There is nothing to start from.
    #[error(
        "the folder {} belongs to no node yet; make an enrollment token with `lictor node enroll` \
         and start with it",
        .0.display()
    )]
    NotJoined(PathBuf),
    /// The token is for another control plane than the one that the folder joined.
    #[error(
        "the enrollment token is for another control plane than the one that this folder's node \
         has joined; leave the token out, or use a new folder"
    )]
    OtherControlPlane,
    /// The token is another than that of the folder's node, which was revoked.
    #[error(
        "this folder is the node {0}, which was revoked; the enrollment token was not used: start the \
         new node in a new folder"
    )]
    Revoked(String),
    /// Who answered is not the control plane that the token names.
    #[error(
        "{0} is not the control plane that made the enrollment token; check the address, and that \
         nobody stands in between"
    )]
    WrongControlPlane(String),
    /// The folder's node serves another application.
    #[error(
        "the node in this folder serves the application {joined}, not {asked}; enroll another node \
         for it, in a new folder"
    )]
    OtherApplication {
        /// What it serves.
        joined: String,
        /// What was asked for.
        asked: String,
    },
    /// The address is not a URL.
    #[error(
        "{0} is not the address of a control plane; use one such as https://lictor.example.com"
    )]
    Address(String),
    /// The address is not protected by TLS.
    #[error(
        "{0} would carry the node's credential unprotected; use https, or allow plain HTTP with \
         `--insecure-http`"
    )]
    Insecure(String),
    /// Certificates cannot be used.
    #[error("the certificates cannot be used: {0}")]
    Certificates(String),
    /// The control plane did not let it join.
    #[error("the control plane refused the enrollment: {0}")]
    Refused(String),
    /// The control plane has no place for it now; the same start may be let in later.
    #[error("the node waits for a place: {0}")]
    NoPlace(String),
    /// The control plane did not answer.
    #[error("the control plane {address} cannot be reached to join: {reason}; start again later")]
    Unreachable {
        /// Its address.
        address: String,
        /// What happened.
        reason: String,
    },
    /// The first state was not good.
    #[error("the control plane sent a first state that is refused: {0}")]
    State(#[from] StateError),
    /// The operating system has no randomness or no thread to give.
    #[error("the operating system fails: {0}")]
    System(String),
}

/// Why a request is denied, in order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The node was revoked, has no usable state, or was without news for too long.
    Restricted,
    /// No license of the application has begun.
    Unlicensed,
    /// The application's license has expired.
    Expired,
    /// The license does not grant the feature.
    Feature,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 4] = [
        Self::Restricted,
        Self::Unlicensed,
        Self::Expired,
        Self::Feature,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restricted => "restricted",
            Self::Unlicensed => "unlicensed",
            Self::Expired => "expired",
            Self::Feature => "feature",
        }
    }

    /// What to do about it.
    pub fn message(self) -> &'static str {
        match self {
            Self::Restricted => {
                "the node is restricted: it was revoked, or has no usable state; see its status"
            }
            Self::Unlicensed => {
                "no license for this application is in force at this node; add one, and see the node's \
                 status"
            }
            Self::Expired => "the license has expired; add its renewal",
            Self::Feature => "the license does not grant this feature",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

/// Why a request is not to be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// It is not allowed.
    #[error("{0}")]
    Refused(Reason),
    /// It is allowed, but could not be counted.
    #[error(transparent)]
    NotCounted(#[from] NotCounted),
}

/// Counts are to be durable before they are acknowledged, and this one is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is counted in memory and written once the disk can be written again; do not send it again, and \
     see the node's problems for what to do"
)]
pub struct NotCounted;

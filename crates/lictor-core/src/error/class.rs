//! Classes of errors, for callers that answer many of them alike.

/// What kind of refusal an [`Error`](super::Error) is. A dialect that does not show what an error carries answers by
/// its class, so that an error that is new has an answer everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Nobody is signed in.
    Unauthenticated,
    /// The role would allow it, and the token's scopes do not.
    OutOfScope,
    /// The role does not allow it.
    Forbidden,
    /// What was sent is not allowed.
    Invalid,
    /// What was asked for is not there.
    Missing,
    /// What was to be made is there already.
    Exists,
    /// It was changed since the caller looked.
    Changed,
    /// What is there now does not allow it.
    Conflict,
    /// There is as much as there may be, until somebody makes room.
    LimitReached,
    /// There is as much as there may be for now.
    TooMany {
        /// In how many seconds there may be room again.
        retry_after: u64,
    },
    /// The disk is full.
    StorageFull,
    /// It cannot be done now.
    Unavailable,
    /// A fault inside Lictor or below it.
    Internal,
}

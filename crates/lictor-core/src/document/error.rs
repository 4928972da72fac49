//! Why a license document is refused.

use uuid::Uuid;

use crate::document::keys::KeyId;

/// Why a license document was refused, in order of precedence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The text is not JSON: cut short, a byte-order mark, trailing data, bad escapes.
    #[error("the document is not JSON: {0}")]
    NotJson(String),
    /// The JSON has not the members of a license document, or has others, or has one twice; or a
    /// member or claim is not Unicode text.
    #[error("the document is not a license: {0}")]
    WrongShape(String),
    /// No trusted key has the document's key id.
    #[error("it is signed with key {0}, which is not trusted here; add it with `lictor trust add`")]
    UnknownKey(KeyId),
    /// The key that the document names was revoked.
    #[error(
        "it is signed with key {0}, which was revoked; ask for a document signed with a new key"
    )]
    RevokedKey(KeyId),
    /// The signature does not fit the payload's bytes.
    #[error(
        "the signature does not match: the payload was changed after signing (white space \
         counts), or another key signed it"
    )]
    BadSignature,
    /// The document is meant for another organization.
    #[error("it was issued for organization {0}, not for this one")]
    WrongAudience(Uuid),
    /// The expiration date is missing or is no date.
    #[error("the expiration date {0:?} is not a date such as 2027-12-31")]
    BadExpirationDate(String),
    /// Another claim has a value that is not allowed.
    #[error("claim {name}: {reason}")]
    BadClaim {
        /// The claim's name.
        name: &'static str,
        /// What is wrong with its value.
        reason: String,
    },
    /// The key was retired: licenses stored earlier stay valid, new ones are refused.
    /// It is last because only the transaction that stores a license can detect it.
    #[error(
        "it is signed with key {0}, which is retired; ask for a document signed with a new key"
    )]
    RetiredKey(KeyId),
}

//! Key rotation: a signed statement that hands the trust in one key on to another.

use serde::{Deserialize, Serialize};

use crate::document::keys::{KeyId, PublicKey, SigningKey};

/// A statement by which the owner of a trusted key hands its trust on to another key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// The key that signed it.
    pub from: KeyId,
    /// The key that is trusted by it.
    pub to: PublicKey,
    /// 128 lower-case hex digits.
    pub signature: String,
}

/// Signs a rotation to `to`.
pub fn rotate(from: &SigningKey, to: &PublicKey) -> Rotation {
    Rotation {
        from: from.public_key().id(),
        to: to.clone(),
        signature: from.sign_rotation(to),
    }
}

impl Rotation {
    /// Whether `from` signed it.
    pub fn is_signed_by(&self, from: &PublicKey) -> bool {
        from.id() == self.from && from.signed_rotation(&self.to, &self.signature)
    }
}

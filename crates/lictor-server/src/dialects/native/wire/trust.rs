//! Trusted keys, between the authority and the contract.

use lictor_api::trust::{Key, Rotation};
use lictor_core::TrustedKey;
use lictor_core::document::rotation::Rotation as Statement;

pub(in crate::dialects::native) fn key(key: &TrustedKey) -> Key {
    Key {
        key_id: key.public_key.id(),
        public_key: key.public_key.to_pem(),
        status: key.status.into(),
    }
}

pub(in crate::dialects::native) fn rotation(made: Rotation) -> Statement {
    Statement {
        from: made.from,
        to: made.to,
        signature: made.signature,
    }
}

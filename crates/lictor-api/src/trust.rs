//! Trusted keys: what is sent and answered.

use lictor_core::{KeyId, KeyStatus, PublicKey, TrustPolicy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::row::Sent;
use crate::values::{KeyIdText, Object, Text, Told};

/// A key to trust.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustKey {
    /// An Ed25519 public key as PEM (`-----BEGIN PUBLIC KEY-----`).
    pub public_key: String,
    /// By which nodes trust it that know the key before it, as `lictor key rotate` prints it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Object<Rotation>>,
}

impl Sent for TrustKey {}

/// A statement by which the owner of a trusted key hands its trust on to another key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// The id of the key that signed it.
    #[schemars(with = "KeyIdText")]
    pub from: KeyId,
    /// The key that is trusted by it, as PEM.
    #[schemars(with = "String")]
    pub to: PublicKey,
    /// The signature: 128 lower-case hex digits.
    pub signature: String,
}

/// What the installation trusts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trust {
    /// Whether a license must be signed by a trusted key (`verified`), or only have the shape of one (`structural`).
    pub policy: Text<TrustPolicy>,
    /// The keys. They come all at once.
    pub data: Vec<Key>,
}

/// A key that is or was trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Key {
    /// Its id: the first 8 bytes of the SHA-256 of the key.
    #[schemars(with = "KeyIdText")]
    pub key_id: KeyId,
    /// The key as PEM.
    pub public_key: String,
    /// Whether new licenses signed by it are accepted (`active`), only stored ones (`retired`), or none (`revoked`).
    pub status: Text<KeyStatus>,
}

/// A key whose trust was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangedKey {
    /// Its id.
    #[schemars(with = "KeyIdText")]
    pub key_id: KeyId,
    /// The key as PEM. Only for whoever sent it or may read trust.
    #[serde(default, skip_serializing_if = "Told::is_untold")]
    pub public_key: Told<String>,
    /// What became of it.
    pub status: Text<KeyStatus>,
}

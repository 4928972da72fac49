//! Trusted keys: how far each is trusted, and what an installation accepts besides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::document::error::DocumentError;
use crate::document::keys::{KeyId, PublicKey};
use crate::words::words;

/// What an installation accepts as a license.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustPolicy {
    /// Only documents signed by a trusted key.
    #[default]
    Verified,
    /// Also documents whose signature cannot be checked here, as of a vendor whose key is not
    /// known. They are shown as unverified everywhere.
    Structural,
}

words!(
    TrustPolicy, "a trust policy", {
        Verified => "verified",
        Structural => "structural",
    }
);

/// How far a key is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyStatus {
    /// It signs new licenses.
    Active,
    /// Licenses stored with it stay valid; new ones are refused.
    Retired,
    /// Nothing it signed is trusted any more, stored or new.
    Revoked,
}

words!(
    KeyStatus, "a status of keys", {
        Active => "active",
        Retired => "retired",
        Revoked => "revoked",
    }
);

/// A public key and how far it is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    /// The key.
    pub public_key: PublicKey,
    /// How far it is trusted.
    pub status: KeyStatus,
}

/// All keys an installation knows, by id, revoked ones included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustSet {
    keys: BTreeMap<KeyId, TrustedKey>,
}

impl TrustSet {
    /// A set of active keys from `SubjectPublicKeyInfo` PEM texts.
    ///
    /// # Errors
    /// [`DocumentError::WrongShape`] if one of them is no Ed25519 public key.
    pub fn from_pem<'a>(pems: impl IntoIterator<Item = &'a str>) -> Result<Self, DocumentError> {
        let mut keys = BTreeMap::new();
        for pem in pems {
            let public_key = PublicKey::from_pem(pem).map_err(DocumentError::WrongShape)?;
            keys.insert(
                public_key.id(),
                TrustedKey {
                    public_key,
                    status: KeyStatus::Active,
                },
            );
        }
        Ok(Self { keys })
    }

    /// The key with this id, whatever its status.
    pub fn get(&self, id: KeyId) -> Option<&TrustedKey> {
        self.keys.get(&id)
    }

    /// All keys in order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (KeyId, &TrustedKey)> {
        self.keys.iter().map(|(id, key)| (*id, key))
    }
}

impl From<BTreeMap<KeyId, TrustedKey>> for TrustSet {
    fn from(keys: BTreeMap<KeyId, TrustedKey>) -> Self {
        Self { keys }
    }
}

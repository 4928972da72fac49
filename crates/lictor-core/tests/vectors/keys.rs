//! The test keys of the vectors, and documents signed with them in every shape.

use ed25519_dalek::Signer as _;
use lictor_core::{KeyStatus, PublicKey, SigningKey, TrustSet, TrustedKey};
use serde_json::{Value, json};

/// What stands before the payload in what is signed; stated here again, so that a change of the
/// real one is seen.
pub(crate) const PURPOSE: &str = "LICTOR-LICENSE-V1\n";

/// The organization that reads the vectors.
pub(crate) const ORGANIZATION: &str = "0198a5b0-7c1e-7aaa-8000-00000000000a";

/// A test key; its seed is 32 times the same byte, and no secret.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) status: &'static str,
    seed: u8,
}

pub(crate) const ALPHA: Key = Key {
    name: "alpha",
    status: "active",
    seed: 1,
};
pub(crate) const BETA: Key = Key {
    name: "beta",
    status: "active",
    seed: 2,
};
pub(crate) const GAMMA: Key = Key {
    name: "gamma",
    status: "retired",
    seed: 3,
};
pub(crate) const DELTA: Key = Key {
    name: "delta",
    status: "revoked",
    seed: 4,
};
pub(crate) const EPSILON: Key = Key {
    name: "epsilon",
    status: "untrusted",
    seed: 5,
};
pub(crate) const ALL: [Key; 5] = [ALPHA, BETA, GAMMA, DELTA, EPSILON];

impl Key {
    pub(crate) fn signing(self) -> ed25519_dalek::SigningKey {
        ed25519_dalek::SigningKey::from_bytes(&[self.seed; 32])
    }

    pub(crate) fn public(self) -> PublicKey {
        SigningKey::from_seed([self.seed; 32]).public_key()
    }

    pub(crate) fn id(self) -> String {
        self.public().id().to_string()
    }

    /// A document as Lictor itself writes it.
    pub(crate) fn sign(self, payload: &str) -> String {
        SigningKey::from_seed([self.seed; 32]).sign(payload)
    }

    /// The signature over the purpose and `payload`, in hex.
    pub(crate) fn signature(self, payload: &str) -> String {
        self.signature_over(format!("{PURPOSE}{payload}").as_bytes())
    }

    /// The signature over any bytes, in hex.
    pub(crate) fn signature_over(self, message: &[u8]) -> String {
        hex::encode(self.signing().sign(message).to_bytes())
    }

    /// A document with this key's id and any signature.
    pub(crate) fn envelope(self, payload: &str, signature: &str) -> String {
        let id = self.id();
        format!(
            r#"{{"license":{{"payload":{payload},"signature":"{signature}","key_id":"{id}","version":"1"}}}}"#
        )
    }

    /// A document that names no key.
    pub(crate) fn sign_unnamed(self, payload: &str) -> String {
        let signature = self.signature(payload);
        format!(r#"{{"license":{{"payload":{payload},"signature":"{signature}","version":"1"}}}}"#)
    }

    pub(crate) fn to_value(self) -> Value {
        json!({
            "name": self.name,
            "status": self.status,
            "key_id": self.id(),
            "public_key": hex::encode(self.public().as_bytes()),
            "public_key_pem": self.public().to_pem(),
            "seed": hex::encode([self.seed; 32]),
        })
    }
}

/// The keys as they stand in every file.
pub(crate) fn to_values() -> Vec<Value> {
    ALL.into_iter().map(Key::to_value).collect()
}

/// The trust set that a file describes, with `statuses` by name in place of the keys' own.
pub(crate) fn trust_set(file: &Value, statuses: &Value) -> TrustSet {
    let mut keys = std::collections::BTreeMap::new();
    for key in file["keys"].as_array().expect("keys") {
        let name = key["name"].as_str().expect("a name");
        let status = match statuses[name].as_str().or(key["status"].as_str()) {
            Some("active") => KeyStatus::Active,
            Some("retired") => KeyStatus::Retired,
            Some("revoked") => KeyStatus::Revoked,
            Some("untrusted") => continue,
            other => panic!("{name} is {other:?}"),
        };
        let pem = key["public_key_pem"].as_str().expect("a key");
        let public_key = PublicKey::from_pem(pem).expect("a public key");
        assert_eq!(
            key["public_key"],
            hex::encode(public_key.as_bytes()),
            "{name}"
        );
        assert_eq!(key["key_id"], public_key.id().to_string(), "{name}");
        keys.insert(public_key.id(), TrustedKey { public_key, status });
    }
    keys.into()
}

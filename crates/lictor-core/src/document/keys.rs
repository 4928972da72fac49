//! Key pairs: PEM files, key ids, signing. The one scheme is Ed25519 (RFC 8032).

use std::fmt;

use ed25519_dalek::Signer as _;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes,
};
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::parse_error;

/// What is signed. Its name precedes the signed bytes, so that no artifact of a key can be taken
/// for one of another purpose.
#[derive(Clone, Copy)]
enum Purpose {
    /// A license: the exact bytes of its payload.
    License,
    /// A state for a node: the exact bytes of its payload.
    State,
    /// A rotation of trust: the hex digits of the new key.
    Rotation,
}

impl Purpose {
    fn signed_bytes(self, payload: &str) -> Vec<u8> {
        let name: &[u8] = match self {
            Self::License => b"LICTOR-LICENSE-V1\n",
            Self::State => b"LICTOR-STATE-V1\n",
            Self::Rotation => b"LICTOR-ROTATION-V1\n",
        };
        [name, payload.as_bytes()].concat()
    }
}

/// The first 8 bytes of the SHA-256 of a raw public key; 16 lower-case hex digits as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId([u8; 8]);

impl KeyId {
    /// Reads 16 lower-case hex digits. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 8];
        let lower = text.bytes().all(|byte| !byte.is_ascii_uppercase());
        (lower && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(Self(bytes))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for KeyId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a key id is 16 lower-case hex digits")
    }
}

/// A public key that signatures are checked against; never a weak (small-order) one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey(ed25519_dalek::VerifyingKey);

impl PublicKey {
    /// Reads a `SubjectPublicKeyInfo` PEM (`-----BEGIN PUBLIC KEY-----`).
    ///
    /// # Errors
    /// A text that says what is wrong: not PEM, not Ed25519, or a weak key.
    pub fn from_pem(pem: &str) -> Result<Self, String> {
        let key = ed25519_dalek::VerifyingKey::from_public_key_pem(pem.trim_start())
            .map_err(|_| format!("no public key: {}", parse_error::of_pem(pem, "PUBLIC KEY")))?;
        Self::strong(key)
    }

    /// Takes the 32 raw bytes of RFC 8032.
    ///
    /// # Errors
    /// A text that says what is wrong: not a point on the curve, or a weak key.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, String> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes)
            .map_err(|_| "not an Ed25519 public key".to_owned())?;
        Self::strong(key)
    }

    fn strong(key: ed25519_dalek::VerifyingKey) -> Result<Self, String> {
        if key.is_weak() {
            return Err("a weak key: anyone could make signatures that fit it".to_owned());
        }
        if !is_canonical(key.as_bytes()) {
            return Err("a key in a form that other libraries refuse (not canonical)".to_owned());
        }
        Ok(Self(key))
    }

    /// The 32 raw bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The key's id.
    pub fn id(&self) -> KeyId {
        let mut id = [0; 8];
        id.copy_from_slice(&self.sha256().0[..8]);
        KeyId(id)
    }

    /// The SHA-256 of the 32 raw bytes, by which a node knows its control plane's key.
    pub fn sha256(&self) -> Digest {
        Digest::of(self.as_bytes())
    }

    /// The `SubjectPublicKeyInfo` PEM.
    pub fn to_pem(&self) -> String {
        self.0.to_public_key_pem(LineEnding::LF).unwrap_or_default()
    }

    /// Strict verification (RFC 8032, no small-order or non-canonical points) of a license
    /// signature over the exact payload bytes.
    pub(crate) fn verifies(&self, payload: &str, signature: &[u8; 64]) -> bool {
        self.fits(Purpose::License, payload, signature)
    }

    /// Strict verification of a state's signature, 128 lower-case hex digits.
    pub(crate) fn signed_state(&self, payload: &str, signature: &str) -> bool {
        signature_from_hex(signature)
            .is_some_and(|signature| self.fits(Purpose::State, payload, &signature))
    }

    /// Strict verification of a rotation's signature, 128 lower-case hex digits.
    pub(crate) fn signed_rotation(&self, to: &Self, signature: &str) -> bool {
        let payload = hex::encode(to.as_bytes());
        signature_from_hex(signature)
            .is_some_and(|signature| self.fits(Purpose::Rotation, &payload, &signature))
    }

    fn fits(&self, purpose: Purpose, payload: &str, signature: &[u8; 64]) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        self.0
            .verify_strict(&purpose.signed_bytes(payload), &signature)
            .is_ok()
    }
}

/// Whether a point's y, all but the top bit, is below the field's prime 2^255 - 19, as RFC 8032 asks.
fn is_canonical(point: &[u8; 32]) -> bool {
    let high = point[31] & 0x7f == 0x7f && point[1..31].iter().all(|byte| *byte == 0xff);
    !(high && point[0] >= 0xed)
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        hex::encode(key.as_bytes())
    }
}

impl TryFrom<String> for PublicKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(&text, &mut bytes)
            .map_err(|_| "a public key is 64 hex digits".to_owned())?;
        Self::from_bytes(&bytes)
    }
}

/// A private key that signs licenses. It has no `Debug`, is wiped when dropped, and never leaves
/// the vendor.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// Makes the key of a seed. The seed is the secret: draw it from a secure source.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    /// Reads a PKCS#8 PEM (`-----BEGIN PRIVATE KEY-----`).
    ///
    /// # Errors
    /// A text that says what is wrong. It never contains a part of the key.
    pub fn from_pem(pem: &str) -> Result<Self, String> {
        ed25519_dalek::SigningKey::from_pkcs8_pem(pem.trim_start())
            .map(Self)
            .map_err(|_| {
                format!(
                    "no private key: {}",
                    parse_error::of_pem(pem, "PRIVATE KEY")
                )
            })
    }

    /// The PKCS#8 PEM, in version 1 of the form, which every library reads. Keep it secret.
    ///
    /// # Errors
    /// A text, should the encoder fail.
    pub fn to_pem(&self) -> Result<String, String> {
        let pair = KeypairBytes {
            secret_key: self.0.to_bytes(),
            public_key: None,
        };
        let pem = pair
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|_| "the key could not be written as PEM".to_owned())?;
        Ok(pem.as_str().to_owned())
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs `payload`, a JSON object of text claims, and returns the whole license document. The
    /// payload is in it byte for byte.
    pub fn sign(&self, payload: &str) -> String {
        self.enveloped(Purpose::License, "license", payload)
    }

    /// Signs the payload of a state and returns the whole document.
    pub(crate) fn sign_state(&self, payload: &str) -> String {
        self.enveloped(Purpose::State, "state", payload)
    }

    /// Signs a rotation to another key: 128 lower-case hex digits.
    pub(crate) fn sign_rotation(&self, to: &PublicKey) -> String {
        self.signature(Purpose::Rotation, &hex::encode(to.as_bytes()))
    }

    fn enveloped(&self, purpose: Purpose, name: &str, payload: &str) -> String {
        format!(
            r#"{{"{name}":{{"payload":{payload},"signature":"{}","key_id":"{}","version":"1"}}}}"#,
            self.signature(purpose, payload),
            self.public_key().id(),
        )
    }

    fn signature(&self, purpose: Purpose, payload: &str) -> String {
        let signature = self.0.sign(&purpose.signed_bytes(payload));
        hex::encode(signature.to_bytes())
    }
}

/// Reads 128 lower-case hex digits.
pub(crate) fn signature_from_hex(text: &str) -> Option<[u8; 64]> {
    let mut bytes = [0; 64];
    let lower = text.bytes().all(|byte| !byte.is_ascii_uppercase());
    (lower && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_their_files() {
        let key = SigningKey::from_seed([3; 32]);
        let again = SigningKey::from_pem(&key.to_pem().expect("encodes")).expect("a private key");
        assert_eq!(again.public_key(), key.public_key());
        let public = PublicKey::from_pem(&key.public_key().to_pem()).expect("a public key");
        assert_eq!(public, key.public_key());
    }

    #[test]
    fn weak_and_foreign_keys_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert!(
            PublicKey::from_bytes(&identity)
                .expect_err("weak")
                .contains("weak")
        );
        assert!(
            PublicKey::from_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
                .is_err()
        );
        assert!(PublicKey::from_pem("").is_err());
    }

    #[test]
    fn a_key_has_one_form() {
        // y = 3 is a strong point; y = p + 3 is the same point, written otherwise.
        let mut other = [0xff; 32];
        (other[0], other[31]) = (0xf0, 0x7f);
        let refused = PublicKey::from_bytes(&other).expect_err("not canonical");
        assert!(refused.contains("canonical"), "{refused}");
        let mut plain = [0; 32];
        plain[0] = 3;
        assert!(PublicKey::from_bytes(&plain).is_ok());
    }

    #[test]
    fn a_key_file_of_the_other_kind_is_refused_and_never_shown() {
        let key = SigningKey::from_seed([3; 32]);
        let private = key.to_pem().expect("encodes");
        assert!(PublicKey::from_pem(&private).is_err());
        let refused = SigningKey::from_pem(&key.public_key().to_pem()).map(|_| ());
        assert!(refused.is_err());
        let body = private.lines().nth(1).expect("a line");
        let cut = private.replace(body, &body[..40]);
        let message = SigningKey::from_pem(&cut)
            .map(|_| ())
            .expect_err("cut short");
        assert!(!message.contains(&body[..8]), "{message}");
    }

    #[test]
    fn key_ids_and_signatures_are_lower_case_hex() {
        let id = "0123456789abcdef";
        assert_eq!(KeyId::parse(id).map(String::from).as_deref(), Some(id));
        for text in [
            "",
            "0123456789ABCDEF",
            "0123456789abcde",
            "0123456789abcdef0",
            "0123456789abcdeg",
        ] {
            assert_eq!(KeyId::parse(text), None, "{text}");
        }
        assert!(signature_from_hex(&"0f".repeat(64)).is_some());
        for text in [
            "0F".repeat(64),
            "0f".repeat(63),
            "0f".repeat(65),
            "é".repeat(64),
        ] {
            assert_eq!(signature_from_hex(&text), None, "{text}");
        }
    }
}

//! The signed document: exact bytes in, members and claims out. What is verified is what is parsed.

use std::fmt;

use serde_json::value::RawValue;

use crate::claims::Claims;
use crate::error::DocumentError;
use crate::json::Members;
use crate::keys::{KeyId, signature_from_hex};
use crate::trust::{KeyStatus, TrustPolicy, TrustSet};

/// The version that is written, and the only one that [`TrustPolicy::Verified`] accepts.
const VERSION: &str = "1";

/// A license document, taken apart without changing a byte.
#[derive(Debug)]
pub struct Document<'a> {
    payload: &'a RawValue,
    signature: String,
    key_id: Option<String>,
    version: &'a RawValue,
    unknown_members: Vec<String>,
}

/// Who signed a document, as far as it could be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    /// The signature was verified with this trusted key.
    Verified(KeyId),
    /// No key is known that could tell.
    Unverified,
}

impl Signer {
    /// The key that verified the document, if one did.
    pub fn key_id(self) -> Option<KeyId> {
        match self {
            Self::Verified(id) => Some(id),
            Self::Unverified => None,
        }
    }
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verified(id) => id.fmt(f),
            Self::Unverified => f.write_str("nobody we know (unverified)"),
        }
    }
}

impl<'a> Document<'a> {
    /// Takes a document apart. White space around it is allowed; a byte-order mark, trailing data
    /// and a member that appears twice are not.
    ///
    /// # Errors
    /// [`DocumentError::NotJson`] or [`DocumentError::WrongShape`].
    pub fn parse(text: &'a str) -> Result<Self, DocumentError> {
        let mut outer = members(text)?;
        let license = required(&mut outer, "license")?;
        let mut inner = members(license.get())?;
        let payload = required(&mut inner, "payload")?;
        let signature = text_member(required(&mut inner, "signature")?, "signature")?;
        let version = required(&mut inner, "version")?;
        let key_id = inner
            .take("key_id")
            .map(|raw| text_member(raw, "key_id"))
            .transpose()?;
        let unknown_members = outer
            .0
            .into_iter()
            .chain(inner.0)
            .map(|(name, _)| name)
            .collect();
        Ok(Self {
            payload,
            signature,
            key_id,
            version,
            unknown_members,
        })
    }

    /// The exact bytes of the payload as they stand in the document: what the signature covers.
    pub fn payload(&self) -> &'a str {
        self.payload.get()
    }

    /// The claims inside the payload.
    ///
    /// # Errors
    /// See [`Claims::read`].
    pub fn claims(&self) -> Result<Claims, DocumentError> {
        Claims::read(self.payload())
    }

    /// Checks the document against the keys that are active or retired.
    ///
    /// # Errors
    /// [`DocumentError::WrongShape`] for unknown members, another version or a malformed
    /// signature; else why no key accepts it.
    pub fn verify(&self, trust: &TrustSet) -> Result<KeyId, DocumentError> {
        self.check_envelope()?;
        let signature = signature_from_hex(&self.signature)?;
        if let Some(id) = self.named_key()? {
            let key = trust.get(id).ok_or(DocumentError::UnknownKey(id))?;
            if key.status == KeyStatus::Revoked {
                return Err(DocumentError::RevokedKey(id));
            }
            let fits = key.public_key.verifies(self.payload(), &signature);
            return if fits {
                Ok(id)
            } else {
                Err(DocumentError::BadSignature)
            };
        }
        let signer = trust
            .iter()
            .find(|(_, key)| key.public_key.verifies(self.payload(), &signature));
        match signer {
            Some((id, key)) if key.status == KeyStatus::Revoked => {
                Err(DocumentError::RevokedKey(id))
            }
            Some((id, _)) => Ok(id),
            None => Err(DocumentError::BadSignature),
        }
    }

    /// Checks the document as the policy asks. Under [`TrustPolicy::Structural`] a document that
    /// no known key can speak for is [`Signer::Unverified`]; one that names a key we trust must
    /// still carry that key's signature, for otherwise it was surely tampered with.
    ///
    /// # Errors
    /// As [`Document::verify`], less what the policy relaxes.
    pub fn signer(&self, trust: &TrustSet, policy: TrustPolicy) -> Result<Signer, DocumentError> {
        match (policy, self.verify(trust)) {
            (_, Ok(id)) => Ok(Signer::Verified(id)),
            (TrustPolicy::Verified, Err(error)) => Err(error),
            (TrustPolicy::Structural, Err(DocumentError::BadSignature))
                if self.key_id.is_some() =>
            {
                Err(DocumentError::BadSignature)
            }
            (TrustPolicy::Structural, Err(error @ DocumentError::RevokedKey(_))) => Err(error),
            (TrustPolicy::Structural, Err(_)) => Ok(Signer::Unverified),
        }
    }

    fn check_envelope(&self) -> Result<(), DocumentError> {
        if let Some(name) = self.unknown_members.first() {
            return Err(DocumentError::WrongShape(format!(
                "unknown member {name:?}"
            )));
        }
        if text_member(self.version, "version")? != VERSION {
            return Err(DocumentError::WrongShape(format!(
                "`version` is not {VERSION:?}"
            )));
        }
        Ok(())
    }

    fn named_key(&self) -> Result<Option<KeyId>, DocumentError> {
        let malformed =
            || DocumentError::WrongShape("`key_id` is not 16 lower-case hex digits".to_owned());
        self.key_id
            .as_deref()
            .map(|text| KeyId::parse(text).ok_or_else(malformed))
            .transpose()
    }
}

fn members(text: &str) -> Result<Members<'_>, DocumentError> {
    serde_json::from_str(text).map_err(|error| {
        if error.is_data() {
            DocumentError::WrongShape(error.to_string())
        } else {
            DocumentError::NotJson(error.to_string())
        }
    })
}

fn required<'a>(members: &mut Members<'a>, name: &str) -> Result<&'a RawValue, DocumentError> {
    members
        .take(name)
        .ok_or_else(|| DocumentError::WrongShape(format!("no member `{name}`")))
}

fn text_member(raw: &RawValue, name: &str) -> Result<String, DocumentError> {
    serde_json::from_str(raw.get())
        .map_err(|_| DocumentError::WrongShape(format!("`{name}` is not text")))
}

//! A signed license document: its exact bytes, its envelope, and its verification. This folder is all
//! that a product needs to check a license offline.

pub mod claims;
pub mod error;
pub(crate) mod json;
pub mod keys;
pub mod rotation;
pub mod trust;

use std::fmt;

use serde_json::value::RawValue;
use uuid::Uuid;

use crate::document::claims::{Claims, organization_id};
use crate::document::error::DocumentError;
use crate::document::json::Members;
use crate::document::keys::{KeyId, signature_from_hex};
use crate::document::trust::{KeyStatus, TrustPolicy, TrustSet};
use crate::parse_error;

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
    claims: Vec<(String, String)>,
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
    /// Takes a document apart. White space around it is allowed; a byte-order mark, trailing data,
    /// a member or claim that appears twice and a claim that is not text are not.
    ///
    /// # Errors
    /// [`DocumentError::NotJson`] or [`DocumentError::WrongShape`].
    pub fn parse(text: &'a str) -> Result<Self, DocumentError> {
        // The whole text first, so that what is no JSON is never called a wrong shape.
        let whole: &RawValue = serde_json::from_str(text)
            .map_err(|error| DocumentError::NotJson(parse_error::of_json(text, &error)))?;
        let mut outer = json::members(whole, "the document")?;
        let license = required(&mut outer, "license")?;
        let mut inner = json::members(license, "`license`")?;
        let payload = required(&mut inner, "payload")?;
        let signature = json::text(required(&mut inner, "signature")?, "`signature`")?;
        let version = required(&mut inner, "version")?;
        let key_id = inner
            .take("key_id")
            .map(|raw| json::text(raw, "`key_id`"))
            .transpose()?;
        let unknown_members = outer
            .0
            .into_iter()
            .chain(inner.0)
            .map(|(name, _)| name)
            .collect();
        let claims = json::text_members(payload)?;
        Ok(Self {
            payload,
            signature,
            key_id,
            version,
            unknown_members,
            claims,
        })
    }

    /// The exact bytes of the payload in the document, which the signature covers.
    pub fn payload(&self) -> &'a str {
        self.payload.get()
    }

    /// The claims inside the payload.
    ///
    /// # Errors
    /// [`DocumentError::BadExpirationDate`] or [`DocumentError::BadClaim`], in this order.
    pub fn claims(&self) -> Result<Claims, DocumentError> {
        Claims::of(self.claims.clone())
    }

    /// Refuses a document that is meant for another organization. A claim that names none at all
    /// is for [`Document::claims`] to refuse.
    pub(crate) fn check_audience(&self, organization: Uuid) -> Result<(), DocumentError> {
        let claim = self.claims.iter().find(|(name, _)| name == "organization");
        match claim.and_then(|(_, text)| organization_id(text)) {
            Some(audience) if audience != organization => {
                Err(DocumentError::WrongAudience(audience))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Checks the document against the keys that are active or retired.
    ///
    /// # Errors
    /// [`DocumentError::WrongShape`] for unknown members, another version or a malformed
    /// signature; else why no key accepts it.
    pub fn verify(&self, trust: &TrustSet) -> Result<KeyId, DocumentError> {
        self.check_envelope()?;
        self.check_signature(trust)
    }

    /// Checks the document as the policy asks. [`TrustPolicy::Structural`] overlooks the version
    /// and unknown members, and a document that no known key can speak for is
    /// [`Signer::Unverified`]. One that names a key we know must still carry that key's signature,
    /// for otherwise it was surely tampered with; and what a revoked key signed counts for
    /// nothing, whatever key the document names.
    ///
    /// # Errors
    /// As [`Document::verify`], less what the policy relaxes.
    pub fn signer(&self, trust: &TrustSet, policy: TrustPolicy) -> Result<Signer, DocumentError> {
        match policy {
            TrustPolicy::Verified => self.verify(trust).map(Signer::Verified),
            TrustPolicy::Structural => match self.check_signature(trust) {
                Ok(id) => Ok(Signer::Verified(id)),
                Err(error) if self.names_known_key(trust) => Err(error),
                Err(error @ DocumentError::RevokedKey(_)) => Err(error),
                Err(_) => match self.revoked_signer(trust) {
                    Some(id) => Err(DocumentError::RevokedKey(id)),
                    None => Ok(Signer::Unverified),
                },
            },
        }
    }

    /// The key that signed the payload's bytes, whatever surrounds them.
    fn check_signature(&self, trust: &TrustSet) -> Result<KeyId, DocumentError> {
        let signature = signature_from_hex(&self.signature).ok_or_else(|| {
            DocumentError::WrongShape("`signature` is not 128 lower-case hex digits".to_owned())
        })?;
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
        let mut keys = trust.iter();
        match keys.find(|(_, key)| key.public_key.verifies(self.payload(), &signature)) {
            Some((id, key)) if key.status == KeyStatus::Revoked => {
                Err(DocumentError::RevokedKey(id))
            }
            Some((id, _)) => Ok(id),
            None => Err(DocumentError::BadSignature),
        }
    }

    fn names_known_key(&self, trust: &TrustSet) -> bool {
        matches!(self.named_key(), Ok(Some(id)) if trust.get(id).is_some())
    }

    /// The revoked key that signed the payload: `key_id` is not signed, so that whoever stole a
    /// key could write another one there.
    fn revoked_signer(&self, trust: &TrustSet) -> Option<KeyId> {
        let signature = signature_from_hex(&self.signature)?;
        let mut keys = trust
            .iter()
            .filter(|(_, key)| key.status == KeyStatus::Revoked);
        keys.find(|(_, key)| key.public_key.verifies(self.payload(), &signature))
            .map(|(id, _)| id)
    }

    fn check_envelope(&self) -> Result<(), DocumentError> {
        if let Some(name) = self.unknown_members.first() {
            return Err(DocumentError::WrongShape(format!(
                "unknown member {name:?}"
            )));
        }
        if json::text(self.version, "`version`")? != VERSION {
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

fn required<'a>(members: &mut Members<'a>, name: &str) -> Result<&'a RawValue, DocumentError> {
    members
        .take(name)
        .ok_or_else(|| DocumentError::WrongShape(format!("no member `{name}`")))
}

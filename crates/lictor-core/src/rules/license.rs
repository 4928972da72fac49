//! Admitting a license document, and writing and removing stored licenses.

use std::sync::Arc;

use uuid::Uuid;

use crate::change::Change;
use crate::decision::Decision;
use crate::digest::Digest;
use crate::document::error::DocumentError;
use crate::document::keys::KeyId;
use crate::document::trust::{KeyStatus, TrustPolicy, TrustSet};
use crate::document::{Document, Signer};
use crate::error::{Error, Kind};
use crate::facts::entitlement::ApplicationBasis;
use crate::facts::license::{License, LicenseState, MAX_PAYLOAD_BYTES};
use crate::record::Record;
use crate::state::State;
use crate::time::{Timestamp, Validity};

/// A document that was examined and may be stored in one organization.
#[derive(Debug, Clone)]
pub struct Admissible {
    payload: Arc<str>,
    sha256: Digest,
    application: String,
    validity: Validity,
    signer: Signer,
}

impl Admissible {
    /// The application that the claims name.
    pub fn application(&self) -> &str {
        &self.application
    }

    /// Who signed it.
    pub fn signer(&self) -> Signer {
        self.signer
    }

    /// The document.
    pub fn payload(&self) -> &Arc<str> {
        &self.payload
    }
}

/// Examines a document: shape, signature, audience, claims, in this order. An expired document
/// is as good as any other.
///
/// # Errors
/// Why the document is refused. Whether its key is retired is for [`add`], [`put`] and [`patch`].
pub fn examine(
    payload: Arc<str>,
    organization: Uuid,
    trust: &TrustSet,
    policy: TrustPolicy,
) -> Result<Admissible, DocumentError> {
    let document = Document::parse(&payload)?;
    if payload.len() > MAX_PAYLOAD_BYTES {
        let reason = format!("it is longer than {MAX_PAYLOAD_BYTES} bytes");
        return Err(DocumentError::WrongShape(reason));
    }
    let signer = document.signer(trust, policy)?;
    document.check_audience(organization)?;
    let claims = document.claims()?;
    let sha256 = Digest::of(payload.as_bytes());
    Ok(Admissible {
        validity: claims.validity(),
        application: claims.application,
        sha256,
        signer,
        payload,
    })
}

/// When the license in a payload is valid, as the payload itself states.
///
/// # Errors
/// The payload has no claims that can be read; such a license was never admitted.
pub fn validity_of(payload: &str) -> Result<Validity, DocumentError> {
    Ok(Document::parse(payload)?.claims()?.validity())
}

/// A license as it is after a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenLicense {
    /// The license.
    pub license: License,
    /// Whether it was not there before.
    pub added: bool,
}

/// Adds a license under a new id. `state` contains the license with this id, the application, the
/// trusted keys.
///
/// # Errors
/// A retired or revoked key, else [`Error::AlreadyExists`].
pub fn add(
    state: &State,
    id: Uuid,
    document: &Admissible,
    created_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Decision<WrittenLicense>, Error> {
    let decision = write(state, id, document, created_at.unwrap_or(now), now)?;
    if state.licenses.contains_key(&id) {
        return Err(Error::AlreadyExists {
            kind: Kind::License,
            name: id.to_string(),
        });
    }
    Ok(with_license(state, id, document, decision))
}

/// What it would come to if the stored document were written again, as it was found before the
/// transaction. Controllers repeat what is there every few seconds.
#[derive(Debug, Clone, Copy)]
pub struct Repetition {
    /// What this was derived from.
    pub basis: ApplicationBasis,
    /// Whether another license would be in force at some instant, see
    /// [`moves`](crate::rules::in_force::moves).
    pub moves: bool,
}

impl Repetition {
    /// Where the license cannot be looked at: as if it would.
    pub fn unseen() -> Self {
        Self {
            basis: ApplicationBasis::default(),
            moves: true,
        }
    }
}

/// Adds a license under this id or replaces the one that is there. What is there already, its creation
/// time included, is written again only if that moves what is in force.
///
/// # Errors
/// A retired or revoked key, else [`Error::RevisionMismatch`] if `expected` is not the stored
/// revision; 0 means that the license does not exist yet. Else [`Error::Outdated`] if it depends on
/// a `repetition` that is missing or not of now.
pub fn put(
    state: &State,
    id: Uuid,
    document: &Admissible,
    created_at: Option<Timestamp>,
    expected: Option<u64>,
    repetition: Option<Repetition>,
    now: Timestamp,
) -> Result<Decision<WrittenLicense>, Error> {
    let decision = write(state, id, document, created_at.unwrap_or(now), now)?;
    check_revision(state, id, expected)?;
    let decision = unless_repeated(state, id, document, created_at, repetition, decision)?;
    Ok(with_license(state, id, document, decision))
}

/// Changes the document of a stored license, and its creation time if that is given. What is there already
/// is written as [`put`] says.
///
/// # Errors
/// [`Error::NotFound`], else a retired or revoked key, else [`Error::Outdated`] as from [`put`].
pub fn patch(
    state: &State,
    id: Uuid,
    document: &Admissible,
    created_at: Option<Timestamp>,
    repetition: Option<Repetition>,
    now: Timestamp,
) -> Result<Decision<WrittenLicense>, Error> {
    let stored = find(state, id)?;
    let kept = created_at.unwrap_or(stored.created_at);
    let decision = write(state, id, document, kept, now)?;
    let decision = unless_repeated(state, id, document, created_at, repetition, decision)?;
    Ok(with_license(state, id, document, decision))
}

/// Moves a stored license's `updated_at`, and its creation time if that is given. The document stays.
///
/// # Errors
/// [`Error::NotFound`].
pub fn touch(
    state: &State,
    id: Uuid,
    created_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Decision<LicenseState>, Error> {
    let stored = find(state, id)?;
    let touched = Decision::from(Change::LicenseWritten {
        id,
        application: stored.application.clone(),
        payload_sha256: stored.payload_sha256,
        created_at: created_at.unwrap_or(stored.created_at),
        updated_at: now.max(state.newest_updated_at),
        replaces: Some(stored.revision),
    });
    Ok(touched.with(move |after| find(after, id).cloned()))
}

fn find(state: &State, id: Uuid) -> Result<&LicenseState, Error> {
    let stored = state.licenses.get(&id);
    stored.ok_or_else(|| Error::no_license(id))
}

/// The decision with the license that it leads to.
fn with_license(
    state: &State,
    id: Uuid,
    document: &Admissible,
    decision: Decision,
) -> Decision<WrittenLicense> {
    let added = !state.licenses.contains_key(&id);
    let payload = Arc::clone(&document.payload);
    decision.with(move |after| {
        let license = License {
            id,
            payload,
            state: find(after, id)?.clone(),
        };
        Ok(WrittenLicense { license, added })
    })
}

/// The decision, or nothing where it would only repeat what is stored.
fn unless_repeated(
    state: &State,
    id: Uuid,
    document: &Admissible,
    created_at: Option<Timestamp>,
    repetition: Option<Repetition>,
    decision: Decision,
) -> Result<Decision, Error> {
    let repeated = state.licenses.get(&id).is_some_and(|stored| {
        let same_time = created_at.is_none_or(|created_at| created_at == stored.created_at);
        same_time && stored.payload_sha256 == document.sha256
    });
    let application = state.applications.get(&document.application);
    let basis = application.map(|application| state.basis_of(application));
    match repetition {
        _ if !repeated => Ok(decision),
        // An extra write harms nobody, whatever changed since.
        Some(found) if found.moves => Ok(decision),
        Some(found) if Some(found.basis) == basis => Ok(Decision::nothing()),
        Some(_) | None => Err(Error::Outdated),
    }
}

/// Removes a license, and tells whether it was there; one that is not changes nothing.
///
/// # Errors
/// [`Error::RevisionMismatch`] if `expected` is not the stored revision.
pub fn remove(state: &State, id: Uuid, expected: Option<u64>) -> Result<Decision<bool>, Error> {
    check_revision(state, id, expected)?;
    let stored = state.licenses.contains_key(&id);
    let removed = stored.then_some(Change::LicenseRemoved { id });
    Ok(Decision::from_iter(removed).with(move |_| Ok(stored)))
}

fn check_revision(state: &State, id: Uuid, expected: Option<u64>) -> Result<(), Error> {
    let current = state.licenses.get(&id).map_or(0, |stored| stored.revision);
    match expected {
        Some(expected) if expected != current => Err(Error::RevisionMismatch { current }),
        Some(_) | None => Ok(()),
    }
}

fn write(
    state: &State,
    id: Uuid,
    document: &Admissible,
    created_at: Timestamp,
    now: Timestamp,
) -> Result<Decision, Error> {
    let stored = state.licenses.get(&id);
    if let Signer::Verified(key) = document.signer {
        let unchanged = stored.is_some_and(|stored| stored.payload_sha256 == document.sha256);
        check_key(state, key, unchanged)?;
    }
    let mut decision = Decision::nothing();
    if !state.applications.contains_key(&document.application) {
        decision.changes.push(Change::ApplicationCreated {
            key: document.application.clone(),
        });
    }
    decision.changes.push(Change::LicenseWritten {
        id,
        application: document.application.clone(),
        payload_sha256: document.sha256,
        created_at,
        // So that a clock step cannot make a newer write lose.
        updated_at: now.max(state.newest_updated_at),
        replaces: stored.map(|stored| stored.revision),
    });
    let payload = Record::Payload {
        sha256: document.sha256,
        text: document.payload.clone(),
    };
    let dates = Record::LicenseDates {
        id,
        validity: document.validity,
    };
    decision.records.extend([payload, dates]);
    Ok(decision)
}

/// The key's status in the transaction. It may have changed since the examination. A
/// retired key still lets the very same document be written again, so that a controller which
/// repeats its state does not begin to fail when keys are rotated.
fn check_key(state: &State, key: KeyId, unchanged: bool) -> Result<(), DocumentError> {
    match state.keys.get(&key).map(|key| key.status) {
        Some(KeyStatus::Active) => Ok(()),
        Some(KeyStatus::Retired) if unchanged => Ok(()),
        Some(KeyStatus::Retired) => Err(DocumentError::RetiredKey(key)),
        Some(KeyStatus::Revoked) => Err(DocumentError::RevokedKey(key)),
        None => Err(DocumentError::UnknownKey(key)),
    }
}

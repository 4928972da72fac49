//! Licenses: admitting a document, and which stored license is in force.

use std::sync::Arc;

use uuid::Uuid;

use crate::change::{Change, Decision, Digest, Record};
use crate::claims::{Claims, Plan};
use crate::document::{Document, Signer};
use crate::error::{DocumentError, Error, Kind};
use crate::keys::KeyId;
use crate::state::{LicenseState, State};
use crate::time::{Timestamp, Validity};
use crate::trust::{KeyStatus, TrustPolicy, TrustSet};

/// The longest document that is accepted, in bytes; real ones have about 800.
pub const MAX_PAYLOAD_BYTES: usize = 65_536;

/// A stored license.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct License {
    /// Its id within the organization.
    pub id: Uuid,
    /// The document, byte for byte as it was given.
    pub payload: Arc<str>,
    /// What the ledger knows of it.
    pub state: LicenseState,
}

/// A document that was examined and may be stored in one organization.
#[derive(Debug, Clone)]
pub struct Admissible {
    payload: Arc<str>,
    sha256: Digest,
    application: String,
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
        application: claims.application,
        sha256,
        signer,
        payload,
    })
}

/// Adds a license under a new id. `state` holds the license with this id, the application, the
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
) -> Result<Decision, Error> {
    let decision = write(state, id, document, created_at.unwrap_or(now), now)?;
    if state.licenses.contains_key(&id) {
        return Err(Error::AlreadyExists {
            kind: Kind::License,
            name: id.to_string(),
        });
    }
    Ok(decision)
}

/// Adds a license under this id or replaces the one that is there.
///
/// # Errors
/// A retired or revoked key, else [`Error::RevisionMismatch`] where `expected` is not the stored
/// revision; 0 stands for a license that is not there yet.
pub fn put(
    state: &State,
    id: Uuid,
    document: &Admissible,
    created_at: Option<Timestamp>,
    expected: Option<u64>,
    now: Timestamp,
) -> Result<Decision, Error> {
    let decision = write(state, id, document, created_at.unwrap_or(now), now)?;
    check_revision(state, id, expected)?;
    Ok(decision)
}

/// Changes what is given of a stored license; its `updated_at` moves in any case.
///
/// # Errors
/// [`Error::NotFound`], else a retired or revoked key.
pub fn patch(
    state: &State,
    id: Uuid,
    document: Option<&Admissible>,
    created_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Decision, Error> {
    let stored = state
        .licenses
        .get(&id)
        .ok_or_else(|| Error::no_license(id))?;
    let created_at = created_at.unwrap_or(stored.created_at);
    match document {
        Some(document) => write(state, id, document, created_at, now),
        None => {
            let touched = Change::LicenseWritten {
                id,
                application: stored.application.clone(),
                payload_sha256: stored.payload_sha256,
                created_at,
                updated_at: now.max(state.newest_updated_at),
                replaces: Some(stored.revision),
            };
            Ok(touched.into())
        }
    }
}

/// Removes a license; one that is not there changes nothing.
///
/// # Errors
/// [`Error::RevisionMismatch`] where `expected` is not the stored revision.
pub fn remove(state: &State, id: Uuid, expected: Option<u64>) -> Result<Decision, Error> {
    check_revision(state, id, expected)?;
    let stored = state.licenses.contains_key(&id);
    Ok(if stored {
        Change::LicenseRemoved { id }.into()
    } else {
        Decision::nothing()
    })
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
    decision.records.push(payload);
    Ok(decision)
}

/// The key's status as it stands in the transaction: it may have changed since the examination. A
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

/// A stored license as the choice of the one in force sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub id: Uuid,
    /// Its claims.
    pub claims: Claims,
    /// Who signed it; an error where it counts for nothing now, as after its key was revoked.
    pub signer: Result<Signer, DocumentError>,
}

impl Candidate {
    /// Looks at a stored license with the trust set and policy of now.
    ///
    /// # Errors
    /// The payload has no claims that can be read; such a license was never admitted.
    pub fn of(
        license: &License,
        organization: Uuid,
        trust: &TrustSet,
        policy: TrustPolicy,
    ) -> Result<Self, DocumentError> {
        Self::judged(license, organization, |document| {
            document.signer(trust, policy)
        })
    }

    /// As [`Candidate::of`], with what `judge` says of the signature: it may remember.
    ///
    /// # Errors
    /// As [`Candidate::of`].
    pub fn judged(
        license: &License,
        organization: Uuid,
        judge: impl FnOnce(&Document<'_>) -> Result<Signer, DocumentError>,
    ) -> Result<Self, DocumentError> {
        let document = Document::parse(&license.payload)?;
        let claims = document.claims()?;
        let audience = document.check_audience(organization);
        Ok(Self {
            id: license.id,
            claims,
            signer: audience.and_then(|()| judge(&document)),
        })
    }

    /// Whether it counts, as a verified one or as an unverified one.
    fn counts(&self, verified: bool) -> bool {
        matches!(
            (&self.signer, verified),
            (Ok(Signer::Verified(_)), true) | (Ok(Signer::Unverified), false)
        )
    }
}

/// Which of an application's licenses is in force. `newest_first` is ordered by (`updated_at`,
/// revision), the greatest first; those that have ended may be missing.
///
/// Among those that have begun and not ended the greatest counts. An unverified one counts only
/// where no verified one is in force.
pub fn in_force(newest_first: &[Candidate], now: Timestamp) -> Option<&Candidate> {
    let newest = |verified| {
        let mut of_its_sort = newest_first.iter().filter(move |one| one.counts(verified));
        of_its_sort.find(|candidate| candidate.claims.validity().contains(now))
    };
    newest(true).or_else(|| newest(false))
}

/// The next instant after `now` at which a creation or expiration date among the candidates may
/// change which one is in force.
pub fn next_boundary(candidates: &[Candidate], now: Timestamp) -> Option<Timestamp> {
    let edges = candidates.iter().flat_map(|candidate| {
        let Validity {
            begins_at,
            expires_at,
        } = candidate.claims.validity();
        [begins_at, expires_at]
    });
    edges.filter(|edge| *edge > now).min()
}

/// The first instant from `now` on at which none of the candidates is in force: the end of what
/// follows without a gap, be it a renewal or a license that a shorter one superseded. None: none is
/// in force now.
pub fn covered_until(candidates: &[Candidate], now: Timestamp) -> Option<Timestamp> {
    let counting = candidates
        .iter()
        .filter(|candidate| candidate.signer.is_ok());
    let mut spans: Vec<Validity> = counting.map(|one| one.claims.validity()).collect();
    spans.sort_unstable_by_key(|span| span.begins_at);
    let mut until = now;
    for span in spans {
        if !span.has_begun(until) {
            break;
        }
        until = until.max(span.expires_at);
    }
    (until > now).then_some(until)
}

/// What the license in force grants an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlement {
    /// The application's key.
    pub application: String,
    /// The license in force; none: unlicensed.
    pub license: Option<InForce>,
}

/// The license in force and what it grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// The license's id.
    pub license: Uuid,
    /// Who signed it.
    pub signer: Signer,
    /// Its plan.
    pub plan: Plan,
    /// Seats; none: unlimited.
    pub seat_limit: Option<u32>,
    /// Nodes; none: unlimited.
    pub node_limit: Option<u32>,
    /// Features.
    pub features: Vec<String>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The first instant at which none is in force: its own end, or that of the stored licenses that
    /// follow it without a gap.
    pub covered_until: Timestamp,
}

impl Entitlement {
    /// What an application is granted by the one of its licenses that is in force.
    pub fn of(application: &str, newest_first: &[Candidate], now: Timestamp) -> Self {
        let license = in_force(newest_first, now).and_then(|candidate| {
            Some(InForce {
                covered_until: covered_until(newest_first, now)?,
                license: candidate.id,
                signer: candidate.signer.clone().ok()?,
                plan: candidate.claims.plan,
                seat_limit: candidate.claims.admin_seats,
                node_limit: candidate.claims.dataplanes,
                features: candidate.claims.features.clone(),
                expires_at: candidate.claims.validity().expires_at,
            })
        });
        Self {
            application: application.to_owned(),
            license,
        }
    }

    /// Seats: none for unlimited, 0 without a license in force.
    pub fn seat_limit(&self) -> Option<u32> {
        self.license
            .as_ref()
            .map_or(Some(0), |license| license.seat_limit)
    }

    /// Nodes: none for unlimited, 0 without a license in force.
    pub fn node_limit(&self) -> Option<u32> {
        self.license
            .as_ref()
            .map_or(Some(0), |license| license.node_limit)
    }
}

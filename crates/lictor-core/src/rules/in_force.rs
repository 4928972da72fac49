//! Which of an application's licenses is in force, now and later, and what it grants.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::digest::Digest;
use crate::document::claims::Claims;
use crate::document::error::DocumentError;
use crate::document::trust::{TrustPolicy, TrustSet};
use crate::document::{Document, Signer};
use crate::error::Error;
use crate::facts::entitlement::{Entitlement, InForce};
use crate::facts::license::{FIRST, License, LicenseState};
use crate::feed::Content;
use crate::time::{Timestamp, Validity};

/// A stored license as the choice of the one in force sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub id: Uuid,
    /// When it was written: its `updated_at` and revision.
    pub written: (Timestamp, u64),
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
            written: (license.state.updated_at, license.state.revision),
            claims,
            signer: audience.and_then(|()| judge(&document)),
        })
    }

    /// Whether its signature was verified.
    pub fn is_verified(&self) -> bool {
        matches!(self.signer, Ok(Signer::Verified(_)))
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

/// What was found among an application's licenses before the lock was taken.
#[derive(Debug, Clone)]
pub struct FoundBefore<'a> {
    /// When the newest was written: its `updated_at` and revision. Those that were written up to then
    /// were looked at.
    pub newest: (Timestamp, u64),
    /// The one that was in force; where it is unverified, those too that would be in its place, one
    /// after the other.
    pub in_force: Vec<&'a Candidate>,
}

impl<'a> FoundBefore<'a> {
    /// By the licenses that can be in force from `now` on, the newest first, of which at most `most`
    /// are taken. Of those that were written at `whole_from` or later all that run are among them; of
    /// those before, what another outlasts may be missing.
    pub fn of(
        candidates: &'a [Candidate],
        newest: (Timestamp, u64),
        whole_from: (Timestamp, u64),
        now: Timestamp,
        most: usize,
    ) -> Self {
        let verified = in_force(candidates, now).filter(|one| one.counts(true));
        let runs = |one: &&Candidate| one.counts(false) && one.claims.validity().contains(now);
        let in_force = match verified {
            // What it has outlasted may be missing among them.
            Some(verified) => vec![verified],
            None => {
                let mut running = candidates.iter().filter(runs).take(most);
                let first = running.next();
                // Before one that was written earlier another may be missing that the first outlasts.
                let others = running.take_while(|one| one.written >= whole_from);
                first.into_iter().chain(others).collect()
            }
        };
        Self { newest, in_force }
    }
}

/// Which of an application's licenses is in force, by the newest of them alone, as they are while a
/// lock is held: all that were written after `all_after` are among them. Of those before, it goes by what
/// was known `before`, as far as that is still `stored`.
///
/// # Errors
/// [`Error::Outdated`] if it could be a license that is in neither.
pub fn in_force_since(
    newest_first: &[Candidate],
    all_after: (Timestamp, u64),
    before: Option<&FoundBefore<'_>>,
    stored: &BTreeMap<Uuid, LicenseState>,
    now: Timestamp,
) -> Result<Option<Candidate>, Error> {
    let found = in_force(newest_first, now);
    if all_after == FIRST || found.is_some_and(|one| one.counts(true)) {
        return Ok(found.cloned());
    }
    let before = before.ok_or(Error::Outdated)?;
    if all_after > before.newest {
        return Err(Error::Outdated);
    }
    let stands = |one: &&&Candidate| {
        let stored = stored.get(&one.id);
        stored.is_some_and(|stored| stored.revision == one.written.1)
    };
    let still = before.in_force.iter().find(stands).copied();
    let since = newest_first.iter();
    let since = since.filter(|one| one.written > before.newest);
    let choice: Vec<_> = since.chain(still).cloned().collect();
    let chosen = in_force(&choice, now);
    // After an unverified license that is gone, no other precedes what was written since.
    let is_told = chosen.is_some() && !before.in_force.iter().any(|one| one.counts(true));
    if still.is_none() && !before.in_force.is_empty() && !is_told {
        return Err(Error::Outdated);
    }
    Ok(chosen.cloned())
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
/// follows without a gap, be it a renewal or a license that a shorter one superseded. `None` if none is
/// in force now.
pub fn covered_until(candidates: &[Candidate], now: Timestamp) -> Option<Timestamp> {
    let counting = candidates.iter().filter(|one| one.signer.is_ok());
    let until = reach(counting, now);
    (until > now).then_some(until)
}

/// The first instant from `from` on at which none of these licenses is valid.
fn reach<'a>(candidates: impl Iterator<Item = &'a Candidate>, from: Timestamp) -> Timestamp {
    let mut spans: Vec<Validity> = candidates.map(|one| one.claims.validity()).collect();
    spans.sort_unstable_by_key(|span| span.begins_at);
    let mut until = from;
    for span in spans {
        if !span.has_begun(until) {
            break;
        }
        until = until.max(span.expires_at);
    }
    until
}

/// The last end of the verified ones that have begun; what is written before all of these and ends
/// no later can never be in force again.
pub fn verified_until(candidates: &[Candidate], now: Timestamp) -> Option<Timestamp> {
    let verified = candidates.iter().filter(|candidate| candidate.counts(true));
    let begun = verified
        .map(|candidate| candidate.claims.validity())
        .filter(|validity| validity.contains(now));
    begun.map(|validity| validity.expires_at).max()
}

/// Whether another license would be in force at some instant from `now` on if `mine`, which is
/// stored, were the one written last.
pub fn moves(candidates: &[Candidate], mine: &Candidate, now: Timestamp) -> bool {
    let Ok(signer) = &mine.signer else {
        return false;
    };
    let verified = signer.key_id().is_some();
    let passed = candidates
        .iter()
        .filter(|other| other.written > mine.written && other.counts(verified));
    let own = mine.claims.validity();
    let mut shared = passed.filter_map(|other| {
        let its = other.claims.validity();
        let from = now.max(own.begins_at).max(its.begins_at);
        let until = own.expires_at.min(its.expires_at);
        (from < until).then_some((from, until))
    });
    // Where a verified one is in force it does not matter which unverified one is the newest.
    let of_the_verified = || candidates.iter().filter(|other| other.counts(true));
    shared.any(|(from, until)| verified || reach(of_the_verified(), from) < until)
}

/// Which licenses of its application a new license follows and precedes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Succession {
    /// The one that is in force when it comes into force, and no longer from then on.
    pub takes_over_from: Option<Uuid>,
    /// The one that is in force when it ends.
    pub followed_by: Option<Uuid>,
    /// From when until when none is in force before it.
    pub gap_before: Option<(Timestamp, Timestamp)>,
    /// From when until when none is in force between it and another.
    pub gap_after: Option<(Timestamp, Timestamp)>,
}

impl Succession {
    /// The place of `new`; `before` are the licenses as they are without it, the newest first.
    pub fn of(before: &[Candidate], new: &Candidate, now: Timestamp) -> Self {
        let Validity {
            begins_at,
            expires_at,
        } = new.claims.validity();
        let from = now.max(begins_at);
        if new.signer.is_err() || expires_at <= from {
            return Self::default();
        }
        let mut others = before.to_vec();
        others.retain(|other| other.id != new.id);
        let old = in_force(before, from);
        let outranked = old.is_some_and(|old| old.counts(true)) && !new.counts(true);
        let counting = || others.iter().filter(|other| other.signer.is_ok());
        let spans = || counting().map(|other| other.claims.validity());
        let earlier = spans().filter(|span| span.begins_at < begins_at);
        let covered = earlier
            .map(|span| span.expires_at)
            .fold(now, Timestamp::max);
        let followed_by = in_force(&others, expires_at);
        let later = spans().filter(|span| span.begins_at > expires_at);
        let next = later.map(|span| span.begins_at).min();
        Self {
            takes_over_from: old.filter(|_| !outranked).map(|old| old.id),
            followed_by: followed_by.map(|other| other.id),
            gap_before: (covered < begins_at).then_some((covered, begins_at)),
            gap_after: next
                .filter(|_| followed_by.is_none())
                .map(|next| (expires_at, next)),
        }
    }
}

impl Entitlement {
    /// What an application is granted by the one of its licenses that is in force.
    pub fn of(application: &str, newest_first: &[Candidate], now: Timestamp) -> Self {
        let license = in_force(newest_first, now).and_then(|candidate| {
            Some(InForce {
                covered_until: covered_until(newest_first, now)?,
                license: candidate.id,
                written: candidate.written,
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
}

impl Content {
    /// The licenses as the choice of the one in force sees them. Those that cannot be read, or name
    /// another application, are left out.
    pub fn candidates(
        &self,
        organization: Uuid,
        trust: &TrustSet,
        policy: TrustPolicy,
    ) -> Vec<Candidate> {
        let judged = self.licenses.iter().filter_map(|delivered| {
            let license = License {
                id: delivered.id,
                payload: delivered.payload.as_str().into(),
                state: LicenseState {
                    application: self.application.clone(),
                    payload_sha256: Digest::of(delivered.payload.as_bytes()),
                    created_at: delivered.created_at,
                    updated_at: delivered.updated_at,
                    revision: delivered.revision,
                },
            };
            Candidate::of(&license, organization, trust, policy).ok()
        });
        judged
            .filter(|candidate| candidate.claims.application == self.application)
            .collect()
    }
}

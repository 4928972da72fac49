//! How stored licenses stand: in force, waiting, expired, superseded or rejected.

use std::collections::HashMap;
use std::sync::Arc;

use lictor_core::facts::entitlement::Entitlement;
use lictor_core::facts::license::License;
use lictor_core::rules::in_force::{Candidate, Succession};
use lictor_core::{Claims, DocumentError, Error, Signer, Timestamp};
use uuid::Uuid;

use super::permits::Permit;
use super::right::{Licenses, Read, Write};
use super::{Authority, Call};

/// How a stored license stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is in force.
    InForce,
    /// Its creation date has not begun.
    Waiting,
    /// Its expiration date has been reached.
    Expired,
    /// Another license of the application goes before it: this one. `None` if the license was removed while it was
    /// looked at.
    Superseded(Option<Uuid>),
    /// It counts for nothing: its signature cannot be relied on.
    Rejected(DocumentError),
}

/// What the applications of some licenses are entitled to, by their keys.
pub struct Entitlements(HashMap<String, Arc<Entitlement>>);

/// A stored license with its claims, and how it stands.
#[derive(Debug, Clone)]
pub struct StandingLicense {
    /// The license.
    pub license: License,
    /// Its claims.
    pub claims: Claims,
    /// Who signed it.
    pub signer: Signer,
    /// How it stands.
    pub standing: Standing,
    /// How many dates lie between today and the expiration date; 0 once expired.
    pub days_left: i64,
    /// Until when its application is covered, by it or by others; none: no license is in force.
    pub covered_until: Option<Timestamp>,
}

impl Authority {
    /// How a stored license stands, for who may look at licenses or change them.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn standing<A>(
        &self,
        permit: Permit<'_, Licenses, A>,
        license: License,
    ) -> Result<StandingLicense, Error> {
        let call = permit.call();
        let entitlement = self
            .entitlement_now(call, &license.state.application)
            .await?;
        self.stand(call, license, &entitlement)
    }

    /// What the applications of these licenses are entitled to.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn entitlements_of(
        &self,
        permit: Permit<'_, Licenses, Read>,
        licenses: &[License],
    ) -> Result<Entitlements, Error> {
        let call = permit.call();
        let mut all = HashMap::new();
        for license in licenses {
            let key = &license.state.application;
            if !all.contains_key(key) {
                all.insert(key.clone(), self.entitlement_now(call, key).await?);
            }
        }
        Ok(Entitlements(all))
    }

    /// How one of these licenses stands.
    ///
    /// # Errors
    /// [`Error::Internal`] for a document that was never admitted, or a license of others.
    pub fn standing_by(
        &self,
        permit: Permit<'_, Licenses, Read>,
        license: License,
        entitlements: &Entitlements,
    ) -> Result<StandingLicense, Error> {
        let entitlement = entitlements.0.get(&license.state.application);
        let entitlement = entitlement.ok_or_else(|| Error::internal("no entitlement was read"))?;
        self.stand(permit.call(), license, entitlement)
    }

    /// How a license stands that is just being written, and where among the others: `before` are those
    /// that were there.
    ///
    /// # Errors
    /// [`Error::Internal`] for a document that was never admitted.
    pub fn standing_when_written(
        &self,
        permit: Permit<'_, Licenses, Write>,
        license: License,
        before: &[Candidate],
    ) -> Result<(StandingLicense, Succession), Error> {
        let call = permit.call();
        let new = self.candidate(call, &license, &self.cache.installation())?;
        let place = Succession::of(before, &new, call.now.wall());
        let others = before.iter().filter(|other| other.id != new.id);
        let newest_first: Vec<_> = std::iter::once(&new).chain(others).cloned().collect();
        let entitlement =
            Entitlement::of(&license.state.application, &newest_first, call.now.wall());
        Ok((self.stand(call, license, &entitlement)?, place))
    }

    fn stand(
        &self,
        call: &Call,
        license: License,
        entitlement: &Entitlement,
    ) -> Result<StandingLicense, Error> {
        let candidate = self.candidate(call, &license, &self.cache.installation())?;
        let validity = candidate.claims.validity();
        let in_force = entitlement
            .license
            .as_ref()
            .map(|in_force| in_force.license);
        let standing = match (&candidate.signer, in_force) {
            (_, Some(in_force)) if in_force == license.id => Standing::InForce,
            (Err(error), _) => Standing::Rejected(error.clone()),
            _ if validity.has_expired(call.now.wall()) => Standing::Expired,
            _ if !validity.has_begun(call.now.wall()) => Standing::Waiting,
            (Ok(_), other) => Standing::Superseded(other),
        };
        Ok(StandingLicense {
            license,
            signer: candidate.signer.unwrap_or(Signer::Unverified),
            claims: candidate.claims,
            standing,
            days_left: validity.days_left(call.now.wall()),
            covered_until: entitlement.license.as_ref().map(|one| one.covered_until),
        })
    }
}

//! What is delivered to the nodes of one application: the licenses that can be in force there, the
//! trusted keys and the policy. The same revision always has the same content.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lictor_core::digest::Digest;
use lictor_core::facts::license::License;
use lictor_core::feed::{Content, DeliveredKey, DeliveredLicense, NodePolicy};
use lictor_core::rules::in_force::Candidate;
use lictor_core::{Error, Signer, Timestamp, TrustPolicy, Validity};
use lictor_store::NodesBasis;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::super::Authority;
use super::super::cache::Installation;

/// The most licenses that a state carries: the newest.
const MAX_LICENSES: usize = 256;

/// With the license by which their payloads come to so many bytes, a state carries no more.
const MAX_PAYLOADS: usize = 1024 * 1024;

/// How often a delivery is read again because keys changed meanwhile.
const ATTEMPTS: usize = 16;

/// What is delivered under one revision.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// The revision of the state.
    pub(crate) revision: u64,
    /// The content, as exact text.
    pub(crate) content: Box<RawValue>,
    /// The SHA-256 of that text.
    pub(crate) content_sha256: Digest,
    /// How long the nodes go on without news.
    pub(crate) policy: NodePolicy,
}

impl Authority {
    /// What is delivered now to the nodes of an application.
    ///
    /// # Errors
    /// A fault of the store.
    pub(crate) async fn delivery(
        &self,
        organization: Uuid,
        application: &str,
    ) -> Result<Arc<Delivery>, Error> {
        let now = (!self.store.is_exclusive()).then(|| self.clock.now().elapsed());
        let fresh = self.read_delivery(organization, application);
        self.feed
            .delivery((organization, application), now, fresh)
            .await
    }

    /// Reads all as it is at one instant, so that nobody who writes meanwhile makes it fail.
    async fn read_delivery(
        &self,
        organization: Uuid,
        application: &str,
    ) -> Result<Delivery, Error> {
        for _ in 0..ATTEMPTS {
            let installation = self.cache.installation();
            let trust = &installation.trust;
            let none_is_verified =
                trust.policy == TrustPolicy::Structural && trust.keys.iter().next().is_none();
            let choice = Arc::new(Mutex::new(Choice {
                none_is_verified,
                ..Choice::default()
            }));
            let (chosen, cache) = (Arc::clone(&choice), Arc::clone(&self.cache));
            let known = Arc::clone(&installation);
            let choose = move |page: Vec<License>| {
                let judge = |license: &License| cache.judged(organization, license, &known);
                locked(&chosen).take_page(&page, judge)
            };
            let read = self
                .store
                .choose_licenses(organization, application, Box::new(choose))
                .await?;
            // The tick of a change is known before the keys are read again.
            if installation.trust_changed == read.basis.trust {
                let licenses = std::mem::take(&mut *locked(&choice)).into_taken()?;
                return delivered(application, &installation, read, licenses);
            }
            self.cache
                .forget_entitlements(self.store.as_ref(), organization, &[])
                .await?;
        }
        Err(Error::Outdated)
    }
}

fn locked(choice: &Mutex<Choice>) -> MutexGuard<'_, Choice> {
    choice.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was read, as it is delivered.
fn delivered(
    application: &str,
    installation: &Installation,
    read: NodesBasis,
    licenses: Vec<DeliveredLicense>,
) -> Result<Delivery, Error> {
    let keys = installation.trust.keys.iter().map(|(_, key)| DeliveredKey {
        public_key: key.public_key.clone(),
        status: key.status,
        rotation: read
            .rotations
            .iter()
            .find(|rotation| rotation.to == key.public_key)
            .cloned(),
    });
    let content = Content {
        application: application.to_owned(),
        policy: installation.trust.policy,
        keys: keys.collect(),
        licenses,
        node_policy: read.settings.policy,
    };
    let text = content.to_text().map_err(Error::internal)?;
    Ok(Delivery {
        revision: read.settings.state_revision(read.basis),
        content_sha256: Digest::of(text.get().as_bytes()),
        content: text,
        policy: read.settings.policy,
    })
}

/// Which licenses are delivered: all but those that a later-written one outlasts, which had begun when
/// it was written. It looks at no clock, else the same revision would have another content the next
/// day: a license that had begun when it was written has begun since.
#[derive(Default)]
struct Choice {
    /// No license can be verified.
    none_is_verified: bool,
    taken: Vec<DeliveredLicense>,
    /// What their payloads come to, in bytes.
    payloads: usize,
    /// The last end of the verified ones so far that had begun when they were written.
    verified_until: Option<Timestamp>,
    /// The same of the verified and unverified ones.
    unverified_until: Option<Timestamp>,
    /// Why there is no choice.
    fault: Option<Error>,
}

impl Choice {
    /// What was taken.
    ///
    /// # Errors
    /// [`Error::Internal`] for a document that was never admitted.
    fn into_taken(self) -> Result<Vec<DeliveredLicense>, Error> {
        self.fault.map_or(Ok(self.taken), Err)
    }

    /// Takes a page, and says which older ones can still count: those alone that end after the verified
    /// ones that run, or after the others where none is verified.
    fn take_page(
        &mut self,
        page: &[License],
        judge: impl Fn(&License) -> Result<Candidate, Error>,
    ) -> ControlFlow<(), Option<Timestamp>> {
        for license in page {
            match judge(license) {
                Ok(candidate) => self.take(license, &candidate),
                Err(fault) => {
                    self.fault = Some(fault);
                    return ControlFlow::Break(());
                }
            }
            if self.is_full() {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(match self.none_is_verified {
            true => self.unverified_until,
            false => self.verified_until,
        })
    }

    fn is_full(&self) -> bool {
        self.taken.len() == MAX_LICENSES || self.payloads >= MAX_PAYLOADS
    }

    /// Takes a license unless one that was taken goes before it for as long as it lasts. Newer ones
    /// come first.
    fn take(&mut self, license: &License, candidate: &Candidate) {
        let Validity {
            begins_at,
            expires_at,
        } = candidate.claims.validity();
        let verified = match candidate.signer {
            Ok(Signer::Verified(_)) => true,
            Ok(Signer::Unverified) => false,
            Err(_) => return,
        };
        let outlasting = if verified {
            self.verified_until
        } else {
            self.unverified_until
        };
        if outlasting.is_some_and(|until| expires_at <= until) {
            return;
        }
        if begins_at <= license.state.updated_at {
            self.unverified_until = self.unverified_until.max(Some(expires_at));
            if verified {
                self.verified_until = Some(expires_at);
            }
        }
        self.payloads += license.payload.len();
        self.taken.push(DeliveredLicense {
            id: license.id,
            payload: license.payload.to_string(),
            created_at: license.state.created_at,
            updated_at: license.state.updated_at,
            revision: license.state.revision,
        });
    }
}

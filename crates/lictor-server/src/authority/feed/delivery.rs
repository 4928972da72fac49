//! What is delivered to the nodes of one application: the licenses that can be in force there, the
//! trusted keys and the policy. The same revision always has the same content.

use std::sync::Arc;

use lictor_core::change::Digest;
use lictor_core::feed::{Content, DeliveredKey, DeliveredLicense, NodePolicy};
use lictor_core::license::Candidate;
use lictor_core::time::Validity;
use lictor_core::{Basis, Error, License, NodeSettings, Signer, Timestamp};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::super::Authority;
use super::super::cache::Installation;

/// The most licenses that a state carries: the newest.
const MAX_LICENSES: usize = 256;

/// With the license by which their payloads come to so many bytes, a state carries no more.
const MAX_PAYLOADS: usize = 1024 * 1024;

/// How many licenses are read at once.
const PAGE: usize = 32;

/// How often a delivery is read again because something changed meanwhile.
const ATTEMPTS: usize = 16;

/// What is delivered under one revision.
#[derive(Debug)]
pub(in crate::authority) struct Delivery {
    /// The revision of the state.
    pub(in crate::authority) revision: u64,
    /// The content, as exact text.
    pub(in crate::authority) content: Box<RawValue>,
    /// The SHA-256 of that text.
    pub(in crate::authority) content_sha256: Digest,
    /// How long the nodes go on without news.
    pub(in crate::authority) policy: NodePolicy,
}

impl Authority {
    /// What is delivered now to the nodes of an application.
    ///
    /// # Errors
    /// A fault of the store.
    pub(in crate::authority) async fn delivery(
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

    /// The revision of the newest state of an application's nodes, and the digest of its content; that is
    /// none where licenses are written faster than they can be read together.
    ///
    /// # Errors
    /// A fault of the store.
    pub(in crate::authority) async fn newest_revision(
        &self,
        organization: Uuid,
        application: &str,
    ) -> Result<(u64, Option<Digest>), Error> {
        match self.delivery(organization, application).await {
            Ok(delivery) => Ok((delivery.revision, Some(delivery.content_sha256))),
            Err(Error::Outdated) => {
                let (basis, settings) = self.delivery_basis(organization).await?;
                Ok((settings.state_revision(basis), None))
            }
            Err(error) => Err(error),
        }
    }

    /// Reads until nothing changed from the first read to the last.
    async fn read_delivery(
        &self,
        organization: Uuid,
        application: &str,
    ) -> Result<Delivery, Error> {
        for _ in 0..ATTEMPTS {
            let before = self.delivery_basis(organization).await?;
            let installation = self.cache.installation();
            if installation.trust_changed == before.0.trust {
                let content = self
                    .content(organization, application, &installation, before.1.policy)
                    .await?;
                if self.delivery_basis(organization).await? == before {
                    let (basis, settings) = before;
                    let text = content.to_text().map_err(Error::internal)?;
                    return Ok(Delivery {
                        revision: settings.state_revision(basis),
                        content_sha256: Digest::of(text.get().as_bytes()),
                        content: text,
                        policy: settings.policy,
                    });
                }
            }
            self.cache
                .forget_entitlements(self.store.as_ref(), organization, &[])
                .await?;
        }
        Err(Error::Outdated)
    }

    async fn delivery_basis(&self, organization: Uuid) -> Result<(Basis, NodeSettings), Error> {
        let settings = self.store.node_settings(organization).await?;
        Ok((self.store.basis(organization).await?, settings))
    }

    async fn content(
        &self,
        organization: Uuid,
        application: &str,
        installation: &Installation,
        node_policy: NodePolicy,
    ) -> Result<Content, Error> {
        let rotations = self.store.rotations().await?;
        let keys = installation.trust.keys.iter().map(|(_, key)| DeliveredKey {
            public_key: key.public_key.clone(),
            status: key.status,
            rotation: rotations
                .iter()
                .find(|rotation| rotation.to == key.public_key)
                .cloned(),
        });
        Ok(Content {
            application: application.to_owned(),
            policy: installation.trust.policy,
            keys: keys.collect(),
            licenses: self
                .deliverable(organization, application, installation)
                .await?,
            node_policy,
        })
    }

    /// The newest of the licenses that can be in force at some time from now on.
    async fn deliverable(
        &self,
        organization: Uuid,
        application: &str,
        installation: &Installation,
    ) -> Result<Vec<DeliveredLicense>, Error> {
        let mut choice = Choice::default();
        let mut before = None;
        loop {
            let page = self
                .store
                .newest_licenses(
                    organization,
                    application,
                    before,
                    choice.verified_until,
                    PAGE,
                )
                .await?;
            for license in &page {
                let candidate = self.cache.judged(organization, license, installation)?;
                choice.take(license, &candidate);
                if choice.is_full() {
                    return Ok(choice.taken);
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE => {
                    before = Some((last.state.updated_at, last.state.revision));
                }
                Some(_) | None => return Ok(choice.taken),
            }
        }
    }
}

/// Which licenses are delivered: all but those that a later-written one outlasts, which had begun when
/// it was written. It looks at no clock, else the same revision would have another content the next
/// day: a license that had begun when it was written has begun since.
#[derive(Default)]
struct Choice {
    taken: Vec<DeliveredLicense>,
    /// What their payloads come to, in bytes.
    payloads: usize,
    /// The last end of the verified ones so far that had begun when they were written.
    verified_until: Option<Timestamp>,
    /// The same of the verified and unverified ones.
    unverified_until: Option<Timestamp>,
}

impl Choice {
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

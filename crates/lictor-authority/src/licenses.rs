//! Licenses: add, replace, change, remove, read.

use std::sync::Arc;

use lictor_core::decision::Decision;
use lictor_core::facts::license::{License, LicenseState, MAX_PAYLOAD_BYTES};
use lictor_core::rules::license::{self, Admissible, Repetition, WrittenLicense};
use lictor_core::state::State;
use lictor_core::{Error, Timestamp};
use lictor_store::Fact;
use uuid::Uuid;

use super::long_work::Turn;
use super::permits::Permit;
use super::right::{Licenses, Read, Write};
use super::{Authority, CachedLicense, Call};
use crate::random;

/// A page of more licenses keeps a processor busy for long.
const SHORT_PAGE: usize = 128;

/// Whether a page of so many licenses is read in turn with other long ones.
pub fn is_long_page(limit: usize) -> bool {
    limit > SHORT_PAGE
}

/// How often a repeated license is looked at while others change, before it is written all the same.
const LOOKS: usize = 4;

/// A license to store, as a client gives it.
#[derive(Debug, Clone)]
pub struct NewLicense {
    /// The document, kept byte for byte.
    pub payload: Arc<str>,
    /// When it was created, if the client says so.
    pub created_at: Option<Timestamp>,
}

/// What to change of a stored license.
#[derive(Debug, Clone, Default)]
pub struct Patch {
    /// The new document.
    pub payload: Option<Arc<str>>,
    /// The new creation time.
    pub created_at: Option<Timestamp>,
}

/// What the payloads of these come to, in bytes.
pub fn payload_bytes(licenses: &[License]) -> usize {
    licenses.iter().map(|license| license.payload.len()).sum()
}

impl Authority {
    /// One license of the organization.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn license(
        &self,
        permit: Permit<'_, Licenses, Read>,
        id: Uuid,
    ) -> Result<Option<Arc<CachedLicense>>, Error> {
        let call = permit.call();
        self.cache
            .license(self.store.as_ref(), call.organization.id, id)
            .await
    }

    /// The same for who may change it.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn license_to_change(
        &self,
        permit: Permit<'_, Licenses, Write>,
        id: Uuid,
    ) -> Result<Option<Arc<CachedLicense>>, Error> {
        let call = permit.call();
        self.cache
            .license(self.store.as_ref(), call.organization.id, id)
            .await
    }

    /// At most `limit` licenses in order of their ids, beginning after `after`; of one
    /// application, or of all.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn licenses(
        &self,
        permit: Permit<'_, Licenses, Read>,
        application: Option<&str>,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<License>, Error> {
        let call = permit.call();
        self.store
            .licenses(call.organization.id, application, after, limit)
            .await
    }

    /// Waits for an organization's turn to have a [long page](is_long_page) of licenses read and made; it
    /// ends when it is dropped.
    ///
    /// # Errors
    /// None that is known of.
    pub async fn turn_for_long_page(&self, organization: Uuid) -> Result<Turn, Error> {
        self.long_pages.take(organization).await
    }

    /// Adds a license under a new id, or under `id` if it is free.
    ///
    /// # Errors
    /// [`Error::InvalidDocument`], [`Error::AlreadyExists`], or a fault of
    /// the store.
    pub async fn add_license(
        &self,
        permit: Permit<'_, Licenses, Write>,
        id: Option<Uuid>,
        new: NewLicense,
    ) -> Result<License, Error> {
        let call = permit.call();
        let id = id.map_or_else(|| random::id(&self.clock), Ok)?;
        let document = Arc::new(self.examine(call, new.payload)?);
        let (given, now) = (Arc::clone(&document), call.now.wall());
        let added = self.decide(call, facts(id, Some(&document)), move |state| {
            license::add(state, id, &given, new.created_at, now)
        });
        Ok(added.await?.license)
    }

    /// Adds a license under `id` or replaces the one that is there. The flag tells whether it was
    /// added. What is there already is written again only if that moves what is in force.
    ///
    /// # Errors
    /// As [`Authority::add_license`], and [`Error::RevisionMismatch`] where `expected` is not the
    /// stored revision.
    pub async fn put_license(
        &self,
        permit: Permit<'_, Licenses, Write>,
        id: Uuid,
        new: NewLicense,
        expected: Option<u64>,
    ) -> Result<WrittenLicense, Error> {
        let call = permit.call();
        let document = Arc::new(self.examine(call, new.payload)?);
        let (given, now) = (Arc::clone(&document), call.now.wall());
        self.write_document(call, id, &document, move |state, repetition| {
            let created_at = new.created_at;
            license::put(state, id, &given, created_at, expected, repetition, now)
        })
        .await
    }

    /// Changes what is given of a stored license. Without a document its `updated_at` moves in any case;
    /// with the one that is stored, only if that moves what is in force.
    ///
    /// # Errors
    /// [`Error::NotFound`] before the document is looked at,
    /// [`Error::InvalidDocument`], or a fault of the store.
    pub async fn patch_license(
        &self,
        permit: Permit<'_, Licenses, Write>,
        id: Uuid,
        patch: Patch,
    ) -> Result<License, Error> {
        let call = permit.call();
        let stored = self
            .cache
            .license(self.store.as_ref(), call.organization.id, id)
            .await?;
        let stored = stored.ok_or_else(|| Error::no_license(id))?;
        let (created_at, now) = (patch.created_at, call.now.wall());
        let Some(payload) = patch.payload else {
            let touched = self.decide(call, facts(id, None), move |state| {
                license::touch(state, id, created_at, now)
            });
            return self
                .touched_license(call, id, touched.await?, &stored)
                .await;
        };
        let document = Arc::new(self.examine(call, payload)?);
        let given = Arc::clone(&document);
        let written = self.write_document(call, id, &document, move |state, repetition| {
            license::patch(state, id, &given, created_at, repetition, now)
        });
        Ok(written.await?.license)
    }

    /// Removes a license, and tells whether it was there.
    ///
    /// # Errors
    /// [`Error::RevisionMismatch`], or a fault of the store.
    pub async fn remove_license(
        &self,
        permit: Permit<'_, Licenses, Write>,
        id: Uuid,
        expected: Option<u64>,
    ) -> Result<bool, Error> {
        let call = permit.call();
        self.decide(call, facts(id, None), move |state| {
            license::remove(state, id, expected)
        })
        .await
    }

    /// Says what is wrong with a document without storing it. A retired key is not found out here,
    /// for it still lets the document that is stored already be written again.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], [`Error::InvalidDocument`].
    pub fn check_license(
        &self,
        permit: Permit<'_, Licenses, Write>,
        payload: Arc<str>,
    ) -> Result<(), Error> {
        let call = permit.call();
        self.examine(call, payload).map(drop)
    }

    fn examine(&self, call: &Call, payload: Arc<str>) -> Result<Admissible, Error> {
        if payload.len() > MAX_PAYLOAD_BYTES {
            let reason = format!("length must be at most {MAX_PAYLOAD_BYTES}");
            return Err(Error::InvalidInput {
                field: "payload",
                reason,
            });
        }
        let trust = self.trust_now();
        let examined = license::examine(payload, call.organization.id, &trust.keys, trust.policy)?;
        Ok(examined)
    }

    /// Writes a document that may be stored already.
    async fn write_document(
        &self,
        call: &Call,
        id: Uuid,
        document: &Admissible,
        decide: impl Fn(&State, Option<Repetition>) -> Result<Decision<WrittenLicense>, Error>
        + Send
        + Sync
        + 'static,
    ) -> Result<WrittenLicense, Error> {
        let decide = Arc::new(decide);
        let decided = |repetition| {
            let decide = Arc::clone(&decide);
            move |state: &State| decide(state, repetition)
        };
        let (store, organization) = (self.store.as_ref(), call.organization.id);
        for _ in 0..LOOKS {
            let stored = self.cache.license(store, organization, id).await;
            let repetition = match stored {
                Ok(Some(stored)) if stored.payload == *document.payload() => {
                    Some(self.repetition(call, &stored).await?)
                }
                Ok(_) => None,
                // What cannot be read can be written anew.
                Err(_) => Some(Repetition::unseen()),
            };
            let mut facts = facts(id, Some(document));
            facts.extend(repetition.is_some().then_some(Fact::Trust));
            match self.decide(call, facts, decided(repetition)).await {
                Err(Error::Outdated) => {}
                other => return other,
            }
            let applications = [document.application().to_owned()];
            self.cache
                .forget_entitlements(store, organization, &applications)
                .await?;
        }
        // So can what does not hold still.
        let decided = decided(Some(Repetition::unseen()));
        self.decide(call, facts(id, Some(document)), decided).await
    }

    /// A touch keeps the document that was stored at the time of the write, which may be newer
    /// than the one that was read before.
    async fn touched_license(
        &self,
        call: &Call,
        id: Uuid,
        touched: LicenseState,
        before: &License,
    ) -> Result<License, Error> {
        if touched.payload_sha256 == before.state.payload_sha256 {
            return Ok(License {
                id,
                payload: Arc::clone(&before.payload),
                state: touched,
            });
        }
        let now = self.store.license(call.organization.id, id).await?;
        now.ok_or_else(|| Error::no_license(id))
    }
}

/// What is looked at to write a license.
fn facts(id: Uuid, document: Option<&Admissible>) -> Vec<Fact> {
    let mut facts = vec![Fact::License(id)];
    if let Some(document) = document {
        facts.push(Fact::Application(document.application().to_owned()));
        facts.extend(document.signer().key_id().map(Fact::Key));
    }
    facts
}

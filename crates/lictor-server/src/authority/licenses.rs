//! Licenses: add, replace, change, remove, read.

use std::sync::Arc;

use lictor_core::change::Change;
use lictor_core::facts::license::License;
use lictor_core::facts::right::Resource;
use lictor_core::ledger::Entry;
use lictor_core::rules::license::{self, Admissible, Repetition};
use lictor_core::{Error, Timestamp, facts};
use lictor_store::{Fact, Rule, Written};
use uuid::Uuid;

use super::labor::Turn;
use super::{Authority, Call, KeptLicense};
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
    /// [`Error::Forbidden`], or a fault of the store.
    pub async fn license(&self, call: &Call, id: Uuid) -> Result<Option<Arc<KeptLicense>>, Error> {
        call.may_read(Resource::Licenses)?;
        self.cache
            .license(self.store.as_ref(), call.organization.id, id)
            .await
    }

    /// The same for who may change it.
    ///
    /// # Errors
    /// [`Error::Forbidden`], or a fault of the store.
    pub async fn license_to_change(
        &self,
        call: &Call,
        id: Uuid,
    ) -> Result<Option<Arc<KeptLicense>>, Error> {
        call.may_write(Resource::Licenses)?;
        self.cache
            .license(self.store.as_ref(), call.organization.id, id)
            .await
    }

    /// At most `limit` licenses in order of their ids, beginning behind `after`; of one
    /// application, or of all.
    ///
    /// # Errors
    /// [`Error::Forbidden`], or a fault of the store.
    pub async fn licenses(
        &self,
        call: &Call,
        application: Option<&str>,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<License>, Error> {
        call.may_read(Resource::Licenses)?;
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
    /// [`Error::Forbidden`], [`Error::InvalidDocument`], [`Error::AlreadyExists`], or a fault of
    /// the store.
    pub async fn add_license(
        &self,
        call: &Call,
        id: Option<Uuid>,
        new: NewLicense,
    ) -> Result<License, Error> {
        call.may_write(Resource::Licenses)?;
        let id = id.map_or_else(|| random::id(&self.clock), Ok)?;
        let document = Arc::new(self.examine(call, new.payload)?);
        let (rule_document, now) = (document.clone(), call.now.wall());
        let rule =
            Arc::new(move |state: &_| license::add(state, id, &rule_document, new.created_at, now));
        let written = self
            .write_license(call, id, Some(&document), None, rule)
            .await?;
        written_license(&written, document.payload())
    }

    /// Adds a license under `id` or replaces the one that is there. The flag tells whether it was
    /// added. What is there already is written again only if that moves what is in force.
    ///
    /// # Errors
    /// As [`Authority::add_license`], and [`Error::RevisionMismatch`] where `expected` is not the
    /// stored revision.
    pub async fn put_license(
        &self,
        call: &Call,
        id: Uuid,
        new: NewLicense,
        expected: Option<u64>,
    ) -> Result<(License, bool), Error> {
        call.may_write(Resource::Licenses)?;
        let document = Arc::new(self.examine(call, new.payload)?);
        let (rule_document, now) = (document.clone(), call.now.wall());
        let rule = |repetition| -> Rule {
            let document = rule_document.clone();
            Arc::new(move |state| {
                let created_at = new.created_at;
                license::put(state, id, &document, created_at, expected, repetition, now)
            })
        };
        let written = self.write_document(call, id, &document, rule).await?;
        let added =
            |entry: &Entry| matches!(entry.change, Change::LicenseWritten { replaces: None, .. });
        let added = written.entries.iter().any(added);
        Ok((written_license(&written, document.payload())?, added))
    }

    /// Changes what is given of a stored license. Without a document its `updated_at` moves in any case;
    /// with the one that is stored, only if that moves what is in force.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`] before the document is looked at,
    /// [`Error::InvalidDocument`], or a fault of the store.
    pub async fn patch_license(
        &self,
        call: &Call,
        id: Uuid,
        patch: Patch,
    ) -> Result<License, Error> {
        call.may_write(Resource::Licenses)?;
        let stored = self
            .cache
            .license(self.store.as_ref(), call.organization.id, id)
            .await?;
        let stored = stored.ok_or_else(|| Error::no_license(id))?;
        let document = patch
            .payload
            .map(|payload| self.examine(call, payload))
            .transpose()?
            .map(Arc::new);
        let (rule_document, now) = (document.clone(), call.now.wall());
        let rule = |repetition| -> Rule {
            let document = rule_document.clone();
            Arc::new(move |state| {
                let (document, created_at) = (document.as_deref(), patch.created_at);
                license::patch(state, id, document, created_at, repetition, now)
            })
        };
        match document {
            Some(document) => {
                let written = self.write_document(call, id, &document, rule).await?;
                written_license(&written, document.payload())
            }
            None => {
                let written = self.write_license(call, id, None, None, rule(None)).await?;
                self.touched_license(call, &written, &stored).await
            }
        }
    }

    /// Removes a license, and tells whether it was there.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::RevisionMismatch`], or a fault of the store.
    pub async fn remove_license(
        &self,
        call: &Call,
        id: Uuid,
        expected: Option<u64>,
    ) -> Result<bool, Error> {
        call.may_write(Resource::Licenses)?;
        let rule = Arc::new(move |state: &_| license::remove(state, id, expected));
        let written = self.write_license(call, id, None, None, rule).await?;
        Ok(!written.entries.is_empty())
    }

    /// Says what is wrong with a document without storing it. A retired key is not found out here,
    /// for it still lets the document that is stored already be written again.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::InvalidInput`], [`Error::InvalidDocument`].
    pub fn check_license(&self, call: &Call, payload: Arc<str>) -> Result<(), Error> {
        call.may_write(Resource::Licenses)?;
        self.examine(call, payload).map(drop)
    }

    fn examine(&self, call: &Call, payload: Arc<str>) -> Result<Admissible, Error> {
        if payload.len() > facts::license::MAX_PAYLOAD_BYTES {
            let reason = format!(
                "length must be at most {}",
                facts::license::MAX_PAYLOAD_BYTES
            );
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
        rule: impl Fn(Option<Repetition>) -> Rule + Send + Sync,
    ) -> Result<Written, Error> {
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
            let looked = repetition.is_some().then_some(Fact::Trust);
            let decided = rule(repetition);
            match self
                .write_license(call, id, Some(document), looked, decided)
                .await
            {
                Err(Error::Outdated) => {}
                other => return other,
            }
            let applications = [document.application().to_owned()];
            self.cache
                .forget_entitlements(store, organization, &applications)
                .await?;
        }
        // So can what does not hold still.
        let decided = rule(Some(Repetition::unseen()));
        self.write_license(call, id, Some(document), None, decided)
            .await
    }

    async fn write_license(
        &self,
        call: &Call,
        id: Uuid,
        document: Option<&Admissible>,
        more: Option<Fact>,
        rule: Rule,
    ) -> Result<Written, Error> {
        let mut facts = vec![Fact::License(id)];
        facts.extend(more);
        if let Some(document) = document {
            facts.push(Fact::Application(document.application().to_owned()));
            facts.extend(document.signer().key_id().map(Fact::Key));
        }
        self.write(call, call.organization.id, facts, rule).await
    }

    /// A touch keeps the document that was stored at the time of the write, which may be newer
    /// than the one that was read before.
    async fn touched_license(
        &self,
        call: &Call,
        written: &Written,
        before: &License,
    ) -> Result<License, Error> {
        let touched = written_license(written, &before.payload)?;
        if touched.state.payload_sha256 == before.state.payload_sha256 {
            return Ok(touched);
        }
        let now = self.store.license(call.organization.id, touched.id).await?;
        now.ok_or_else(|| Error::no_license(touched.id))
    }
}

/// The license that a write was about, as it is after it.
///
/// # Errors
/// [`Error::Internal`] if it was about none.
pub fn written_license(written: &Written, payload: &Arc<str>) -> Result<License, Error> {
    let license = written
        .state
        .licenses
        .first_key_value()
        .map(|(id, state)| License {
            id: *id,
            payload: payload.clone(),
            state: state.clone(),
        });
    license.ok_or_else(|| Error::internal("a license write was about no license"))
}

//! Licenses: add, replace, change, remove, read.

use std::sync::Arc;

use lictor_core::license::{self, Admissible};
use lictor_core::{Change, Entry, Error, License, Resource, State, Timestamp};
use lictor_store::{Fact, Written};
use uuid::Uuid;

use super::{Authority, Call, KeptLicense};
use crate::random;

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
        let written = self.write_license(call, id, Some(&document), rule).await?;
        written_license(&written.entries, document.payload())
    }

    /// Adds a license under `id` or replaces the one that is there. The flag tells whether it was
    /// added.
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
        let rule = Arc::new(move |state: &_| {
            license::put(state, id, &rule_document, new.created_at, expected, now)
        });
        let written = self.write_license(call, id, Some(&document), rule).await?;
        let added =
            |entry: &Entry| matches!(entry.change, Change::LicenseWritten { replaces: None, .. });
        let added = written.entries.iter().any(added);
        Ok((
            written_license(&written.entries, document.payload())?,
            added,
        ))
    }

    /// Changes what is given of a stored license; its `updated_at` moves in any case.
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
        let rule = Arc::new(move |state: &_| {
            license::patch(state, id, rule_document.as_deref(), patch.created_at, now)
        });
        let written = self
            .write_license(call, id, document.as_deref(), rule)
            .await?;
        match document {
            Some(document) => written_license(&written.entries, document.payload()),
            None => self.touched_license(call, &written, &stored).await,
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
        let written = self.write_license(call, id, None, rule).await?;
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
        if payload.len() > license::MAX_PAYLOAD_BYTES {
            let reason = format!("length must be at most {}", license::MAX_PAYLOAD_BYTES);
            return Err(Error::InvalidInput {
                field: "payload",
                reason,
            });
        }
        let trust = self.trust_now();
        let examined = license::examine(payload, call.organization.id, &trust.keys, trust.policy)?;
        Ok(examined)
    }

    async fn write_license(
        &self,
        call: &Call,
        id: Uuid,
        document: Option<&Admissible>,
        rule: lictor_store::Rule,
    ) -> Result<Written, Error> {
        let mut facts = vec![Fact::License(id)];
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
        let touched = written_license(&written.entries, &before.payload)?;
        if touched.state.payload_sha256 == before.state.payload_sha256 {
            return Ok(touched);
        }
        let now = self.store.license(call.organization.id, touched.id).await?;
        now.ok_or_else(|| Error::no_license(touched.id))
    }
}

/// The license whose write left these entries.
///
/// # Errors
/// [`Error::Internal`] if none of them is about a license.
pub fn written_license(entries: &[Entry], payload: &Arc<str>) -> Result<License, Error> {
    let mut written = State::default();
    for entry in entries {
        written.apply(entry.position, entry.at, &entry.change);
    }
    let license = written.licenses.pop_first().map(|(id, state)| License {
        id,
        payload: payload.clone(),
        state,
    });
    license.ok_or_else(|| Error::internal("a license write left no entry"))
}

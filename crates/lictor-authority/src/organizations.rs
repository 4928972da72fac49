//! Organizations: create, list, remove, and which one a caller means.

use std::collections::BTreeMap;
use std::sync::Arc;

use lictor_core::Error;
use lictor_core::access::Actor;
use lictor_core::facts::organization::{DEFAULT_KEY, INSTALLATION, Organization};
use lictor_core::facts::quota::Quota;
use lictor_core::patch_field::PatchField;
use lictor_core::rules::{organization, quota};
use lictor_store::{Bounds, Fact, Rule};
use uuid::Uuid;

use super::permits::{InstallationPermit, Permit};
use super::right::{Organizations, Read, Write};
use super::{Authority, Call};
use crate::random;

impl Authority {
    /// The organization that a caller means: the one named, else the caller's own, else `default`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown one, and for one that belongs to another tenant.
    pub fn organization_for(
        &self,
        actor: &Actor,
        key: Option<&str>,
    ) -> Result<Arc<Organization>, Error> {
        let installation = self.cache.installation_ref();
        let organizations = &installation.organizations;
        let found = match (key, actor.organization) {
            (Some(key), own) => organizations
                .by_key(key)
                .filter(|organization| own.is_none_or(|own| own == organization.id)),
            (None, Some(own)) => organizations.by_id(own),
            (None, None) => organizations.by_key(DEFAULT_KEY),
        };
        let missing = || Error::no_organization(key.unwrap_or(DEFAULT_KEY));
        found.cloned().ok_or_else(missing)
    }

    /// A call of this actor about the organization with this id.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown one, and for one that belongs to another tenant.
    pub fn call_about(&self, actor: Actor, id: Uuid) -> Result<Call, Error> {
        let installation = self.cache.installation();
        let found = installation.organizations.by_id(id);
        let organization = found
            .filter(|_| actor.organization.is_none_or(|own| own == id))
            .cloned()
            .ok_or_else(|| Error::no_organization(id.to_string()))?;
        Ok(Call {
            actor,
            organization,
            now: self.clock.now(),
            idempotent: None,
        })
    }

    /// Whether there is an organization with this id.
    pub fn is_organization(&self, id: Uuid) -> bool {
        self.cache.installation().organizations.by_id(id).is_some()
    }

    /// At most `limit` organizations that the caller may see, in order of their keys, beginning after
    /// `after`.
    pub fn organizations(
        &self,
        permit: Permit<'_, Organizations, Read>,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<Arc<Organization>> {
        let call = permit.call();
        let installation = self.cache.installation();
        let all = &installation.organizations;
        match call.actor.organization {
            None => all.after_key(after).iter().take(limit).cloned().collect(),
            Some(own) => {
                let own = all.by_id(own).into_iter().take(limit);
                let follows =
                    |own: &&Arc<Organization>| after.is_none_or(|after| *own.key > *after);
                own.filter(follows).cloned().collect()
            }
        }
    }

    /// The same in order of their ids.
    pub fn organizations_by_id(
        &self,
        permit: Permit<'_, Organizations, Read>,
        after: Option<Uuid>,
        limit: usize,
    ) -> Vec<Arc<Organization>> {
        let call = permit.call();
        let installation = self.cache.installation();
        let all = &installation.organizations;
        match call.actor.organization {
            None => all.after_id(after).take(limit).cloned().collect(),
            Some(own) => {
                let own = all.by_id(own).into_iter().take(limit);
                let follows = |own: &&Arc<Organization>| after.is_none_or(|after| own.id > after);
                own.filter(follows).cloned().collect()
            }
        }
    }

    /// The organization with this key or id that the caller may see.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn organization_named(
        &self,
        permit: Permit<'_, Organizations, Read>,
        name: &str,
    ) -> Result<Arc<Organization>, Error> {
        let call = permit.call();
        // In its usual form alone.
        let id = Uuid::try_parse(name).ok().filter(|_| name.len() == 36);
        match (self.organization_for(&call.actor, Some(name)), id) {
            (Err(Error::NotFound { .. }), Some(id)) => {
                Ok(self.call_about(call.actor.clone(), id)?.organization)
            }
            (found, _) => found,
        }
    }

    /// How many organizations the caller may see.
    pub(super) fn count_organizations(&self, permit: Permit<'_, Organizations, Read>) -> usize {
        match permit.call().actor.organization {
            None => self.cache.installation().organizations.all().len(),
            Some(_) => 1,
        }
    }

    /// Creates an organization; an operator's right.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], [`Error::AlreadyExists`], or a fault of the
    /// store.
    pub async fn create_organization(
        &self,
        permit: InstallationPermit<'_, Organizations, Write>,
        key: &str,
        name: Option<&str>,
    ) -> Result<Organization, Error> {
        let call = permit.call();
        let (id, number) = (random::id(&self.clock)?, random::number()?);
        let (rule_key, rule_name) = (key.to_owned(), name.map(str::to_owned));
        let now = call.now.wall();
        let rule = Rule::new(move |state: &_| {
            organization::create(state, (id, number), &rule_key, rule_name.as_deref(), now)
        });
        let facts = vec![Fact::Organization(key.to_owned())];
        let written = self.write(call, INSTALLATION, facts, rule).await?;
        written.outcome.take()
    }

    /// Removes an organization that holds no licenses, and with it its tokens; an operator's right.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::DefaultOrganization`],
    /// [`Error::OrganizationNotEmpty`], or a fault of the store.
    pub async fn remove_organization(
        &self,
        permit: InstallationPermit<'_, Organizations, Write>,
        key: &str,
    ) -> Result<(), Error> {
        let call = permit.call();
        let organization = self.organization_for(&call.actor, Some(key))?;
        let rule_key = key.to_owned();
        let rule = Rule::new(move |state: &_| organization::remove(state, &rule_key));
        self.write(call, organization.id, vec![Fact::AnyLicense], rule)
            .await?;
        Ok(())
    }

    /// An organization that the caller may see, with what it has and may have.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a fault of the store.
    pub async fn bounds(
        &self,
        permit: Permit<'_, Organizations, Read>,
        key: &str,
    ) -> Result<(Arc<Organization>, Bounds), Error> {
        let call = permit.call();
        let organization = self.organization_for(&call.actor, Some(key))?;
        let bounds = self.bounds_of(call, &organization).await?;
        Ok((organization, bounds))
    }

    /// Names an organization and sets its quotas, each to a number or back to its default, and gives what
    /// it has and may have then; an operator's right.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::InvalidInput`], or a fault of the store.
    pub async fn set_organization(
        &self,
        permit: InstallationPermit<'_, Organizations, Write>,
        key: &str,
        name: PatchField<String>,
        limits: BTreeMap<Quota, Option<u64>>,
    ) -> Result<(Arc<Organization>, Bounds), Error> {
        let call = permit.call();
        let organization = self.organization_for(&call.actor, Some(key))?;
        let id = organization.id;
        let rule = Rule::new(move |state: &_| {
            let mut decision = quota::set(state, &limits)?;
            let name = name
                .as_ref()
                .try_map(|name| Ok::<_, Error>(name.as_str()))?;
            decision
                .records
                .extend(organization::rename(id, name)?.records);
            Ok(decision)
        });
        self.write(call, id, Vec::new(), rule).await?;
        self.cache.refresh_if_stale(self.store.as_ref()).await?;
        let organization = self.organization_for(&call.actor, Some(key))?;
        let bounds = self.bounds_of(call, &organization).await?;
        Ok((organization, bounds))
    }

    async fn bounds_of(&self, call: &Call, organization: &Organization) -> Result<Bounds, Error> {
        let bounds = self.store.bounds(organization.id, call.now).await?;
        bounds.ok_or_else(|| Error::no_organization(&organization.key))
    }
}

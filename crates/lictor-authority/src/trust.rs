//! Trust: the installation's keys and its policy.

use std::sync::Arc;

use lictor_core::document::rotation::Rotation;
use lictor_core::error::Kind;
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::rules::trust;
use lictor_core::{Error, KeyId, PublicKey, TrustPolicy, TrustSet, TrustedKey};
use lictor_store::{Fact, Rule};

use super::permits::{InstallationPermit, Permit};
use super::{Authority, right};

/// What the installation trusts.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// The keys, revoked ones included.
    pub keys: TrustSet,
    /// What is accepted beside what they signed.
    pub policy: TrustPolicy,
}

impl Authority {
    /// What the installation trusts.
    pub fn trust(&self, _: Permit<'_, right::Trust, right::Read>) -> Arc<Trust> {
        self.trust_now()
    }

    pub(super) fn trust_now(&self) -> Arc<Trust> {
        self.cache.installation().trust.clone()
    }

    /// Trusts a key; an operator's right.
    ///
    /// # Errors
    /// [`Error::KeyRevoked`], or a fault of the store.
    pub async fn add_key(
        &self,
        permit: InstallationPermit<'_, right::Trust, right::Write>,
        key: PublicKey,
    ) -> Result<TrustedKey, Error> {
        let call = permit.call();
        let id = key.id();
        let rule = Rule::new(move |state: &_| trust::add(state, &key));
        self.write(call, INSTALLATION, vec![Fact::Key(id)], rule)
            .await?;
        self.key_now(id)
    }

    /// Trusts a key by a rotation that a trusted key signed, so that nodes trust it too; an operator's
    /// right.
    ///
    /// # Errors
    /// [`Error::InvalidInput`], [`Error::KeyRevoked`], or a fault of the store.
    pub async fn rotate_key(
        &self,
        permit: InstallationPermit<'_, right::Trust, right::Write>,
        rotation: Rotation,
    ) -> Result<TrustedKey, Error> {
        let call = permit.call();
        let (from, to) = (rotation.from, rotation.to.id());
        let rule = Rule::new(move |state: &_| trust::add_by_rotation(state, &rotation));
        let facts = vec![Fact::Key(from), Fact::Key(to)];
        self.write(call, INSTALLATION, facts, rule).await?;
        self.key_now(to)
    }

    /// A key as it stands, for who may change it; an operator's right.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn key_to_change(
        &self,
        _: InstallationPermit<'_, right::Trust, right::Write>,
        id: KeyId,
    ) -> Result<TrustedKey, Error> {
        let key = self.trust_now().keys.get(id).cloned();
        key.ok_or_else(|| Error::NotFound {
            kind: Kind::Key,
            name: id.to_string(),
        })
    }

    /// Retires a key: no new licenses with it, stored ones stay valid; an operator's right.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::KeyRevoked`], or a fault of the store.
    pub async fn retire_key(
        &self,
        permit: InstallationPermit<'_, right::Trust, right::Write>,
        id: KeyId,
    ) -> Result<TrustedKey, Error> {
        let call = permit.call();
        let rule = Rule::new(move |state: &_| trust::retire(state, id));
        self.write(call, INSTALLATION, vec![Fact::Key(id)], rule)
            .await?;
        self.key_now(id)
    }

    /// Revokes a key: what it signed becomes unverified at once; an operator's right.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a fault of the store.
    pub async fn revoke_key(
        &self,
        permit: InstallationPermit<'_, right::Trust, right::Write>,
        id: KeyId,
    ) -> Result<TrustedKey, Error> {
        let call = permit.call();
        let rule = Rule::new(move |state: &_| trust::revoke(state, id));
        self.write(call, INSTALLATION, vec![Fact::Key(id)], rule)
            .await?;
        self.key_now(id)
    }

    fn key_now(&self, id: KeyId) -> Result<TrustedKey, Error> {
        let key = self.trust_now().keys.get(id).cloned();
        key.ok_or_else(|| Error::internal(format!("key {id} is not in the trust set")))
    }
}

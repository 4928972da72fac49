//! The license keys that a node trusts. They are pinned when it joins, and only a rotation signed by one of
//! them adds another. The control plane can take trust away, but never give it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::document::keys::{KeyId, PublicKey};
use crate::document::trust::{KeyStatus, TrustSet, TrustedKey};
use crate::feed::DeliveredKey;

/// The keys that a node trusts, by their ids, including revoked ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedKeys(BTreeMap<KeyId, PinnedKey>);

/// A key and whether it was revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PinnedKey {
    public_key: PublicKey,
    revoked: bool,
}

impl PinnedKeys {
    /// The keys of the first state, except revoked ones.
    pub fn from_delivered(keys: &[DeliveredKey]) -> Self {
        let live = keys.iter().filter(|key| key.status != KeyStatus::Revoked);
        Self::from_keys(live.map(|key| key.public_key.clone()))
    }

    /// Pins these keys.
    pub fn from_keys(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        let mut pinned = Self::default();
        keys.into_iter().for_each(|key| pinned.add(key));
        pinned
    }

    /// Trusts a key that the node's operator names. A revoked key stays revoked.
    pub fn add(&mut self, public_key: PublicKey) {
        self.0.entry(public_key.id()).or_insert(PinnedKey {
            public_key,
            revoked: false,
        });
    }

    /// The keys after a newer state: with its revocations, and with the keys that trusted keys rotated to.
    #[must_use]
    pub fn advanced_by(&self, delivered: &[DeliveredKey]) -> Self {
        let mut next = self.clone();
        // Before the rotations, because a stolen key must not hand on trust.
        for key in delivered {
            if let Some(known) = next.0.get_mut(&key.public_key.id()) {
                known.revoked |= key.status == KeyStatus::Revoked;
            }
        }
        while let Some(key) = next.first_rotated(delivered) {
            let revoked = key.status == KeyStatus::Revoked;
            let public_key = key.public_key.clone();
            let id = public_key.id();
            next.0.insert(
                id,
                PinnedKey {
                    public_key,
                    revoked,
                },
            );
        }
        next
    }

    fn first_rotated<'a>(&self, delivered: &'a [DeliveredKey]) -> Option<&'a DeliveredKey> {
        delivered.iter().find(|key| {
            let rotated = key.rotation.as_ref().is_some_and(|rotation| {
                let from = self.0.get(&rotation.from).filter(|from| !from.revoked);
                rotation.to == key.public_key
                    && from.is_some_and(|from| rotation.is_signed_by(&from.public_key))
            });
            rotated && !self.0.contains_key(&key.public_key.id())
        })
    }

    /// The keys in the form that licenses are verified with.
    pub fn trust_set(&self) -> TrustSet {
        let keys = self.0.iter().map(|(id, key)| {
            let status = if key.revoked {
                KeyStatus::Revoked
            } else {
                KeyStatus::Active
            };
            let public_key = key.public_key.clone();
            (*id, TrustedKey { public_key, status })
        });
        keys.collect::<BTreeMap<_, _>>().into()
    }

    /// Whether no key is trusted.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(|key| key.revoked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::keys::SigningKey;
    use crate::document::rotation::{Rotation, rotate};

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed([seed; 32])
    }

    fn delivered(seed: u8, status: KeyStatus, rotation: Option<Rotation>) -> DeliveredKey {
        DeliveredKey {
            public_key: key(seed).public_key(),
            status,
            rotation,
        }
    }

    fn trusts(pinned: &PinnedKeys, seed: u8) -> bool {
        let set = pinned.trust_set();
        set.get(key(seed).public_key().id())
            .is_some_and(|key| key.status == KeyStatus::Active)
    }

    #[test]
    fn trust_is_taken_away_by_anyone_and_given_by_rotation_alone() {
        let pinned = PinnedKeys::from_delivered(&[
            delivered(1, KeyStatus::Active, None),
            delivered(2, KeyStatus::Retired, None),
            delivered(3, KeyStatus::Revoked, None),
        ]);
        assert_eq!(
            [1, 2, 3].map(|seed| trusts(&pinned, seed)),
            [true, true, false]
        );
        let good = rotate(&key(1), &key(4).public_key());
        let chained = rotate(&key(4), &key(5).public_key());
        let foreign = rotate(&key(9), &key(6).public_key());
        let mut forged = rotate(&key(9), &key(7).public_key());
        forged.from = key(1).public_key().id();
        let misplaced = rotate(&key(1), &key(4).public_key());
        let next = pinned.advanced_by(&[
            delivered(5, KeyStatus::Active, Some(chained)),
            delivered(4, KeyStatus::Active, Some(good.clone())),
            delivered(6, KeyStatus::Active, Some(foreign)),
            delivered(7, KeyStatus::Active, Some(forged)),
            delivered(8, KeyStatus::Active, Some(misplaced)),
            delivered(9, KeyStatus::Active, None),
            delivered(2, KeyStatus::Revoked, None),
        ]);
        let trusted: Vec<u8> = (1..=9).filter(|seed| trusts(&next, *seed)).collect();
        assert_eq!(trusted, [1, 4, 5]);
        let again = next.advanced_by(&[delivered(2, KeyStatus::Active, None)]);
        assert!(!trusts(&again, 2), "a revoked key never comes back");
        let stolen = pinned.advanced_by(&[
            delivered(1, KeyStatus::Revoked, None),
            delivered(4, KeyStatus::Active, Some(good)),
        ]);
        assert!(!trusts(&stolen, 4), "a revoked key hands nothing on");
    }
}

//! What the tests share: keys, payloads, states.

use std::collections::BTreeMap;
use std::sync::Arc;

use lictor_core::decision::Decision;
use lictor_core::rules::license::{Admissible, examine};
use lictor_core::state::State;
use lictor_core::{KeyStatus, SigningKey, Timestamp, TrustPolicy, TrustSet, TrustedKey};
use uuid::Uuid;

/// Noon of 2026-06-15.
pub(crate) const NOW: Timestamp = 1_781_524_800;

pub(crate) const ORGANIZATION: Uuid = Uuid::from_u128(0x0a);

pub(crate) const PAYLOAD: &str =
    r#"{"license_expiration_date":"2027-01-01","application":"editor","admin_seats":"25"}"#;

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

pub(crate) fn trusted(keys: &[(u8, KeyStatus)]) -> BTreeMap<lictor_core::KeyId, TrustedKey> {
    let entry = |(seed, status): &(u8, KeyStatus)| {
        let public_key = key(*seed).public_key();
        (
            public_key.id(),
            TrustedKey {
                public_key,
                status: *status,
            },
        )
    };
    keys.iter().map(entry).collect()
}

pub(crate) fn trust(keys: &[(u8, KeyStatus)]) -> TrustSet {
    trusted(keys).into()
}

/// A document that was found good while its key was active.
pub(crate) fn admissible(text: &str, seed: u8) -> Admissible {
    let trust = trust(&[(seed, KeyStatus::Active)]);
    examine(Arc::from(text), ORGANIZATION, &trust, TrustPolicy::Verified).expect("a good document")
}

/// Applies a decision as a store would: positions without gaps after `position`.
pub(crate) fn apply<T>(state: &mut State, position: u64, decision: &Decision<T>) {
    for (next, change) in (position + 1..).zip(&decision.changes) {
        state.apply(next, NOW, change);
    }
}

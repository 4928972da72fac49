//! Helpers of the unit tests: keys, states, an identity, and a node's parts without a network.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use lictor_core::feed::{
    Content, DeliveredKey, DeliveredLicense, NodePolicy, PinnedKeys, StateTerms, sign,
};
use lictor_core::{KeyStatus, SigningKey, Timestamp, TrustPolicy};
use uuid::Uuid;

use crate::clock::{Clock, ManualClock};
use crate::counters::Counters;
use crate::evaluator::Evaluator;
use crate::identity::Identity;
use crate::state_store::Loaded;
use crate::trusted_time::TrustedTime;

/// 2027-01-15T08:00:00Z.
pub(crate) const NOW: Timestamp = 1_800_000_000;

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

pub(crate) fn identity() -> Identity {
    Identity {
        node: Uuid::from_u128(0x0b),
        name: "edge".to_owned(),
        organization: Uuid::from_u128(0x0a),
        pool: None,
        application: "editor".to_owned(),
        control_plane_key: key(90).public_key(),
        policy: TrustPolicy::Verified,
        keys: PinnedKeys::from_keys([key(1).public_key()]),
    }
}

/// A license of the application, signed by key 1, with further claims.
pub(crate) fn license(id: u128, ends: &str, more: &str) -> DeliveredLicense {
    let payload = format!(
        r#"{{"license_expiration_date":"{ends}","application":"editor","features":"sso"{more}}}"#
    );
    DeliveredLicense {
        id: Uuid::from_u128(id),
        payload: key(1).sign(&payload),
        created_at: NOW,
        updated_at: NOW,
        revision: 7,
    }
}

pub(crate) fn content(licenses: Vec<DeliveredLicense>) -> Content {
    Content {
        application: "editor".to_owned(),
        policy: TrustPolicy::Verified,
        keys: vec![DeliveredKey {
            public_key: key(1).public_key(),
            status: KeyStatus::Active,
            rotation: None,
        }],
        licenses,
        node_policy: NodePolicy::default(),
    }
}

/// A state with one license until 2027-03-01.
pub(crate) fn state(revision: u64, issued_at: Timestamp) -> String {
    let content = content(vec![license(1, "2027-03-01", "")]);
    signed(revision, issued_at, false, &content)
}

pub(crate) fn signed(
    revision: u64,
    issued_at: Timestamp,
    revoked: bool,
    content: &Content,
) -> String {
    let terms = StateTerms {
        audience: identity().audience(),
        revision,
        issued_at,
        expires_at: issued_at + 86_400,
        revoked,
    };
    sign(&key(90), &terms, &content.to_text().expect("a text")).expect("a text")
}

/// A clock that shows [`NOW`].
pub(crate) fn clock() -> Arc<ManualClock> {
    let clock = Arc::new(ManualClock::default());
    clock.wall.store(NOW * 1_000, Ordering::SeqCst);
    clock
}

/// An evaluator of what was loaded.
pub(crate) fn evaluator_of(loaded: &Loaded, clock: &Arc<ManualClock>) -> Evaluator {
    let clock = Clock::Manual(Arc::clone(clock));
    let time = TrustedTime::from_saved(loaded.time, clock.read());
    let month = lictor_core::Date::of(time.now()).month();
    let counters = Arc::new(Counters::new(
        "00000000000000aa",
        &month,
        Default::default(),
    ));
    let (state, application) = (loaded.state.clone(), identity().application);
    Evaluator::new(application, clock, counters, time, state, loaded.revoked)
}

//! Trusting, retiring and revoking keys.

use crate::change::Change;
use crate::decision::Decision;
use crate::document::keys::{KeyId, PublicKey};
use crate::document::rotation::Rotation;
use crate::document::trust::KeyStatus;
use crate::error::{Error, Kind};
use crate::record::Record;
use crate::state::State;

/// Trusts a key by a rotation, so that nodes trust it that know the key before it. `state` contains both
/// keys.
///
/// # Errors
/// [`Error::InvalidInput`] for a rotation that no trusted key signed, else as [`add`].
pub fn add_by_rotation(state: &State, rotation: &Rotation) -> Result<Decision, Error> {
    let from = state.keys.get(&rotation.from);
    let from = from.filter(|key| key.status != KeyStatus::Revoked);
    if !from.is_some_and(|key| rotation.is_signed_by(&key.public_key)) {
        return Err(Error::InvalidInput {
            field: "rotation",
            reason: format!(
                "it is not signed by key {}, or that key is not trusted here; make it with \
                 `lictor key rotate`",
                rotation.from
            ),
        });
    }
    let mut decision = match add(state, &rotation.to)? {
        // The nodes still need the rotation.
        known if known.is_nothing() => Change::KeyTrusted {
            key_id: rotation.to.id(),
            public_key: rotation.to.clone(),
        }
        .into(),
        added => added,
    };
    decision.records.push(Record::KeyRotation(rotation.clone()));
    Ok(decision)
}

/// Trusts a key. One that is active already changes nothing; a retired one becomes active again.
///
/// # Errors
/// [`Error::KeyRevoked`] for a key that was revoked.
pub fn add(state: &State, public_key: &PublicKey) -> Result<Decision, Error> {
    let key_id = public_key.id();
    match state.keys.get(&key_id).map(|key| key.status) {
        Some(KeyStatus::Active) => Ok(Decision::nothing()),
        Some(KeyStatus::Revoked) => Err(Error::KeyRevoked(key_id)),
        Some(KeyStatus::Retired) | None => Ok(Change::KeyTrusted {
            key_id,
            public_key: public_key.clone(),
        }
        .into()),
    }
}

/// Trusts a key that is not known yet, as at every start of a server. One that was retired since
/// stays retired.
///
/// # Errors
/// [`Error::KeyRevoked`] for a key that was revoked.
pub fn ensure(state: &State, public_key: &PublicKey) -> Result<Decision, Error> {
    match state.keys.get(&public_key.id()).map(|key| key.status) {
        Some(KeyStatus::Active | KeyStatus::Retired) => Ok(Decision::nothing()),
        Some(KeyStatus::Revoked) | None => add(state, public_key),
    }
}

/// Retires a key: no new licenses with it. One that is retired already changes nothing.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::KeyRevoked`].
pub fn retire(state: &State, key_id: KeyId) -> Result<Decision, Error> {
    match known(state, key_id)? {
        KeyStatus::Active => Ok(Change::KeyRetired { key_id }.into()),
        KeyStatus::Retired => Ok(Decision::nothing()),
        KeyStatus::Revoked => Err(Error::KeyRevoked(key_id)),
    }
}

/// Revokes a key: all it signed becomes unverified at once. It is idempotent.
///
/// # Errors
/// [`Error::NotFound`].
pub fn revoke(state: &State, key_id: KeyId) -> Result<Decision, Error> {
    match known(state, key_id)? {
        KeyStatus::Active | KeyStatus::Retired => Ok(Change::KeyRevoked { key_id }.into()),
        KeyStatus::Revoked => Ok(Decision::nothing()),
    }
}

fn known(state: &State, key_id: KeyId) -> Result<KeyStatus, Error> {
    let missing = || Error::NotFound {
        kind: Kind::Key,
        name: key_id.to_string(),
    };
    state
        .keys
        .get(&key_id)
        .map(|key| key.status)
        .ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::keys::SigningKey;
    use crate::document::trust::{TrustPolicy, TrustedKey};

    const STATUSES: [Option<KeyStatus>; 4] = [
        None,
        Some(KeyStatus::Active),
        Some(KeyStatus::Retired),
        Some(KeyStatus::Revoked),
    ];

    fn state(status: Option<KeyStatus>) -> (State, PublicKey) {
        let public_key = SigningKey::from_seed([1; 32]).public_key();
        let mut state = State::default();
        if let Some(status) = status {
            let key = TrustedKey {
                public_key: public_key.clone(),
                status,
            };
            state.keys.insert(public_key.id(), key);
        }
        (state, public_key)
    }

    /// What becomes of a key: its status after the decision, or a word for the refusal.
    fn outcome(state: &mut State, decided: Result<Decision, Error>, id: KeyId) -> String {
        match decided {
            Ok(decision) => {
                for change in &decision.changes {
                    state.apply(1, 0, change);
                }
                let changes = decision.changes.len();
                format!("{changes} {:?}", state.keys[&id].status)
            }
            Err(Error::NotFound {
                kind: Kind::Key, ..
            }) => "not found".to_owned(),
            Err(Error::KeyRevoked(revoked)) if revoked == id => "revoked".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_key_is_trusted_retired_and_revoked_and_never_comes_back_from_that() {
        let expected = [
            ["1 Active", "not found", "not found"],
            ["0 Active", "1 Retired", "1 Revoked"],
            ["1 Active", "0 Retired", "1 Revoked"],
            ["revoked", "revoked", "0 Revoked"],
        ];
        for (status, expected) in STATUSES.into_iter().zip(expected) {
            let found = [0, 1, 2].map(|verb| {
                let (mut state, key) = state(status);
                let decided = match verb {
                    0 => add(&state, &key),
                    1 => retire(&state, key.id()),
                    _ => revoke(&state, key.id()),
                };
                outcome(&mut state, decided, key.id())
            });
            assert_eq!(found, expected, "{status:?}");
        }
    }

    #[test]
    fn a_policy_is_read_as_it_is_written() {
        for policy in [TrustPolicy::Verified, TrustPolicy::Structural] {
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
        assert!("Verified".parse::<TrustPolicy>().is_err());
        assert_eq!(TrustPolicy::default(), TrustPolicy::Verified);
    }
}

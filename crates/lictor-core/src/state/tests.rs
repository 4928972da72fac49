//! How changes alter the state.

use super::*;
use crate::change::Change;
use crate::document::keys::SigningKey;
use crate::document::trust::KeyStatus;
use crate::facts::role::Role;

const ID: Uuid = Uuid::from_u128(1);

fn written(updated_at: Timestamp, replaces: Option<u64>) -> Change {
    Change::LicenseWritten {
        id: ID,
        application: "editor".to_owned(),
        payload_sha256: Digest::of(b"x"),
        created_at: -3,
        updated_at,
        replaces,
    }
}

fn after(changes: &[Change]) -> State {
    let mut state = State::default();
    for (position, change) in (1..).zip(changes) {
        state.apply(position, 100, change);
        assert_eq!(state.position, position);
    }
    State {
        position: 0,
        ..state
    }
}

#[test]
fn what_is_not_loaded_is_not_altered() {
    let key_id = SigningKey::from_seed([1; 32]).public_key().id();
    for change in [
        Change::KeyRetired { key_id },
        Change::KeyRevoked { key_id },
        Change::TokenRevoked { id: ID },
        Change::LicenseRemoved { id: ID },
    ] {
        assert_eq!(
            after(std::slice::from_ref(&change)),
            State::default(),
            "{change:?}"
        );
    }
}

#[test]
fn the_installation_remembers_its_policy_and_organizations() {
    let (first, second) = (TrustPolicy::Verified, TrustPolicy::Structural);
    let state = after(&[
        Change::PolicySet { policy: first },
        Change::OrganizationCreated {
            id: ID,
            key: "team".to_owned(),
            number: 5,
        },
        Change::PolicySet { policy: second },
    ]);
    let team = OrganizationState {
        key: "team".to_owned(),
        number: 5,
        created_at: 100,
    };
    let organizations = BTreeMap::from([(ID, team)]);
    assert_eq!(
        state,
        State {
            policy: Some(second),
            organizations,
            basis_changed: 3,
            ..State::default()
        }
    );
    assert!(after(&[Change::OrganizationRemoved]).removed);
}

#[test]
fn a_key_goes_through_its_statuses() {
    let public_key = SigningKey::from_seed([1; 32]).public_key();
    let key_id = public_key.id();
    let trusted = Change::KeyTrusted {
        key_id,
        public_key: public_key.clone(),
    };
    let changes = [
        trusted.clone(),
        Change::KeyRetired { key_id },
        trusted,
        Change::KeyRevoked { key_id },
    ];
    let statuses = [
        KeyStatus::Active,
        KeyStatus::Retired,
        KeyStatus::Active,
        KeyStatus::Revoked,
    ];
    for (count, status) in (1..).zip(statuses) {
        let state = after(&changes[..count]);
        let key = TrustedKey {
            public_key: public_key.clone(),
            status,
        };
        assert_eq!(
            state,
            State {
                keys: BTreeMap::from([(key_id, key)]),
                basis_changed: count as u64,
                ..State::default()
            }
        );
    }
}

#[test]
fn a_token_keeps_when_it_was_made_and_revoked() {
    let created = Change::TokenCreated {
        id: ID,
        role: Role::Admin,
        scopes: vec!["usage".parse().expect("a scope")],
        expires_at: Some(7),
        account: None,
    };
    let mut state = after(std::slice::from_ref(&created));
    let mut expected = TokenState {
        role: Role::Admin,
        scopes: vec!["usage".parse().expect("a scope")],
        created_at: 100,
        expires_at: Some(7),
        revoked_at: None,
        account: None,
    };
    assert_eq!(state.tokens[&ID], expected);
    state.apply(2, 200, &Change::TokenRevoked { id: ID });
    expected.revoked_at = Some(200);
    assert_eq!(state.tokens[&ID], expected);
}

#[test]
fn a_license_has_its_last_write_and_the_newest_time_only_grows() {
    let created = Change::ApplicationCreated {
        key: "editor".to_owned(),
    };
    let state = after(&[created, written(50, None), written(40, Some(2))]);
    let license = LicenseState {
        application: "editor".to_owned(),
        payload_sha256: Digest::of(b"x"),
        created_at: -3,
        updated_at: 40,
        revision: 3,
    };
    let mut used = Used::default();
    used.put(Quota::Applications, 1);
    used.put(Quota::Licenses, 1);
    let editor = ApplicationState {
        licenses: 1,
        license_revisions: 3,
        ..ApplicationState::default()
    };
    let expected = State {
        applications: BTreeMap::from([("editor".to_owned(), editor)]),
        used,
        licenses: BTreeMap::from([(ID, license)]),
        newest_updated_at: 50,
        basis_changed: 3,
        ..State::default()
    };
    assert_eq!(state, expected);
    let removed = after(&[written(50, None), Change::LicenseRemoved { id: ID }]);
    assert_eq!(
        removed,
        State {
            newest_updated_at: 50,
            basis_changed: 2,
            ..State::default()
        }
    );
}

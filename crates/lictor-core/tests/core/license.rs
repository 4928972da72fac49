//! Writing licenses: what is examined, what is stored, and which reason wins.

use std::sync::Arc;

use lictor_core::change::Change;
use lictor_core::decision::Decision;
use lictor_core::digest::Digest;
use lictor_core::facts::license::{License, MAX_PAYLOAD_BYTES};
use lictor_core::record::Record;
use lictor_core::rules::in_force::{Candidate, in_force};
use lictor_core::rules::license::{
    self, Admissible, Repetition, WrittenLicense, add, examine, remove, validity_of,
};
use lictor_core::state::State;
use lictor_core::{DocumentError, Error, KeyStatus, Timestamp, TrustPolicy};
use uuid::Uuid;

use crate::fixtures::{NOW, ORGANIZATION, PAYLOAD, admissible, apply, key, trust, trusted};

const ID: Uuid = Uuid::from_u128(1);

fn document() -> Admissible {
    admissible(&key(1).sign(PAYLOAD), 1)
}

fn other_document() -> Admissible {
    admissible(&key(1).sign(&PAYLOAD.replace("25", "26")), 1)
}

/// A state that trusts key 1 as `status` and holds the document under `ID` at revision 2.
fn stored(status: KeyStatus) -> State {
    let keys = |status| trusted(&[(1, status)]);
    let mut state = State {
        keys: keys(KeyStatus::Active),
        ..State::default()
    };
    let decision = add(&state, ID, &document(), None, NOW).expect("a new license");
    apply(&mut state, 0, &decision);
    state.keys = keys(status);
    state
}

fn times<T>(decision: &Decision<T>) -> (Timestamp, Timestamp) {
    let written = decision.changes.iter().find_map(|change| match change {
        Change::LicenseWritten {
            created_at,
            updated_at,
            ..
        } => Some((*created_at, *updated_at)),
        _ => None,
    });
    written.expect("a license was written")
}

/// Writing what is stored again moves what is in force, or not.
fn again(state: &State, moves: bool) -> Option<Repetition> {
    let stored = state.applications.values().next();
    let basis = state.basis_of(&stored.cloned().unwrap_or_default());
    Some(Repetition { basis, moves })
}

/// A put that is written also if it repeats what is stored.
fn put(
    state: &State,
    id: Uuid,
    document: &Admissible,
    created_at: Option<Timestamp>,
    expected: Option<u64>,
    now: Timestamp,
) -> Result<Decision<WrittenLicense>, Error> {
    let again = again(state, true);
    license::put(state, id, document, created_at, expected, again, now)
}

/// A patch that is written also if it repeats what is stored.
fn patch(
    state: &State,
    id: Uuid,
    document: &Admissible,
    created_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Decision<WrittenLicense>, Error> {
    license::patch(state, id, document, created_at, again(state, true), now)
}

fn is_refused<T>(decision: &Result<Decision<T>, Error>, reason: &DocumentError) -> bool {
    matches!(decision, Err(Error::InvalidDocument(error)) if error == reason)
}

#[test]
fn the_first_license_of_an_application_makes_it_known() {
    let state = State {
        keys: trusted(&[(1, KeyStatus::Active)]),
        ..State::default()
    };
    let document = document();
    let decision = add(&state, ID, &document, Some(-5), NOW).expect("a new license");
    let sha256 = Digest::of(document.payload().as_bytes());
    let written = Change::LicenseWritten {
        id: ID,
        application: "editor".to_owned(),
        payload_sha256: sha256,
        created_at: -5,
        updated_at: NOW,
        replaces: None,
    };
    let created = Change::ApplicationCreated {
        key: "editor".to_owned(),
    };
    assert_eq!(decision.changes, [created, written]);
    let record = Record::Payload {
        sha256,
        text: document.payload().clone(),
    };
    let dates = Record::LicenseDates {
        id: ID,
        validity: validity_of(document.payload()).expect("admitted"),
    };
    assert_eq!(decision.records, [record, dates]);

    let second = add(
        &stored(KeyStatus::Active),
        Uuid::from_u128(2),
        &document,
        None,
        NOW,
    );
    assert_eq!(second.expect("a second license").changes.len(), 1);
}

#[test]
fn an_id_is_given_once_and_a_bad_key_is_said_first() {
    let (id, document) = (key(1).public_key().id(), other_document());
    let added = |status| add(&stored(status), ID, &document, None, NOW);
    assert!(matches!(
        added(KeyStatus::Active),
        Err(Error::AlreadyExists { .. })
    ));
    assert!(is_refused(
        &added(KeyStatus::Retired),
        &DocumentError::RetiredKey(id)
    ));
    assert!(is_refused(
        &added(KeyStatus::Revoked),
        &DocumentError::RevokedKey(id)
    ));
}

#[test]
fn the_key_counts_as_it_stands_when_the_license_is_stored() {
    let id = key(1).public_key().id();
    let (same, other) = (document(), other_document());
    let written = |status, document| put(&stored(status), ID, document, None, None, NOW);
    let patched = |status, document| patch(&stored(status), ID, document, None, NOW);
    for document in [&same, &other] {
        assert!(written(KeyStatus::Active, document).is_ok());
        assert!(patched(KeyStatus::Active, document).is_ok());
        let revoked = DocumentError::RevokedKey(id);
        assert!(is_refused(&written(KeyStatus::Revoked, document), &revoked));
        assert!(is_refused(&patched(KeyStatus::Revoked, document), &revoked));
    }
    let retired = DocumentError::RetiredKey(id);
    assert!(
        written(KeyStatus::Retired, &same).is_ok(),
        "a controller repeats its state"
    );
    assert!(patched(KeyStatus::Retired, &same).is_ok());
    assert!(is_refused(&written(KeyStatus::Retired, &other), &retired));
    assert!(is_refused(&patched(KeyStatus::Retired, &other), &retired));
    let elsewhere = put(
        &stored(KeyStatus::Retired),
        Uuid::from_u128(2),
        &same,
        None,
        None,
        NOW,
    );
    assert!(
        is_refused(&elsewhere, &retired),
        "the same document under another id is new"
    );
    let nowhere = put(&State::default(), ID, &same, None, None, NOW);
    assert!(is_refused(&nowhere, &DocumentError::UnknownKey(id)));
}

#[test]
fn an_unverified_document_asks_no_key() {
    let text: Arc<str> = key(9).sign(PAYLOAD).into();
    let admitted = examine(text, ORGANIZATION, &trust(&[]), TrustPolicy::Structural);
    assert!(
        add(
            &State::default(),
            ID,
            &admitted.expect("accepted"),
            None,
            NOW
        )
        .is_ok()
    );
}

#[test]
fn a_revision_is_compared_after_the_document() {
    let document = document();
    let state = stored(KeyStatus::Active);
    let put_at = |expected| put(&state, ID, &document, None, expected, NOW);
    assert!(put_at(None).is_ok());
    assert!(put_at(Some(2)).is_ok());
    for expected in [0, 1, 3] {
        let mismatch = put_at(Some(expected));
        assert!(matches!(
            mismatch,
            Err(Error::RevisionMismatch { current: 2 })
        ));
        assert!(matches!(
            remove(&state, ID, Some(expected)),
            Err(Error::RevisionMismatch { current: 2 })
        ));
    }
    let new = Uuid::from_u128(2);
    assert!(put(&state, new, &document, None, Some(0), NOW).is_ok());
    let mismatch = put(&state, new, &document, None, Some(2), NOW);
    assert!(matches!(
        mismatch,
        Err(Error::RevisionMismatch { current: 0 })
    ));
    let revoked = put(
        &stored(KeyStatus::Revoked),
        ID,
        &document,
        None,
        Some(9),
        NOW,
    );
    assert!(matches!(revoked, Err(Error::InvalidDocument(_))));
}

#[test]
fn a_patch_changes_what_it_names_and_moves_updated_at() {
    let mut state = stored(KeyStatus::Revoked);
    let (missing, document) = (Uuid::from_u128(2), document());
    assert!(matches!(
        patch(&state, missing, &document, None, NOW),
        Err(Error::NotFound { .. })
    ));
    assert!(matches!(
        license::touch(&state, missing, None, NOW),
        Err(Error::NotFound { .. })
    ));
    let before = state.licenses[&ID].clone();
    let touched = license::touch(&state, ID, None, NOW + 9).expect("nothing is refused");
    assert!(touched.records.is_empty());
    apply(&mut state, 6, &touched);
    let mut expected = before.clone();
    (expected.updated_at, expected.revision) = (NOW + 9, 7);
    assert_eq!(state.licenses[&ID], expected);

    let moved = license::touch(&state, ID, Some(1), NOW).expect("nothing is refused");
    assert_eq!(times(&moved), (1, NOW + 9));
    let state = stored(KeyStatus::Active);
    let replaced = patch(&state, ID, &other_document(), None, NOW + 1).expect("accepted");
    assert_eq!(times(&replaced), (before.created_at, NOW + 1));
}

#[test]
fn a_put_makes_the_creation_new_unless_it_is_given() {
    let state = stored(KeyStatus::Active);
    let written = |created_at| put(&state, ID, &document(), created_at, None, NOW + 5);
    assert_eq!(times(&written(None).expect("accepted")), (NOW + 5, NOW + 5));
    assert_eq!(times(&written(Some(3)).expect("accepted")), (3, NOW + 5));
}

#[test]
fn the_last_write_wins_though_the_clock_steps_back() {
    let mut state = stored(KeyStatus::Active);
    for (position, now) in [(2, NOW - 1_000), (3, Timestamp::MIN), (4, NOW - 1)] {
        let decision = put(&state, Uuid::from_u128(2), &document(), None, None, now);
        apply(&mut state, position, &decision.expect("accepted"));
        let newest = state
            .licenses
            .iter()
            .max_by_key(|(_, license)| (license.updated_at, license.revision));
        assert_eq!(newest.map(|(id, _)| *id), Some(Uuid::from_u128(2)));
    }
    let removed = remove(&state, Uuid::from_u128(2), None).expect("removed");
    apply(&mut state, 5, &removed);
    assert_eq!(
        state.newest_updated_at, NOW,
        "what was removed still counts"
    );
}

#[test]
fn removing_what_is_not_there_changes_nothing() {
    let state = stored(KeyStatus::Revoked);
    let removed = remove(&state, ID, Some(2)).expect("removed");
    assert_eq!(removed.changes, [Change::LicenseRemoved { id: ID }]);
    let again = remove(&state, Uuid::from_u128(2), None).expect("nothing to do");
    assert!(again.is_nothing());
}

#[test]
fn a_document_has_a_size() {
    let trust = trust(&[(1, KeyStatus::Active)]);
    let examined = |spaces: usize| {
        let text = format!("{}{}", key(1).sign(PAYLOAD), " ".repeat(spaces));
        examine(text.into(), ORGANIZATION, &trust, TrustPolicy::Verified)
    };
    let room = MAX_PAYLOAD_BYTES - key(1).sign(PAYLOAD).len();
    assert!(examined(room).is_ok());
    assert!(matches!(
        examined(room + 1),
        Err(DocumentError::WrongShape(_))
    ));
}

#[test]
fn a_stored_license_is_looked_at_with_the_trust_of_now() {
    let state = stored(KeyStatus::Active);
    let license = License {
        id: ID,
        payload: document().payload().clone(),
        state: state.licenses[&ID].clone(),
    };
    let id = key(1).public_key().id();
    for policy in [TrustPolicy::Verified, TrustPolicy::Structural] {
        let look = |organization, status| {
            Candidate::of(&license, organization, &trust(&[(1, status)]), policy)
                .expect("it was admitted")
        };
        for status in [KeyStatus::Active, KeyStatus::Retired] {
            let candidate = look(ORGANIZATION, status);
            assert_eq!(
                in_force(std::slice::from_ref(&candidate), NOW),
                Some(&candidate)
            );
        }
        let revoked = look(ORGANIZATION, KeyStatus::Revoked);
        assert_eq!(revoked.signer, Err(DocumentError::RevokedKey(id)));
        assert_eq!(in_force(&[revoked], NOW), None);
    }
}

#[test]
fn a_license_of_another_organization_counts_for_nothing() {
    let other = Uuid::from_u128(0x0b);
    let payload = PAYLOAD.replacen('{', &format!("{{\"organization\":\"{other}\","), 1);
    let text: Arc<str> = key(1).sign(&payload).into();
    let trust = trust(&[(1, KeyStatus::Active)]);
    for policy in [TrustPolicy::Verified, TrustPolicy::Structural] {
        let examined = |organization| examine(text.clone(), organization, &trust, policy);
        assert!(examined(other).is_ok());
        let refused = examined(ORGANIZATION).map(|_| ());
        assert_eq!(refused, Err(DocumentError::WrongAudience(other)));
        let state = stored(KeyStatus::Active).licenses[&ID].clone();
        let license = License {
            id: ID,
            payload: text.clone(),
            state,
        };
        let candidate = Candidate::of(&license, ORGANIZATION, &trust, policy).expect("claims");
        assert_eq!(candidate.signer, Err(DocumentError::WrongAudience(other)));
    }
}

#[test]
fn what_is_stored_is_written_again_only_if_that_moves_what_is_in_force() {
    let (state, stored_at) = (stored(KeyStatus::Active), NOW);
    let (same, other) = (document(), other_document());
    let both = |document: &Admissible, created_at, again| {
        let put = license::put(&state, ID, document, created_at, None, again, NOW + 5);
        let patch = license::patch(&state, ID, document, created_at, again, NOW + 5);
        [put, patch].map(|decision| decision.map(|decision| !decision.is_nothing()))
    };
    let still = again(&state, false);
    for created_at in [None, Some(stored_at)] {
        assert!(matches!(
            both(&same, created_at, still),
            [Ok(false), Ok(false)]
        ));
        let moves = again(&state, true);
        assert!(matches!(
            both(&same, created_at, moves),
            [Ok(true), Ok(true)]
        ));
        // What was found before the lock counts only if nothing has changed since.
        let mut old = again(&state, false);
        old.iter_mut().for_each(|found| found.basis.licenses += 1);
        for found in [old, None] {
            let decided = both(&same, created_at, found);
            assert!(
                decided
                    .iter()
                    .all(|one| matches!(one, Err(Error::Outdated)))
            );
        }
    }
    assert!(matches!(both(&same, Some(3), still), [Ok(true), Ok(true)]));
    assert!(matches!(both(&other, None, still), [Ok(true), Ok(true)]));
    assert!(matches!(both(&other, None, None), [Ok(true), Ok(true)]));
    // The condition comes first, and another id is another license.
    let put_at = |id, expected| license::put(&state, id, &same, None, Some(expected), still, NOW);
    assert!(put_at(ID, 2).expect("the same").is_nothing());
    assert!(matches!(
        put_at(ID, 0),
        Err(Error::RevisionMismatch { current: 2 })
    ));
    assert!(
        !put_at(Uuid::from_u128(2), 0)
            .expect("a new one")
            .is_nothing()
    );
    // A touch is always one.
    let touch = license::touch(&state, ID, Some(stored_at), NOW);
    assert!(!touch.expect("a touch").is_nothing());
}

//! The signed state of a node: what is refused and why, and that an older one is never taken.

use lictor_core::facts::entitlement::Entitlement;
use lictor_core::feed::{
    Audience, Content, DeliveredKey, DeliveredLicense, NodePolicy, Ratchet, StateDocument,
    StateError, StateTerms, sign, sign_payload,
};
use lictor_core::{KeyStatus, SigningKey, TrustPolicy};
use uuid::Uuid;

use crate::fixtures::{NOW, ORGANIZATION, PAYLOAD, key, trust};

const NODE: Uuid = Uuid::from_u128(0x0b);

const AUDIENCE: Audience = Audience {
    organization: ORGANIZATION,
    node: NODE,
};

fn control_plane() -> SigningKey {
    key(90)
}

fn content() -> Content {
    Content {
        application: "editor".to_owned(),
        policy: TrustPolicy::Verified,
        keys: vec![DeliveredKey {
            public_key: key(1).public_key(),
            status: KeyStatus::Active,
            rotation: None,
        }],
        licenses: vec![DeliveredLicense {
            id: Uuid::from_u128(1),
            payload: key(1).sign(PAYLOAD),
            created_at: NOW,
            updated_at: NOW,
            revision: 7,
        }],
        node_policy: NodePolicy::default(),
    }
}

fn terms(revision: u64, issued_at: i64) -> StateTerms {
    StateTerms {
        audience: AUDIENCE,
        revision,
        issued_at,
        expires_at: issued_at + 86_400,
        revoked: false,
    }
}

fn state(terms: &StateTerms, content: &Content) -> String {
    let content = content.to_text().expect("a text");
    sign(&control_plane(), terms, &content).expect("a text")
}

fn verified(text: &str) -> Result<StateDocument<'_>, StateError> {
    StateDocument::verify(text, &control_plane().public_key(), AUDIENCE)
}

/// A payload of any form, signed as a state is.
fn signed(payload: &str) -> String {
    sign_payload(&control_plane(), payload)
}

#[test]
fn a_state_says_what_was_signed() {
    let text = state(&terms(12, NOW), &content());
    let read = verified(&text).expect("a state");
    assert_eq!((read.revision(), read.issued_at()), (12, NOW));
    assert_eq!(read.content(), &content());
    assert!(!read.is_revoked());
    let candidates = read.content().candidates(
        ORGANIZATION,
        &trust(&[(1, KeyStatus::Active)]),
        TrustPolicy::Verified,
    );
    let entitlement = Entitlement::of("editor", &candidates, NOW);
    assert_eq!(entitlement.seat_limit(), Some(25));
    let untrusting = read
        .content()
        .candidates(ORGANIZATION, &trust(&[]), TrustPolicy::Verified);
    assert_eq!(Entitlement::of("editor", &untrusting, NOW).license, None);
}

#[test]
fn every_changed_byte_is_refused() {
    let text = state(&terms(12, NOW), &content());
    for at in 0..text.len() {
        for bit in [1, 0x20] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= bit;
            if let Ok(changed) = String::from_utf8(bytes) {
                assert!(verified(&changed).is_err(), "byte {at}: {changed}");
            }
        }
        assert!(verified(&text[..at]).is_err(), "cut at {at}");
    }
    assert!(verified(&format!("{text} x")).is_err());
}

#[test]
fn a_foreign_state_is_refused() {
    let text = state(&terms(12, NOW), &content());
    let other = key(91).public_key();
    let refused = StateDocument::verify(&text, &other, AUDIENCE).expect_err("another key");
    assert_eq!(
        refused,
        StateError::OtherKey(control_plane().public_key().id())
    );
    for audience in [
        Audience {
            node: Uuid::from_u128(0x0c),
            ..AUDIENCE
        },
        Audience {
            organization: Uuid::from_u128(0x0c),
            ..AUDIENCE
        },
    ] {
        let refused = StateDocument::verify(&text, &control_plane().public_key(), audience);
        assert_eq!(refused.expect_err("for another"), StateError::OtherAudience);
    }
    // A license that the control plane's key signed is no state.
    let license = control_plane().sign(PAYLOAD);
    assert!(matches!(verified(&license), Err(StateError::Unreadable(_))));
    let disguised = license.replacen("license", "state", 1);
    assert_eq!(
        verified(&disguised).expect_err("another purpose"),
        StateError::BadSignature
    );
}

#[test]
fn a_later_version_may_add_and_says_what_must_be_understood() {
    let text = state(&terms(12, NOW), &content());
    let start = text.find(r#"{"format""#).expect("a payload");
    let end = text.find(r#","signature""#).expect("a signature");
    let payload = &text[start..end];
    let with = |more: &str| signed(&payload.replacen('{', &format!("{{{more},"), 1));
    assert!(verified(&with(r#""weather":{"sun":1}"#)).is_ok());
    assert!(verified(&with(r#""critical":["licenses"]"#)).is_ok());
    assert_eq!(
        verified(&with(r#""critical":["licenses","weather"],"weather":1"#)).expect_err("critical"),
        StateError::MustUnderstand("weather".to_owned())
    );
    let later = signed(&payload.replacen(r#""format":1"#, r#""format":2"#, 1));
    assert_eq!(
        verified(&later).expect_err("a later format"),
        StateError::UnsupportedFormat(2)
    );
    // Whatever else the later format is.
    let strange = signed(r#"{"format":3,"x":[]}"#);
    assert_eq!(
        verified(&strange).expect_err("a later format"),
        StateError::UnsupportedFormat(3)
    );
}

#[test]
fn an_older_state_is_never_taken() {
    let other = Content {
        licenses: Vec::new(),
        ..content()
    };
    let held_text = state(&terms(12, NOW), &content());
    let held = Ratchet::of(&verified(&held_text).expect("a state"));
    let check = |revision, issued_at, content: &Content| {
        let text = state(&terms(revision, issued_at), content);
        let read = verified(&text).expect("a state");
        held.check(&read)
    };
    assert_eq!(check(13, NOW - 999, &other), Ok(()));
    assert_eq!(check(12, NOW + 1, &content()), Ok(()));
    assert_eq!(check(12, NOW, &content()), Err(StateError::Repeated(12)));
    assert_eq!(
        check(12, NOW - 1, &content()),
        Err(StateError::Repeated(12))
    );
    assert_eq!(
        check(12, NOW + 1, &other),
        Err(StateError::OtherContent(12))
    );
    let older = StateError::Older {
        held: 12,
        received: 11,
    };
    assert_eq!(check(11, NOW + 999, &content()), Err(older));
    let expired = verified(&held_text).expect("a state");
    assert_eq!(expired.check_expiry(NOW + 86_399), Ok(()));
    assert_eq!(expired.check_expiry(NOW + 86_400), Err(StateError::Expired));
}

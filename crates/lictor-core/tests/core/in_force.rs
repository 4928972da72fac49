//! The license in force, against a reading of the words that does not know how it is found.

use lictor_core::license::{Candidate, Entitlement, covered_until, in_force, next_boundary};
use lictor_core::{Claims, Date, DocumentError, KeyId, Signer, Timestamp};
use proptest::prelude::{ProptestConfig, Strategy, any, prop, prop_assert_eq, proptest};
use uuid::Uuid;

const DAY: Timestamp = 86_400;

/// A license of a small world: days 0 to 9, so that edges meet often.
#[derive(Debug, Clone)]
struct Small {
    begins: Option<u8>,
    expires: u8,
    signer: u8,
    updated_at: u8,
}

fn day(number: u8) -> Date {
    Date::of(Timestamp::from(number) * DAY)
}

fn candidate(at: usize, small: &Small) -> Candidate {
    let mut claims = Claims::new("editor", day(small.expires));
    claims.creation_date = small.begins.map(day);
    let key = KeyId::parse("0123456789abcdef").expect("an id");
    let signer = match small.signer {
        0 => Ok(Signer::Verified(key)),
        1 => Ok(Signer::Unverified),
        2 => Err(DocumentError::RevokedKey(key)),
        _ => Err(DocumentError::BadSignature),
    };
    Candidate {
        id: Uuid::from_u128(at as u128),
        claims,
        signer,
    }
}

/// The candidates in the order that a store gives, the greatest (`updated_at`, revision) first.
fn newest_first(all: &[Small]) -> Vec<Candidate> {
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse((all[*at].updated_at, *at)));
    order
        .into_iter()
        .map(|at| candidate(at, &all[at]))
        .collect()
}

/// The words: a license is in force if it counts, has begun, has not ended, and no other such of its
/// kind was written later; an unverified one only where no verified one is.
fn by_the_words(all: &[Small], now: Timestamp) -> Option<Uuid> {
    let runs = |small: &Small| {
        let begun = small
            .begins
            .is_none_or(|begins| Timestamp::from(begins) * DAY <= now);
        begun && now < Timestamp::from(small.expires) * DAY
    };
    let is = |at: usize, kind: u8| {
        let one = &all[at];
        let later = (0..all.len()).any(|other| {
            let small = &all[other];
            small.signer == kind && runs(small) && (small.updated_at, other) > (one.updated_at, at)
        });
        one.signer == kind && runs(one) && !later
    };
    let verified = (0..all.len()).find(|at| is(*at, 0));
    let found = verified.or_else(|| (0..all.len()).find(|at| is(*at, 1)));
    found.map(|at| Uuid::from_u128(at as u128))
}

fn world() -> impl Strategy<Value = Vec<Small>> {
    let small = (prop::option::of(0_u8..10), 0_u8..10, 0_u8..4, 0_u8..4).prop_map(
        |(begins, expires, signer, updated_at)| Small {
            begins,
            expires,
            signer,
            updated_at,
        },
    );
    prop::collection::vec(small, 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_force_is_what_the_words_say(all in world(), moment in -1..10 * DAY, edge in any::<bool>()) {
        let now = if edge { moment - moment.rem_euclid(DAY) } else { moment };
        let found = in_force(&newest_first(&all), now).map(|candidate| candidate.id);
        prop_assert_eq!(found, by_the_words(&all, now));
    }

    #[test]
    fn nothing_changes_before_the_next_boundary(all in world(), now in -DAY..10 * DAY) {
        let candidates = newest_first(&all);
        let end = next_boundary(&candidates, now).unwrap_or(12 * DAY);
        assert!(end > now);
        for later in [now + (end - now) / 2, end - 1] {
            prop_assert_eq!(in_force(&candidates, later), in_force(&candidates, now));
        }
    }

    #[test]
    fn those_that_have_ended_may_be_missing(all in world(), now in 0..10 * DAY) {
        let candidates = newest_first(&all);
        let mut running = candidates.clone();
        running.retain(|candidate| !candidate.claims.validity().has_expired(now));
        for later in (now..11 * DAY).step_by(43_200) {
            prop_assert_eq!(in_force(&running, later), in_force(&candidates, later));
        }
        prop_assert_eq!(covered_until(&running, now), covered_until(&candidates, now));
    }

    #[test]
    fn what_is_covered_is_covered_at_every_instant(all in world(), now in 0..10 * DAY) {
        let until = covered_until(&newest_first(&all), now);
        let bare = |at: &Timestamp| by_the_words(&all, *at).is_none();
        // It changes at midnight alone.
        let midnights = (0..12).map(|number| number * DAY).filter(|at| *at > now);
        let first = std::iter::once(now).chain(midnights).find(bare);
        prop_assert_eq!(until, first.filter(|at| *at > now));
    }
}

#[test]
fn an_entitlement_is_what_the_claims_grant() {
    let nothing = Entitlement::of("editor", &[], 0);
    assert_eq!(
        (nothing.seat_limit(), nothing.node_limit()),
        (Some(0), Some(0))
    );
    let small = Small {
        begins: None,
        expires: 9,
        signer: 1,
        updated_at: 0,
    };
    let unlimited = Entitlement::of("editor", &[candidate(1, &small)], 0);
    assert_eq!(
        (unlimited.seat_limit(), unlimited.node_limit()),
        (None, None)
    );
    let mut limited = candidate(1, &small);
    limited.claims.admin_seats = Some(3);
    limited.claims.dataplanes = Some(0);
    let limited = Entitlement::of("editor", &[limited], 0);
    assert_eq!(
        (limited.seat_limit(), limited.node_limit()),
        (Some(3), Some(0))
    );
    let refused = candidate(1, &Small { signer: 2, ..small });
    assert_eq!(Entitlement::of("editor", &[refused], 0).license, None);
}

#[test]
fn a_renewal_stored_early_covers_what_follows() {
    let license = |id, begins, expires| {
        let small = Small {
            begins,
            expires,
            signer: 1,
            updated_at: 0,
        };
        candidate(id, &small)
    };
    let old = license(1, Some(0), 5);
    let until = |newest_first: &[Candidate]| covered_until(newest_first, DAY).map(|at| at / DAY);
    assert_eq!(until(&[]), None);
    assert_eq!(until(std::slice::from_ref(&old)), Some(5));
    assert_eq!(until(&[license(2, Some(5), 9), old.clone()]), Some(9));
    assert_eq!(until(&[license(2, Some(3), 9), old.clone()]), Some(9));
    assert_eq!(
        until(&[license(2, Some(3), 4), old.clone()]),
        Some(5),
        "the longer one comes back"
    );
    assert_eq!(until(&[license(2, Some(6), 9), old.clone()]), Some(5));
    assert_eq!(
        until(&[old.clone(), license(2, Some(5), 9)]),
        Some(9),
        "an older one follows as well"
    );
    assert_eq!(until(&[license(2, Some(0), 1), old]), Some(5));
    assert_eq!(until(&[license(1, Some(2), 5)]), None);
}

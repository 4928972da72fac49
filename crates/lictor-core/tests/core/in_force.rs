//! The license in force, against a reading of the words that does not know how it is found.

use lictor_core::digest::Digest;
use lictor_core::facts::entitlement::Entitlement;
use lictor_core::facts::license::{FIRST, LicenseState};
use lictor_core::rules::in_force::{
    Candidate, FoundBefore, Succession, covered_until, in_force, in_force_since, moves,
    next_boundary, verified_until,
};
use lictor_core::rules::outlook::{Outlook, Reason, Segment, outlook};
use lictor_core::{Claims, Date, DocumentError, Error, KeyId, Signer, Timestamp};
use proptest::prelude::{
    ProptestConfig, Strategy, any, prop, prop_assert, prop_assert_eq, proptest,
};
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
        written: (small.updated_at.into(), at as u64),
        claims,
        signer,
    }
}

/// What is stored of a candidate.
fn row(candidate: &Candidate) -> LicenseState {
    LicenseState {
        application: "editor".to_owned(),
        payload_sha256: Digest::of(b""),
        created_at: 0,
        updated_at: candidate.written.0,
        revision: candidate.written.1,
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

#[test]
fn what_was_written_since_tells_it_where_an_unverified_one_is_gone_and_not_where_a_verified_one_is()
{
    for (signer, told) in [(1, true), (0, false)] {
        let small = Small {
            begins: None,
            expires: 9,
            signer,
            updated_at: 1,
        };
        let known = [candidate(1, &small)];
        let before = FoundBefore::of(&known, known[0].written, FIRST, 0, 2);
        let again = Candidate {
            written: (2, 7),
            signer: Ok(Signer::Unverified),
            ..known[0].clone()
        };
        let stored = [(again.id, row(&again))].into();
        let newest = std::slice::from_ref(&again);
        let found = in_force_since(newest, before.newest, Some(&before), &stored, 0);
        let is_again = matches!(&found, Ok(Some(one)) if *one == again);
        assert_eq!((is_again, found.is_ok()), (told, told));
    }
}

#[test]
fn behind_one_that_is_gone_stands_what_it_outlasted_which_nobody_looked_at() {
    let small = |expires| Small {
        begins: None,
        expires,
        signer: 1,
        updated_at: 1,
    };
    let [oldest, outlasted, newest] = [9, 3, 5].map(small);
    let [oldest, outlasted, newest] =
        [(1, oldest), (2, outlasted), (3, newest)].map(|(at, small)| candidate(at, &small));
    let known = [newest.clone(), oldest.clone()];
    let before = FoundBefore::of(&known, newest.written, newest.written, 0, 256);
    let stored = [&oldest, &outlasted].map(|one| (one.id, row(one))).into();
    let found = in_force_since(&[], before.newest, Some(&before), &stored, 0);
    assert!(matches!(found, Err(Error::Outdated)), "{found:?}");
}

#[test]
fn a_license_that_a_shorter_one_supersedes_follows_it() {
    let small = |begins, expires, updated_at| Small {
        begins: Some(begins),
        expires,
        signer: 0,
        updated_at,
    };
    let all = newest_first(&[small(1, 7, 0), small(2, 4, 1), small(8, 9, 2)]);
    let told = outlook(&all, 0, usize::MAX);
    let told = told.segments.iter().map(|one| {
        let id = one.license.map(|license| license.id.as_u128());
        (one.from / DAY, id, one.reason)
    });
    let expected = [
        (0, None, Reason::Gap),
        (1, Some(0), Reason::Begins),
        (2, Some(1), Reason::Begins),
        (4, Some(0), Reason::Follows),
        (7, None, Reason::Gap),
        (8, Some(2), Reason::Begins),
        (9, None, Reason::End),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
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
    fn an_outlook_says_of_each_instant_what_is_in_force_then(
        all in world(), from in 0..10 * DAY, most in 1_usize..4,
    ) {
        let candidates = newest_first(&all);
        let Outlook { segments, known_until } = outlook(&candidates, from, usize::MAX);
        prop_assert_eq!(known_until, None);
        prop_assert_eq!(segments[0].from, from);
        for (segment, next) in segments.iter().zip(segments.iter().skip(1)) {
            prop_assert_eq!(segment.until, Some(next.from));
            prop_assert!(segment.from < next.from);
            let id = |one: &Segment| one.license.map(|license| license.id);
            prop_assert!(id(segment) != id(next), "a segment ends where something changes");
        }
        let last = segments.last().expect("a segment");
        prop_assert_eq!((last.until, last.reason), (None, Reason::End), "every license ends");
        for segment in &segments {
            let until = segment.until.unwrap_or(12 * DAY);
            for instant in [segment.from, segment.from + (until - segment.from) / 2, until - 1] {
                let id = segment.license.map(|license| license.id);
                prop_assert_eq!(id, by_the_words(&all, instant));
            }
            let license = segment.license.map(|license| candidates.iter().find(|one| one.id == license.id));
            let begins = license.flatten().map(|license| license.claims.validity().begins_at);
            let expected = match (begins, segment.until) {
                (None, None) => Reason::End,
                (None, Some(_)) => Reason::Gap,
                (Some(_), _) if segment.from == from => Reason::Current,
                (Some(begins), _) if begins == segment.from => Reason::Begins,
                (Some(_), _) => Reason::Follows,
            };
            prop_assert_eq!(segment.reason, expected);
        }
        let first = outlook(&candidates, from, most);
        prop_assert_eq!(&first.segments[..], &segments[..most.min(segments.len())]);
        prop_assert_eq!(first.known_until, segments.get(most).map(|next| next.from));
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
    fn the_newest_alone_tell_it_or_that_it_must_be_found_out_anew(
        all in world(), written in world(), gone in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        newest in 1_usize..6, read in 1_usize..4, since in any::<bool>(), now in 0..10 * DAY,
    ) {
        // First these were looked at; then some more were written, and some removed.
        let (first, both) = (all.len(), [all.clone(), written].concat());
        let later = |mut candidate: Candidate| {
            let revision = candidate.written.1;
            candidate.written = (4 * Timestamp::from(revision >= first as u64) + candidate.written.0, revision);
            candidate
        };
        let (mut known, mut now_stored) = (newest_first(&all), newest_first(&both));
        now_stored = now_stored.into_iter().map(later).collect();
        now_stored.sort_by_key(|one| std::cmp::Reverse(one.written));
        for at in gone {
            if !now_stored.is_empty() {
                now_stored.remove(at.index(now_stored.len()));
            }
        }
        let stored = now_stored.iter().map(|one| (one.id, row(one))).collect();
        // Of those before the newest few what these outlast was not looked at, unless it is verified.
        let whole_from = known.get(read).map_or(FIRST, |_| known[read - 1].written);
        let until = known.iter().take(read).filter(|one| one.signer.is_ok());
        let until = until.map(|one| one.claims.validity()).filter(|span| span.contains(now));
        let until = until.map(|span| span.expires_at).max().unwrap_or(now);
        known.retain(|one| {
            one.written >= whole_from
                || matches!(one.signer, Ok(Signer::Verified(_)))
                || one.claims.validity().expires_at > until
        });
        let before = known.first().map(|first| FoundBefore::of(&known, first.written, whole_from, now, 2));
        let mut newest = &now_stored[..newest.min(now_stored.len())];
        let is_all = newest.len() == now_stored.len();
        let oldest = newest.last().map_or(FIRST, |oldest| oldest.written);
        let mut all_after = if is_all { FIRST } else { oldest };
        // All that were written since, and no other, tell as much.
        if let Some(before) = before.as_ref().filter(|before| since && before.newest >= all_after) {
            let count = newest.iter().filter(|one| one.written > before.newest).count();
            (newest, all_after) = (&newest[..count], before.newest);
        }
        match in_force_since(newest, all_after, before.as_ref(), &stored, now) {
            Ok(told) => prop_assert_eq!(told.as_ref(), in_force(&now_stored, now)),
            Err(error) => {
                prop_assert!(matches!(error, Error::Outdated) && all_after != FIRST);
                // It is told wherever all is known that was written since, and one of before stands.
                let told = before.is_some_and(|before| {
                    let was = before.in_force;
                    let stands = was.is_empty() || was.iter().any(|one| stored.contains_key(&one.id));
                    stands && all_after <= before.newest
                });
                prop_assert!(!told);
            }
        }
    }

    #[test]
    fn those_that_a_running_verified_one_outlasts_may_be_missing(all in world(), now in 0..10 * DAY) {
        let candidates = newest_first(&all);
        for read in 0..=candidates.len() {
            // As a store gives them: the newest few, and of the others those that end later.
            let until = verified_until(&candidates[..read], now).unwrap_or(now);
            let mut kept = candidates.clone();
            let mut at = 0..;
            kept.retain(|candidate| {
                at.next() < Some(read) || candidate.claims.validity().expires_at > until
            });
            for later in (now..11 * DAY).step_by(43_200) {
                prop_assert_eq!(in_force(&kept, later), in_force(&candidates, later));
            }
            prop_assert_eq!(covered_until(&kept, now), covered_until(&candidates, now));
            for mine in &candidates {
                prop_assert_eq!(moves(&kept, mine, now), moves(&candidates, mine, now));
            }
        }
    }

    #[test]
    fn one_that_is_written_again_moves_what_is_in_force_or_not(
        all in world(),
        which in any::<prop::sample::Index>(),
        now in 0..10 * DAY,
    ) {
        let last = |at: usize| {
            let mut all = all.clone();
            all[at].updated_at = 9;
            all
        };
        if !all.is_empty() {
            let at = which.index(all.len());
            let instants = std::iter::once(now).chain((0..11).map(|number| number * DAY));
            let differs = instants
                .filter(|instant| *instant >= now)
                .any(|instant| by_the_words(&all, instant) != by_the_words(&last(at), instant));
            let mine = candidate(at, &all[at]);
            prop_assert_eq!(moves(&newest_first(&all), &mine, now), differs);
        }
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

#[test]
fn a_new_license_has_a_place_among_the_others() {
    let license = |id: usize, begins, expires, signer| {
        let small = Small {
            begins: Some(begins),
            expires,
            signer,
            updated_at: 0,
        };
        candidate(id, &small)
    };
    let place = |others: &[Candidate], new: Candidate| Succession::of(others, &new, 2 * DAY);
    let is = |from: Option<u128>, then: Option<u128>| Succession {
        takes_over_from: from.map(Uuid::from_u128),
        followed_by: then.map(Uuid::from_u128),
        ..Succession::default()
    };
    let gap = |from: i64, until: i64| Some((from * DAY, until * DAY));
    let long = [license(1, 0, 9, 0)];
    assert_eq!(place(&[], license(2, 0, 5, 0)), is(None, None));
    assert_eq!(
        place(&long, license(2, 0, 5, 0)),
        is(Some(1), Some(1)),
        "it comes back"
    );
    assert_eq!(place(&long, license(2, 0, 9, 0)), is(Some(1), None));
    assert_eq!(place(&long, license(2, 4, 5, 0)), is(Some(1), Some(1)));
    assert_eq!(
        place(&long, license(1, 0, 5, 0)),
        is(Some(1), None),
        "it replaces itself"
    );
    for nothing in [
        license(2, 0, 2, 0),
        license(2, 5, 4, 0),
        license(2, 0, 5, 2),
    ] {
        assert_eq!(
            place(&long, nothing),
            is(None, None),
            "it is never in force"
        );
    }
    let unverified = place(&long, license(2, 0, 5, 1));
    assert_eq!(unverified, is(None, Some(1)), "it takes nobody's place");
    let short = [license(1, 0, 4, 0)];
    assert_eq!(
        place(&short, license(2, 4, 9, 0)),
        is(None, None),
        "without a gap"
    );
    let late = Succession {
        gap_before: gap(4, 6),
        ..Succession::default()
    };
    assert_eq!(place(&short, license(2, 6, 9, 0)), late);
    let first = Succession {
        gap_before: gap(2, 6),
        ..Succession::default()
    };
    assert_eq!(
        place(&[], license(2, 6, 9, 0)),
        first,
        "none is in force until then"
    );
    let ahead = [license(1, 7, 9, 0)];
    let before = Succession {
        gap_after: gap(5, 7),
        ..Succession::default()
    };
    assert_eq!(place(&ahead, license(2, 0, 5, 0)), before);
    assert_eq!(place(&ahead, license(2, 0, 7, 0)), is(None, Some(1)));
}

//! What holds for every input: nothing panics, and what is written is read again.

use std::sync::Arc;

use lictor_core::document::claims::{MAX_APPLICATION_KEY, MAX_COUNT, slug};
use lictor_core::rules::license::examine;
use lictor_core::{Claims, Date, Document, KeyId, KeyStatus, Plan, PublicKey, TrustPolicy};
use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use uuid::Uuid;

use crate::fixtures::{ORGANIZATION, PAYLOAD, key, trust};

/// Pieces of documents: put together at random they come close to real ones.
fn nearly_json() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just("\"".to_owned()),
        Just(":".to_owned()),
        Just(",".to_owned()),
        Just("\\u".to_owned()),
        Just("\\ud83e".to_owned()),
        Just("\u{feff}".to_owned()),
        Just("\0".to_owned()),
        Just("-1e999".to_owned()),
        Just("{\"license\":{\"payload\":".to_owned()),
        Just("\"signature\":\"".to_owned()),
        Just("\"version\":\"1\"".to_owned()),
        Just("\"license_expiration_date\":\"2027-1-1\"".to_owned()),
        Just("null".to_owned()),
        Just(" \r\n\t".to_owned()),
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn try_all(text: &str) {
    let trust = trust(&[(1, KeyStatus::Active), (2, KeyStatus::Revoked)]);
    for policy in [TrustPolicy::Verified, TrustPolicy::Structural] {
        let examined = examine(Arc::from(text), ORGANIZATION, &trust, policy);
        if policy == TrustPolicy::Verified {
            assert!(examined.is_err(), "{text}");
        }
    }
    let _ = (
        Claims::read(text),
        Date::parse(text),
        KeyId::parse(text),
        PublicKey::from_pem(text),
    );
}

fn claims() -> impl Strategy<Value = Claims> {
    let text = || prop::option::of(any::<String>());
    let count = || prop::option::of(0..=MAX_COUNT);
    let date = || (-719_162_i64..2_932_896).prop_map(|day| Date::of(day * 86_400));
    let plan = prop_oneof![Just(Plan::Paid), Just(Plan::Free), Just(Plan::Trial)];
    let features = prop::collection::vec("[a-z\u{e4}]{1,4}( [a-z]{1,3})?", 0..3);
    let unknown = prop::collection::btree_map("x.{0,6}", any::<String>(), 0..4);
    let texts = (
        text(),
        text(),
        text(),
        text(),
        prop::option::of("[a-z0-9]{1,9}(-[a-z]{1,9}){0,2}"),
    );
    let figures = (count(), count(), prop::option::of(date()), date(), plan);
    let rest = (prop::option::of(any::<u128>()), features, unknown);
    (texts, figures, rest).prop_map(|(texts, figures, rest)| {
        let mut claims = Claims::new("", figures.3);
        (claims.customer, claims.license_key, claims.support_plan) = (texts.0, texts.1, texts.2);
        let default_key = slug(texts.3.as_deref().unwrap_or_default());
        claims.application = texts.4.unwrap_or(default_key);
        claims.product_subscription = texts.3;
        (claims.admin_seats, claims.dataplanes) = (figures.0, figures.1);
        (claims.creation_date, claims.plan) = (figures.2, figures.4);
        (claims.organization, claims.features) = (rest.0.map(Uuid::from_u128), rest.1);
        claims.unknown = rest.2.into_iter().collect();
        claims
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_a_reader_panic(text in any::<String>(), near in nearly_json()) {
        try_all(&text);
        try_all(&near);
    }

    #[test]
    fn no_splice_of_a_good_document_is_accepted(from in 0_usize..260, until in 0_usize..260, into in 0_usize..260) {
        let good = key(1).sign(PAYLOAD);
        let (from, until) = (from.min(until), from.max(until));
        let spliced = format!("{}{}{}", &good[..into], &good[from..until], &good[into..]);
        if spliced != good {
            try_all(&spliced);
        }
    }

    #[test]
    fn claims_that_are_written_are_read_again(claims in claims()) {
        let payload = claims.to_json();
        prop_assert_eq!(Claims::read(&payload), Ok(claims.clone()));
        let document = key(1).sign(&payload);
        let parsed = Document::parse(&document).expect("a document");
        prop_assert_eq!(parsed.payload(), payload);
        prop_assert_eq!(parsed.verify(&trust(&[(1, KeyStatus::Active)])), Ok(key(1).public_key().id()));
        prop_assert_eq!(parsed.claims(), Ok(claims));
    }

    #[test]
    fn a_slug_is_its_own_slug(product in any::<String>(), ascii in "[ -~]{0,80}") {
        for text in [product, ascii] {
            let once = slug(&text);
            prop_assert_eq!(slug(&once), once.clone());
            prop_assert!((1..=MAX_APPLICATION_KEY).contains(&once.len()));
        }
    }

    #[test]
    fn a_date_is_the_day_of_its_start(instant in -62_135_596_800_i64..253_402_300_800) {
        let date = Date::of(instant);
        prop_assert_eq!(date.start(), instant - instant.rem_euclid(86_400));
        prop_assert_eq!(Date::parse(&String::from(date)), Some(date));
    }
}

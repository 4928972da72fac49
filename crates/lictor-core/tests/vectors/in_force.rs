//! Which of an application's licenses is in force: scenarios, each with the one that is.

use std::sync::Arc;

use lictor_core::digest::Digest;
use lictor_core::facts::license::{License, LicenseState};
use lictor_core::rules::in_force::{Candidate, in_force};
use lictor_core::{Date, Timestamp, TrustPolicy};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::format::{Object, render};
use crate::keys::{ALPHA, Key, trust_set};
use crate::scenarios;

/// Noon of 2026-06-15, the moment of most scenarios.
const NOW: Timestamp = 1_781_524_800;

#[derive(Clone)]
pub(crate) struct Stored {
    id: u8,
    pub(crate) document: String,
    updated_at: Timestamp,
    revision: u64,
}

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) policy: &'static str,
    pub(crate) now: Timestamp,
    pub(crate) statuses: Value,
    pub(crate) licenses: Vec<Stored>,
    pub(crate) in_force: Option<u8>,
}

pub(crate) fn payload(from: &str, until: &str) -> String {
    format!(
        r#"{{"license_creation_date":"{from}","license_expiration_date":"{until}","application":"editor"}}"#
    )
}

/// License `id`, written at second `id` with revision `id`.
pub(crate) fn by(id: u8, key: Key, (from, until): (&str, &str)) -> Stored {
    as_is(id, key.sign(&payload(from, until)))
}

pub(crate) fn as_is(id: u8, document: String) -> Stored {
    Stored {
        id,
        document,
        updated_at: id.into(),
        revision: id.into(),
    }
}

pub(crate) const VALID: (&str, &str) = ("2026-01-01", "2027-01-01");
pub(crate) const EXPIRED: (&str, &str) = ("2025-01-01", "2026-01-01");
pub(crate) const AHEAD: (&str, &str) = ("2027-01-01", "2028-01-01");

pub(crate) fn scenario(
    name: &'static str,
    policy: &'static str,
    licenses: Vec<Stored>,
    in_force: Option<u8>,
) -> Scenario {
    Scenario {
        name,
        policy,
        now: NOW,
        statuses: json!({}),
        licenses,
        in_force,
    }
}

fn order() -> Vec<Scenario> {
    let at = |stored: Stored, updated_at, revision| Stored {
        updated_at,
        revision,
        ..stored
    };
    let (one, two) = (by(1, ALPHA, VALID), by(2, ALPHA, VALID));
    let pair = |first: &Stored, second: &Stored| vec![first.clone(), second.clone()];
    let is = |name, licenses, id| scenario(name, "verified", licenses, id);
    vec![
        is("nothing is stored", vec![], None),
        is("a single valid license", vec![one.clone()], Some(1)),
        is("the one written last", pair(&one, &two), Some(2)),
        is(
            "the order of the list says nothing",
            pair(&two, &one),
            Some(2),
        ),
        is(
            "an old one that was touched",
            pair(&at(one.clone(), 9, 9), &two),
            Some(1),
        ),
        is(
            "written in the same second: the greater revision",
            pair(&at(one.clone(), 7, 4), &at(two.clone(), 7, 3)),
            Some(1),
        ),
        is(
            "updated_at counts before the revision",
            pair(&at(one.clone(), 8, 3), &at(two, 7, 4)),
            Some(1),
        ),
        is(
            "the last one has ended: the older one that runs",
            pair(&one, &by(2, ALPHA, EXPIRED)),
            Some(1),
        ),
        is(
            "a renewal waits, the older one stays",
            pair(&one, &by(2, ALPHA, AHEAD)),
            Some(1),
        ),
        is(
            "a renewal waits, the older one has expired",
            pair(&by(1, ALPHA, EXPIRED), &by(2, ALPHA, AHEAD)),
            None,
        ),
        is(
            "a single one that has not begun",
            vec![by(1, ALPHA, AHEAD)],
            None,
        ),
        is(
            "two wait, the oldest is valid",
            vec![one, by(2, ALPHA, AHEAD), by(3, ALPHA, AHEAD)],
            Some(1),
        ),
        is(
            "it begins after it ends",
            vec![by(1, ALPHA, ("2027-01-01", "2026-01-01"))],
            None,
        ),
        is(
            "it ended before it began: the older one",
            vec![
                by(1, ALPHA, VALID),
                by(2, ALPHA, ("2026-02-01", "2026-01-01")),
            ],
            Some(1),
        ),
        is(
            "an ended one that was touched hides nothing",
            pair(&at(by(1, ALPHA, EXPIRED), 9, 9), &by(2, ALPHA, VALID)),
            Some(2),
        ),
        is(
            "two have ended, the oldest runs",
            vec![
                by(1, ALPHA, VALID),
                by(2, ALPHA, EXPIRED),
                by(3, ALPHA, ("2026-01-01", "2026-06-15")),
            ],
            Some(1),
        ),
        is(
            "one ended, one waits, the oldest runs",
            vec![
                by(1, ALPHA, VALID),
                by(2, ALPHA, EXPIRED),
                by(3, ALPHA, AHEAD),
            ],
            Some(1),
        ),
        is(
            "all have ended",
            pair(&by(1, ALPHA, EXPIRED), &by(2, ALPHA, EXPIRED)),
            None,
        ),
        is(
            "no creation date: it always was",
            vec![as_is(
                1,
                ALPHA.sign(r#"{"license_expiration_date":"2027-01-01"}"#),
            )],
            Some(1),
        ),
    ]
}

fn edges() -> Vec<Scenario> {
    let start = |text| Date::parse(text).expect("a date").start();
    let moments = [
        ("a second before it begins", start("2026-01-01") - 1, None),
        ("the second it begins", start("2026-01-01"), Some(1)),
        ("its last second", start("2027-01-01") - 1, Some(1)),
        ("the second it ends", start("2027-01-01"), None),
    ];
    let mut all: Vec<Scenario> = moments
        .into_iter()
        .map(|(name, now, id)| Scenario {
            now,
            ..scenario(name, "verified", vec![by(1, ALPHA, VALID)], id)
        })
        .collect();
    let handover = || vec![by(1, ALPHA, VALID), by(2, ALPHA, AHEAD)];
    all.push(Scenario {
        now: start("2027-01-01") - 1,
        ..scenario(
            "a renewal, a second before it takes over",
            "verified",
            handover(),
            Some(1),
        )
    });
    all.push(Scenario {
        now: start("2027-01-01"),
        ..scenario(
            "a renewal takes over without a gap",
            "verified",
            handover(),
            Some(2),
        )
    });
    let shorter = || {
        vec![
            by(1, ALPHA, VALID),
            by(2, ALPHA, ("2026-06-01", "2026-07-01")),
        ]
    };
    let superseded = [
        (
            "a shorter one, a second before it begins",
            "2026-06-01",
            1,
            1,
        ),
        ("a shorter one supersedes the longer", "2026-06-01", 0, 2),
        ("a shorter one, in its last second", "2026-07-01", 1, 2),
        (
            "a shorter one ends: the longer comes back",
            "2026-07-01",
            0,
            1,
        ),
    ];
    all.extend(
        superseded
            .into_iter()
            .map(|(name, date, before, id)| Scenario {
                now: start(date) - before,
                ..scenario(name, "verified", shorter(), Some(id))
            }),
    );
    let leap = vec![by(1, ALPHA, ("2028-02-29", "2028-3-1"))];
    all.push(Scenario {
        now: start("2028-02-29") + 86_399,
        ..scenario("valid on a leap day alone", "verified", leap, Some(1))
    });
    all
}

fn id(number: u8) -> Uuid {
    Uuid::from_u128(number.into())
}

fn expected() -> String {
    let all = [
        order(),
        edges(),
        scenarios::trust(),
        scenarios::unverified(),
    ]
    .into_iter()
    .flatten()
    .map(|scenario| {
        let licenses: Vec<Value> = scenario
            .licenses
            .iter()
            .map(|stored| {
                json!({
                    "id": id(stored.id),
                    "document": stored.document,
                    "updated_at": stored.updated_at,
                    "revision": stored.revision,
                })
            })
            .collect();
        Object::new([
            ("name", scenario.name.into()),
            ("policy", scenario.policy.into()),
            ("now", scenario.now.into()),
            ("statuses", scenario.statuses),
            ("licenses", licenses.into()),
            ("in_force", json!(scenario.in_force.map(id))),
        ])
    });
    render(
        &crate::head("which license is in force"),
        &[("scenarios", all.collect())],
    )
}

fn license(value: &Value) -> License {
    let document = crate::text(value, "document");
    let state = LicenseState {
        application: "editor".to_owned(),
        payload_sha256: Digest::of(document.as_bytes()),
        created_at: 0,
        updated_at: value["updated_at"].as_i64().expect("a time"),
        revision: value["revision"].as_u64().expect("a revision"),
    };
    let id = crate::text(value, "id").parse().expect("a UUID");
    License {
        id,
        payload: Arc::from(document),
        state,
    }
}

#[test]
fn the_license_in_force_is_the_one_the_words_say() {
    let file = crate::file("in_force.json", &expected());
    let organization = crate::organization(&file);
    for scenario in crate::list(&file, "scenarios") {
        let name = crate::text(scenario, "name");
        let policy: TrustPolicy = crate::text(scenario, "policy").parse().expect("a policy");
        let trust = trust_set(&file, &scenario["statuses"]);
        let mut licenses: Vec<License> = crate::list(scenario, "licenses")
            .iter()
            .map(license)
            .collect();
        licenses.sort_by_key(|license| (license.state.updated_at, license.state.revision));
        let newest_first: Vec<Candidate> = licenses
            .iter()
            .rev()
            .map(|license| Candidate::of(license, organization, &trust, policy).expect(name))
            .collect();
        let now = scenario["now"].as_i64().expect("a time");
        let found = in_force(&newest_first, now).map(|candidate| candidate.id.to_string());
        assert_eq!(
            scenario["in_force"].as_str(),
            found.as_deref(),
            "{name} ({policy})"
        );
    }
}

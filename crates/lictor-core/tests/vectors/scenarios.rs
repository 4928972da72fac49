//! Scenarios about who signed: keys that were retired or revoked, and signatures nobody can check.

use serde_json::json;

use crate::in_force::{AHEAD, EXPIRED, Scenario, Stored, VALID, as_is, by, payload, scenario};
use crate::keys::{ALPHA, DELTA, EPSILON, GAMMA, Key};

pub(crate) fn trust() -> Vec<Scenario> {
    let elsewhere = ALPHA.sign(
        r#"{"license_expiration_date":"2027-01-01","organization":"0198a5b0-7c1e-7aaa-8000-00000000000b"}"#,
    );
    let tampered = by(2, ALPHA, VALID).document.replace("2027", "2037");
    let with = |second: Stored| vec![by(1, ALPHA, VALID), second];
    let mut all = Vec::new();
    for policy in ["verified", "structural"] {
        let alone = |name, second: Stored| scenario(name, policy, vec![second], None);
        let beside = |name, second| scenario(name, policy, with(second), Some(1));
        all.extend([
            scenario(
                "signed with a retired key: it stays in force",
                policy,
                with(by(2, GAMMA, VALID)),
                Some(2),
            ),
            alone("signed with a revoked key: none", by(2, DELTA, VALID)),
            beside(
                "signed with a revoked key: the older one counts",
                by(2, DELTA, VALID),
            ),
            beside(
                "an expired one of a revoked key masks nothing",
                by(2, DELTA, EXPIRED),
            ),
            alone(
                "a revoked key that is not named: none",
                as_is(2, DELTA.sign_unnamed(&payload(VALID.0, VALID.1))),
            ),
            alone(
                "it names a trusted key, whose signature does not fit: none",
                as_is(2, tampered.clone()),
            ),
            beside(
                "it names a trusted key, whose signature does not fit: the older one counts",
                as_is(2, tampered.clone()),
            ),
            alone(
                "it names a trusted key, and the signature is no signature: none",
                as_is(2, ALPHA.envelope(&payload(VALID.0, VALID.1), "none")),
            ),
            beside(
                "meant for another organization: the older one counts",
                as_is(2, elsewhere.clone()),
            ),
            Scenario {
                statuses: json!({"alpha": "revoked"}),
                ..scenario(
                    "its key was revoked since: the older one of another key counts",
                    policy,
                    vec![by(1, GAMMA, VALID), by(2, ALPHA, VALID)],
                    Some(1),
                )
            },
        ]);
    }
    all
}

pub(crate) fn unverified() -> Vec<Scenario> {
    let structural = |name, licenses, id| scenario(name, "structural", licenses, id);
    let foreign = |id, dates| by(id, EPSILON, dates);
    let revise = |id, key: Key, from: &str, to: &str| {
        as_is(id, by(id, key, VALID).document.replace(from, to))
    };
    let number = ("\"version\":\"1\"", "\"version\":1");
    let vendor = as_is(
        1,
        format!(
            r#"{{"license":{{"payload":{},"signature":"{}","version":1,"extra":[]}}}}"#,
            payload(VALID.0, VALID.1),
            "AB".repeat(64),
        ),
    );
    vec![
        scenario(
            "no trusted key can speak for it: it counts for nothing",
            "verified",
            vec![by(1, ALPHA, VALID), foreign(2, VALID)],
            Some(1),
        ),
        scenario(
            "a vendor's own form counts for nothing",
            "verified",
            vec![vendor.clone()],
            None,
        ),
        scenario(
            "version as a number counts for nothing",
            "verified",
            vec![revise(1, ALPHA, number.0, number.1)],
            None,
        ),
        structural(
            "unverified, and the only one",
            vec![foreign(1, VALID)],
            Some(1),
        ),
        structural("unverified, in a vendor's own form", vec![vendor], Some(1)),
        structural(
            "a verified one counts before an unverified one written later",
            vec![by(1, ALPHA, VALID), foreign(2, VALID)],
            Some(1),
        ),
        structural(
            "the verified one has expired: the unverified one counts",
            vec![foreign(1, VALID), by(2, ALPHA, EXPIRED)],
            Some(1),
        ),
        structural(
            "the verified one waits: the unverified one counts",
            vec![foreign(1, VALID), by(2, ALPHA, AHEAD)],
            Some(1),
        ),
        structural(
            "a verified one that has ended hides no older one: the verified one that runs",
            vec![
                by(1, ALPHA, VALID),
                foreign(2, VALID),
                by(3, ALPHA, EXPIRED),
            ],
            Some(1),
        ),
        structural(
            "the verified one is ended and touched last, the unverified one is older",
            vec![
                foreign(1, VALID),
                foreign(2, EXPIRED),
                by(3, ALPHA, EXPIRED),
            ],
            Some(1),
        ),
        structural(
            "of two unverified ones the last",
            vec![foreign(1, VALID), foreign(2, VALID)],
            Some(2),
        ),
        structural(
            "the last unverified one has ended: the older one that runs",
            vec![foreign(1, VALID), foreign(2, EXPIRED)],
            Some(1),
        ),
        structural(
            "an unverified one waits",
            vec![foreign(1, VALID), foreign(2, AHEAD)],
            Some(1),
        ),
        structural(
            "an unverified one that expired masks no verified one",
            vec![by(1, ALPHA, VALID), foreign(2, EXPIRED)],
            Some(1),
        ),
        structural(
            "not named, and no trusted key signed it",
            vec![as_is(1, EPSILON.sign_unnamed(&payload(VALID.0, VALID.1)))],
            Some(1),
        ),
        structural(
            "version as a number, signed with a trusted key: it is verified",
            vec![revise(1, ALPHA, number.0, number.1), foreign(2, VALID)],
            Some(1),
        ),
        structural(
            "version as a number does not bring a revoked key back",
            vec![revise(1, DELTA, number.0, number.1)],
            None,
        ),
        structural(
            "an unknown member does not bring a revoked key back",
            vec![revise(1, DELTA, "{\"license\"", "{\"x\":1,\"license\"")],
            None,
        ),
        structural(
            "another key_id does not bring a revoked key back",
            vec![revise(1, DELTA, &DELTA.id(), "0000000000000000")],
            None,
        ),
        structural(
            "a key_id that is none does not bring a revoked key back",
            vec![revise(1, DELTA, &DELTA.id(), "x")],
            None,
        ),
        structural(
            "version as a number does not excuse a signature that does not fit",
            vec![as_is(
                1,
                by(1, ALPHA, VALID)
                    .document
                    .replace("2027", "2037")
                    .replace(number.0, number.1),
            )],
            None,
        ),
    ]
}

//! Claims with values that are refused, under a signature that fits.

use crate::bad::{Bad, bad};
use crate::keys::{ALPHA, ORGANIZATION};

pub(crate) fn audience_and_dates() -> Vec<Bad> {
    let other = "0198a5b0-7c1e-7aaa-8000-00000000000b";
    let ends = "\"license_expiration_date\":\"2027-01-01\"";
    let payload = |members: &str| ALPHA.sign(&format!("{{{members}}}"));
    let mut all = vec![
        bad(
            "another organization",
            payload(&format!("{ends},\"organization\":\"{other}\"")),
            "WrongAudience",
        ),
        bad(
            "no organization at all (nil)",
            payload(&format!(
                "{ends},\"organization\":\"{}\"",
                uuid::Uuid::nil()
            )),
            "WrongAudience",
        ),
        bad(
            "another organization, and no expiration date",
            payload(&format!("\"organization\":\"{other}\"")),
            "WrongAudience",
        ),
        bad(
            "another organization, and a bad plan",
            payload(&format!(
                "{ends},\"organization\":\"{other}\",\"plan\":\"\""
            )),
            "WrongAudience",
        ),
        bad("no claims", "{}".to_owned(), "BadExpirationDate"),
        bad(
            "no expiration date, and a bad plan",
            payload("\"plan\":\"GOLD\""),
            "BadExpirationDate",
        ),
        bad(
            "no expiration date, and a bad organization",
            payload("\"organization\":\"x\""),
            "BadExpirationDate",
        ),
    ];
    all[4].1 = ALPHA.sign("{}");
    for date in [
        "",
        "never",
        "2027",
        "2027-01",
        "2027-13-01",
        "2027-00-10",
        "2027-02-29",
        "2027-04-31",
        "2027-01-00",
        "2027/01/01",
        "01-01-2027",
        "27-01-01",
        "20270101",
        "2027-001-01",
        "2027-01-01 ",
        " 2027-01-01",
        "2027-01-01T00:00:00Z",
        "2027-01-01-",
        "-2027-01-01",
        "+2027-1-1",
        "0000-01-01",
        "10000-01-01",
        "2027-٠1-01",
        "2027–01–01",
        "1798761600",
        "2027-1-1\u{0}",
    ] {
        let claims = serde_json::json!({"license_expiration_date": date}).to_string();
        all.push(bad(
            &format!("expiration date {date:?}"),
            ALPHA.sign(&claims),
            "BadExpirationDate",
        ));
    }
    all
}

pub(crate) fn bad_claims() -> Vec<Bad> {
    let long = "x".repeat(65);
    let simple = ORGANIZATION.replace('-', "");
    let braced = format!("{{{ORGANIZATION}}}");
    let urn = format!("urn:uuid:{ORGANIZATION}");
    let spread = format!("{}-", &simple[..31]).repeat(2)[..36].to_owned();
    let table: [(&str, &[&str]); 6] = [
        (
            "license_creation_date",
            &[
                "",
                "2026",
                "2026-02-30",
                "2026-01-01T00:00:00Z",
                "0000-01-01",
            ],
        ),
        (
            "admin_seats",
            &[
                "2147483648",
                "4294967296",
                "4294967297",
                "18446744073709551616",
                "-1",
                "-0",
                "+1",
                "1.0",
                "1e3",
                "0x10",
                "1_000",
                "1,000",
                " 1",
                "1 ",
                "",
                "٣",
                "unlimited",
                "null",
                "1\u{0}",
            ],
        ),
        ("dataplanes", &["2147483648", "-1", "+1", "1.0", "", "∞"]),
        ("plan", &["", "paid", "GOLD", "PAID ", "UNLICENSED"]),
        (
            "application",
            &[
                "", "Editor", "a_b", "a b", "a--b", "-a", "a-", "ä", "a\u{0}", &long,
            ],
        ),
        (
            "organization",
            &[
                "",
                "default",
                &simple,
                &braced,
                &urn,
                &spread,
                "0198a5b0-7c1e-7aaa-8000-00000000000g",
            ],
        ),
    ];
    let mut all = Vec::new();
    for (claim, values) in table {
        for value in values {
            let claims = serde_json::json!({"license_expiration_date": "2027-01-01", claim: value});
            all.push(bad(
                &format!("{claim} {value:?}"),
                ALPHA.sign(&claims.to_string()),
                "BadClaim",
            ));
        }
    }
    all
}

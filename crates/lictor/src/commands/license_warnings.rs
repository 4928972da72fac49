//! Warnings about an added license, from the server's answer: what its author may not have meant.

use serde_json::Value;

use crate::output::text_of;

/// One line each, of the answer to `POST /v1/licenses`.
pub(super) fn notes(license: &Value) -> Vec<String> {
    let (claims, place) = (&license["claims"], &license["place"]);
    let end = text_of(&claims["license_expiration_date"]);
    let mut notes = Vec::new();
    if license["status"] == "expired" {
        notes.push(format!(
            "warning: the license ended on {end}; it is stored, but counts for nothing"
        ));
    }
    let old = &place["takes_over_from"];
    let differs = |name: &str| old[name] != claims[name];
    if old.is_object() && (differs("customer") || differs("product_subscription")) {
        notes.push(format!(
            "warning: it takes the place of license {}, product {}, customer {}",
            text_of(&old["id"]),
            quoted(&old["product_subscription"]),
            quoted(&old["customer"]),
        ));
    }
    let next = &place["followed_by"];
    let begins = next["license_creation_date"].as_str();
    if next.is_object() && begins.is_none_or(|begins| begins < end.as_str()) {
        notes.push(format!(
            "note: when it ends on {end}, license {} counts again, until {}",
            text_of(&next["id"]),
            text_of(&next["license_expiration_date"]),
        ));
    }
    for (name, side) in [("gap_before", "before"), ("gap_after", "after")] {
        let gap = &place[name];
        if gap.is_object() {
            let (from, until) = (text_of(&gap["from"]), text_of(&gap["until"]));
            notes.push(format!(
                "warning: {side} it no license is in force, from {from} until {until}"
            ));
        }
    }
    notes
}

/// A text of a document, in quotes and with what a terminal would act on escaped.
fn quoted(text: &Value) -> String {
    text.as_str()
        .map_or_else(|| "unnamed".to_owned(), |text| format!("{text:?}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::notes;

    #[test]
    fn a_new_license_is_told_whose_place_it_takes_what_comes_back_and_where_none_is_in_force() {
        let claims = json!({"customer": "Other", "product_subscription": "C#",
            "license_expiration_date": "2027-01-01"});
        let old = json!({"id": "7", "customer": "Acme", "product_subscription": "C++",
            "license_creation_date": null, "license_expiration_date": "2099-01-01"});
        let gap = json!({"from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"});
        let told = notes(&json!({"status": "in-force", "claims": claims, "place": {
            "takes_over_from": old, "followed_by": old, "gap_before": gap, "gap_after": null}}));
        assert_eq!(
            told,
            [
                "warning: it takes the place of license 7, product \"C++\", customer \"Acme\"",
                "note: when it ends on 2027-01-01, license 7 counts again, until 2099-01-01",
                "warning: before it no license is in force, from 2026-01-01T00:00:00Z until \
                 2026-02-01T00:00:00Z",
            ]
        );
        let ended = notes(&json!({"status": "expired", "claims": claims, "place": null}));
        assert!(
            ended[0].contains("the license ended on 2027-01-01"),
            "{ended:?}"
        );
        let renewal = json!({"status": "in-force", "claims": claims, "place": {
            "takes_over_from": claims, "followed_by": null}});
        assert_eq!(notes(&renewal), [""; 0], "the same product and customer");
    }
}

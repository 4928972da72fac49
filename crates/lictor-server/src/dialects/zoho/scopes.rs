//! Lists of scopes as Zoho CRM's clients write and read them.

use lictor_core::facts::scope::{NAMES_ELSEWHERE as NAMES, Scope, names_elsewhere};

/// Reads a list of scopes, by their names or ours, with commas or spaces between them; none where
/// one of them is no scope.
pub(super) fn parse(text: &str) -> Option<Vec<Scope>> {
    let words = text.split([',', ' ']).filter(|word| !word.is_empty());
    words.map(|word| word.parse().ok()).collect()
}

/// What a reply says of scopes: their names, and ours for those that go beyond.
pub(super) fn shown(scopes: &[Scope]) -> String {
    let mut words: Vec<String> = names_elsewhere(scopes).map(str::to_owned).collect();
    let plain = |scope: &Scope| NAMES.iter().any(|(_, right)| *scope == Scope::of(*right));
    let others = scopes.iter().filter(|scope| !plain(scope));
    words.extend(others.map(ToString::to_string));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_shown_again() {
        for (text, again) in [
            ("ZohoCRM.features.READ", "ZohoCRM.features.READ"),
            (
                "ZohoCRM.Users.READ,zohocrm.features.read",
                "ZohoCRM.features.READ ZohoCRM.users.READ",
            ),
            ("seats:read", "ZohoCRM.features.READ"),
            ("seats", "ZohoCRM.features.READ seats"),
            (
                "leases:write ZohoCRM.org.READ",
                "ZohoCRM.org.READ leases:write",
            ),
            ("", ""),
        ] {
            let scopes = parse(text).expect("scopes");
            assert_eq!(shown(&scopes), again, "{text}");
        }
        for text in [
            "ZohoCRM.modules.ALL",
            "seats:read,x",
            "AaaServer.profile.READ",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

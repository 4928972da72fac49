//! Names in a license that is issued: which key a product's name becomes, and claims that are nearly
//! known ones.

use lictor_core::document::claims::slug;

/// The claims that mean something, with the option that sets each.
const KNOWN: [(&str, &str); 12] = [
    ("customer", "--customer"),
    ("product_subscription", "--product"),
    ("license_key", "--license-key"),
    ("license_creation_date", "--created"),
    ("license_expiration_date", "--expires"),
    ("admin_seats", "--seats"),
    ("dataplanes", "--dataplanes"),
    ("organization", "--for"),
    ("application", "--application"),
    ("support_plan", "--claim support_plan=TEXT"),
    ("plan", "--claim plan=PAID, FREE or TRIAL"),
    ("features", "--claim features=NAME,NAME"),
];

/// What people also call a known claim, in small letters and without the words around that [`has_core`] knows.
const ALSO: [(&str, &[&str]); 9] = [
    ("admin_seats", &["seat", "seats"]),
    ("dataplanes", &["dataplane", "node", "nodes"]),
    (
        "license_expiration_date",
        &[
            "end",
            "ends",
            "expiration",
            "expire",
            "expires",
            "expiry",
            "notafter",
            "until",
            "validthrough",
            "validtill",
            "validto",
            "validuntil",
        ],
    ),
    (
        "license_creation_date",
        &[
            "begin",
            "begins",
            "created",
            "creation",
            "issue",
            "issued",
            "notbefore",
            "start",
            "starts",
            "validfrom",
        ],
    ),
    (
        "product_subscription",
        &["product", "productname", "subscription"],
    ),
    ("organization", &["org", "orgid", "organizationid"]),
    ("application", &["app", "appkey", "applicationkey"]),
    ("plan", &["plans"]),
    ("features", &["featurelist"]),
];

/// Refuses a claim that is a known one in another spelling or by another name: it would be signed,
/// and mean nothing. Any other name is for the vendor to give.
pub(super) fn check_claim(name: &str) -> Result<(), String> {
    if KNOWN.iter().any(|(known, _)| *known == name) {
        return Ok(());
    }
    let given = joined(name);
    let meant = KNOWN.iter().find(|(known, _)| is_meant(known, &given));
    match meant {
        Some((known, option)) => Err(format!(
            "there is no claim {name:?}: if you mean `{known}`, use {option}; if it is a claim \
             of your own, give it another name"
        )),
        None => Ok(()),
    }
}

/// Whether `given` means the known claim.
fn is_meant(known: &str, given: &str) -> bool {
    let mut also = ALSO.iter().filter(|(claim, _)| *claim == known);
    // Users are seats where there is a limit of them.
    let of_users = |core: &str| core != given && matches!(core, "user" | "users");
    let short = known.trim_start_matches("license_");
    (known == "admin_seats" && has_core(given, &of_users))
        || also.any(|(_, names)| has_core(given, &|core| names.contains(&core)))
        || [known, short]
            .iter()
            .any(|form| is_slip(&joined(form), given))
}

/// Whether a slip of the keys makes `given` of `form`: a letter in a short word, two in a long one,
/// or two that changed places. Words of four letters and less have too many neighbors.
fn is_slip(form: &str, given: &str) -> bool {
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    let same_start = form.chars().next() == given.chars().next();
    match strsim::damerau_levenshtein(form, given) {
        0 => true,
        1 => form.len() >= 6,
        2 => (form.len() >= 10 && same_start) || sorted(form) == sorted(given),
        _ => false,
    }
}

/// A name in lower case, without the separators between its words.
fn joined(name: &str) -> String {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// Whether a name is this, maybe with words around it that limit, count or date something: `seat` of
/// `maxseatlimit`.
fn has_core(name: &str, is: &impl Fn(&str) -> bool) -> bool {
    const LONGEST: usize = 40;
    const BEFORE: [&str; 10] = [
        "license", "licensed", "admin", "allowed", "maximum", "max", "number", "of", "num", "total",
    ];
    const BEHIND: [&str; 10] = [
        "allowed", "limit", "count", "number", "total", "max", "date", "time", "at", "on",
    ];
    let before = BEFORE.iter().filter_map(|word| name.strip_prefix(word));
    let mut shorter = before.chain(BEHIND.iter().filter_map(|word| name.strip_suffix(word)));
    is(name) || (name.len() <= LONGEST && shorter.any(|core| has_core(core, is)))
}

/// What to say of the key that a product's name becomes; nothing where the name is `named` otherwise,
/// or lost nothing.
///
/// # Errors
/// Fewer than half of its letters and digits are left.
pub(super) fn check_key(product: &str, named: bool) -> Result<Option<String>, String> {
    let key = slug(product);
    if named {
        return Ok(None);
    }
    let letters = product.chars().filter(|c| c.is_alphanumeric()).count();
    let nothing = !product.chars().any(|c| c.is_ascii_alphanumeric());
    let left = key.bytes().filter(u8::is_ascii_alphanumeric).count();
    if nothing || left * 2 < letters {
        let left = if nothing { 0 } else { left };
        return Err(format!(
            "a key consists of the letters a to z and digits, and of the {letters} letters and \
             digits of {product:?} only {left} are left; name the application with --application \
             KEY"
        ));
    }
    let separates = |c: char| c.is_whitespace() || matches!(c, '-' | '_' | '.' | '/' | ',' | ':');
    let lost = product
        .chars()
        .any(|c| !c.is_ascii_alphanumeric() && !separates(c));
    Ok((lost || left < letters).then(|| {
        format!(
            "the application's key is `{key}`, which is not all of {product:?}: a product with \
             the same key would be the same application; choose another with --application KEY"
        )
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_that_are_nearly_known_are_refused_with_the_one_that_is_meant() {
        for (name, known) in [
            ("admin_seat", "admin_seats"),
            ("Admin-Seats", "admin_seats"),
            ("adminseats", "admin_seats"),
            ("seats", "admin_seats"),
            ("expiration_date", "license_expiration_date"),
            ("license_expiraton_date", "license_expiration_date"),
            ("data_planes", "dataplanes"),
            ("creation_date", "license_creation_date"),
            ("licens_key", "license_key"),
            ("feature", "features"),
            ("organizaton", "organization"),
            ("costumer", "customer"),
            ("PLAN", "plan"),
            ("plans", "plan"),
            ("max_seats", "admin_seats"),
            ("maxSeats", "admin_seats"),
            ("seat_limit", "admin_seats"),
            ("number-of-seats", "admin_seats"),
            ("max_users", "admin_seats"),
            ("user_limit", "admin_seats"),
            ("nodes", "dataplanes"),
            ("max_nodes", "dataplanes"),
            ("data-plane", "dataplanes"),
            ("expires", "license_expiration_date"),
            ("expiresAt", "license_expiration_date"),
            ("expiry_date", "license_expiration_date"),
            ("expiration", "license_expiration_date"),
            ("license_expires_on", "license_expiration_date"),
            ("valid_until", "license_expiration_date"),
            ("validTo", "license_expiration_date"),
            ("end_date", "license_expiration_date"),
            ("valid_from", "license_creation_date"),
            ("start_date", "license_creation_date"),
            ("issued_at", "license_creation_date"),
            ("product", "product_subscription"),
            ("organization_id", "organization"),
            ("app", "application"),
        ] {
            let refused = check_claim(name).expect_err(name);
            assert!(refused.contains(&format!("`{known}`")), "{name}: {refused}");
        }
        for name in [
            "plan",
            "features",
            "zone",
            "customer_id",
            "serial",
            "tier",
            "region",
            "k",
            "custom",
            "customs",
            "customization",
            "users",
            "node_list",
            "modes",
            "futures",
            "fixtures",
            "replication",
            "planet",
            "place",
            "play",
            "sets",
            "support_until",
            "maintenance_expires",
            "uptime",
            "version",
            "datapoints",
            "rate_limit",
            "max_requests",
            "license_type",
            "weekend",
            "backend",
            "station",
            "format",
            "\u{f6}ffnung",
        ] {
            assert_eq!(check_claim(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_name_that_loses_letters_is_told_and_one_that_loses_most_is_refused() {
        for plain in ["Gateway", "Konnect Enterprise", "a-b_c 2.0"] {
            assert_eq!(check_key(plain, false), Ok(None), "{plain}");
        }
        for (lossy, key) in [("C++", "`c`"), ("C#", "`c`"), ("\u{c4}rzte", "`rzte`")] {
            let note = check_key(lossy, false).expect(lossy).expect(lossy);
            assert!(note.contains(key), "{note}");
        }
        let long = "x".repeat(100);
        assert!(check_key(&long, false).expect("enough").is_some());
        for lost in [
            "\u{6771}\u{4eac}",
            "\u{6771}\u{4eac}1",
            "+",
            &"x".repeat(129),
        ] {
            let refused = check_key(lost, false).expect_err(lost);
            assert!(refused.contains("--application"), "{refused}");
            assert_eq!(check_key(lost, true), Ok(None), "{lost}");
        }
    }
}

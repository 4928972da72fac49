//! Names in a license that is issued: which key a product's name becomes, and claims that are nearly
//! known ones.

use lictor_core::claims::slug;

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

/// Refuses a claim that is nearly a known one: it would be signed, and mean nothing.
pub(super) fn check_claim(name: &str) -> Result<(), String> {
    let plain = |name: &str| name.to_lowercase().replace(['-', ' ', '.'], "_");
    let given = plain(name);
    let near = |known: &str| {
        let short = known
            .trim_start_matches("license_")
            .trim_start_matches("admin_");
        let forms = [known.to_owned(), known.replace('_', ""), short.to_owned()];
        forms.iter().any(|form| {
            let far = if form.len() < 8 { 1 } else { 2 };
            form.len() >= 4 && strsim::damerau_levenshtein(form, &given) <= far
        })
    };
    if KNOWN.iter().any(|(known, _)| *known == name) {
        return Ok(());
    }
    match KNOWN.iter().find(|(known, _)| near(known)) {
        Some((known, option)) => Err(format!(
            "no claim is called {name:?}, and it would mean nothing; is `{known}` meant? Use {option}"
        )),
        None => Ok(()),
    }
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
            "a key has the letters a to z and digits, and of the {letters} letters and digits of \
             {product:?} {left} are left; name the application with --application KEY"
        ));
    }
    let separates = |c: char| c.is_whitespace() || matches!(c, '-' | '_' | '.' | '/' | ',' | ':');
    let lost = product
        .chars()
        .any(|c| !c.is_ascii_alphanumeric() && !separates(c));
    Ok((lost || left < letters).then(|| {
        format!(
            "the application's key is `{key}`, which is not all of {product:?}: a product with the \
             same key takes its place; name another with --application KEY"
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

//! The claims of a license: a lenient view of its payload, never the truth itself.

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::document::error::DocumentError;
use crate::document::json::text_members;
use crate::parse_error;
use crate::time::{Date, Timestamp, Validity};
use crate::words::{listed, words};

/// The largest count a claim can grant, seats and data planes alike.
pub const MAX_COUNT: u32 = 2_147_483_647;

/// The longest application key, in characters.
pub const MAX_APPLICATION_KEY: usize = 64;

/// What a license grants an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Paid for; the default.
    Paid,
    /// Free of charge.
    Free,
    /// A trial.
    Trial,
}

words!(
    Plan, "a plan", {
        Paid => "PAID",
        Free => "FREE",
        Trial => "TRIAL",
    }
);

impl Plan {
    /// What is shown as the plan where no license is in force.
    pub const UNLICENSED: &str = "UNLICENSED";
}

/// The parsed claims of one payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who bought it.
    pub customer: Option<String>,
    /// What was bought, in the vendor's words.
    pub product_subscription: Option<String>,
    /// The vendor's name for this license.
    pub license_key: Option<String>,
    /// The first date on which it is valid; absent: it always was.
    pub creation_date: Option<Date>,
    /// The date at whose start it ends.
    pub expiration_date: Date,
    /// Seats, 0 to [`MAX_COUNT`]. `None` if unlimited.
    pub admin_seats: Option<u32>,
    /// Data planes, 0 to [`MAX_COUNT`]. `None` if unlimited.
    pub dataplanes: Option<u32>,
    /// The vendor's support plan.
    pub support_plan: Option<String>,
    /// The key of the application it is for.
    pub application: String,
    /// The plan it grants.
    pub plan: Plan,
    /// The only organization that may use it.
    pub organization: Option<Uuid>,
    /// The features it grants.
    pub features: Vec<String>,
    /// Every other claim, in the order of the document.
    pub unknown: Vec<(String, String)>,
}

impl Claims {
    /// Claims for `product` that end at the start of `expiration_date`, all else left open.
    pub fn new(product: &str, expiration_date: Date) -> Self {
        Self {
            customer: None,
            product_subscription: Some(product.to_owned()),
            license_key: None,
            creation_date: None,
            expiration_date,
            admin_seats: None,
            dataplanes: None,
            support_plan: None,
            application: slug(product),
            plan: Plan::Paid,
            organization: None,
            features: Vec::new(),
            unknown: Vec::new(),
        }
    }

    /// Reads a payload: a flat object whose values are all text. Absent claims take their
    /// defaults; unknown ones are kept.
    ///
    /// # Errors
    /// [`DocumentError::WrongShape`], [`DocumentError::BadExpirationDate`] or
    /// [`DocumentError::BadClaim`], in this order.
    pub fn read(payload: &str) -> Result<Self, DocumentError> {
        let raw: &RawValue = serde_json::from_str(payload).map_err(|error| {
            let why = parse_error::of_json(payload, &error);
            DocumentError::WrongShape(format!("`payload`: {why}"))
        })?;
        Self::of(text_members(raw)?)
    }

    /// Makes sense of claims that are all text and have each name once.
    pub(crate) fn of(mut claims: Vec<(String, String)>) -> Result<Self, DocumentError> {
        let mut take = |name: &str| {
            let at = claims.iter().position(|(known, _)| known == name)?;
            Some(claims.remove(at).1)
        };
        let expiration = take("license_expiration_date").unwrap_or_default();
        let expiration_date =
            Date::parse(&expiration).ok_or(DocumentError::BadExpirationDate(expiration))?;
        let creation_date = take("license_creation_date")
            .map(creation_date)
            .transpose()?;
        let admin_seats = take("admin_seats")
            .map(|text| count("admin_seats", &text))
            .transpose()?;
        let dataplanes = take("dataplanes")
            .map(|text| count("dataplanes", &text))
            .transpose()?;
        let product_subscription = take("product_subscription");
        let application = match take("application") {
            Some(key) => application_key(key)?,
            None => slug(product_subscription.as_deref().unwrap_or_default()),
        };
        let plan = take("plan").map_or(Ok(Plan::Paid), |text| {
            text.parse()
                .map_err(|_: String| bad("plan", &text, &format!("is not {}", listed(Plan::ALL))))
        })?;
        let organization = take("organization")
            .map(|text| {
                organization_id(&text).ok_or_else(|| bad("organization", &text, "is no UUID"))
            })
            .transpose()?;
        let features = take("features").unwrap_or_default();
        Ok(Self {
            customer: take("customer"),
            license_key: take("license_key"),
            support_plan: take("support_plan"),
            product_subscription,
            creation_date,
            expiration_date,
            admin_seats,
            dataplanes,
            application,
            plan,
            organization,
            features: list(&features),
            unknown: claims,
        })
    }

    /// When the license is valid.
    pub fn validity(&self) -> Validity {
        Validity {
            begins_at: self.creation_date.map_or(Timestamp::MIN, Date::start),
            expires_at: self.expiration_date.start(),
        }
    }

    /// The payload that says this, names in alphabetical order: what a vendor signs.
    pub fn to_json(&self) -> String {
        let mut map: Map<String, Value> = self
            .unknown
            .iter()
            .map(|(name, value)| (name.clone(), value.clone().into()))
            .collect();
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                map.insert(name.to_owned(), value.into());
            }
        };
        put("customer", self.customer.clone());
        put("product_subscription", self.product_subscription.clone());
        put("license_key", self.license_key.clone());
        put(
            "license_creation_date",
            self.creation_date.map(String::from),
        );
        put("license_expiration_date", Some(self.expiration_date.into()));
        put(
            "admin_seats",
            self.admin_seats.map(|count| count.to_string()),
        );
        put("dataplanes", self.dataplanes.map(|count| count.to_string()));
        put("support_plan", self.support_plan.clone());
        let default_key = slug(self.product_subscription.as_deref().unwrap_or_default());
        put(
            "application",
            (self.application != default_key).then(|| self.application.clone()),
        );
        put(
            "plan",
            (self.plan != Plan::Paid).then(|| self.plan.as_str().to_owned()),
        );
        put("organization", self.organization.map(|id| id.to_string()));
        put(
            "features",
            (!self.features.is_empty()).then(|| self.features.join(",")),
        );
        Value::Object(map).to_string()
    }
}

/// The application key for a product's name: lower-case ASCII letters and digits, all
/// other runs one `-`, none at the ends, at most 64; `license` if nothing is left.
pub fn slug(product: &str) -> String {
    let mut key = String::new();
    for character in product.chars() {
        if key.len() == MAX_APPLICATION_KEY {
            break;
        }
        if character.is_ascii_alphanumeric() {
            key.push(character.to_ascii_lowercase());
        } else if !key.is_empty() && !key.ends_with('-') {
            key.push('-');
        }
    }
    let key = key.trim_end_matches('-');
    if key.is_empty() {
        "license".to_owned()
    } else {
        key.to_owned()
    }
}

/// An organization's id: 36 characters in either case. Other readers do not agree on the shorter
/// and longer forms of a UUID, so those are not accepted.
pub(crate) fn organization_id(text: &str) -> Option<Uuid> {
    if text.len() == 36 {
        Uuid::try_parse(text).ok()
    } else {
        None
    }
}

fn creation_date(text: String) -> Result<Date, DocumentError> {
    Date::parse(&text).ok_or_else(|| {
        bad(
            "license_creation_date",
            &text,
            "is not a date such as 2027-12-31",
        )
    })
}

fn count(name: &'static str, text: &str) -> Result<u32, DocumentError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let value = text
        .parse()
        .ok()
        .filter(|value| digits && *value <= MAX_COUNT);
    value.ok_or_else(|| bad(name, text, "is not a whole number from 0 to 2147483647"))
}

/// Whether `key` is well formed: lower-case letters, digits and single hyphens between them, at most
/// 64.
pub fn is_application_key(key: &str) -> bool {
    key == slug(key)
}

fn application_key(key: String) -> Result<String, DocumentError> {
    if is_application_key(&key) {
        return Ok(key);
    }
    Err(bad(
        "application",
        &key,
        "is not lower-case letters, digits and single hyphens, at most 64",
    ))
}

fn list(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

fn bad(name: &'static str, value: &str, reason: &str) -> DocumentError {
    DocumentError::BadClaim {
        name,
        reason: format!("{value:?} {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(members: &str) -> Result<Claims, DocumentError> {
        Claims::read(&format!(
            r#"{{"license_expiration_date":"2027-01-01"{members}}}"#
        ))
    }

    #[test]
    fn absent_claims_take_their_defaults() {
        let expected = Claims {
            product_subscription: None,
            ..Claims::new("", Date::parse("2027-01-01").expect("a date"))
        };
        let claims = read("").expect("good claims");
        assert_eq!(claims, expected);
        assert_eq!(claims.application, "license");
        assert_eq!(claims.validity().begins_at, Timestamp::MIN);
        assert!(claims.validity().contains(Timestamp::MIN));
    }

    #[test]
    fn counts_are_whole_numbers_up_to_the_largest() {
        for (text, expected) in [("0", 0), ("7", 7), ("007", 7), ("2147483647", MAX_COUNT)] {
            let claims = read(&format!(r#","admin_seats":"{text}","dataplanes":"{text}""#));
            let claims = claims.expect(text);
            assert_eq!(
                (claims.admin_seats, claims.dataplanes),
                (Some(expected), Some(expected))
            );
        }
        for text in [
            "2147483648",
            "4294967295",
            "4294967296",
            "-1",
            "+1",
            "1.0",
            "",
            " 1",
            "٣",
        ] {
            for name in ["admin_seats", "dataplanes"] {
                let refused = read(&format!(r#","{name}":"{text}""#));
                let is = matches!(&refused, Err(DocumentError::BadClaim { name: found, .. }) if *found == name);
                assert!(is, "{name} {text:?}: {refused:?}");
            }
        }
    }

    #[test]
    fn slugs_are_lower_case_words() {
        let long = "x".repeat(64);
        for (product, expected) in [
            ("Konnect Enterprise", "konnect-enterprise"),
            ("  A -- b_c  ", "a-b-c"),
            ("ÄÖ", "license"),
            ("", "license"),
            ("-", "license"),
            ("İx", "x"),
            ("\u{212a}elvin", "elvin"),
            ("1.2", "1-2"),
            (&format!("{long}yy"), &long),
            (&format!("{} y", &long[1..]), &long[1..]),
        ] {
            assert_eq!(slug(product), expected, "{product:?}");
        }
    }

    #[test]
    fn the_reasons_come_in_order() {
        let bad = r#""plan":"x","organization":"x","admin_seats":"x""#;
        let reason = |payload: &str| Claims::read(payload).expect_err(payload);
        let twice = format!(r#"{{{bad},"plan":"PAID"}}"#);
        assert!(matches!(reason(&twice), DocumentError::WrongShape(_)));
        let not_text = format!(r#"{{{bad},"x":[]}}"#);
        assert!(matches!(reason(&not_text), DocumentError::WrongShape(_)));
        let undated = format!("{{{bad}}}");
        assert_eq!(
            reason(&undated),
            DocumentError::BadExpirationDate(String::new())
        );
        let dated = format!(r#"{{"license_expiration_date":"2027-01-01",{bad}}}"#);
        assert!(matches!(reason(&dated), DocumentError::BadClaim { .. }));
        for text in ["", "[]", "null", "{", "{}x", "\u{feff}{}"] {
            assert!(
                matches!(reason(text), DocumentError::WrongShape(_)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_a_vendor_signs_has_one_form() {
        let mut claims = Claims::new("Editor", Date::parse("2027-1-1").expect("a date"));
        assert_eq!(
            claims.to_json(),
            r#"{"license_expiration_date":"2027-01-01","product_subscription":"Editor"}"#
        );
        claims.creation_date = Date::parse("2026-2-3");
        (claims.customer, claims.license_key) = (Some("é\"\n".into()), Some("L".into()));
        (claims.admin_seats, claims.dataplanes) = (Some(0), Some(MAX_COUNT));
        (claims.support_plan, claims.application) = (Some("Gold".into()), "other".into());
        (claims.plan, claims.organization) = (Plan::Trial, Some(Uuid::from_u128(1)));
        claims.features = vec!["a b".into(), "c".into()];
        claims.unknown = vec![("zone".into(), "eu".into()), ("box".into(), String::new())];
        assert_eq!(
            claims.to_json(),
            r#"{"admin_seats":"0","application":"other","box":"","customer":"é\"\n","dataplanes":"2147483647","features":"a b,c","license_creation_date":"2026-02-03","license_expiration_date":"2027-01-01","license_key":"L","organization":"00000000-0000-0000-0000-000000000001","plan":"TRIAL","product_subscription":"Editor","support_plan":"Gold","zone":"eu"}"#
        );
    }
}

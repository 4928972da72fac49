//! Vendors of the tests, and what they sign: the same keys in every run.

#![expect(
    clippy::expect_used,
    reason = "what a test cannot go on without ends it"
)]

use lictor_core::{Claims, Date, SigningKey};

/// The vendor of this number.
pub fn vendor(number: u8) -> SigningKey {
    SigningKey::from_seed([number; 32])
}

/// Claims for `product` that end in 2199.
///
/// # Panics
/// Never.
pub fn claims(product: &str) -> Claims {
    Claims::new(product, Date::parse("2199-01-01").expect("a date"))
}

/// A document of vendor 1.
pub fn sign(claims: &Claims) -> String {
    vendor(1).sign(&claims.to_json())
}

/// A document of vendor 1 for `product`.
pub fn document(product: &str) -> String {
    sign(&claims(product))
}

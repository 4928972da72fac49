//! The credentials of a request, which all parts of the server find alike; whose they are, is asked elsewhere.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Read with padding or without, which some clients leave out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The token in `Authorization: Bearer TOKEN`; the scheme is compared without regard to case.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The user and the password of a credential of the scheme Basic, as they were before base64. `None`
/// where it is not both.
pub fn basic(credential: &str) -> Option<(String, String)> {
    let bytes = BASE64.decode(credential.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_and_a_password_are_parted_at_the_first_colon() {
        let pair = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        for (credential, found) in [
            ("YTpi", pair("a", "b")),
            (" YTpi ", pair("a", "b")),
            ("YTpiOmM=", pair("a", "b:c")),
            ("YTpiOmM", pair("a", "b:c")),
            ("Og==", pair("", "")),
            ("YQ==", None),
            ("/zph", None),
            ("!", None),
            ("", None),
        ] {
            assert_eq!(basic(credential), found, "{credential}");
        }
    }
}

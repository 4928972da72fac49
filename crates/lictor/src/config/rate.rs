//! A number of requests a second, as an option gives it.

use std::num::NonZeroU32;
use std::str::FromStr;

use serde::Deserialize;

/// So many requests a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Rate(pub NonZeroU32);

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_suffix("/s");
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let number = digits.and_then(|digits| digits.parse().ok());
        let rate = number.map(Self);
        rate.ok_or_else(|| format!("{text:?} is not a rate such as 500/s"))
    }
}

impl TryFrom<String> for Rate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_a_second() {
        let number = |text: &str| text.parse::<Rate>().ok().map(|Rate(number)| number.get());
        assert_eq!(number("500/s"), Some(500));
        for text in [
            "0/s",
            "500",
            "/s",
            "-1/s",
            "+1/s",
            "1.5/s",
            "5/m",
            "5 /s",
            "4294967296/s",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}

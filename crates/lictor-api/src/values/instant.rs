//! Instants and dates as text.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use lictor_core::Timestamp;
use lictor_core::time::{parse_rfc3339, rfc3339};
use schemars::generate::Contract;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::words::Meaning;

/// An instant, in seconds since 1970. As text it is RFC 3339 in UTC, such as `2026-11-22T04:00:00Z`; any offset is
/// read, and parts of a second are left out. Years 1 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub Timestamp);

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&rfc3339(self.0))
    }
}

impl FromStr for Instant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = text
            .get(10..11)
            .is_some_and(|letter| letter.eq_ignore_ascii_case("t"));
        let time = parse_rfc3339(text);
        let time = time.filter(|_| plain && text.len() >= 20 && !text.contains('['));
        time.map(Self)
            .ok_or_else(|| format!("{text:?} is not a time such as 2026-11-22T04:00:00Z"))
    }
}

impl Meaning for Instant {
    fn read(text: &str) -> Result<Self, String> {
        text.parse()
    }

    fn schema(_: &Contract) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Instant {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Instant".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Self::schema(generator.contract())
    }
}

/// The schema of a date such as `2026-11-22`.
pub struct Day;

impl JsonSchema for Day {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Day".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date" })
    }
}

/// The schema of the id of a key: 16 lower-case hex digits.
pub struct KeyIdText;

impl JsonSchema for KeyIdText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "KeyId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9a-f]{16}$" })
    }
}

#[cfg(test)]
mod tests {
    use lictor_core::time::LAST_TIMESTAMP;

    use super::*;

    #[test]
    fn an_instant_is_read_with_any_offset_and_written_in_utc() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-22T04:00:00Z", 1_795_320_000),
            ("2026-11-22T05:30:00.75+01:30", 1_795_320_000),
            ("9999-12-31T00:00:00Z", LAST_TIMESTAMP - 86_399),
            ("9999-12-31T23:59:59Z", LAST_TIMESTAMP),
            ("0001-01-01T00:00:00Z", -62_135_596_800),
        ] {
            assert_eq!(text.parse(), Ok(Instant(seconds)), "{text}");
        }
        assert_eq!(Instant(1_795_320_000).to_string(), "2026-11-22T04:00:00Z");
        assert_eq!(Instant(i64::MAX).to_string(), "9999-12-31T23:59:59Z");
        for text in [
            "",
            "2026-11-22",
            "2026-11-22 04:00:00Z",
            "2026-11-22T04:00",
            "10000-01-01T00:00:00Z",
        ] {
            assert!(text.parse::<Instant>().is_err(), "{text}");
        }
    }
}

//! Instants, dates and the span in which a license is valid. All UTC; nothing here asks the time.

use std::fmt;

use jiff::SignedDuration;
use jiff::fmt::temporal::Pieces;
use serde::{Deserialize, Serialize};

/// Whole seconds since 1970-01-01T00:00:00Z.
pub type Timestamp = i64;

/// The last second that has a date of four digits: 9999-12-31T23:59:59Z.
pub const LAST_TIMESTAMP: Timestamp = 253_402_300_799;

/// Whether a clock says a time from 1970 to 9999. Others cannot be told, and were set wrongly.
pub fn is_in_calendar(now: Timestamp) -> bool {
    (0..=LAST_TIMESTAMP).contains(&now)
}

/// 0001-01-01T00:00:00Z.
const FIRST: Timestamp = -62_135_596_800;

/// An instant as RFC 3339 has it, in UTC: `2026-11-22T04:00:00Z`; clamped to the years 1 to 9999.
pub fn rfc3339(instant: Timestamp) -> String {
    let epoch = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
    let since = SignedDuration::from_secs(instant.clamp(FIRST, LAST_TIMESTAMP));
    format!("{}Z", epoch.saturating_add(since))
}

/// Reads `2026-11-22T04:00:00Z`, with any offset; fractions of a second are left out. None for anything else
/// and for times after the year 9999. A time zone in brackets is not looked at.
pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    // An instant of jiff's ends some hours before the last date does.
    let pieces = Pieces::parse(text).ok()?;
    let (time, offset) = (pieces.time()?, pieces.to_numeric_offset()?);
    let minutes = i64::from(time.hour()) * 60 + i64::from(time.minute());
    let seconds = minutes * 60 + i64::from(time.second()) - i64::from(offset.seconds());
    let instant = Date(pieces.date()).start() + seconds;
    (instant <= LAST_TIMESTAMP).then_some(instant)
}

/// Seconds in a day; Lictor's days have no leap seconds, as in POSIX time.
pub const SECONDS_PER_DAY: i64 = 86_400;

/// 0001-01-01 and 9999-12-31, in days since 1970-01-01.
const FIRST_DAY: i64 = -719_162;
const LAST_DAY: i64 = 2_932_896;

/// A calendar date, years 1 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date(jiff::civil::Date);

impl Date {
    /// Reads `2027-12-31`, and leniently `2017-7-20`: a four-digit year, then one or two digits
    /// for month and day. None for anything else and for days that do not exist.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let year = digits(parts.next()?, 4, 4)?;
        let month = digits(parts.next()?, 1, 2)?;
        let day = digits(parts.next()?, 1, 2)?;
        if parts.next().is_some() || year == 0 {
            return None;
        }
        let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
        jiff::civil::Date::new(year, month, day).ok().map(Self)
    }

    /// The date on which `instant` falls, in UTC; clamped to the years 1 to 9999.
    pub fn of(instant: Timestamp) -> Self {
        let epoch = jiff::civil::date(1970, 1, 1);
        let days = instant
            .div_euclid(SECONDS_PER_DAY)
            .clamp(FIRST_DAY, LAST_DAY);
        let date = epoch.checked_add(jiff::Span::new().days(days));
        Self(date.unwrap_or(epoch))
    }

    /// 00:00 UTC of this date.
    pub fn start(self) -> Timestamp {
        let epoch = jiff::civil::date(1970, 1, 1);
        let days = self
            .0
            .since(epoch)
            .map_or(0, |span| i64::from(span.get_days()));
        days * SECONDS_PER_DAY
    }

    /// `2027-12`: the calendar month, as usage is counted.
    pub fn month(self) -> String {
        format!("{:04}-{:02}", self.0.year(), self.0.month())
    }
}

fn digits(text: &str, min: usize, max: usize) -> Option<i16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    if plain && (min..=max).contains(&text.len()) {
        text.parse().ok()
    } else {
        None
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

impl TryFrom<String> for Date {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("{text:?} is not a date such as 2027-12-31"))
    }
}

/// When a license is valid: from `begins_at` until `expires_at`, exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// 00:00 UTC of the creation date; the beginning of time where the claim is absent.
    pub begins_at: Timestamp,
    /// 00:00 UTC of the expiration date; the first instant at which it is no longer valid.
    pub expires_at: Timestamp,
}

impl Validity {
    /// Whether the creation date has begun.
    pub fn has_begun(self, now: Timestamp) -> bool {
        self.begins_at <= now
    }

    /// Whether the expiration date has been reached.
    pub fn has_expired(self, now: Timestamp) -> bool {
        self.expires_at <= now
    }

    /// Whether `now` lies within.
    pub fn contains(self, now: Timestamp) -> bool {
        self.has_begun(now) && !self.has_expired(now)
    }

    /// How many dates lie between today and the expiration date: 1 on the last day, 0 once expired.
    pub fn days_left(self, now: Timestamp) -> i64 {
        days_left(self.expires_at, now)
    }
}

/// How many dates lie between today and the date that begins at `expires_at`: 1 on the last day, 0
/// from then on.
pub fn days_left(expires_at: Timestamp, now: Timestamp) -> i64 {
    let seconds = expires_at.saturating_sub(now).max(0);
    seconds.div_euclid(SECONDS_PER_DAY) + i64::from(seconds % SECONDS_PER_DAY > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_leniently_and_nothing_else_is() {
        for (text, start) in [
            ("1970-01-01", 0),
            ("2017-7-20", 1_500_508_800),
            ("2017-07-20", 1_500_508_800),
            ("2024-02-29", 1_709_164_800),
            ("9999-12-31", 253_402_214_400),
            ("0001-01-01", -62_135_596_800),
        ] {
            assert_eq!(Date::parse(text).map(Date::start), Some(start), "{text}");
        }
        for text in [
            "",
            "2017",
            "2017-07",
            "2017-07-20-1",
            "2017-13-01",
            "2023-02-29",
            "0000-01-01",
            "17-07-20",
            "2017-007-20",
            " 2017-07-20",
            "2017-07-20 ",
            "2017/07/20",
            "+201-7-20",
            "2017-7-٢",
            "2017-00-10",
            "2017-07-00",
            "2017-07-32",
            "20170720",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }

    #[test]
    fn times_of_which_the_year_has_four_digits_are_in_the_calendar() {
        let last_day = Date::parse("9999-12-31").expect("a date").start();
        for now in [0, last_day, last_day + SECONDS_PER_DAY - 1] {
            assert!(is_in_calendar(now), "{now}");
        }
        for now in [-1, last_day + SECONDS_PER_DAY, i64::MIN, i64::MAX] {
            assert!(!is_in_calendar(now), "{now}");
        }
    }

    #[test]
    fn every_time_that_is_shown_is_read_back() {
        for (instant, shown) in [
            (FIRST, "0001-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (0, "1970-01-01T00:00:00Z"),
            (1_795_320_000, "2026-11-22T04:00:00Z"),
            (253_402_214_400, "9999-12-31T00:00:00Z"),
            (LAST_TIMESTAMP, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(instant), shown);
            assert_eq!(parse_rfc3339(shown), Some(instant), "{shown}");
        }
        assert_eq!(rfc3339(Timestamp::MAX), "9999-12-31T23:59:59Z");
        assert_eq!(rfc3339(Timestamp::MIN), "0001-01-01T00:00:00Z");
    }

    #[test]
    fn times_are_read_with_any_offset_and_nothing_else_is() {
        for (text, instant) in [
            ("1970-01-01T02:00:00+02:00", 0),
            ("1970-01-01T00:00:00.999Z", 0),
            ("1969-12-31t18:30:00-05:30", 0),
            ("9999-12-31T23:59:59+01:00", LAST_TIMESTAMP - 3_600),
        ] {
            assert_eq!(parse_rfc3339(text), Some(instant), "{text}");
        }
        for text in [
            "",
            "2026-11-22",
            "2026-11-22T04:00:00",
            "2026-11-22T25:00:00Z",
            "2026-02-30T04:00:00Z",
            "2026-11-22T04:00:00Z and more",
            "9999-12-31T23:59:59-00:01",
            "10000-01-01T00:00:00Z",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn a_license_is_valid_up_to_its_last_second() {
        let date = |text| Date::parse(text).expect("a date").start();
        let validity = Validity {
            begins_at: date("2026-01-01"),
            expires_at: date("2026-02-01"),
        };
        assert!(!validity.contains(validity.begins_at - 1));
        assert!(validity.contains(validity.begins_at));
        assert!(validity.contains(validity.expires_at - 1));
        assert!(!validity.contains(validity.expires_at));
        assert_eq!(validity.days_left(validity.expires_at), 0);
        assert_eq!(validity.days_left(validity.expires_at - 1), 1);
        assert_eq!(validity.days_left(validity.begins_at), 31);
        assert_eq!(validity.days_left(validity.begins_at + 1), 31);
        assert_eq!(days_left(validity.expires_at, validity.expires_at + 1), 0);
        assert_eq!(days_left(Timestamp::MIN, Timestamp::MAX), 0);
    }

    #[test]
    fn an_instant_has_a_date_and_a_month() {
        assert_eq!(Date::of(1_709_164_799).to_string(), "2024-02-28");
        assert_eq!(Date::of(1_709_164_800).month(), "2024-02");
        assert_eq!(Date::of(-1).to_string(), "1969-12-31");
        assert_eq!(Date::of(253_402_300_799).to_string(), "9999-12-31");
        assert_eq!(Date::of(i64::MAX).to_string(), "9999-12-31");
        assert_eq!(Date::of(i64::MIN).to_string(), "0001-01-01");
    }
}

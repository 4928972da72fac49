//! Days, moments and spans as people write them: taken where they can be read in one way only, else
//! refused with the form that is meant.

use jiff::Span;
use jiff::tz::TimeZone;
use lictor_core::{Date, Timestamp, time};

/// What a number can be followed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl Unit {
    const ALL: [(Self, &str, &[&str]); 7] = [
        (Self::Second, "s", &["sec", "secs", "second", "seconds"]),
        (Self::Minute, "m", &["min", "mins", "minute", "minutes"]),
        (Self::Hour, "h", &["hr", "hrs", "hour", "hours"]),
        (Self::Day, "d", &["day", "days"]),
        (Self::Week, "w", &["wk", "wks", "week", "weeks"]),
        (Self::Month, "mo", &["mon", "mos", "month", "months"]),
        (Self::Year, "y", &["yr", "yrs", "year", "years"]),
    ];

    /// How many seconds it has. `None` if that is not always the same.
    fn seconds(self) -> Option<i64> {
        match self {
            Self::Second => Some(1),
            Self::Minute => Some(60),
            Self::Hour => Some(3_600),
            Self::Day => Some(86_400),
            Self::Week => Some(604_800),
            Self::Month | Self::Year => None,
        }
    }
}

/// A whole number and its unit, with or without a `+` before.
#[derive(Debug, Clone, Copy)]
struct Amount(i64, Unit);

impl Amount {
    /// Reads it. `None` if the text is something else.
    ///
    /// # Errors
    /// A sentence for the user: it can only mean one thing, and is written otherwise.
    fn read(text: &str) -> Result<Option<Self>, String> {
        let text = text.strip_prefix('+').unwrap_or(text);
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, word) = text.split_at(digits);
        if digits == 0 || word.contains(|letter: char| !letter.is_alphabetic() && letter != ' ') {
            return Ok(None);
        }
        if word.is_empty() {
            let forms = format!("{number}s, {number}m, {number}h or {number}d");
            return Err(format!("name the unit after the number, as in {forms}"));
        }
        if let Some((unit, _, _)) = Unit::ALL.iter().find(|(_, short, _)| *short == word) {
            let number = number.parse().map_err(|_| TOO_LONG.to_owned())?;
            return Ok(Some(Self(number, *unit)));
        }
        // A capital M could be a month's or a minute's.
        let plain = word.trim().to_lowercase();
        let mut all = Unit::ALL.iter().filter(|_| word.trim() != "M");
        match all.find(|(_, short, long)| *short == plain || long.contains(&plain.as_str())) {
            Some((_, short, _)) => Err(format!("write it as {number}{short}")),
            None => Ok(None),
        }
    }

    /// As a step on the calendar.
    fn span(self) -> Result<Span, String> {
        let (number, empty) = (self.0, Span::new());
        let span = match self.1 {
            Unit::Second => empty.try_seconds(number),
            Unit::Minute => empty.try_minutes(number),
            Unit::Hour => empty.try_hours(number),
            Unit::Day => empty.try_days(number),
            Unit::Week => empty.try_weeks(number),
            Unit::Month => empty.try_months(number),
            Unit::Year => empty.try_years(number),
        };
        span.map_err(|_| TOO_LONG.to_owned())
    }
}

const TOO_LONG: &str = "more than there are dates";

/// A day: a date, or some time after another day.
#[derive(Debug, Clone)]
pub(crate) enum Day {
    /// This date.
    On(Date),
    /// As much later.
    After(Span),
}

impl Day {
    /// The date, counted from `start` where it is relative. `None` beyond the year 9999.
    pub(crate) fn from(&self, start: Date) -> Option<Date> {
        match self {
            Self::On(date) => Some(*date),
            Self::After(span) => {
                let start: jiff::civil::Date = start.to_string().parse().ok()?;
                Date::parse(&start.checked_add(*span).ok()?.to_string())
            }
        }
    }
}

/// Reads `2030-01-31`, or a number and `d`, `w`, `mo` or `y`, with or without a `+`.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn day(text: &str) -> Result<Day, String> {
    let text = text.trim();
    if let Some(date) = Date::parse(text) {
        return Ok(Day::On(date));
    }
    match Amount::read(text).unwrap_or_default() {
        Some(Amount(number, Unit::Minute)) => Err(format!(
            "for months write {number}mo; there are d, w, mo and y"
        )),
        Some(Amount(_, Unit::Second | Unit::Hour)) => {
            Err("it ends with a day: there are d, w, mo and y".to_owned())
        }
        Some(amount @ Amount(1.., _)) => amount.span().map(Day::After),
        Some(Amount(..)) | None => Err(no_date(text)),
    }
}

fn no_date(text: &str) -> String {
    let usual = "not a date such as 2030-01-31, or a time such as 30d, 6w, 6mo or 1y";
    if let Err(meant) = Amount::read(text)
        && !text.bytes().all(|byte| byte.is_ascii_digit())
    {
        return meant;
    }
    let date = text.split(['T', ' ']).next().unwrap_or(text);
    let parts: Vec<&str> = date.split(['-', '/', '.']).collect();
    let numbers = parts
        .iter()
        .all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let meant = match parts[..] {
        [year, month, day] if numbers && year.len() == 4 => Some(format!("{year}-{month}-{day}")),
        [day, month, year] if numbers && year.len() == 4 && date.contains('.') => {
            Some(format!("{year}-{month}-{day}"))
        }
        [_, _, year] if numbers && year.len() == 4 => {
            return "write the year first, then the month, as in 2030-01-31".to_owned();
        }
        [all] if numbers && all.len() == 8 => {
            Some(format!("{}-{}-{}", &all[..4], &all[4..6], &all[6..]))
        }
        _ => None,
    };
    match meant.map(|meant| Date::parse(&meant)) {
        Some(Some(date)) => format!("write it as {date}"),
        Some(None) => "there is no such day".to_owned(),
        None => usual.to_owned(),
    }
}

/// A moment: given as such, or by how far it is from now.
#[derive(Debug, Clone)]
pub(crate) enum Moment {
    /// Then.
    At(Timestamp),
    /// So far before or after now.
    Off(Span),
}

impl Moment {
    /// The moment, after `now` where it is relative. `None` beyond the year 9999.
    pub(crate) fn after(&self, now: Timestamp) -> Option<Timestamp> {
        self.off(now, jiff::Zoned::checked_add)
    }

    /// The moment, before `now` where it is relative. `None` before the year -9999.
    pub(crate) fn before(&self, now: Timestamp) -> Option<Timestamp> {
        self.off(now, jiff::Zoned::checked_sub)
    }

    fn off(
        &self,
        now: Timestamp,
        step: impl Fn(&jiff::Zoned, Span) -> Result<jiff::Zoned, jiff::Error>,
    ) -> Option<Timestamp> {
        match self {
            Self::At(then) => Some(*then),
            Self::Off(span) => {
                let now = jiff::Timestamp::from_second(now).ok()?;
                let moved = step(&now.to_zoned(TimeZone::UTC), *span).ok()?;
                Some(moved.timestamp().as_second())
            }
        }
    }
}

/// Reads a number and `s`, `m`, `h`, `d`, `w`, `mo` or `y`, with or without a `+`, a date, of which
/// it is the begin in UTC, or a time such as `2030-01-31T12:00:00Z`.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn moment(text: &str) -> Result<Moment, String> {
    let text = text.trim();
    if let Some(date) = Date::parse(text) {
        return Ok(Moment::At(date.start()));
    }
    if let Some(time) = time::parse_rfc3339(text) {
        return Ok(Moment::At(time));
    }
    if let Some(amount) = Amount::read(text).unwrap_or_default() {
        return amount.span().map(Moment::Off);
    }
    let forms = "use a time such as 12h, 30d, 6mo or 1y, a date such as 2030-01-31, or \
                 2030-01-31T12:00:00Z";
    let why = no_date(text);
    Err(
        match why.starts_with("not a date") || text.contains(['T', ':']) {
            true => forms.to_owned(),
            false => why,
        },
    )
}

/// A moment as the API has it. `None` after the year 9999 or before 1970.
pub(crate) fn instant(moment: Timestamp) -> Option<String> {
    time::is_in_calendar(moment).then(|| time::rfc3339(moment))
}

/// Reads a span that always has the same length, in seconds: a number and `s`, `m`, `h`, `d` or `w`,
/// with or without a `+`.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn span(text: &str) -> Result<i64, String> {
    let Some(Amount(number, unit)) = Amount::read(text.trim())? else {
        return Err(
            "not a time: write a number and s, m, h, d or w, as in 30s, 5m, 12h or 7d".into(),
        );
    };
    let days = match unit {
        Unit::Month => 30,
        Unit::Year => 365,
        _ => 0,
    };
    match unit.seconds() {
        Some(seconds) => number
            .checked_mul(seconds)
            .ok_or_else(|| TOO_LONG.to_owned()),
        None => Err(format!(
            "months and years differ in length: write days, as in {}d",
            number.saturating_mul(days)
        )),
    }
}

/// Reads a span from `least` to `most` seconds; 0 needs no unit. `forms` are those bounds in words,
/// as in `0s to 7d`.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn span_within(text: &str, least: i64, most: i64, forms: &str) -> Result<i64, String> {
    let seconds = if text.trim() == "0" { 0 } else { span(text)? };
    let within = Some(seconds).filter(|seconds| (least..=most).contains(seconds));
    within.ok_or_else(|| format!("{} is not from {forms}", text.trim()))
}

/// Today by the system's clock, in UTC.
pub(crate) fn today() -> Date {
    Date::of(lictor_authority::clock::Clock::System.now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_by_the_calendar() {
        for (start, text, date) in [
            ("2028-02-29", "1y", "2029-02-28"),
            ("2027-01-31", "1mo", "2027-02-28"),
            ("2027-12-31", "+1d", "2028-01-01"),
            ("2027-01-01", "+2w", "2027-01-15"),
            ("2027-01-01", "30d", "2027-01-31"),
            ("2027-01-01", "2030-1-2", "2030-01-02"),
        ] {
            let found = day(text).map(|day| day.from(Date::parse(start).expect("a date")));
            assert_eq!(found.expect(text), Date::parse(date), "{start} {text}");
        }
        let last = Date::parse("9999-12-31").expect("a date");
        assert_eq!(day("1d").expect("a day").from(last), None);
        for (text, said) in [
            ("6m", "6mo"),
            ("12h", "d, w, mo and y"),
            ("1 year", "write it as 1y"),
            ("1Y", "write it as 1y"),
            ("31.01.2030", "2030-01-31"),
            ("2030/01/31", "2030-01-31"),
            ("20300131", "2030-01-31"),
            ("2030-01-31T00:00:00Z", "2030-01-31"),
            ("01/02/2030", "year first"),
            ("2030-02-30", "no such day"),
            ("soon", "not a date"),
            ("0d", "not a date"),
            ("-1d", "not a date"),
            ("1.5y", "not a date"),
            ("", "not a date"),
            ("99999999999999999999d", "more than there are dates"),
            ("9999999y", "more than there are dates"),
        ] {
            let refused = day(text).expect_err(text);
            assert!(refused.contains(said), "{text}: {refused}");
        }
    }

    #[test]
    fn a_moment_is_a_date_a_time_or_how_far_it_is() {
        let now = 86_400 * 365; // 1971-01-01
        for (text, after, before) in [
            ("7d", 604_800, 604_800),
            (" +90s\r\n", 90, 90),
            ("5m", 300, 300),
            ("1mo", 31 * 86_400, 31 * 86_400),
            ("1y", 365 * 86_400, 365 * 86_400),
        ] {
            let moment = moment(text).expect(text);
            assert_eq!(moment.after(now), Some(now + after), "{text}");
            assert_eq!(moment.before(now), Some(now - before), "{text}");
        }
        for (text, at) in [
            ("1970-01-02", 86_400),
            ("1970-01-02T00:00:05Z", 86_405),
            ("1970-01-02T01:00:05+01:00", 86_405),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            let moment = moment(text).expect(text);
            assert_eq!(moment.after(now), Some(at), "{text}");
            assert_eq!(moment.before(now), Some(at), "{text}");
        }
        let far = moment("9000y").expect("a span");
        assert_eq!(far.after(now), None);
        for (text, said) in [
            ("", "30d, 6mo or 1y"),
            ("7", "30d, 6mo or 1y"),
            ("-7d", "30d, 6mo or 1y"),
            ("yesterday", "30d, 6mo or 1y"),
            ("2026-02-30", "no such day"),
            ("31.12.2030", "write it as 2030-12-31"),
            ("2 days", "write it as 2d"),
            ("2026-11-22T04:00", "2030-01-31T12:00:00Z"),
            ("99999999999999999999d", "more than there are dates"),
            ("99999999999d", "more than there are dates"),
        ] {
            let refused = moment(text).expect_err(text);
            assert!(refused.contains(said), "{text}: {refused}");
        }
    }

    #[test]
    fn a_span_has_a_number_and_a_unit_and_blanks_around_are_none_of_it() {
        for (text, seconds) in [
            ("30s", 30),
            ("5m", 300),
            ("12h", 43_200),
            ("7d", 604_800),
            ("2w", 1_209_600),
            ("+1h", 3_600),
            ("1h ", 3_600),
            ("\t1h\r\n", 3_600),
            ("0s", 0),
        ] {
            assert_eq!(span(text), Ok(seconds), "{text:?}");
        }
        for (text, said) in [
            ("30", "30s, 30m, 30h or 30d"),
            ("1 h", "write it as 1h"),
            ("1H", "write it as 1h"),
            ("2 hours", "write it as 2h"),
            ("5min", "write it as 5m"),
            ("1y", "as in 365d"),
            ("6mo", "as in 180d"),
            ("5M", "a number and s, m, h, d or w"),
            ("-1s", "a number and s, m, h, d or w"),
            ("1.5h", "a number and s, m, h, d or w"),
            ("1h30m", "a number and s, m, h, d or w"),
            ("1\u{e9}", "a number and s, m, h, d or w"),
            ("h", "a number and s, m, h, d or w"),
            ("", "a number and s, m, h, d or w"),
            ("99999999999999w", "more than there are"),
            ("99999999999999999999s", "more than there are"),
        ] {
            let refused = span(text).expect_err(text);
            assert!(refused.contains(said), "{text}: {refused}");
        }
        assert_eq!(span_within(" 0 ", 0, 60, "0s to 1m"), Ok(0));
        let refused = span_within("2m", 0, 60, "0s to 1m").expect_err("too long");
        assert_eq!(refused, "2m is not from 0s to 1m");
    }
}

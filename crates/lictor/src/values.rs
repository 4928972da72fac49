//! Numbers and dates as people write them: taken where they can be read in one way only, else
//! refused with the form that is meant.

use jiff::Span;
use lictor_core::Date;
use lictor_core::usage::MAX_COUNT;

/// A day: a date, or some time behind another day.
#[derive(Debug, Clone)]
pub(crate) enum Day {
    /// This date.
    On(Date),
    /// As much later.
    After(Span),
}

impl Day {
    /// The date, counted from `start` where it is relative; none beyond the year 9999.
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
    let relative = text.strip_prefix('+').unwrap_or(text);
    let digits = relative.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = relative.split_at(digits);
    let number: i64 = match number.parse() {
        Ok(number) if (1..=9_999 * 366).contains(&number) => number,
        _ => return Err(no_date(text)),
    };
    let span = match unit {
        "d" => Span::new().try_days(number),
        "w" => Span::new().try_weeks(number),
        "mo" => Span::new().try_months(number),
        "y" => Span::new().try_years(number),
        "m" => {
            return Err(format!(
                "for months write {number}mo; there are d, w, mo and y"
            ));
        }
        _ => return Err(no_date(text)),
    };
    span.map(Day::After)
        .map_err(|_| "more than there are dates".to_owned())
}

fn no_date(text: &str) -> String {
    let usual = "not a date such as 2030-01-31, or a time such as 30d, 6w, 6mo or 1y";
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

/// Reads a whole number from 0 to `most`.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn number(text: &str, most: u64) -> Result<u64, String> {
    let text = text.trim();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number(text) {
        let number = text.parse().ok().filter(|number| *number <= most);
        return number.ok_or_else(|| format!("more than {most}, the most there can be"));
    }
    let groups: Vec<&str> = text
        .split([',', '.', '_', ' ', '\'', '\u{a0}', '\u{202f}'])
        .collect();
    let threes = groups[1..]
        .iter()
        .all(|group| group.len() == 3 && is_number(group));
    if groups.len() > 1 && threes && is_number(groups[0]) && groups[0].len() <= 3 {
        return Err(format!("write it without separators: {}", groups.concat()));
    }
    let last = text
        .chars()
        .next_back()
        .map(|unit| unit.to_ascii_lowercase());
    let zeros = match last {
        Some('k') => "000",
        Some('m') => "000000",
        _ => "",
    };
    let digits = text.trim_end_matches(char::is_alphabetic);
    if !zeros.is_empty() && is_number(digits) && digits.len() + 1 == text.len() {
        return Err(format!("write it out: {digits}{zeros}"));
    }
    if matches!(text.to_lowercase().as_str(), "unlimited" | "any" | "none") {
        return Err("leave the option out for no limit".to_owned());
    }
    Err(format!("not a whole number from 0 to {most}"))
}

/// Reads a count of requests or a fence.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn count(text: &str) -> Result<u64, String> {
    number(text, MAX_COUNT)
}

/// Reads a difference between two counts.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn difference(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix(['-', '\u{2212}']) {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    Ok(sign * i64::try_from(count(digits)?).unwrap_or(i64::MAX))
}

/// Today by the system's clock, in UTC.
pub(crate) fn today() -> Date {
    Date::of(lictor_server::clock::Clock::System.now())
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
            ("99999999999999999999d", "not a date"),
            ("9999999y", "not a date"),
        ] {
            let refused = day(text).expect_err(text);
            assert!(refused.contains(said), "{text}: {refused}");
        }
    }

    #[test]
    fn numbers_have_digits_alone() {
        assert_eq!(number(" 1000 ", 2_000), Ok(1_000));
        for (text, said) in [
            ("1,000", "1000"),
            ("1.000", "1000"),
            ("1_000", "1000"),
            ("1 000 000", "1000000"),
            ("1'000", "1000"),
            ("1k", "1000"),
            ("2M", "2000000"),
            ("2001", "more than 2000"),
            ("99999999999999999999999", "more than"),
            ("unlimited", "leave the option out"),
            ("1.5", "not a whole number"),
            ("-1", "not a whole number"),
            ("", "not a whole number"),
            ("k", "not a whole number"),
        ] {
            let refused = number(text, 2_000).expect_err(text);
            assert!(refused.contains(said), "{text}: {refused}");
        }
    }
}

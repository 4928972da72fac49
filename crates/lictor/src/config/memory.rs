//! The options of `lictor serve` about memory for bodies.

use std::str::FromStr;

use lictor_server::http::budget::Limits;
use serde::Deserialize;

use super::ServeOptions;
use crate::exit::{Failure, Outcome};

const UNITS: [(&str, usize); 2] = [("MB", 1_000_000), ("GB", 1_000_000_000)];

/// An amount of memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Size(pub usize);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = UNITS.iter().find_map(|(unit, bytes)| {
            let number = text.strip_suffix(unit)?;
            let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            let number: usize = number.parse().ok().filter(|_| digits)?;
            number.checked_mul(*bytes)
        });
        let size = found.map(Self);
        size.ok_or_else(|| format!("{text:?} is not a size such as 96MB or 1GB"))
    }
}

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// What the options say, each share in proportion to the sum where it is not given.
///
/// # Errors
/// [`Failure::Usage`] for what is less than the least, and for a share beyond the sum.
pub(super) fn limits(options: &ServeOptions) -> Outcome<Limits> {
    let (usual, least) = (Limits::default(), Limits::LEAST);
    let all = options.body_memory.map_or(usual.all, |size| size.0);
    let share = |given: Option<Size>, usual_share: usize, least: usize| {
        let in_proportion = all / (usual.all / usual_share);
        given.map_or(in_proportion.max(least), |size| size.0)
    };
    let limits = Limits {
        all,
        anonymous: share(
            options.body_memory_anonymous,
            usual.anonymous,
            least.anonymous,
        ),
        organization: share(
            options.body_memory_per_organization,
            usual.organization,
            least.organization,
        ),
        longest_wait: usual.longest_wait,
    };
    for (option, given, least, most) in [
        ("--body-memory", limits.all, least.all, usize::MAX),
        (
            "--body-memory-anonymous",
            limits.anonymous,
            least.anonymous,
            all,
        ),
        (
            "--body-memory-per-organization",
            limits.organization,
            least.organization,
            all,
        ),
    ] {
        if given < least {
            let least = least / 1_000_000;
            return Err(Failure::Usage(format!("{option}: use {least}MB or more")));
        }
        if given > most {
            return Err(Failure::Usage(format!(
                "{option}: it is a share of --body-memory and cannot be more"
            )));
        }
    }
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(all: &str, anonymous: &str, organization: &str) -> Outcome<Limits> {
        let size = |text: &str| text.parse().ok();
        limits(&ServeOptions {
            body_memory: size(all),
            body_memory_anonymous: size(anonymous),
            body_memory_per_organization: size(organization),
            ..ServeOptions::default()
        })
    }

    #[test]
    fn shares_that_are_not_given_follow_the_sum() {
        assert_eq!(sizes("", "", "").ok(), Some(Limits::default()));
        let all = 960_000_000;
        let of = |anonymous, organization| Limits {
            all,
            anonymous,
            organization,
            ..Limits::default()
        };
        assert_eq!(
            sizes("960MB", "", "").ok(),
            Some(of(160_000_000, 240_000_000))
        );
        let given = sizes("960MB", "2MB", "1GB");
        assert!(given.is_err(), "more than the sum");
        assert_eq!(
            sizes("960MB", "2MB", "30MB").ok(),
            Some(of(2_000_000, 30_000_000))
        );
        assert_eq!(
            sizes("32MB", "", "").ok().map(|limits| limits.organization),
            Some(24_000_000)
        );
        for (all, anonymous, organization) in [("31MB", "", ""), ("", "0MB", ""), ("", "", "23MB")]
        {
            assert!(
                sizes(all, anonymous, organization).is_err(),
                "{all} {anonymous} {organization}"
            );
        }
    }

    #[test]
    fn a_size_has_a_unit() {
        assert_eq!("96MB".parse(), Ok(Size(96_000_000)));
        assert_eq!("1GB".parse(), Ok(Size(1_000_000_000)));
        for text in [
            "",
            "96",
            "MB",
            "-1MB",
            "+1MB",
            "1.5GB",
            "96 MB",
            "96mb",
            "99999999999999999999GB",
        ] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }
}

//! The options that set quotas, `--max-…`: one for each that the core knows.

use std::collections::BTreeMap;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use lictor_core::facts::quota::{MAX_LIMIT, Quota};
use lictor_core::whole_number::WholeNumber;

use crate::exit::{Failure, Outcome};
use crate::{output, value_parsers};

/// The limits that were given.
#[derive(Debug, Clone)]
pub(crate) struct Limits(Vec<(Quota, Limit)>);

/// A number, or none for the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limit(Option<u64>);

impl Limits {
    /// The limits by the names of quotas.
    ///
    /// # Errors
    /// None was given, nor anything else.
    pub(crate) fn into_limits(
        self,
        beside_others: bool,
    ) -> Outcome<BTreeMap<String, Option<WholeNumber<u64>>>> {
        if self.0.is_empty() && !beside_others {
            let example = Quota::Accounts.facts();
            return Err(Failure::Usage(format!(
                "say what to set, such as --{} {}; `lictor organization set --help` lists all",
                example.option, example.default
            )));
        }
        let limits = self.0.into_iter();
        let limits =
            limits.map(|(quota, Limit(limit))| (quota.name().to_owned(), limit.map(WholeNumber)));
        Ok(limits.collect())
    }
}

fn option(quota: Quota) -> Arg {
    let facts = quota.facts();
    let default = output::figure(facts.default);
    Arg::new(facts.option)
        .long(facts.option)
        .value_name("NUMBER")
        .value_parser(limit)
        .help(format!(
            "Maximum number of {} [default: {default}]",
            facts.counts
        ))
}

fn limit(text: &str) -> Result<Limit, String> {
    if text.trim() == "default" {
        return Ok(Limit(None));
    }
    let number = value_parsers::number(text, MAX_LIMIT);
    number
        .map(|number| Limit(Some(number)))
        .map_err(|why| format!("{why}, nor the word default"))
}

impl Args for Limits {
    fn augment_args(command: Command) -> Command {
        command.args(Quota::all().map(option))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Limits {
    fn from_arg_matches(given: &ArgMatches) -> Result<Self, clap::Error> {
        let limit = |quota: Quota| {
            let limit: &Limit = given.get_one(quota.facts().option)?;
            Some((quota, *limit))
        };
        Ok(Self(Quota::all().filter_map(limit).collect()))
    }

    fn update_from_arg_matches(&mut self, given: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(given)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_or_the_default() {
        assert_eq!(limit(" 5 "), Ok(Limit(Some(5))));
        assert_eq!(limit("default"), Ok(Limit(None)));
        for text in ["", "-1", "1,000", "9007199254740992", "unlimited"] {
            assert!(limit(text).is_err(), "{text}");
        }
    }
}

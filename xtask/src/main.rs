//! The verbs of `cargo xtask`: reads the command line and calls the verb's file, nothing more.

mod conformance;
mod docs;
mod embedding;
mod packages;
mod test;
mod tidy;

use std::process::ExitCode;

use anyhow::Context;
use lictor_bench as bench;
use lictor_prove::{Experiment, Request};
use lictor_testkit::{Report, RunOutcome, Workspace};

use conformance::Suite;

const USAGE: &str = "\
cargo xtask test
    every check and test, in the order of their cost; installs system packages as root,
    else prints the one line to run and exits 2
cargo xtask tidy
    the rules of the house alone
cargo xtask docs
    writes the tables of docs/ that are made from the rows of operations
cargo xtask embedding
    whether the crates of a node, as cargo packages them, are all that a product needs
cargo xtask conformance kong|jira|zoho|nodes|metrics|framing [--binary FILE]
    the clients of Kong, Jira or Zoho CRM, unmodified; nginx in front of a node; or hostile
    framing, directly and behind nginx and haproxy
cargo xtask prove kill|power|disk|bytes|load|fair|seats|size|counts|node|pools [--count N | --release] [--seed S]
                  [--binary FILE]
    tries to break a promise: a tenth of what a release is proven with, N times, or all of it
cargo xtask prove|conformance NAME --plant FAULT
    the same against a build with that fault in it, which must be found out: exit 1
cargo xtask bench [machine|reads|counts|writes|checkouts|lists|scale|import|starts|signatures|
                   checks|nodes] [--rounds N] [--seconds S] [--accounts N] [--profile ci]
    measures the release build beside named alternatives, 11 rounds of 3 s and 1,000,000 accounts,
    and writes the tables of BENCHMARKS.md anew; with another profile only to try the tables
cargo xtask bench reads|counts|writes|checkouts|checks --against COMMIT [--rounds N] [--seconds S]
                  [--profile ci]
    the working tree beside another commit, 21 rounds under that table's load; writes no table, and
    exits 1 where the upper quartile of the ratios is below 0.98

Without --binary, `lictor` is built first. Exit 0 all passed, 1 something failed, 2 usage.";

/// What the command line asks for.
#[derive(Debug, PartialEq)]
enum Verb {
    Help,
    Test,
    Tidy,
    Docs,
    Embedding,
    Conformance {
        suite: String,
        request: conformance::Request,
    },
    Bench(bench::Request),
    Prove {
        experiment: String,
        request: Request,
    },
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let verb = match parse(&arguments) {
        Ok(verb) => verb,
        Err(reason) => {
            eprintln!("{reason}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(verb) {
        Ok(verdict) => verdict.into(),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(verb: Verb) -> anyhow::Result<RunOutcome> {
    if verb == Verb::Help {
        println!("{USAGE}");
        return Ok(RunOutcome::Passed);
    }
    let workspace = Workspace::find()?;
    let mut report = Report::default();
    match verb {
        Verb::Help => {}
        Verb::Test => return test::run(&workspace),
        Verb::Tidy => report.step("tidy", || tidy::run(&workspace)),
        Verb::Docs => report.step("docs", || docs::run(&workspace)),
        Verb::Embedding => report.step("packages to embed", || embedding::run(&workspace)),
        Verb::Conformance { suite, request } => {
            if !packages::step(&mut report) {
                return Ok(RunOutcome::NotPrepared);
            }
            let found = Suite::named(&suite).context("no such suite")?;
            report.step(&format!("conformance {suite}"), || {
                found.run(&workspace, &request)
            });
        }
        Verb::Bench(request) => {
            if !packages::step_for_bench(&mut report) {
                return Ok(RunOutcome::NotPrepared);
            }
            report.step("bench", || bench::measure(&workspace, &request));
        }
        Verb::Prove {
            experiment,
            request,
        } => {
            if !packages::step(&mut report) {
                return Ok(RunOutcome::NotPrepared);
            }
            let found = Experiment::named(&experiment).context("no such experiment")?;
            report.step(&format!("prove {experiment}"), || {
                found.run(&workspace, &request)
            });
        }
    }
    Ok(report.finish())
}

/// Turns the arguments into a verb; the error is a sentence for the user.
fn parse(arguments: &[String]) -> Result<Verb, String> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["help" | "--help" | "-h"] => Ok(Verb::Help),
        ["test"] => Ok(Verb::Test),
        ["tidy"] => Ok(Verb::Tidy),
        ["docs"] => Ok(Verb::Docs),
        ["embedding"] => Ok(Verb::Embedding),
        ["conformance", name, options @ ..] => {
            let suite = Suite::named(name)
                .ok_or_else(|| format!("there is no conformance to {name} to test"))?;
            Ok(Verb::Conformance {
                suite: suite.name.to_owned(),
                request: conformance::Request::parse(suite, options)?,
            })
        }
        ["bench", options @ ..] => bench::Request::parse(options).map(Verb::Bench),
        ["prove", name, options @ ..] => {
            let experiment = Experiment::named(name)
                .ok_or_else(|| format!("there is nothing named {name} to prove"))?;
            Ok(Verb::Prove {
                experiment: experiment.name.to_owned(),
                request: Request::parse(experiment, options)?,
            })
        }
        [] => Err("which verb?".to_owned()),
        _ => Err(format!("not understood: {}", words.join(" "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Verb, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&words)
    }

    #[test]
    fn each_verb_is_understood() {
        assert_eq!(parsed("test"), Ok(Verb::Test));
        assert_eq!(parsed("docs"), Ok(Verb::Docs));
        assert_eq!(
            parsed("conformance kong"),
            Ok(Verb::Conformance {
                suite: "kong".to_owned(),
                request: conformance::Request::default(),
            })
        );
        let kill = Verb::Prove {
            experiment: "kill".to_owned(),
            request: Request {
                seed: Some(3),
                ..Request::default()
            },
        };
        assert_eq!(parsed("prove kill --seed 3"), Ok(kill));
    }

    #[test]
    fn anything_else_is_refused() {
        for line in [
            "",
            "tests",
            "test now",
            "conformance",
            "conformance nothing",
            "prove",
            "prove nothing",
            "prove kill --count x",
            "bench --against HEAD",
            "bench nodes --against HEAD",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}

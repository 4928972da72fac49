//! `cargo xtask bench [NAME]`: measures the release build beside named alternatives, and writes the tables of BENCHMARKS.md anew.

mod bare;
mod checkouts;
mod checks;
mod contestant;
mod counts;
mod enrolled;
mod fleet;
mod import;
mod lists;
mod load;
mod machine;
mod nodes;
mod postgres;
mod reads;
mod redis;
mod rounds;
mod scale;
mod seated;
mod signatures;
mod starts;
mod stored;
mod writes;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::installation::Installation;
use crate::report::Tally;
use crate::workspace::{Workspace, run};

use self::rounds::Rounds;

const FILE: &str = "BENCHMARKS.md";

/// One table of the file, between two marks that name it.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    measure: fn(&Bench) -> Result<String>,
}

/// All of them, in their order in the file.
pub(crate) const TABLES: [Table; 12] = [
    Table {
        name: "machine",
        measure: machine::describe,
    },
    Table {
        name: "reads",
        measure: reads::measure,
    },
    Table {
        name: "counts",
        measure: counts::measure,
    },
    Table {
        name: "writes",
        measure: writes::measure,
    },
    Table {
        name: "checkouts",
        measure: checkouts::measure,
    },
    Table {
        name: "lists",
        measure: lists::measure,
    },
    Table {
        name: "scale",
        measure: scale::measure,
    },
    Table {
        name: "import",
        measure: import::measure,
    },
    Table {
        name: "starts",
        measure: starts::measure,
    },
    Table {
        name: "signatures",
        measure: signatures::measure,
    },
    Table {
        name: "checks",
        measure: checks::measure,
    },
    Table {
        name: "nodes",
        measure: nodes::measure,
    },
];

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    /// One table; none: all.
    pub(crate) name: Option<&'static str>,
    rounds: Rounds,
    /// How many accounts are many.
    accounts: usize,
    /// How everything is built: as it is released, or sooner for a trial.
    profile: &'static str,
}

/// How a release is built, and what builds sooner.
const PROFILES: [&str; 2] = ["release", "ci"];

/// How many accounts a release is measured with.
const ACCOUNTS: usize = 1_000_000;

/// What every table is measured with.
struct Bench {
    installation: Installation,
    workspace: Workspace,
    scratch: PathBuf,
    rounds: Rounds,
    accounts: usize,
    profile: &'static str,
}

impl Request {
    /// Reads the options; the error is a sentence for the user.
    pub(crate) fn parse(words: &[&str]) -> Result<Self, String> {
        let mut request = Self {
            name: None,
            rounds: Rounds::RELEASE,
            accounts: ACCOUNTS,
            profile: PROFILES[0],
        };
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            if let Some(table) = TABLES.iter().find(|table| table.name == word) {
                request.name = Some(table.name);
                continue;
            }
            let value = words.next();
            if word == "--profile" {
                let known = PROFILES.into_iter().find(|name| value == Some(*name));
                request.profile = known.ok_or("--profile is release or ci")?;
                continue;
            }
            match (word, value.and_then(|value| value.parse().ok())) {
                ("--rounds", Some(count @ 1..)) => request.rounds.count = count,
                ("--accounts", Some(accounts @ 1..)) => request.accounts = accounts,
                ("--seconds", Some(seconds @ 1..)) => request.rounds.seconds = seconds as u64,
                _ => return Err(format!("not understood: {word}")),
            }
        }
        Ok(request)
    }
}

/// Measures what is asked for and writes it down. One passed test per table.
pub(crate) fn measure(workspace: Workspace, request: &Request) -> Result<Tally> {
    let profile = request.profile;
    let binary = workspace.measured_binary(profile)?;
    let bench = ["build", "--package", "lictor-bench", "--profile", profile];
    run(&mut workspace.cargo(&bench))?;
    let scratch = workspace.scratch("bench")?;
    let bench = Bench {
        installation: Installation::create(&binary, &scratch)?,
        scratch: scratch.clone(),
        workspace,
        rounds: request.rounds,
        accounts: request.accounts,
        profile,
    };
    let mut tally = Tally::default();
    for table in &TABLES {
        if request.name.is_none_or(|name| name == table.name) {
            let text = (table.measure)(&bench).with_context(|| table.name)?;
            println!("\n{text}");
            bench.write_down(table.name, &text)?;
            tally.count(true);
        }
    }
    fs::remove_dir_all(scratch)?;
    Ok(tally)
}

impl Bench {
    /// A binary of the package `lictor-bench`.
    fn contestant(&self, name: &str) -> PathBuf {
        self.workspace.target.join(self.profile).join(name)
    }

    /// Puts the table in the place of the one that is there.
    fn write_down(&self, name: &str, table: &str) -> Result<()> {
        let file = self.workspace.root.join(FILE);
        let text = fs::read_to_string(&file)?;
        fs::write(&file, replaced(&text, name, table)?)?;
        Ok(())
    }
}

fn replaced(text: &str, name: &str, table: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- {name} -->\n"), "<!-- end -->");
    let parts = text.split_once(&begin).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(end)?;
        Some((before, after))
    });
    let (before, after) = parts.with_context(|| format!("{FILE} has no place for {name}"))?;
    ensure!(!table.contains(end), "a table cannot hold its own end");
    Ok(format!("{before}{begin}\n{}\n\n{end}{after}", table.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_table_is_replaced() {
        let text = "# A\n<!-- x -->\nold\n<!-- end -->\n<!-- y -->\nkept\n<!-- end -->\n";
        let new = replaced(text, "x", "| new |").unwrap();
        assert_eq!(
            new,
            "# A\n<!-- x -->\n\n| new |\n\n<!-- end -->\n<!-- y -->\nkept\n<!-- end -->\n"
        );
        assert!(replaced(text, "z", "").is_err());
    }

    #[test]
    fn a_table_and_the_rounds_can_be_named() {
        let request = Request::parse(&["reads", "--rounds", "2", "--seconds", "1"]).unwrap();
        assert_eq!(request.name, Some("reads"));
        assert_eq!((request.rounds.count, request.rounds.seconds), (2, 1));
        assert_eq!(request.profile, "release");
        let trial = Request::parse(&["--profile", "ci", "nodes"]).unwrap();
        assert_eq!((trial.name, trial.profile), (Some("nodes"), "ci"));
        for wrong in [
            &["x"][..],
            &["--rounds"],
            &["--rounds", "0"],
            &["--x", "1"],
            &["--profile", "x"],
        ] {
            assert!(Request::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}

//! `cargo xtask bench [NAME]`: measures the release build beside named alternatives, and writes the tables of BENCHMARKS.md anew.

mod bare;
mod checkouts;
mod checks;
mod compare;
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

use anyhow::{Context, Result};
use lictor_testkit::marks::replaced;
use lictor_testkit::programs::run;
use lictor_testkit::{Installation, Tally, Workspace};

use self::compare::Case;
use self::rounds::Rounds;

const FILE: &str = "BENCHMARKS.md";

/// One table of the file, between two marks that name it.
struct Table {
    name: &'static str,
    measure: fn(&Bench) -> Result<String>,
    /// What one build is compared with another by. Empty if the table does not measure one server.
    cases: &'static [Case],
}

/// All of them, in their order in the file.
const TABLES: [Table; 12] = [
    Table {
        name: "machine",
        measure: machine::describe,
        cases: &[],
    },
    Table {
        name: "reads",
        measure: reads::measure,
        cases: &reads::CASES,
    },
    Table {
        name: "counts",
        measure: counts::measure,
        cases: &counts::CASES,
    },
    Table {
        name: "writes",
        measure: writes::measure,
        cases: &writes::CASES,
    },
    Table {
        name: "checkouts",
        measure: checkouts::measure,
        cases: &checkouts::CASES,
    },
    Table {
        name: "lists",
        measure: lists::measure,
        cases: &[],
    },
    Table {
        name: "scale",
        measure: scale::measure,
        cases: &[],
    },
    Table {
        name: "import",
        measure: import::measure,
        cases: &[],
    },
    Table {
        name: "starts",
        measure: starts::measure,
        cases: &[],
    },
    Table {
        name: "signatures",
        measure: signatures::measure,
        cases: &[],
    },
    Table {
        name: "checks",
        measure: checks::measure,
        cases: &checks::CASES,
    },
    Table {
        name: "nodes",
        measure: nodes::measure,
        cases: &[],
    },
];

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// One table. `None` for all.
    name: Option<&'static str>,
    rounds: Rounds,
    /// How many accounts are many.
    accounts: usize,
    /// How everything is built: as it is released, or sooner for a trial.
    profile: &'static str,
    /// The commit that the working tree is compared with, instead of writing a table.
    against: Option<String>,
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
    /// Reads the options.
    ///
    /// # Errors
    /// One is not known; a sentence for the user.
    pub fn parse(words: &[&str]) -> Result<Self, String> {
        let mut request = Self {
            name: None,
            rounds: Rounds::RELEASE,
            accounts: ACCOUNTS,
            profile: PROFILES[0],
            against: None,
        };
        let mut count = None;
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
            if word == "--against" {
                let commit = value.ok_or("--against wants a commit")?;
                request.against = Some(commit.to_owned());
                continue;
            }
            match (word, value.and_then(|value| value.parse().ok())) {
                ("--rounds", Some(given @ 1..)) => count = Some(given),
                ("--accounts", Some(accounts @ 1..)) => request.accounts = accounts,
                ("--seconds", Some(seconds @ 1..)) => request.rounds.seconds = seconds as u64,
                _ => return Err(format!("not understood: {word}")),
            }
        }
        if request.against.is_some() {
            request.rounds.count = compare::ROUNDS;
            if request.table().is_none_or(|table| table.cases.is_empty()) {
                return Err(format!("--against wants one of {}", comparable()));
            }
        }
        request.rounds.count = count.unwrap_or(request.rounds.count);
        Ok(request)
    }

    fn table(&self) -> Option<&'static Table> {
        TABLES.iter().find(|table| Some(table.name) == self.name)
    }

    /// Builds what puts load on servers.
    fn build_loads(&self, workspace: &Workspace) -> Result<()> {
        let profile = self.profile;
        let build = [
            "build",
            "--package",
            "lictor-contestants",
            "--profile",
            profile,
        ];
        run(&mut workspace.cargo(&build))
    }

    fn bench(&self, workspace: &Workspace, installation: Installation, scratch: PathBuf) -> Bench {
        Bench {
            installation,
            workspace: workspace.clone(),
            scratch,
            rounds: self.rounds,
            accounts: self.accounts,
            profile: self.profile,
        }
    }
}

/// The names of the tables that one build can be compared with another by.
fn comparable() -> String {
    let tables = TABLES.iter().filter(|table| !table.cases.is_empty());
    let names: Vec<&str> = tables.map(|table| table.name).collect();
    names.join(", ")
}

/// Measures what is asked for and writes it down, or compares two builds. One passed test per table,
/// or per case of a comparison.
///
/// # Errors
/// Something could not be measured.
pub fn measure(workspace: &Workspace, request: &Request) -> Result<Tally> {
    if let Some(commit) = &request.against {
        return compare::measure(workspace, request, commit);
    }
    let binary = workspace.measured_binary(request.profile)?;
    request.build_loads(workspace)?;
    let scratch = workspace.scratch("bench")?;
    let installation = Installation::create(&binary, &scratch)?;
    let bench = request.bench(workspace, installation, scratch.to_path_buf());
    let mut tally = Tally::default();
    for table in &TABLES {
        if request.name.is_none_or(|name| name == table.name) {
            let text = (table.measure)(&bench).with_context(|| table.name)?;
            println!("\n{text}");
            bench.write_down(table.name, &text)?;
            tally.count(true);
        }
    }
    scratch.remove()?;
    Ok(tally)
}

impl Bench {
    /// A binary of the package `lictor-contestants`.
    fn contestant(&self, name: &str) -> PathBuf {
        self.workspace.target.join(self.profile).join(name)
    }

    /// Puts the table in the place of the one that is there.
    fn write_down(&self, name: &str, table: &str) -> Result<()> {
        let file = self.workspace.root.join(FILE);
        let text = fs::read_to_string(&file)?;
        fs::write(&file, replaced(&text, name, table).context(FILE)?)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_and_the_rounds_can_be_named() {
        let request = Request::parse(&["reads", "--rounds", "2", "--seconds", "1"]).unwrap();
        assert_eq!(request.name, Some("reads"));
        assert_eq!((request.rounds.count, request.rounds.seconds), (2, 1));
        assert_eq!(request.profile, "release");
        let trial = Request::parse(&["--profile", "ci", "nodes"]).unwrap();
        assert_eq!((trial.name, trial.profile), (Some("nodes"), "ci"));
        let compared = Request::parse(&["writes", "--against", "HEAD~1"]).unwrap();
        assert_eq!(compared.against.as_deref(), Some("HEAD~1"));
        assert_eq!((compared.rounds.count, compared.rounds.seconds), (21, 3));
        let words = ["--rounds", "3", "checkouts", "--against", "x"];
        assert_eq!(Request::parse(&words).unwrap().rounds.count, 3);
        for wrong in [
            &["x"][..],
            &["--against", "HEAD"],
            &["machine", "--against", "HEAD"],
            &["reads", "--against"],
            &["--rounds"],
            &["--rounds", "0"],
            &["--x", "1"],
            &["--profile", "x"],
        ] {
            assert!(Request::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}

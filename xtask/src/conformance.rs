//! `cargo xtask conformance NAME`: unmodified clients of others, and hostile bytes, against the real server.

mod clients;
mod framing;
mod jira;
mod kong;
mod metrics;
mod nodes;
mod zoho;

use std::path::PathBuf;

use anyhow::Result;
use lictor_testkit::{Tally, Workspace};

/// What is sent, and how it is judged.
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    /// The faults that can be planted, each of which must turn the suite red.
    faults: &'static [&'static str],
    run: fn(&Workspace, &Subject) -> Result<Tally>,
}

/// All of them.
pub(crate) const SUITES: [Suite; 6] = [
    kong::SUITE,
    jira::SUITE,
    zoho::SUITE,
    nodes::SUITE,
    metrics::SUITE,
    framing::SUITE,
];

/// What the command line asks of a suite.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Request {
    pub(crate) binary: Option<PathBuf>,
    pub(crate) plant: Option<String>,
}

/// The server under test.
struct Subject {
    /// With a planted fault, the build that has the faults in it.
    binary: PathBuf,
    plant: Option<String>,
}

impl Request {
    /// Reads the options; the error is a sentence for the user.
    pub(crate) fn parse(suite: &Suite, options: &[&str]) -> Result<Self, String> {
        let mut request = Self::default();
        for pair in options.chunks(2) {
            match pair {
                ["--binary", file] => request.binary = Some(PathBuf::from(file)),
                ["--plant", fault] if suite.faults.contains(fault) => {
                    request.plant = Some((*fault).to_owned());
                }
                _ => return Err(format!("not understood: {}", pair.join(" "))),
            }
        }
        Ok(request)
    }
}

impl Suite {
    /// Finds a suite by its name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        SUITES.iter().find(|suite| suite.name == name)
    }

    /// Prepares what is asked for and runs it.
    pub(crate) fn run(&self, workspace: &Workspace, request: &Request) -> Result<Tally> {
        let binary = match (&request.binary, &request.plant) {
            (None, Some(_)) => workspace.faulty_binary()?,
            (given, _) => workspace.binary(given.clone())?,
        };
        let subject = Subject {
            binary,
            plant: request.plant.clone(),
        };
        (self.run)(workspace, &subject)
    }
}

impl Subject {
    /// What the server's environment needs so that it shows the planted fault.
    fn environment(&self) -> Vec<(&str, &str)> {
        let fault = self.plant.iter();
        fault
            .map(|fault| ("LICTOR_PLANT", fault.as_str()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_planted_only_where_it_is_found_out() {
        let options = ["--plant", "framing-unchecked", "--binary", "x"];
        let request = Request::parse(&framing::SUITE, &options).unwrap();
        assert_eq!(request.plant.as_deref(), Some("framing-unchecked"));
        assert_eq!(request.binary, Some(PathBuf::from("x")));
        assert!(Request::parse(&kong::SUITE, &options).is_err());
        assert!(Request::parse(&framing::SUITE, &["--binary"]).is_err());
    }
}

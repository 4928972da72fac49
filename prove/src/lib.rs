//! `cargo xtask prove NAME`: experiments that try to break a promise, one file each, and what they have in common.

mod bytes;
mod clock;
mod counts;
mod disk;
mod fair;
mod folder;
mod image;
mod kill;
mod load;
mod node;
mod operator;
mod peer;
mod pools;
mod power;
mod promise;
mod random;
mod seats;
mod size;
mod writers;

use std::path::PathBuf;

use anyhow::Result;
use lictor_testkit::{Tally, Workspace};

/// An experiment, and the promise that it tries to break.
pub struct Experiment {
    /// What it is asked for by.
    pub name: &'static str,
    /// How often a release tries, in the experiment's own unit. CI tries a tenth of that.
    release: u64,
    /// The faults that can be planted, each of which must turn the experiment red.
    faults: &'static [&'static str],
    run: fn(&Workspace, &Trial) -> Result<Tally>,
}

/// All of them, in the order of what they cost.
pub const EXPERIMENTS: [Experiment; 11] = [
    load::EXPERIMENT,
    fair::EXPERIMENT,
    seats::EXPERIMENT,
    size::EXPERIMENT,
    counts::EXPERIMENT,
    node::EXPERIMENT,
    pools::EXPERIMENT,
    kill::EXPERIMENT,
    disk::EXPERIMENT,
    power::EXPERIMENT,
    bytes::EXPERIMENT,
];

/// What the command line asks of an experiment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// How often to try.
    pub count: Count,
    /// What chance begins with. `None` for the process id.
    pub seed: Option<u64>,
    /// The server to test. `None` if it is built.
    pub binary: Option<PathBuf>,
    /// The fault that is planted, and must be found out.
    pub plant: Option<String>,
}

/// How often to try.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Count {
    #[default]
    /// A tenth of a release's, as CI does.
    Tenth,
    /// As often as for a release.
    Release,
    /// So often.
    Times(u64),
}

/// A request with every question answered: what an experiment gets.
pub(crate) struct Trial {
    /// In the experiment's own unit, at least 1.
    pub(crate) count: u64,
    pub(crate) seed: u64,
    /// The server to test. With a planted fault, the build that has the faults in it.
    pub(crate) binary: PathBuf,
    /// One of the experiment's faults. The run must fail then.
    pub(crate) plant: Option<String>,
}

impl Request {
    /// Reads the options.
    ///
    /// # Errors
    /// One is not known, or not of this experiment; a sentence for the user.
    pub fn parse(experiment: &Experiment, options: &[&str]) -> Result<Self, String> {
        let mut request = Self::default();
        let mut words = options.iter().copied();
        while let Some(option) = words.next() {
            if option == "--release" {
                request.count = Count::Release;
                continue;
            }
            let value = words
                .next()
                .ok_or_else(|| format!("not understood: {option}"))?;
            let number = || {
                value
                    .parse()
                    .map_err(|_| format!("{option}: not a number: {value}"))
            };
            match option {
                "--count" => request.count = Count::Times(number()?),
                "--seed" => request.seed = Some(number()?),
                "--binary" => request.binary = Some(PathBuf::from(value)),
                "--plant" if experiment.faults.contains(&value) => {
                    request.plant = Some(value.to_owned());
                }
                "--plant" => {
                    let known = experiment.faults.join(", ");
                    return Err(format!("--plant: {value} is none of {known}"));
                }
                _ => return Err(format!("not understood: {option} {value}")),
            }
        }
        match request.count {
            Count::Times(0) => Err("--count: nothing would be proven".to_owned()),
            _ => Ok(request),
        }
    }
}

impl Experiment {
    /// Finds an experiment by its name.
    pub fn named(name: &str) -> Option<&'static Self> {
        EXPERIMENTS
            .iter()
            .find(|experiment| experiment.name == name)
    }

    /// Prepares what is asked for and runs it.
    ///
    /// # Errors
    /// It could not be tried to the end.
    pub fn run(&self, workspace: &Workspace, request: &Request) -> Result<Tally> {
        let count = match request.count {
            Count::Tenth => self.release.div_ceil(10),
            Count::Release => self.release,
            Count::Times(count) => count,
        };
        let binary = match (&request.binary, &request.plant) {
            (None, Some(_)) => workspace.faulty_binary()?,
            (given, _) => workspace.binary(given.clone())?,
        };
        let trial = Trial {
            count,
            seed: request.seed.unwrap_or(u64::from(std::process::id())),
            binary,
            plant: request.plant.clone(),
        };
        let planted = trial.plant.as_deref().unwrap_or("none");
        let (name, seed) = (self.name, trial.seed);
        println!("prove {name}: count {count}, seed {seed}, planted fault: {planted}");
        (self.run)(workspace, &trial)
    }
}

impl Trial {
    /// What the server's environment needs so that it shows the planted fault.
    pub(crate) fn environment(&self) -> Vec<(&str, &str)> {
        self.plant
            .iter()
            .map(|fault| ("LICTOR_PLANT", fault.as_str()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(options: &[&str]) -> Result<Request, String> {
        Request::parse(&kill::EXPERIMENT, options)
    }

    #[test]
    fn options_may_come_in_any_order() {
        let request = parse(&["--seed", "9", "--plant", "early-ack", "--count", "3"]).unwrap();
        assert_eq!(request.count, Count::Times(3));
        assert_eq!(request.seed, Some(9));
        assert_eq!(request.plant.as_deref(), Some("early-ack"));
        assert_eq!(parse(&["--release"]).unwrap().count, Count::Release);
    }

    #[test]
    fn unknown_options_are_refused() {
        let refused: [&[&str]; 6] = [
            &["--count"],
            &["--count", "0"],
            &["--count", "x"],
            &["--plant", "x"],
            &["--n", "1"],
            &["x"],
        ];
        for options in refused {
            assert!(parse(options).is_err(), "{options:?}");
        }
    }

    #[test]
    fn every_experiment_can_be_shown_red() {
        for experiment in &EXPERIMENTS {
            assert!(!experiment.faults.is_empty(), "{}", experiment.name);
        }
    }
}

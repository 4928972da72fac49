//! The report of a run: a heading and a time for each step, and a table at the end.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

/// How many tests of one step passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many passed.
    pub passed: usize,
    /// How many failed.
    pub failed: usize,
}

impl Tally {
    /// One test that passed.
    pub const ONE: Self = Self {
        passed: 1,
        failed: 0,
    };

    /// Counts one more test.
    pub fn count(&mut self, passed: bool) {
        if passed {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }

    /// Adds the counts of another step.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// How a run ended. It becomes the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    /// All steps passed.
    Passed,
    /// At least one test failed.
    Failed,
    /// The machine lacks something that only its owner can install.
    NotPrepared,
}

impl From<RunOutcome> for ExitCode {
    fn from(verdict: RunOutcome) -> Self {
        match verdict {
            RunOutcome::Passed => Self::SUCCESS,
            RunOutcome::Failed => Self::FAILURE,
            RunOutcome::NotPrepared => Self::from(2),
        }
    }
}

/// The steps so far.
#[derive(Default)]
pub struct Report {
    rows: Vec<(String, Tally, Duration)>,
}

impl Report {
    /// Runs one step and notes the result. A step that fails to run counts as one failure. The next steps run all
    /// the same, so that one run shows everything that is wrong.
    pub fn step(&mut self, name: &str, run: impl FnOnce() -> Result<Tally>) {
        println!("\n=== {name}");
        let started = Instant::now();
        let tally = run().unwrap_or_else(|error| {
            println!("FAIL {name}: {error:#}");
            Tally {
                passed: 0,
                failed: 1,
            }
        });
        let took = started.elapsed();
        println!("--- {name}: {:.1} s", took.as_secs_f64());
        self.rows.push((name.to_owned(), tally, took));
    }

    /// Prints the table and the last line.
    pub fn finish(&self) -> RunOutcome {
        println!(
            "\n{:<28} {:>7} {:>7} {:>9}",
            "step", "passed", "failed", "seconds"
        );
        let mut total = Tally::default();
        for (name, tally, took) in &self.rows {
            let Tally { passed, failed } = tally;
            println!(
                "{name:<28} {passed:>7} {failed:>7} {:>9.1}",
                took.as_secs_f64()
            );
            total.add(*tally);
        }
        println!("\n{} passed, {} failed", total.passed, total.failed);
        if total.failed == 0 {
            RunOutcome::Passed
        } else {
            RunOutcome::Failed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_breaks_is_a_failure() {
        let mut report = Report::default();
        report.step("good", || {
            Ok(Tally {
                passed: 3,
                failed: 0,
            })
        });
        assert_eq!(report.finish(), RunOutcome::Passed);
        report.step("broken", || anyhow::bail!("no"));
        assert_eq!(report.finish(), RunOutcome::Failed);
    }
}

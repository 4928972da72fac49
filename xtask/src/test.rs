//! `cargo xtask test`: every check and test, the cheap ones first.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use lictor_prove::{EXPERIMENTS, Request};
use lictor_testkit::programs::{run as succeed, shown};
use lictor_testkit::{Report, RunOutcome, Tally, Workspace};

use crate::conformance::SUITES;
use crate::{conformance, embedding, packages, tidy};

pub(crate) fn run(workspace: &Workspace) -> Result<RunOutcome> {
    let mut report = Report::default();
    if !packages::step(&mut report) {
        return Ok(RunOutcome::NotPrepared);
    }
    report.step("format", || format(workspace));
    report.step("tidy", || tidy::run(workspace));
    report.step("lock file of the fuzz targets", || fuzz_lock(workspace));
    report.step("clippy", || clippy(workspace));
    report.step("documentation", || documentation(workspace));
    report.step("packages to embed", || embedding::run(workspace));
    report.step("cargo test", || cargo_test(workspace));
    let mut binary = None;
    report.step("build the binary", || {
        binary = Some(workspace.binary(None)?);
        Ok(Tally::ONE)
    });
    let built = || binary.clone().context("there is no binary to test");
    for suite in &SUITES {
        report.step(&format!("conformance {}", suite.name), || {
            let request = conformance::Request {
                binary: Some(built()?),
                plant: None,
            };
            suite.run(workspace, &request)
        });
    }
    for experiment in &EXPERIMENTS {
        report.step(&format!("prove {}", experiment.name), || {
            let request = Request {
                binary: Some(built()?),
                ..Request::default()
            };
            experiment.run(workspace, &request)
        });
    }
    Ok(report.finish())
}

fn format(workspace: &Workspace) -> Result<Tally> {
    component(workspace, "fmt", "rustfmt")?;
    succeed(&mut workspace.cargo(&["fmt", "--all", "--check"])).context("run `cargo fmt --all`")?;
    Ok(Tally::ONE)
}

/// The fuzz targets are a workspace of their own, which is built by the last experiment alone.
fn fuzz_lock(workspace: &Workspace) -> Result<Tally> {
    let manifest = ["--manifest-path", "fuzz/Cargo.toml"];
    let mut read = workspace.cargo(&["metadata", "--locked", "--format-version", "1"]);
    succeed(read.args(manifest).stdout(Stdio::null())).context(
        "run `cargo metadata --manifest-path fuzz/Cargo.toml`, and commit fuzz/Cargo.lock",
    )?;
    Ok(Tally::ONE)
}

/// Under the profile of the tests, so that the C libraries are compiled once for both.
fn clippy(workspace: &Workspace) -> Result<Tally> {
    component(workspace, "clippy", "clippy")?;
    let lint = ["clippy", "--workspace", "--all-targets", "--profile", "ci"];
    succeed(workspace.cargo(&lint).args(["--", "--deny", "warnings"]))?;
    Ok(Tally::ONE)
}

/// Of private items too: few of them are public. A link that leads nowhere is denied in the manifest.
fn documentation(workspace: &Workspace) -> Result<Tally> {
    let document = ["doc", "--workspace", "--no-deps", "--profile", "ci"];
    succeed(workspace.cargo(&document).arg("--document-private-items"))?;
    Ok(Tally::ONE)
}

/// rustup installs both of these by default, but not in its minimal profile.
fn component(workspace: &Workspace, command: &str, name: &str) -> Result<()> {
    let mut version = workspace.cargo(&[command, "--version"]);
    let there = version.stdout(Stdio::null()).status()?.success();
    ensure!(
        there,
        "{name} is not installed: run `rustup component add {name}`"
    );
    Ok(())
}

/// Unit tests, integration tests and doctests of every crate. What cargo prints goes through, and
/// its counts are added up.
fn cargo_test(workspace: &Workspace) -> Result<Tally> {
    let mut command = workspace.cargo(&["test", "--workspace", "--profile", "ci"]);
    command.arg("--no-fail-fast").stdout(Stdio::piped());
    let mut child = command.spawn().with_context(|| shown(&command))?;
    let output = child.stdout.take().context("cargo's output")?;
    let mut tally = Tally::default();
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        tally.add(counted(&line).unwrap_or_default());
    }
    let status = child.wait()?;
    if !status.success() && tally.failed == 0 {
        println!("FAIL cargo test ended with {status}");
        tally.failed = 1;
    }
    ensure!(tally != Tally::default(), "cargo test ran no test");
    Ok(tally)
}

/// Reads `test result: ok. 12 passed; 0 failed; …`.
fn counted(line: &str) -> Option<Tally> {
    let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let mut parts = counts.split("; ");
    let passed = parts.next()?.strip_suffix(" passed")?.parse().ok()?;
    let failed = parts.next()?.strip_suffix(" failed")?.parse().ok()?;
    Some(Tally { passed, failed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_of_cargo_test_are_read() {
        let line =
            "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(
            counted(line),
            Some(Tally {
                passed: 12,
                failed: 3
            })
        );
        assert_eq!(counted("test some::name ... ok"), None);
    }
}

//! The system packages that the tests need: which are missing, and how they get installed.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use lictor_testkit::limits::is_root;
use lictor_testkit::programs::run;
use lictor_testkit::{Report, Tally};

/// Debian's names. Each one is used by a test; the Rust toolchain itself comes from rustup.
const NEEDED: [&str; 21] = [
    // The linker, and the C compiler for SQLite and the TLS library.
    "gcc",
    "libc6-dev",
    // Kong's clients: curl, PyPI's aio-kong, deck, and go-kong with its compiler.
    "ca-certificates",
    "curl",
    "python3",
    "python3-venv",
    "deck",
    "golang-go",
    "golang-github-kong-go-kong-dev",
    // Jira's client in Perl.
    "libjira-rest-perl",
    // The fuzzer's own library.
    "g++",
    // File systems that are cut off, and those who send slowly.
    "xfsprogs",
    "e2fsprogs",
    "slowhttptest",
    // The proxies that stand in front of a server.
    "nginx-light",
    "haproxy",
    // Networks that are cut, and clocks that are turned.
    "iproute2",
    "nftables",
    "faketime",
    // What the walks of the documentation read answers with.
    "jq",
    // What reads the metrics.
    "prometheus",
];

/// What `bench` needs: the load, and what the server is measured against.
const NEEDED_TO_MEASURE: [&str; 6] = [
    "gcc",
    "libc6-dev",
    "wrk",
    "nginx-light",
    "postgresql",
    "redis-server",
];

/// Whether the machine is ready.
#[derive(Debug, PartialEq)]
enum Packages {
    Ready,
    /// Only root may install; this is the line to run.
    Run(String),
}

/// The first step of what needs the packages. False when only root could go on; the user has read
/// the line to run by then.
pub(crate) fn step(report: &mut Report) -> bool {
    step_for(report, &NEEDED)
}

/// The same for the measurements.
pub(crate) fn step_for_bench(report: &mut Report) -> bool {
    step_for(report, &NEEDED_TO_MEASURE)
}

fn step_for(report: &mut Report, needed: &[&'static str]) -> bool {
    let mut ready = true;
    report.step("system packages", || {
        if let Packages::Run(line) = ensure_installed(needed)? {
            println!("Packages are missing. Run this line, then this command again:\n\n{line}\n");
            ready = false;
        }
        Ok(Tally::ONE)
    });
    ready
}

/// Installs what is missing when run by root; else says what to run.
fn ensure_installed(needed: &[&'static str]) -> Result<Packages> {
    let missing: Vec<&str> = needed
        .iter()
        .copied()
        .filter(|package| !installed(package))
        .collect();
    if missing.is_empty() {
        println!("all {} system packages are here", needed.len());
        return Ok(Packages::Ready);
    }
    ensure!(
        Path::new("/usr/bin/apt-get").exists(),
        "this needs Debian or Ubuntu: no apt-get here"
    );
    if !is_root()? {
        return Ok(Packages::Run(line(&missing)));
    }
    println!("installing {}", missing.join(" "));
    apt_get(&["update"])?;
    let mut install = vec!["install", "--yes", "--no-install-recommends"];
    install.extend(&missing);
    apt_get(&install).context("Debian 12 has every package that the tests need")?;
    for package in missing {
        ensure!(
            installed(package),
            "{package} is still missing after apt-get installed it"
        );
    }
    Ok(Packages::Ready)
}

fn line(missing: &[&str]) -> String {
    format!(
        "sudo apt-get update && sudo apt-get install --yes --no-install-recommends {}",
        missing.join(" ")
    )
}

fn installed(package: &str) -> bool {
    let output = Command::new("dpkg-query")
        .args(["--show", "--showformat", "${db:Status-Status}", package])
        .stderr(Stdio::null())
        .output();
    output.is_ok_and(|output| output.status.success() && output.stdout == b"installed")
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command
        .args(["--quiet", "--option", "Dpkg::Use-Pty=0"])
        .args(arguments);
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null());
    run(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_that_does_not_exist_is_not_installed() {
        assert!(!installed("no-such-package-as-this"));
    }

    #[test]
    fn the_line_to_run_is_one_line_with_every_package() {
        let line = line(&["deck", "curl"]);
        assert!(
            line.ends_with(" deck curl") && !line.contains('\n'),
            "{line}"
        );
    }
}

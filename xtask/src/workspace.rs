//! Where things are: the root of the repository, cargo's target directory, the built server.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// The repository this runs in.
#[derive(Clone)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// Cargo's target directory, wherever the user keeps it.
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// Asks cargo, which knows about `CARGO_TARGET_DIR` and its own configuration files.
    pub(crate) fn find() -> Result<Self> {
        let output = cargo()
            .args(["metadata", "--format-version", "1", "--no-deps"])
            .stderr(Stdio::inherit())
            .output()
            .context("running cargo metadata")?;
        ensure!(output.status.success(), "cargo metadata failed");
        let metadata: Value = serde_json::from_slice(&output.stdout)?;
        let path = |name: &str| match metadata[name].as_str() {
            Some(path) => Ok(PathBuf::from(path)),
            None => bail!("cargo metadata names no {name}"),
        };
        Ok(Self {
            root: path("workspace_root")?,
            target: path("target_directory")?,
        })
    }

    /// A cargo command in the root.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo();
        command.args(arguments).current_dir(&self.root);
        command
    }

    /// The server to test: the one given, else built here as it is built for CI.
    pub(crate) fn binary(&self, given: Option<PathBuf>) -> Result<PathBuf> {
        match given {
            Some(file) => Ok(std::path::absolute(file)?),
            None => self.build("lictor", &[]),
        }
    }

    /// The server with its planted faults and the points at which it can be ended.
    pub(crate) fn faulty_binary(&self) -> Result<PathBuf> {
        let features = ["--features", "planted-faults"];
        self.build("lictor-with-planted-faults", &features)
    }

    /// The server for measurements, which are made of the profile `release`.
    pub(crate) fn measured_binary(&self, profile: &str) -> Result<PathBuf> {
        self.build_as(profile, &format!("lictor-{profile}"), &[])
    }

    /// The same with the planted faults.
    pub(crate) fn faulty_release(&self) -> Result<PathBuf> {
        let features = ["--features", "planted-faults"];
        self.build_as("release", "lictor-release-with-planted-faults", &features)
    }

    /// Builds the server and copies it to a name of its own, which the next build leaves alone.
    fn build(&self, name: &str, features: &[&str]) -> Result<PathBuf> {
        self.build_as("ci", name, features)
    }

    fn build_as(&self, profile: &str, name: &str, features: &[&str]) -> Result<PathBuf> {
        let mut build = self.cargo(&["build", "--package", "lictor", "--profile", profile]);
        build.args(features);
        run(&mut build)?;
        let folder = self.target.join("xtask");
        std::fs::create_dir_all(&folder)?;
        let (copy, named) = (folder.join(format!("{name}.new")), folder.join(name));
        std::fs::copy(self.target.join(profile).join("lictor"), &copy)?;
        std::fs::rename(copy, &named)?;
        Ok(named)
    }

    /// A fresh, empty folder for one run. Runs beside each other do not share it.
    pub(crate) fn scratch(&self, name: &str) -> Result<PathBuf> {
        let folder = self
            .target
            .join("xtask")
            .join(format!("{name}-{}", std::process::id()));
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(folder)
    }
}

fn cargo() -> Command {
    Command::new(
        std::env::var_os("CARGO")
            .as_deref()
            .unwrap_or(OsStr::new("cargo")),
    )
}

/// Runs a command whose output the user sees; anything but success is an error that shows it.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| shown(command))?;
    ensure!(status.success(), "{} ended with {status}", shown(command));
    Ok(())
}

/// A command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

//! Where things are: the root of the repository, cargo's target directory, the built server.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::programs::run;
use crate::scratch::Scratch;

/// The repository this runs in.
#[derive(Clone)]
pub struct Workspace {
    /// Where the manifest of the workspace is.
    pub root: PathBuf,
    /// Cargo's target directory, wherever the user keeps it.
    pub target: PathBuf,
}

impl Workspace {
    /// Asks cargo, which knows about `CARGO_TARGET_DIR` and its own configuration files.
    ///
    /// # Errors
    /// Cargo does not tell.
    pub fn find() -> Result<Self> {
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
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo();
        command.args(arguments).current_dir(&self.root);
        command
    }

    /// The server to test: the one given, else built here as it is built for CI.
    ///
    /// # Errors
    /// It cannot be built.
    pub fn binary(&self, given: Option<PathBuf>) -> Result<PathBuf> {
        match given {
            Some(file) => Ok(std::path::absolute(file)?),
            None => self.build("lictor", &[]),
        }
    }

    /// The server with its planted faults and the points at which it can be ended.
    ///
    /// # Errors
    /// It cannot be built.
    pub fn faulty_binary(&self) -> Result<PathBuf> {
        let features = ["--features", "planted-faults"];
        self.build("lictor-with-planted-faults", &features)
    }

    /// The server for measurements, which are made of the profile `release`.
    ///
    /// # Errors
    /// It cannot be built.
    pub fn measured_binary(&self, profile: &str) -> Result<PathBuf> {
        self.build_as(profile, &format!("lictor-{profile}"), &[])
    }

    /// The same with the planted faults.
    pub fn faulty_release(&self) -> Result<PathBuf> {
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
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn scratch(&self, name: &str) -> Result<Scratch> {
        let name = format!("{name}-{}", std::process::id());
        Scratch::at(self.target.join("xtask").join(name))
    }
}

fn cargo() -> Command {
    Command::new(
        std::env::var_os("CARGO")
            .as_deref()
            .unwrap_or(OsStr::new("cargo")),
    )
}

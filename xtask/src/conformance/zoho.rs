//! `cargo xtask conformance zoho`: installs Zoho CRM's SDKs, and runs the cases once with each, against a
//! server of its own that starts empty.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use lictor_testkit::{Installation, OPERATOR, Tally, Workspace};

use super::clients::{self, path_with, script};
use super::{Subject, Suite};

pub(super) const SUITE: Suite = Suite {
    name: "zoho",
    faults: &[],
    run,
};

/// Runs both SDKs, and libraries of OAuth 2.0. One that cannot be installed is an error, never a skip.
fn run(workspace: &Workspace, subject: &Subject) -> Result<Tally> {
    let cases = workspace.root.join("conformance").join("zoho");
    let tools = workspace.target.join("conformance");
    fs::create_dir_all(&tools)?;
    let programs = clients::python(&tools, "zoho-python", &cases)?;
    let modules = clients::node(&tools, "zoho-node", &cases, &programs)?;
    let scratch = workspace.scratch("conformance")?;
    let installation = Installation::create(&subject.binary, &scratch)?;
    let mut tally = Tally::default();
    for (sdk, name, file) in [
        ("python", "zohocrmsdk7-0", "cases.py"),
        ("node", "@zohocrm/nodejs-sdk-7.0", "cases.py"),
        ("basic", "Authlib and simple-oauth2", "authlib_basic.py"),
    ] {
        println!("\n{name}");
        let mut command = script(&programs.join("python"), &cases.join(file));
        command
            .env("LICTOR_SDK", sdk)
            .env("LICTOR_NODE_MODULES", modules.join("node_modules"))
            .env("PATH", path_with(&programs)?);
        tally.add(run_sdk(&installation, &scratch.join(sdk), name, command)?);
    }
    scratch.end(tally)
}

/// Starts a server on a fresh folder, and runs the cases with one SDK. They fill it by the commands
/// that an operator would use, which find it in their environment.
fn run_sdk(
    installation: &Installation,
    folder: &Path,
    name: &str,
    mut command: Command,
) -> Result<Tally> {
    fs::create_dir(folder)?;
    let server = installation.serve(&folder.join("data"), &[])?;
    command
        .env("LICTOR_URL", server.base())
        .env("LICTOR_TOKEN", OPERATOR)
        .env("LICTOR_KEY", installation.folder.join("vendor.key"))
        .env("LICTOR_BINARY", &installation.binary)
        .env("LICTOR_SCRATCH", folder);
    clients::run(name, command)
}

//! `cargo xtask embedding`: a product outside of this workspace, built with the crates of a node as cargo packages them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use lictor_testkit::programs::run as succeed;
use lictor_testkit::{Tally, Workspace};

/// The crates that a product embeds a node by, the first ones before those that need them.
const PACKAGED: [&str; 2] = ["lictor-core", "lictor-node"];

/// Packages them, and has a product checked that has nothing of ours but what is in the packages: as the
/// crates are published one after the other, only that shows whether anything is missing from one.
pub(crate) fn run(workspace: &Workspace) -> Result<Tally> {
    // Below the target directory, so that what it has built of other people's crates is built once.
    let scratch = workspace.scratch("embedding")?;
    let mut package = workspace.cargo(&["package", "--no-verify", "--allow-dirty", "--quiet"]);
    package.args(PACKAGED.iter().flat_map(|name| ["--package", name]));
    succeed(package.arg("--target-dir").arg(&*scratch))?;
    for name in PACKAGED {
        unpack(&scratch, name)?;
    }
    let product = product(workspace, &scratch)?;
    let mut check = product_cargo(workspace, &product, "check");
    succeed(check.args(["--offline", "--quiet", "--profile", "ci"]))?;
    let ours = ours(workspace, &product)?;
    ensure!(
        ours == PACKAGED,
        "an embedder gets {ours:?} of this workspace, and is to get {PACKAGED:?} alone"
    );
    scratch.end(Tally::ONE)
}

/// Puts the files of a package into a folder of its name.
fn unpack(scratch: &Path, name: &str) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let file = ["package", "package/tmp-crate"]
        .map(|folder| scratch.join(folder).join(format!("{name}-{version}.crate")));
    let file = file.iter().find(|file| file.exists());
    let file = file.with_context(|| format!("there is no package of {name}"))?;
    succeed(
        Command::new("tar")
            .arg("-xzf")
            .arg(file)
            .arg("-C")
            .arg(scratch),
    )?;
    fs::rename(
        scratch.join(format!("{name}-{version}")),
        scratch.join(name),
    )?;
    Ok(())
}

/// A product that embeds a node, as the example of the package does.
fn product(workspace: &Workspace, scratch: &Path) -> Result<std::path::PathBuf> {
    let product = scratch.join("product");
    fs::create_dir_all(product.join("src"))?;
    let manifest = fs::read_to_string(workspace.root.join("Cargo.toml"))?;
    // The profile as it is here, so that nothing is built twice.
    let profile = manifest
        .split("\n\n")
        .filter_map(|part| part.find("[profile.ci]").map(|at| &part[at..]))
        .next();
    let profile = profile.context("no profile ci")?;
    fs::write(
        product.join("Cargo.toml"),
        format!(
            "[package]\nname = \"product\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n\
             [dependencies]\nlictor-node = {{ path = \"../lictor-node\" }}\n\n\
             [patch.crates-io]\nlictor-core = {{ path = \"../lictor-core\" }}\n\n\
             [workspace]\n\n{profile}\n"
        ),
    )?;
    fs::copy(
        workspace.root.join("Cargo.lock"),
        product.join("Cargo.lock"),
    )?;
    let example = scratch.join("lictor-node/examples/blocking.rs");
    fs::copy(example, product.join("src/main.rs")).context("the example is not in the package")?;
    Ok(product)
}

fn product_cargo(workspace: &Workspace, product: &Path, verb: &str) -> Command {
    let mut command = workspace.cargo(&[verb]);
    command.current_dir(product);
    command.env("CARGO_TARGET_DIR", &workspace.target);
    command
}

/// The crates of this workspace that the product is built of.
fn ours(workspace: &Workspace, product: &Path) -> Result<Vec<String>> {
    let mut tree = product_cargo(workspace, product, "tree");
    tree.args([
        "--offline",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{lib}",
    ]);
    let output = tree.stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "cargo tree failed");
    let text = String::from_utf8(output.stdout)?;
    let libs = text.lines().filter(|lib| lib.starts_with("lictor"));
    let mut ours: Vec<_> = libs.map(|lib| lib.replace('_', "-")).collect();
    ours.sort_unstable();
    ours.dedup();
    Ok(ours)
}

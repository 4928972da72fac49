//! `cargo xtask conformance kong`: installs Kong's clients and runs each against a server of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use lictor_testkit::programs::run as succeed;
use lictor_testkit::{Installation, OPERATOR, Tally, Workspace};

use super::clients::{self, PYTHON, script};
use super::{Subject, Suite};

/// The Go package under test, as its path ends in Debian's source tree.
const GO_PACKAGE: &str = "/src/github.com/kong/go-kong";

pub(super) const SUITE: Suite = Suite {
    name: "kong",
    faults: &[],
    run,
};

/// Runs all four clients. One that cannot be installed is an error, never a skip.
fn run(workspace: &Workspace, subject: &Subject) -> Result<Tally> {
    let cases = workspace.root.join("conformance").join("kong");
    let tools = workspace.target.join("conformance");
    fs::create_dir_all(&tools)?;
    let scratch = workspace.scratch("conformance")?;
    let installation = Installation::create(&subject.binary, &scratch)?;
    write_documents(&installation)?;

    let mut tally = Tally::default();
    let python = Path::new(PYTHON);
    let mut client = |name: &str, command: Result<Command>| {
        println!("\n{name}");
        let result = command.and_then(|command| run_client(&installation, name, command));
        tally.add(result.unwrap_or_else(|error| {
            println!("FAIL {name}: {error:#}");
            Tally {
                passed: 0,
                failed: 1,
            }
        }));
    };
    client("curl", Ok(script(python, &cases.join("curl.py"))));
    client(
        "aio-kong",
        clients::python(&tools, "python", &cases)
            .map(|programs| script(&programs.join("python"), &cases.join("aio_kong.py"))),
    );
    client("deck", Ok(script(python, &cases.join("deck.py"))));
    client("go-kong", go_kong(&tools, &cases));
    scratch.end(tally)
}

/// The documents that every client sends, signed by `license issue`; `special` needs escaping in
/// forms, `tampered` was changed after it was signed.
fn write_documents(installation: &Installation) -> Result<()> {
    let folder = installation.folder.join("licenses");
    fs::create_dir(&folder)?;
    let documents = [
        ("first", "First Customer", "2025-01-01", "2099-12-31"),
        ("second", "Second Customer", "2025-01-01", "2099-12-31"),
        (
            "special",
            "Müller & Söhne + Co; 100% \"x\"=y",
            "2025-01-01",
            "2099-12-31",
        ),
        ("expired", "Late Customer", "2019-01-01", "2020-01-01"),
    ];
    for (name, customer, created, expires) in documents {
        let document = installation.issue(customer, created, expires)?;
        ensure!(
            document.contains("\"license\""),
            "license issue printed no document: {document}"
        );
        fs::write(folder.join(format!("{name}.json")), document)?;
    }
    let signed = fs::read_to_string(folder.join("first.json"))?;
    let tampered = signed.replace("First Customer", "Worst Customer");
    ensure!(
        tampered != signed,
        "the document does not hold the customer's name"
    );
    fs::write(folder.join("tampered.json"), tampered)?;
    Ok(())
}

/// Starts a server on a fresh folder, runs one client to its end and counts its lines.
fn run_client(installation: &Installation, name: &str, mut command: Command) -> Result<Tally> {
    let folder = installation.folder.join(name);
    fs::create_dir(&folder)?;
    let server = installation.serve(&folder.join("data"), &[])?;
    command
        .env("LICTOR_BASE", server.base())
        .env("LICTOR_TOKEN", OPERATOR);
    command.env("LICTOR_LICENSES", installation.folder.join("licenses"));
    command.env("LICTOR_SCRATCH", &folder);
    clients::run(name, command)
}

/// Built without modules, from the sources that Debian installs.
fn go_kong(tools: &Path, cases: &Path) -> Result<Command> {
    let program = tools.join("go_kong");
    let debian = debian_go_path()?;
    let path = std::env::join_paths([tools.join("go").as_path(), &debian])?;
    let mut build = Command::new("go");
    build
        .args(["build", "-o"])
        .arg(&program)
        .arg(cases.join("go_kong").join("main.go"));
    build
        .env("GO111MODULE", "off")
        .env("GOPATH", path)
        .env("GOFLAGS", "");
    succeed(build.env("GOCACHE", tools.join("go-cache")))?;
    Ok(Command::new(program))
}

/// The folder that Debian's Go packages share, as dpkg knows it.
fn debian_go_path() -> Result<PathBuf> {
    let mut list = Command::new("dpkg");
    let output = list
        .args(["--listfiles", "golang-github-kong-go-kong-dev"])
        .output()?;
    ensure!(
        output.status.success(),
        "golang-github-kong-go-kong-dev is not installed"
    );
    let files = String::from_utf8(output.stdout)?;
    let path = files.lines().find_map(|file| file.strip_suffix(GO_PACKAGE));
    Ok(PathBuf::from(
        path.context("Debian's go-kong package holds no go-kong")?,
    ))
}
